//! What the suites share: a server without a network, and exports of spans.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::{Core, Migration};
use ropewalk_runs::Runs;
use ropewalk_traces::Traces;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The schema of what the suites need.
pub fn migrations() -> Vec<Migration> {
    [ropewalk_runs::MIGRATIONS, ropewalk_traces::MIGRATIONS].concat()
}

/// The routes of runs and traces.
pub fn server(core: &Core) -> Router {
    let runs = Runs::new(core.clone());
    let traces = Traces::new(core.clone(), runs.clone());
    runs.attach_sink(traces.follower());
    ropewalk_traces::routes(&traces).merge(ropewalk_runs::routes(&runs)).split_for_parts().0
}

/// Sends a request and reads its answer, which is a text if it is no JSON.
pub async fn call(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("x-mlflow-experiment-id", "0")
        .body(body.into())
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
}

/// Posts to a route below `/api` that must succeed.
pub async fn post(router: &Router, path: &str, body: Value) -> Value {
    let (status, answer) = call(router, "POST", &format!("/api/{path}"), body.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

/// Gets a route that must succeed.
pub async fn get(router: &Router, path: &str) -> Value {
    let (status, answer) = call(router, "GET", path, "").await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

/// The identifier of a trace by a small number, as OpenTelemetry has it.
pub fn otel_id(trace: u64) -> String {
    format!("{trace:032x}")
}

/// The same as MLflow has it.
pub fn trace_id(trace: u64) -> String {
    format!("tr-{trace:032x}")
}

/// A span for [`export`]: it starts `start_ms` after 2023 and lasts 100 ms.
pub fn span(trace: u64, id: u64, parent: Option<u64>, name: &str, attributes: &[(&str, Value)]) -> Value {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            json!({"key": key, "value": {"stringValue": text}})
        })
        .collect();
    let start = 1_700_000_000_000_000_000 + trace * 1_000_000_000 + id * 1_000_000;
    json!({
        "traceId": otel_id(trace), "spanId": format!("{id:016x}"),
        "parentSpanId": parent.map(|parent| format!("{parent:016x}")).unwrap_or_default(), "name": name,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 100_000_000).to_string(),
        "attributes": attributes, "status": {"code": 1},
    })
}

/// Exports spans.
pub async fn export(router: &Router, spans: &[Value]) {
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string();
    assert_eq!(call(router, "POST", "/v1/traces", body).await, (StatusCode::OK, json!({})));
}

/// The place of experiment 0.
pub fn place() -> Value {
    json!([{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}])
}
