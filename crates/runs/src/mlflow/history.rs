//! MLflow's calls for the histories of metrics.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use ropewalk_mlflow::answer::{push_text, written};
use ropewalk_mlflow::rules::as_whole;
use ropewalk_mlflow::{Call, Json, MlflowError, MlflowResult, Rule, page};

use super::messages;
use super::run_json::push_metric;
use crate::limits::HISTORY_RESULTS;
use crate::service::Runs;
use crate::state::points::{self, Point};

/// Most measurements of a run in a sample.
const SAMPLE: i64 = 2500;
/// Most runs in one call.
const RUNS: usize = 100;

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/metrics/get-history", get(history))
        .route("/2.0/mlflow/metrics/get-history-bulk-interval", get(history_sample))
}

/// What only MLflow's web app asks for: it is not there under `/api`.
pub(super) fn page_routes() -> Router<Runs> {
    Router::new().route("/ajax-api/2.0/mlflow/metrics/get-history-bulk", get(history_bulk))
}

/// An answer with measurements; without any, the list is left out unless `always`.
fn measured<'a>(
    key: &str,
    points: impl Iterator<Item = (Option<&'a str>, &'a Point)>,
    always: bool,
    next: Option<String>,
) -> Response {
    let mut json = Vec::with_capacity(1 << 16);
    json.push(b'{');
    let mut count = 0;
    for (run_id, point) in points {
        json.extend_from_slice(if count == 0 { b"\"metrics\":[" } else { b"," });
        push_metric(&mut json, key, point, run_id);
        count += 1;
    }
    if count > 0 {
        json.push(b']');
    } else if always {
        json.extend_from_slice(b"\"metrics\":[]");
    }
    if let Some(next) = next {
        if count > 0 {
            json.push(b',');
        }
        json.extend_from_slice(b"\"next_page_token\":");
        push_text(&mut json, &next);
    }
    json.push(b'}');
    written(json)
}

async fn history(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::HISTORY,
        &[
            ("run_id", &[Rule::Text, Rule::Required]),
            ("metric_key", &[Rule::Text, Rule::Required]),
            ("page_token", &[Rule::Text]),
        ],
    )?;
    let most = fields.integer("max_results");
    if let Some(most) = most.filter(|most| *most <= 0) {
        return Err(MlflowError::invalid(format!(
            "Invalid value {most} for parameter 'max_results' supplied. It must be a positive integer."
        )));
    }
    let offset = page::signed_offset(fields.text("page_token"))?;
    let start = usize::try_from(offset).unwrap_or(0);
    let key = fields.text("metric_key");
    let all = runs.history(fields.run_id(), key).await?;
    let end = match most.and_then(|most| usize::try_from(most).ok()) {
        Some(most) => start.saturating_add(most).min(all.len()),
        None => all.len(),
    };
    let next = (end < all.len()).then(|| page::token(offset.saturating_add(most.unwrap_or(0))));
    let points = all.get(start..end).unwrap_or_default();
    Ok(measured(key, points.iter().map(|point| (None, point)), false, next))
}

async fn history_bulk(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let mut ids = call.query_all("run_id");
    if ids.is_empty() {
        return Err(MlflowError::invalid("GetMetricHistoryBulk request must specify at least one run_id."));
    }
    if ids.len() > RUNS {
        return Err(MlflowError::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {RUNS} run_ids. Received {} run_ids.",
            ids.len()
        )));
    }
    let key = call
        .query("metric_key")
        .ok_or_else(|| MlflowError::invalid("GetMetricHistoryBulk request must specify a metric_key."))?;
    let most = match call.query("max_results") {
        None => i64::from(HISTORY_RESULTS),
        Some(text) => as_whole(&Json::Text(text.to_owned())).ok_or_else(|| {
            MlflowError::invalid(format!("Invalid value '{text}' for parameter 'max_results' supplied."))
        })?,
    };
    let most = most.min(i64::from(HISTORY_RESULTS));
    ids.sort();
    ids.dedup();
    let mut found = runs.points(&ids, key).await?;
    for points in found.values_mut() {
        points::settle(points, Point::by_time);
    }
    let all =
        found.iter().flat_map(|(id, points)| points.iter().map(move |point| (Some(id.as_str()), point)));
    // Below nothing it says, as in Python, how many of the last to leave out.
    let most = match usize::try_from(most) {
        Ok(most) => most,
        Err(_) => found.values().map(Vec::len).sum::<usize>().saturating_sub(most.unsigned_abs() as usize),
    };
    Ok(measured(key, all.take(most), true, None))
}

async fn history_sample(State(runs): State<Runs>, call: Call) -> MlflowResult {
    fn few(list: &Json) -> Result<(), Option<String>> {
        match list {
            Json::List(items) if items.len() > RUNS => Err(Some(format!(
                "GetMetricHistoryBulkInterval request must specify at most {RUNS} run_ids. Received {} run_ids.",
                items.len()
            ))),
            _ => Ok(()),
        }
    }
    fn in_range(number: &Json) -> Result<(), Option<String>> {
        match as_whole(number) {
            Some(number) if (1..=SAMPLE).contains(&number) => Ok(()),
            _ => Err(Some(format!("max_results must be between 1 and {SAMPLE}."))),
        }
    }
    let fields = call.read(
        &messages::HISTORY_SAMPLE,
        &[
            ("run_ids", &[Rule::Required, Rule::Array, Rule::TextItems, Rule::Check(few)]),
            ("metric_key", &[Rule::Required, Rule::Text]),
            ("start_step", &[Rule::Whole]),
            ("end_step", &[Rule::Whole]),
            ("max_results", &[Rule::Whole, Rule::Check(in_range)]),
        ],
    )?;
    let range = match (fields.integer("start_step"), fields.integer("end_step")) {
        (None, None) => None,
        (Some(start), Some(end)) if start <= end => Some((start, end)),
        (Some(start), Some(end)) => {
            return Err(MlflowError::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
            )));
        }
        _ => {
            return Err(MlflowError::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    let ids = fields.texts("run_ids");
    let key = fields.text("metric_key");
    let most = usize::try_from(fields.integer("max_results").unwrap_or(SAMPLE)).unwrap_or(1);
    let found = runs.metric_samples(&ids, key, range, most).await?;
    // In the order in which the runs were asked for, a run that was named twice twice.
    let points = ids
        .iter()
        .filter_map(|id| found.get(id).map(|points| (id, points)))
        .flat_map(|(id, points)| points.iter().map(move |point| (Some(id.as_str()), point)));
    Ok(measured(key, points, false, None))
}
