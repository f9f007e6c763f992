//! Curves, leaderboards and comparisons over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Query, State};
use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{RunRow, names, row};
use crate::number::to_json;
use crate::service::Runs;
use crate::service::chart::Axis;
use crate::service::leaderboard::{Best, Leader};

/// Runs that can be compared at once.
const COMPARED: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Runs> {
    OpenApiRouter::new().routes(routes!(chart)).routes(routes!(leaderboard)).routes(routes!(compare))
}

/// Which curves are asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChartRequest {
    /// At most 100.
    run_ids: Vec<String>,
    /// The metric.
    key: String,
    #[serde(default)]
    axis: Axis,
    /// Where on the axis to begin.
    #[serde(default)]
    from: Option<f64>,
    /// Where on the axis to end.
    #[serde(default)]
    to: Option<f64>,
    /// Pieces a curve at most; 800 by default.
    #[serde(default)]
    points: Option<usize>,
}

/// Curves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ChartAnswer {
    series: Vec<Series>,
}

/// A run's curve: of each piece where it begins, and its least, most and last value. NaN as the text `NaN`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Series {
    run_id: String,
    /// How many measurements it was made of.
    total: usize,
    x: Vec<f64>,
    #[schema(value_type = Vec<f64>)]
    least: Vec<Value>,
    #[schema(value_type = Vec<f64>)]
    most: Vec<Value>,
    #[schema(value_type = Vec<f64>)]
    last: Vec<Value>,
}

/// Shows a metric's curves in some runs, each cut into as many pieces as are asked for.
#[utoipa::path(post, path = "/api/v1/runs/chart", tag = "runs", request_body = ChartRequest, responses((status = 200, body = ChartAnswer)))]
async fn chart(State(runs): State<Runs>, Json(asked): Json<ChartRequest>) -> Result<Json<ChartAnswer>> {
    let ids = asked.run_ids.clone();
    let pieces = asked.points.unwrap_or(800);
    let curves = runs.curves(asked.run_ids, &asked.key, asked.axis, (asked.from, asked.to), pieces).await?;
    let values = |values: Vec<f64>| values.into_iter().map(to_json).collect();
    let series = ids
        .into_iter()
        .zip(curves)
        .map(|(run_id, curve)| Series {
            run_id,
            total: curve.total,
            x: curve.x,
            least: values(curve.least),
            most: values(curve.most),
            last: values(curve.last),
        })
        .collect();
    Ok(Json(ChartAnswer { series }))
}

/// Which leaderboard is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LeaderboardQuery {
    /// The metric.
    metric: String,
    /// `min`, `max` or `last`: which value of a run counts, and with `min` the smallest leads.
    #[param(value_type = String)]
    by: Option<Best>,
    /// Names or numbers, comma-separated; all experiments without it.
    experiments: Option<String>,
    /// A filter of runs.
    filter: Option<String>,
    /// Rows; 50 by default, at most 1,000.
    limit: Option<usize>,
}

/// A leaderboard.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LeaderboardAnswer {
    rows: Vec<LeaderRow>,
}

/// A run's place.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LeaderRow {
    rank: usize,
    run_id: String,
    name: String,
    experiment: String,
    value: f64,
    /// The step at which it had the value.
    step: i64,
    start_ms: i64,
    params: BTreeMap<String, String>,
}

