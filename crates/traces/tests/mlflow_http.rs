//! MLflow's REST of traces as bytes go over the wire; the stock client itself drives a whole server elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use ropewalk_runs::Runs;
use ropewalk_traces::Traces;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn server() -> (tempfile::TempDir, Router) {
    let (home, core) = fresh_home(&[ropewalk_runs::MIGRATIONS, ropewalk_traces::MIGRATIONS].concat()).await;
    let traces = Traces::new(core.clone(), Runs::new(core));
    (home, ropewalk_traces::routes(&traces).split_for_parts().0)
}

async fn call(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
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

async fn post(router: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    call(router, "POST", &format!("/api/{path}"), body.to_string()).await
}

/// An export of one span.
fn export(trace: &str, span: &str, parent: &str, attributes: &[(&str, &str)]) -> String {
    let attributes: Vec<_> =
        attributes.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect();
    let span = json!({
        "traceId": trace, "spanId": span, "parentSpanId": parent, "name": "step",
        "startTimeUnixNano": "1700000000123456789", "endTimeUnixNano": "1700000001999999999",
        "attributes": attributes, "status": {"code": 1},
    });
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string()
}

const TRACE: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "tr-0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn spans_make_a_trace_and_its_client_completes_it() {
    let (_home, router) = server().await;
    let root = export(TRACE, "0000000000000001", "", &[("input.value", "hi"), ("user.id", "u")]);
    assert_eq!(call(&router, "POST", "/v1/traces", root).await, (StatusCode::OK, json!({})));
    let child = export(TRACE, "0000000000000002", "0000000000000001", &[]);
    for _ in 0..3 {
        assert_eq!(call(&router, "POST", "/v1/traces", child.clone()).await.0, StatusCode::OK);
    }
    let told = json!({"trace": {"trace_info": {
        "trace_id": ID, "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2025-01-01T00:00:00.500Z", "execution_duration": "1.5s", "state": "OK",
        "trace_metadata": {"mlflow.trace.tokenUsage": "{\"input_tokens\": 3}", "k": "v"},
        "tags": {"mlflow.traceName": "named", "mlflow.artifactLocation": "elsewhere", "t": "1"},
        "assessments": [{"assessment_name": "good", "feedback": {"value": true}}],
    }}});
    let (status, answer) = post(&router, "3.0/mlflow/traces", told).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let info = &answer["trace"]["trace_info"];
    assert_eq!(info["request_time"], "2025-01-01T00:00:00.500Z");
    assert_eq!(info["request_preview"], "\"hi\"");
    assert_eq!(
        info["trace_metadata"],
        json!({"mlflow.trace.user": "u", "k": "v", "mlflow.trace.infoFinalized": "true",
               "mlflow.trace.tokenUsage": "{\"input_tokens\": 3}"})
    );
    assert_eq!(
        info["tags"],
        json!({"mlflow.traceName": "named", "t": "1", "mlflow.trace.spansLocation": "TRACKING_STORE",
               "mlflow.artifactLocation": format!("mlflow-artifacts:/0/traces/{ID}/artifacts")})
    );
    assert_eq!(info["assessments"][0]["feedback"]["value"], true);
    let (_, whole) = call(&router, "GET", &format!("/api/3.0/mlflow/traces/get?trace_id={ID}"), "").await;
    assert_eq!(&whole["trace"]["trace_info"], info);
    let spans = whole["trace"]["spans"].as_array().unwrap();
    let names: Vec<_> = spans.iter().map(|span| &span["span_id"]).collect();
    assert_eq!(names, ["AAAAAAAAAAE=", "AAAAAAAAAAI="]);
    let place = json!([{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}]);
    let (_, found) = post(&router, "3.0/mlflow/traces/search", json!({"locations": place})).await;
    assert_eq!(found, json!({"traces": [info]}));
}
