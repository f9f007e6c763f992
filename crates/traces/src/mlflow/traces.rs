//! Traces: told, read, searched, deleted.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{get, post};
use ropewalk_mlflow::answer::{answer, written};
use ropewalk_mlflow::json::Json;
use ropewalk_mlflow::{Call, Fields, MlflowError, MlflowResult, Object, Rule};

use super::messages::{BATCH, DELETE, GET, SEARCH, START};
use super::told;
use super::wire::Writer;
use crate::model::TraceInfo;
use crate::service::{DeletedTraces, TraceSearch, Traces};

/// The routes of traces.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/3.0/mlflow/traces", post(start))
        .route("/3.0/mlflow/traces/get", get(whole))
        .route("/3.0/mlflow/traces/batchGet", get(batch))
        .route("/3.0/mlflow/traces/batchGetInfos", post(batch_infos))
        .route("/3.0/mlflow/traces/search", post(search))
        .route("/3.0/mlflow/traces/delete-traces", post(delete))
        .route("/2.0/mlflow/traces/delete-traces", post(delete))
        .route("/3.0/mlflow/traces/{id}", get(info))
}

async fn start(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(&START, &[("trace", &[Rule::Required])])?;
    let nothing = Fields::default();
    let info = sent.part("trace").and_then(|trace| trace.part("trace_info")).unwrap_or(&nothing);
    let experiment = told::experiment(info)?;
    let told = told::trace(info)?;
    answer_with_info(&traces.start_trace(experiment.as_deref(), told).await?)
}

fn answer_with_info(info: &TraceInfo) -> MlflowResult {
    let mut writer = Writer::default();
    writer.raw("{\"trace\":{\"trace_info\":").info(info).raw("}}");
    Ok(written(writer.into_bytes()))
}

async fn info(State(traces): State<Traces>, Path(id): Path<String>) -> MlflowResult {
    answer_with_info(&traces.trace_info(&id).await?)
}

async fn whole(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent =
        call.read(&GET, &[("trace_id", &[Rule::Text, Rule::Required]), ("allow_partial", &[Rule::Truth])])?;
    let trace = traces.trace(sent.text("trace_id"), sent.truth("allow_partial").unwrap_or(false)).await?;
    let mut writer = Writer::default();
    writer.raw("{\"trace\":").trace(&trace).raw("}");
    Ok(written(writer.into_bytes()))
}

const BATCH_RULES: &[(&str, &[Rule])] = &[
    ("trace_ids", &[Rule::Array, Rule::Required, Rule::TextItems]),
    ("experiment_ids", &[Rule::Array, Rule::TextItems]),
];

/// The experiments that a request is confined to; a list that was sent empty confines to none.
fn confined(method: &Method, call: &Call, sent: &Fields) -> MlflowResult<Option<Vec<String>>> {
    let named = if *method == Method::GET && !call.query_names().is_empty() {
        call.query_names().contains(&"experiment_ids")
    } else {
        let body = call.json()?;
        ["experiment_ids", "experimentIds"]
            .iter()
            .any(|name| body.get(name).is_some_and(|v| *v != Json::Null))
    };
    Ok(named.then(|| sent.texts("experiment_ids")))
}

async fn batch(State(traces): State<Traces>, method: Method, call: Call) -> MlflowResult {
    let sent = call.read(&BATCH, BATCH_RULES)?;
    let found = traces.traces(&sent.texts("trace_ids"), confined(&method, &call, &sent)?.as_deref()).await?;
    let mut writer = Writer::default();
    writer.raw("{");
    if !found.is_empty() {
        writer.raw("\"traces\":[");
        for trace in &found {
            writer.item().trace(trace);
        }
        writer.raw("]");
    }
    writer.raw("}");
    Ok(written(writer.into_bytes()))
}

async fn batch_infos(State(traces): State<Traces>, method: Method, call: Call) -> MlflowResult {
    let sent = call.read(&BATCH, BATCH_RULES)?;
    let found =
        traces.trace_infos(&sent.texts("trace_ids"), confined(&method, &call, &sent)?.as_deref()).await?;
    Ok(written(listing("trace_infos", &found, None)))
}

/// A list of traces, and where it goes on.
fn listing(name: &str, infos: &[TraceInfo], next: Option<&str>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.raw("{");
    if !infos.is_empty() {
        writer.name(name).raw("[");
        for info in infos {
            writer.item().info(info);
        }
        writer.raw("]");
    }
    writer.maybe("next_page_token", next).raw("}");
    writer.into_bytes()
}

/// What holds for every search for traces.
pub(super) const SEARCH_RULES: &[(&str, &[Rule])] = &[
    ("filter", &[Rule::Text]),
    ("max_results", &[Rule::Whole, Rule::AtMost(500)]),
    ("order_by", &[Rule::Array, Rule::TextItems]),
    ("page_token", &[Rule::Text]),
];

async fn search(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let locations: (&str, &[Rule]) = ("locations", &[Rule::Array, Rule::Required]);
    let rules: Vec<_> = std::iter::once(locations).chain(SEARCH_RULES.iter().copied()).collect();
    let sent = call.read(&SEARCH, &rules)?;
    let experiments = sent.parts("locations").filter_map(|place| place.part("mlflow_experiment"));
    let search = TraceSearch {
        experiment_ids: Some(experiments.map(|place| place.text("experiment_id").to_owned()).collect()),
        filter: sent.text("filter").to_owned(),
        order_by: sent.texts("order_by"),
        max_results: max_results(&sent)?,
        offset: ropewalk_mlflow::page::offset(sent.text("page_token"))?,
    };
    let found = traces.search_traces(&search).await?;
    Ok(written(listing("traces", &found.items, found.next_token.as_deref())))
}

/// The size of a page of traces.
pub(super) fn max_results(sent: &Fields) -> MlflowResult<u32> {
    let asked = sent.integer("max_results").unwrap_or(100);
    u32::try_from(asked).ok().filter(|size| *size > 0).ok_or_else(|| {
        MlflowError::invalid(format!(
            "Invalid value {asked} for parameter 'max_results' supplied. It must be a positive integer"
        ))
    })
}

async fn delete(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &DELETE,
        &[
            ("experiment_id", &[Rule::Text, Rule::Required]),
            ("max_timestamp_millis", &[Rule::Whole]),
            ("max_traces", &[Rule::Whole]),
            ("request_ids", &[Rule::Array, Rule::TextItems]),
        ],
    )?;
    let deleted = traces
        .delete_traces(DeletedTraces {
            experiment_id: sent.text("experiment_id").to_owned(),
            until_ms: sent.integer("max_timestamp_millis"),
            most: sent.integer("max_traces"),
            ids: sent.texts("request_ids"),
        })
        .await?;
    Ok(answer(Object::default().set("traces_deleted", deleted)))
}
