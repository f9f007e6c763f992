//! Whatever is sent, no route fails: a request is carried out or refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::StreamExt;
use http_body_util::BodyExt;
use ropewalk_core::testing::each_database;
use serde_json::{Value, json};
use support::{call, export, migrations, place, post, server, span, trace_id};
use tower::ServiceExt;

/// Requests under way at one time.
const AT_ONCE: usize = 32;

/// A request that is right, for each route.
fn requests(dataset: &str, assessment: &str) -> Vec<(&'static str, String, Value)> {
    let id = trace_id(1);
    let assessed = json!({"assessment_name": "a", "span_id": "s", "source": {"source_type": "HUMAN", "source_id": "me"},
        "create_time": "2025-01-01T00:00:00Z", "last_update_time": "2025-01-01T00:00:00Z", "rationale": "r",
        "feedback": {"value": 1, "error": {"error_code": "e", "error_message": "m", "stack_trace": "s"}},
        "metadata": {"k": "v"}, "overrides": assessment, "valid": true});
    let mut told = assessed.clone();
    told["assessment_id"] = json!("a-told");
    let expected = json!({"assessment_name": "e", "expectation": {"serialized_value":
        {"serialization_format": "JSON_FORMAT", "value": "[1]"}}});
    let info = json!({"trace_id": id, "client_request_id": "c", "trace_location": place()[0], "request_preview": "q",
        "response_preview": "a", "request_time": "2025-01-01T00:00:00Z", "execution_duration": "1.5s", "state": "OK",
        "trace_metadata": {"k": "v", "mlflow.trace.tokenUsage": "{\"input_tokens\": 1}", "mlflow.trace.session": "s"},
        "tags": {"t": "v", "mlflow.traceName": "n"}, "assessments": [told]});
    let legacy = json!({"experiment_id": "0", "timestamp_ms": 5, "request_metadata": [{"key": "k", "value": "v"}],
        "tags": [{"key": "k", "value": "v"}]});
    let ended = json!({"request_id": id, "timestamp_ms": 5, "status": "OK", "request_metadata": [{"key": "k", "value": "v"}],
        "tags": [{"key": "k", "value": "v"}]});
    let records = json!([{"inputs": {"q": 1}, "outputs": {"a": 1}, "expectations": {"e": 1}, "tags": {"t": "1"},
        "source": {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}}]);
    let v2 = |path: &str| format!("/api/2.0/mlflow/{path}");
    let v3 = |path: &str| format!("/api/3.0/mlflow/{path}");
    vec![
        ("POST", v3("traces"), json!({"trace": {"trace_info": info}})),
        ("GET", v3("traces/get"), json!({"trace_id": id, "allow_partial": true})),
        ("GET", v3("traces/batchGet"), json!({"trace_ids": [id], "experiment_ids": ["0"]})),
        ("POST", v3("traces/batchGetInfos"), json!({"trace_ids": [id], "experiment_ids": ["0"]})),
        (
            "POST",
            v3("traces/search"),
            json!({"locations": place(), "filter": "tags.t = 'v' AND span.name LIKE 'r%'",
            "max_results": 5, "order_by": ["tags.t DESC"], "page_token": "eyJvZmZzZXQiOiAxfQ=="}),
        ),
        (
            "POST",
            v3("traces/delete-traces"),
            json!({"experiment_id": "0", "max_timestamp_millis": 1, "max_traces": 1}),
        ),
        ("POST", v2("traces/delete-traces"), json!({"experiment_id": "0", "request_ids": ["none"]})),
        ("PATCH", v2(&format!("traces/{id}/tags")), json!({"key": "k", "value": "v"})),
        ("PATCH", v3(&format!("traces/{id}/tags")), json!({"key": "k", "value": "v"})),
        ("DELETE", v3(&format!("traces/{id}/tags")), json!({"key": "k"})),
        ("POST", v2("traces/link-to-run"), json!({"trace_ids": [id], "run_id": "r"})),
        (
            "POST",
            v2("traces/link-prompts"),
            json!({"trace_id": id, "prompt_versions": [{"name": "p", "version": "1"}]}),
        ),
        ("POST", v3(&format!("traces/{id}/assessments")), json!({"assessment": assessed})),
        ("POST", v3(&format!("traces/{id}/assessments")), json!({"assessment": expected})),
        (
            "PATCH",
            v3(&format!("traces/{id}/assessments/{assessment}")),
            json!({"assessment": assessed,
            "update_mask": "feedback,rationale,metadata,assessmentName"}),
        ),
        (
            "POST",
            v3("traces/metrics"),
            json!({"experiment_ids": ["0"], "view_type": "TRACES", "metric_name": "latency",
            "aggregations": [{"aggregation_type": "PERCENTILE", "percentile_value": 50}], "dimensions": ["trace_name"],
            "filters": ["trace.tag.t = 'v'"], "time_interval_seconds": 60, "start_time_ms": 0, "end_time_ms": 9,
            "max_results": 5, "page_token": ""}),
        ),
        (
            "POST",
            v3("traces/metrics"),
            json!({"experiment_ids": ["0"], "view_type": "SPANS", "metric_name": "total_cost",
            "aggregations": [{"aggregation_type": "SUM"}], "dimensions": ["span_model_name"], "time_interval_seconds": 60,
            "start_time_ms": 0, "end_time_ms": 9}),
        ),
        (
            "POST",
            v3("traces/calculate-filter-correlation"),
            json!({"experiment_ids": ["0"], "filter_string1": "status = 'OK'",
            "filter_string2": "span.name = 'x'", "base_filter": "tags.t = 'v'"}),
        ),
        ("POST", v2("traces"), legacy),
        ("PATCH", v2(&format!("traces/{id}")), ended),
        (
            "GET",
            v2("traces"),
            json!({"experiment_ids": ["0"], "filter": "status = 'OK'", "max_results": 5,
            "order_by": ["timestamp_ms"], "page_token": ""}),
        ),
        ("GET", v2(&format!("traces/{id}/info")), json!({"request_id": id})),
        (
            "POST",
            v3("datasets/create"),
            json!({"name": "d", "experiment_ids": ["0"], "tags": "{\"a\": \"b\"}"}),
        ),
        (
            "POST",
            v3("datasets/search"),
            json!({"experiment_ids": ["0"], "filter_string": "name RLIKE 'd'", "max_results": 5,
            "order_by": ["name"], "page_token": ""}),
        ),
        ("PATCH", v3(&format!("datasets/{dataset}/tags")), json!({"tags": "{\"a\": \"b\"}"})),
        ("POST", v3(&format!("datasets/{dataset}/records")), json!({"records": records.to_string()})),
        ("GET", v3(&format!("datasets/{dataset}/records")), json!({"max_results": 5, "page_token": "1"})),
        ("DELETE", v3(&format!("datasets/{dataset}/records")), json!({"dataset_record_ids": ["none"]})),
        ("POST", v3(&format!("datasets/{dataset}/add-experiments")), json!({"experiment_ids": ["0"]})),
        ("POST", v3(&format!("datasets/{dataset}/remove-experiments")), json!({"experiment_ids": ["0"]})),
    ]
}

