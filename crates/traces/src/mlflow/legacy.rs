//! The calls of clients before MLflow 3.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, patch, post};
use ropewalk_mlflow::answer::{answer, written};
use ropewalk_mlflow::json::Json;
use ropewalk_mlflow::{Call, Fields, MlflowResult, Object, Rule};
use serde_json::{Value, json};

use super::messages::{BEGIN, END, SEARCH_LEGACY};
use super::traces::{SEARCH_RULES, max_results};
use crate::keys::tag;
use crate::model::{TraceInfo, TraceState};
use crate::service::{ToldPart, TraceSearch, Traces};

/// The routes of clients before MLflow 3.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/2.0/mlflow/traces", post(begin).get(search))
        .route("/2.0/mlflow/traces/{id}", patch(end))
        .route("/2.0/mlflow/traces/{id}/info", get(info))
}

/// Pairs of which each has a key.
const PAIRS: &[Rule] = &[Rule::Check(|value| {
    let Json::List(items) = value else { return Err(None) };
    let named =
        |item: &Json| matches!(item.get("key"), Some(key) if *key != Json::Null && key.as_text() != Some(""));
    if items.iter().all(named) { Ok(()) } else { Err(None) }
})];

fn told(sent: &Fields) -> ToldPart {
    let mut tags = sent.pairs("tags");
    tags.retain(|(key, _)| !tag::BLOCKED.contains(&key.as_str()));
    ToldPart {
        timestamp_ms: sent.integer("timestamp_ms").unwrap_or_default(),
        metadata: sent.pairs("request_metadata"),
        tags,
    }
}

fn to_json(info: &TraceInfo) -> Value {
    let status = match info.state {
        TraceState::StateUnspecified => "TRACE_STATUS_UNSPECIFIED",
        state => state.as_str(),
    };
    let pairs = |pairs: Vec<(String, String)>| -> Vec<Value> {
        pairs.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
    };
    Object::default()
        .set("request_id", info.trace_id.as_str())
        .set("experiment_id", info.experiment_id.to_string())
        .set("timestamp_ms", info.request_time)
        .set("execution_time_ms", info.execution_duration.unwrap_or(0))
        .set("status", status)
        .list("request_metadata", pairs(info.shown_metadata()))
        .list("tags", pairs(info.shown_tags()))
        .into()
}

fn answer_with(info: &TraceInfo) -> MlflowResult {
    Ok(answer(Object::default().set("trace_info", to_json(info))))
}

async fn begin(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &BEGIN,
        &[
            ("experiment_id", &[Rule::Text]),
            ("timestamp_ms", &[Rule::Whole]),
            ("request_metadata", PAIRS),
            ("tags", PAIRS),
        ],
    )?;
    answer_with(&traces.begin_trace(sent.text("experiment_id"), told(&sent)).await?)
}

async fn end(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(
        &END,
        &[
            ("timestamp_ms", &[Rule::Whole]),
            ("status", &[Rule::Text]),
            ("request_metadata", PAIRS),
            ("tags", PAIRS),
        ],
    )?;
    let state =
        sent.word("status").map(TraceState::read).filter(|state| *state != TraceState::StateUnspecified);
    answer_with(&traces.end_trace(&id, state, told(&sent)).await?)
}

async fn info(State(traces): State<Traces>, Path(id): Path<String>) -> MlflowResult {
    answer_with(&traces.trace_info(&id).await?)
}

async fn search(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let experiments: (&str, &[Rule]) = ("experiment_ids", &[Rule::Array, Rule::TextItems, Rule::Required]);
    let rules: Vec<_> = std::iter::once(experiments).chain(SEARCH_RULES.iter().copied()).collect();
    let sent = call.read(&SEARCH_LEGACY, &rules)?;
    let search = TraceSearch {
        experiment_ids: Some(sent.texts("experiment_ids")),
        filter: sent.text("filter").to_owned(),
        order_by: sent.texts("order_by"),
        max_results: max_results(&sent)?,
        offset: ropewalk_mlflow::page::offset(sent.text("page_token"))?,
    };
    let found = traces.search_traces(&search).await?;
    let listed = found.items.iter().map(to_json).collect();
    let page: Value = Object::default().list("traces", listed).next(found.next_token).into();
    Ok(written(page.to_string().into_bytes()))
}
