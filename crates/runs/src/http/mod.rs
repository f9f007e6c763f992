//! Our own routes, under `/api/v1`, and MLflow's beside them.

mod chart;
mod experiments;
mod import;
mod table;

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use ropewalk_core::page::Paged;
use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{Experiment, FileInfo, Metric, Run, RunSearch, ViewType};
use crate::service::Runs;

/// The routes of tracking: ours, documented, and MLflow's.
pub fn routes(runs: &Runs) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_experiments))
        .routes(routes!(list_runs))
        .routes(routes!(show_run))
        .routes(routes!(run_metrics))
        .routes(routes!(run_artifacts))
        .routes(routes!(run_file))
        .merge(table::routes())
        .merge(chart::routes())
        .merge(experiments::routes())
        .merge(import::routes())
        .with_state(runs.clone())
        .merge(OpenApiRouter::from(crate::mlflow::routes(runs)))
}

/// A listing's query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// An experiment's name or number.
    experiment: Option<String>,
    /// MLflow's filter grammar, e.g. `metrics.val_auc > 0.8`.
    filter: Option<String>,
    /// Orders, comma-separated, e.g. `metrics.val_auc DESC`.
    order_by: Option<String>,
    /// `ACTIVE_ONLY`, `DELETED_ONLY` or `ALL`.
    view: Option<ViewType>,
    /// Page size, at most 1,000.
    limit: Option<u32>,
    /// Where to go on.
    token: Option<String>,
}

/// One run in a listing.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct RunRow {
    run_id: String,
    name: String,
    experiment_id: String,
    experiment: String,
    status: String,
    user: String,
    start_ms: i64,
    end_ms: Option<i64>,
    /// Latest values; NaN as the text `NaN`.
    #[schema(value_type = BTreeMap<String, f64>)]
    metrics: BTreeMap<String, serde_json::Value>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

/// All about one run.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct RunOverview {
    #[serde(flatten)]
    row: RunRow,
    artifact_uri: String,
    lifecycle_stage: String,
    /// The dataset commit that it read, `NAME@COMMIT`.
    dataset: Option<String>,
    /// The prepared data that it read.
    prepared: Option<String>,
    /// The hash of the preprocessing that it used.
    pipeline: Option<String>,
    /// The program that made it.
    code: Option<String>,
    /// Where it ran.
    environment: Option<serde_json::Value>,
    /// Seconds, energy, carbon and money.
    cost: Option<serde_json::Value>,
    links: crate::model::RunLinks,
}

fn row(run: &Run, names: &BTreeMap<String, String>) -> RunRow {
    RunRow {
        run_id: run.info.run_id.clone(),
        name: run.info.run_name.clone(),
        experiment_id: run.info.experiment_id.clone(),
        experiment: names.get(&run.info.experiment_id).cloned().unwrap_or_default(),
        status: run.info.status.as_str().to_owned(),
        user: run.info.user_id.clone(),
        start_ms: run.info.start_time,
        end_ms: run.info.end_time,
        metrics: run
            .data
            .metrics
            .iter()
            .map(|metric| (metric.key.clone(), crate::number::to_json(metric.value)))
            .collect(),
        params: run.data.params.iter().map(|param| (param.key.clone(), param.value.clone())).collect(),
        tags: run.data.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
    }
}

async fn names(runs: &Runs, found: &[Run]) -> Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    for run in found {
        let id = &run.info.experiment_id;
        if !names.contains_key(id) {
            names.insert(id.clone(), runs.get_experiment(id).await?.name);
        }
    }
    Ok(names)
}

/// Lists experiments.
#[utoipa::path(get, path = "/api/v1/experiments", tag = "runs", params(ListQuery), responses((status = 200, body = Paged<Experiment>)))]
async fn list_experiments(
    State(runs): State<Runs>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Paged<Experiment>>> {
    let filter = query.filter.unwrap_or_default();
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let orders = listed(query.order_by.as_deref());
    Ok(Json(
        runs.search_experiments(
            &filter,
            query.view.unwrap_or_default(),
            &orders,
            limit,
            query.token.as_deref(),
        )
        .await?,
    ))
}

/// The items of a list with commas.
fn listed(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Lists runs, the newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(ListQuery), responses((status = 200, body = Paged<RunRow>)))]
async fn list_runs(State(runs): State<Runs>, Query(query): Query<ListQuery>) -> Result<Json<Paged<RunRow>>> {
    let experiment_ids = match query.experiment.as_deref().filter(|name| !name.is_empty()) {
        None => Vec::new(),
        Some(name) => vec![runs.experiment_id(name).await?],
    };
    let found = runs
        .search_runs(&RunSearch {
            experiment_ids,
            filter: query.filter.unwrap_or_default(),
            view: query.view.unwrap_or_default(),
            order_by: listed(query.order_by.as_deref()),
            max_results: query.limit.unwrap_or(100).clamp(1, 1000),
            page_token: query.token,
        })
        .await?;
    let names = names(&runs, &found.items).await?;
    Ok(Json(Paged {
        items: found.items.iter().map(|run| row(run, &names)).collect(),
        next_token: found.next_token,
    }))
}