/// Ranks runs by the best, or the last, value of a metric.
#[utoipa::path(get, path = "/api/v1/leaderboard", tag = "runs", params(LeaderboardQuery), responses((status = 200, body = LeaderboardAnswer)))]
async fn leaderboard(
    State(runs): State<Runs>,
    Query(asked): Query<LeaderboardQuery>,
) -> Result<Json<LeaderboardAnswer>> {
    let experiments = super::listed(asked.experiments.as_deref());
    let limit = asked.limit.unwrap_or(50).clamp(1, 1000);
    let leaders = runs
        .leaderboard(
            &asked.metric,
            asked.by.unwrap_or_default(),
            &experiments,
            &asked.filter.unwrap_or_default(),
            limit,
        )
        .await?;
    let found: Vec<_> = leaders.iter().map(|leader| leader.run.clone()).collect();
    let names = names(&runs, &found).await?;
    let rows = leaders
        .into_iter()
        .enumerate()
        .map(|(place, Leader { run, value, step })| LeaderRow {
            rank: place + 1,
            name: run.info.run_name,
            experiment: names.get(&run.info.experiment_id).cloned().unwrap_or_default(),
            run_id: run.info.run_id,
            value,
            step,
            start_ms: run.info.start_time,
            params: run.data.params.into_iter().map(|param| (param.key, param.value)).collect(),
        })
        .collect();
    Ok(Json(LeaderboardAnswer { rows }))
}

/// Which runs are compared.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CompareRequest {
    /// 2 to 100.
    run_ids: Vec<String>,
}

/// Runs side by side.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CompareAnswer {
    runs: Vec<RunRow>,
    params: Vec<ComparedText>,
    tags: Vec<ComparedText>,
    metrics: Vec<ComparedMetric>,
}

/// A parameter or tag in each of the runs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ComparedText {
    key: String,
    values: Vec<Option<String>>,
    /// Whether it is the same in all.
    same: bool,
}

/// A metric in each of the runs; null where there is none.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ComparedMetric {
    key: String,
    last: Vec<Option<Value>>,
    least: Vec<Option<f64>>,
    most: Vec<Option<f64>>,
    /// Whether the last value is the same in all.
    same: bool,
}

/// Puts runs side by side, and says in what they are the same.
#[utoipa::path(post, path = "/api/v1/runs/compare", tag = "runs", request_body = CompareRequest, responses((status = 200, body = CompareAnswer)))]
async fn compare(State(runs): State<Runs>, Json(asked): Json<CompareRequest>) -> Result<Json<CompareAnswer>> {
    if !(2..=COMPARED).contains(&asked.run_ids.len()) {
        return Err(Error::invalid(format!("2 to {COMPARED} runs can be compared"))
            .why(format!("{} were named", asked.run_ids.len()))
            .hint("select some runs in the table of runs"));
    }
    let mut found = Vec::with_capacity(asked.run_ids.len());
    let mut summaries = Vec::with_capacity(asked.run_ids.len());
    for id in &asked.run_ids {
        let id = runs.expand_run_id(id).await?;
        found.push(runs.get_run(&id).await?);
        summaries.push(runs.metric_ranges(&id).await?);
    }
    let names = names(&runs, &found).await?;
    let rows: Vec<RunRow> = found.iter().map(|run| row(run, &names)).collect();
    let keys = |of: fn(&RunRow) -> &BTreeMap<String, String>| -> BTreeSet<String> {
        rows.iter().flat_map(|row| of(row).keys().cloned()).collect()
    };
    let texts = |of: fn(&RunRow) -> &BTreeMap<String, String>| {
        keys(of)
            .into_iter()
            .map(|key| {
                let values: Vec<_> = rows.iter().map(|row| of(row).get(&key).cloned()).collect();
                ComparedText { same: values.windows(2).all(|pair| pair[0] == pair[1]), key, values }
            })
            .collect()
    };
    let metric_keys: BTreeSet<String> = rows.iter().flat_map(|row| row.metrics.keys().cloned()).collect();
    let metrics = metric_keys
        .into_iter()
        .map(|key| {
            let last: Vec<_> = rows.iter().map(|row| row.metrics.get(&key).cloned()).collect();
            let range = |place: usize| {
                summaries.iter().map(|ranges| ranges.get(&key).map(|range| range[place])).collect()
            };
            ComparedMetric {
                same: last.windows(2).all(|pair| pair[0] == pair[1]),
                least: range(0),
                most: range(1),
                key,
                last,
            }
        })
        .collect();
    let (params, tags) = (texts(|row| &row.params), texts(|row| &row.tags));
    Ok(Json(CompareAnswer { params, tags, metrics, runs: rows }))
}