/// Values that fit nowhere, or hardly.
fn strange() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1.5),
        json!(1e300),
        json!([]),
        json!([null]),
        json!([[1], {"a": "b"}]),
        json!({}),
        json!({"": null}),
        json!({"a\u{0}b": "c\u{0}d"}),
    ];
    for text in [
        "",
        " ",
        "x",
        "0",
        "-1",
        "NaN",
        "1e999",
        "a\u{0}b",
        "'",
        "\\",
        "%",
        "{",
        "null",
        "[1]",
        "\u{1f388}",
        "tr-1",
    ] {
        values.push(json!(text));
    }
    values.push(json!("long".repeat(2_000)));
    values
}

/// A body with each of its parts in turn replaced by each strange value, or left out.
fn mutations(body: &Value) -> Vec<Value> {
    let mut paths = vec![String::new()];
    let mut at = 0;
    while at < paths.len() {
        let path = paths[at].clone();
        match body.pointer(&path) {
            Some(Value::Object(members)) => {
                paths.extend(members.keys().map(|key| format!("{path}/{}", key.replace('/', "~1"))));
            }
            Some(Value::Array(items)) => {
                paths.extend((0..items.len()).map(|index| format!("{path}/{index}")))
            }
            _ => {}
        }
        at += 1;
    }
    let mut mutated = Vec::new();
    for path in paths {
        for value in strange() {
            let mut body = body.clone();
            *body.pointer_mut(&path).unwrap() = value;
            mutated.push(body);
        }
        if let Some((parent, key)) = path.rsplit_once('/') {
            let mut body = body.clone();
            if let Some(Value::Object(members)) = body.pointer_mut(parent) {
                members.remove(key);
                mutated.push(body);
            }
        }
    }
    mutated
}

