//! MLflow's REST of traces as bytes go over the wire; the stock client itself drives a whole server elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::http::StatusCode;
use ropewalk_core::testing::fresh_home;
use serde_json::json;
use support::{call, migrations, post, server};

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
    let (_home, core) = fresh_home(&migrations()).await;
    let router = server(&core);
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
    let answer = post(&router, "3.0/mlflow/traces", told).await;
    // As the stock server, it answers with the tags that there were before.
    assert!(answer["trace"]["trace_info"]["tags"].get("t").is_none());
    let (_, whole) = call(&router, "GET", &format!("/api/3.0/mlflow/traces/get?trace_id={ID}"), "").await;
    let info = &whole["trace"]["trace_info"];
    assert_eq!(info["trace_metadata"], answer["trace"]["trace_info"]["trace_metadata"]);
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
    let spans = whole["trace"]["spans"].as_array().unwrap();
    let names: Vec<_> = spans.iter().map(|span| &span["span_id"]).collect();
    assert_eq!(names, ["AAAAAAAAAAE=", "AAAAAAAAAAI="]);
    let place = json!([{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}]);
    let found = post(&router, "3.0/mlflow/traces/search", json!({"locations": place})).await;
    assert_eq!(found, json!({"traces": [info]}));
}