/// Shows a run by its identifier or the first digits of it.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = RunOverview)))]
async fn show_run(State(runs): State<Runs>, Path(id): Path<String>) -> Result<Json<RunOverview>> {
    let run = runs.get_run(&runs.expand_run_id(&id).await?).await?;
    let names = names(&runs, std::slice::from_ref(&run)).await?;
    let tag = |key: &str| run.tag(key).map(str::to_owned);
    let parsed =
        |key: &str| run.tag(key).map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into()));
    Ok(Json(RunOverview {
        row: row(&run, &names),
        artifact_uri: run.info.artifact_uri.clone(),
        lifecycle_stage: run.info.lifecycle_stage.as_str().to_owned(),
        dataset: tag("ropewalk.dataset"),
        prepared: tag("ropewalk.prepared"),
        pipeline: tag("ropewalk.pipeline"),
        code: tag("ropewalk.code")
            .or_else(|| tag("mlflow.source.git.commit"))
            .or_else(|| tag("mlflow.source.name")),
        environment: parsed("ropewalk.environment"),
        cost: parsed("ropewalk.cost"),
        links: run.links,
    }))
}

/// A metrics query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MetricsQuery {
    /// One metric; all of them without it.
    key: Option<String>,
    /// About how many points a metric, thinned over the steps; 1,000 by default.
    limit: Option<usize>,
}

/// A metric's course.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct MetricSeries {
    key: String,
    points: Vec<Metric>,
}

/// Shows how a run's metrics moved.
#[utoipa::path(get, path = "/api/v1/runs/{id}/metrics", tag = "runs", params(("id" = String, Path), MetricsQuery), responses((status = 200, body = Vec<MetricSeries>)))]
async fn run_metrics(
    State(runs): State<Runs>,
    Path(id): Path<String>,
    Query(query): Query<MetricsQuery>,
) -> Result<Json<Vec<MetricSeries>>> {
    let run = runs.get_run(&runs.expand_run_id(&id).await?).await?;
    let ids = [run.info.run_id.clone()];
    let limit = query.limit.unwrap_or(1000).clamp(2, 25_000);
    let mut series = Vec::new();
    for metric in &run.data.metrics {
        if query.key.as_ref().is_some_and(|key| *key != metric.key) {
            continue;
        }
        let points = runs.metric_samples(&ids, &metric.key, None, limit).await?.remove(&ids[0]);
        series.push(MetricSeries {
            key: metric.key.clone(),
            points: points
                .unwrap_or_default()
                .into_iter()
                .map(|point| Metric::new(metric.key.as_str(), point.value, point.timestamp, point.step))
                .collect(),
        });
    }
    if let (Some(key), true) = (&query.key, series.is_empty()) {
        return Err(Error::not_found(format!("the run has no metric `{key}`")));
    }
    Ok(Json(series))
}

/// An artifact query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ArtifactQuery {
    /// A path relative to the run's artifacts.
    path: Option<String>,
}

/// Lists a folder of a run's artifacts.
#[utoipa::path(get, path = "/api/v1/runs/{id}/artifacts", tag = "runs", params(("id" = String, Path), ArtifactQuery), responses((status = 200, body = Vec<FileInfo>)))]
async fn run_artifacts(
    State(runs): State<Runs>,
    Path(id): Path<String>,
    Query(query): Query<ArtifactQuery>,
) -> Result<Json<Vec<FileInfo>>> {
    Ok(Json(runs.list_artifacts(&runs.expand_run_id(&id).await?, query.path.as_deref()).await?))
}

/// Reads one of a run's artifacts.
#[utoipa::path(get, path = "/api/v1/runs/{id}/file", tag = "runs", params(("id" = String, Path), ArtifactQuery), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")))]
async fn run_file(
    State(runs): State<Runs>,
    Path(id): Path<String>,
    Query(query): Query<ArtifactQuery>,
) -> Result<impl IntoResponse> {
    let path = query.path.ok_or_else(|| Error::invalid("no path was named").hint("add ?path=…"))?;
    let file = runs.open_artifact(&runs.expand_run_id(&id).await?, &path).await?;
    Ok((
        [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, file.size.to_string()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ],
        Body::from_stream(file.read(0..file.size)),
    ))
}