/// A body as a query, for routes that read one.
fn query(body: &Value) -> String {
    let Value::Object(members) = body else { return encoded(&body.to_string()).chars().take(8000).collect() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = members.iter().flat_map(|(name, value)| match value {
        Value::Array(items) => items.iter().map(|item| (name, text(item))).collect::<Vec<_>>(),
        other => vec![(name, text(other))],
    });
    let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(&value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    // Longer ones are no address any more.
    query.chars().take(8000).collect()
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

async fn fill(router: &Router) -> (String, String) {
    export(router, &[span(1, 1, None, "root", &[("mlflow.spanType", json!("LLM"))])]).await;
    let dataset = post(router, "3.0/mlflow/datasets/create", json!({"name": "d"})).await;
    let path = format!("3.0/mlflow/traces/{}/assessments", trace_id(1));
    let assessed =
        post(router, &path, json!({"assessment": {"assessment_name": "a", "feedback": {"value": 1}}})).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&dataset["dataset"]["dataset_id"]), text(&assessed["assessment"]["assessment_id"]))
}

#[tokio::test]
async fn no_body_makes_a_route_fail() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        let (dataset, assessment) = fill(&router).await;
        let mut sent = 0;
        for (method, path, body) in requests(&dataset, &assessment) {
            // Without its body's help the request is right.
            let right = if method == "GET" { format!("{path}?{}", query(&body)) } else { path.clone() };
            let (status, answer) =
                call(&router, method, &right, if method == "GET" { String::new() } else { body.to_string() })
                    .await;
            assert!(
                status.is_success() || status == 404 || status == 400,
                "{method} {path}: {status} {answer}"
            );
            let mutations = mutations(&body);
            sent += mutations.len();
            let calls = mutations.into_iter().map(async |body| {
                let (status, answer) = match method {
                    "GET" => call(&router, method, &format!("{path}?{}", query(&body)), "").await,
                    _ => call(&router, method, &path, body.to_string()).await,
                };
                let shown: String = body.to_string().chars().take(600).collect();
                assert!(status.as_u16() < 500, "{method} {path} {shown}: {status} {answer}");
            });
            futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
            for raw in ["", "{", "[", "\"", "\u{0}", "{\"a\": NaN}", "{\"a\": 1, \"a\": 2}", "\u{feff}{}"] {
                let (status, answer) = call(&router, method, &path, raw).await;
                assert!(status.as_u16() < 500, "{method} {path} {raw:?}: {status} {answer}");
            }
            let deep = "[".repeat(100_000);
            assert!(call(&router, method, &path, deep).await.0.as_u16() < 500, "{method} {path}");
        }
        assert!(sent > 5000, "{sent}");
    })
    .await;
}

#[tokio::test]
async fn no_name_in_a_path_makes_a_route_fail() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        fill(&router).await;
        for name in [
            "x",
            "%00",
            "a%00b",
            "%20",
            "%2F",
            "..%2F..",
            "'",
            "%F0%9F%8E%88",
            "%FF",
            "-1",
            &"n".repeat(5000),
        ] {
            for (method, path) in [
                ("GET", format!("3.0/mlflow/traces/{name}")),
                ("GET", format!("3.0/mlflow/traces/{name}/assessments/{name}")),
                ("DELETE", format!("3.0/mlflow/traces/{name}/assessments/{name}")),
                ("GET", format!("2.0/mlflow/traces/{name}/info")),
                ("DELETE", format!("2.0/mlflow/traces/{name}/tags?key={name}")),
                ("GET", format!("3.0/mlflow/get-trace-artifact?request_id={name}&path={name}")),
                ("GET", format!("2.0/mlflow/get-trace-artifact?request_id={name}")),
                ("GET", format!("3.0/mlflow/datasets/{name}")),
                ("DELETE", format!("3.0/mlflow/datasets/{name}")),
                ("DELETE", format!("3.0/mlflow/datasets/{name}/tags/{name}")),
                ("GET", format!("3.0/mlflow/datasets/{name}/records?page_token={name}&max_results={name}")),
                ("GET", format!("3.0/mlflow/datasets/{name}/experiment-ids")),
            ] {
                for prefix in ["/api", "/ajax-api"] {
                    let (status, answer) = call(&router, method, &format!("{prefix}/{path}"), "").await;
                    assert!(status.as_u16() < 500, "{method} {path}: {status} {answer}");
                }
            }
            for path in [
                format!("/api/v1/traces/{name}"),
                format!("/api/v1/traces?experiment={name}"),
                format!("/api/v1/traces?filter={name}&order_by={name}&token={name}"),
                format!("/api/v1/traces?limit={name}"),
            ] {
                let (status, answer) = call(&router, "GET", &path, "").await;
                assert!(status.as_u16() < 500, "{path}: {status} {answer}");
            }
        }
    })
    .await;
}

/// Sends an export as it is.
async fn exported(router: &Router, kind: &str, encoding: &str, experiment: &str, body: Vec<u8>) -> u16 {
    let request = Request::post("/v1/traces")
        .header("content-type", kind)
        .header("content-encoding", encoding)
        .header("x-mlflow-experiment-id", experiment)
        .body(Body::from(body))
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let _ = answer.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn no_export_makes_the_route_fail() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        let root = span(1, 1, None, "root", &[("mlflow.spanInputs", json!({"q": 1})), ("user.id", json!("u"))]);
        let mut whole = json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value":
            {"stringValue": "s"}}]}, "scopeSpans": [{"spans": [root]}]}]});
        whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["events"] =
            json!([{"name": "e", "timeUnixNano": "5", "attributes": [{"key": "k", "value": {"intValue": "5"}}]}]);
        whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["links"] =
            json!([{"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002"}]);
        let calls = mutations(&whole).into_iter().map(async |body| {
            let status = exported(&router, "application/json", "", "0", body.to_string().into_bytes()).await;
            let shown: String = body.to_string().chars().take(900).collect();
            assert!(status < 500, "{shown}: {status}");
        });
        futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        // Bytes that are almost an export.
        let mut proto = vec![0x0a, 0x2b, 0x12, 0x29, 0x12, 0x27, 0x0a, 0x10];
        proto.extend([7; 16]);
        proto.extend([0x12, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x2a, 0x01, b'n', 0x39, 0, 0, 0, 0, 0, 0]);
        for cut in 0..proto.len() {
            assert!(exported(&router, "application/x-protobuf", "", "0", proto[..cut].to_vec()).await < 500);
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut body = proto.clone();
                body[cut] = byte;
                assert!(exported(&router, "application/x-protobuf", "", "0", body).await < 500, "{cut} {byte}");
            }
        }
        for encoding in ["gzip", "deflate", "br", "identity", "gzip, gzip", "x"] {
            for body in [Vec::new(), vec![0x1f, 0x8b], vec![0x78, 0x9c, 1, 2, 3], whole.to_string().into_bytes()] {
                assert!(exported(&router, "application/json", encoding, "0", body).await < 500, "{encoding}");
            }
        }
        for experiment in ["", "x", "-1", "99999999999999999999", "5"] {
            let body = whole.to_string().into_bytes();
            assert!(exported(&router, "application/json", "", experiment, body).await < 500, "{experiment}");
        }
    })
    .await;
}
