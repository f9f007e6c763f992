//! What becomes of traces, assessments and datasets as they are written, on each database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::Router;
use axum::http::StatusCode;
use futures::StreamExt;
use ropewalk_core::testing::each_database;
use serde_json::{Value, json};
use support::{call, export, get, migrations, place, post, server, span, trace_id};

async fn spans(router: &Router, trace: u64) -> Vec<String> {
    let path = format!("/api/3.0/mlflow/traces/get?trace_id={}&allow_partial=true", trace_id(trace));
    let whole = get(router, &path).await;
    let spans = whole["trace"]["spans"].as_array().cloned().unwrap_or_default();
    spans.iter().map(|span| span["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn batches_come_in_any_order_and_again() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        let usage = |tokens: u64| [("mlflow.chat.tokenUsage", json!({"input_tokens": tokens}))];
        let child = span(1, 2, Some(1), "child", &usage(2));
        let root = span(1, 1, None, "root", &usage(3));
        export(&router, std::slice::from_ref(&child)).await;
        let info = async || {
            get(&router, &format!("/api/3.0/mlflow/traces/{}", trace_id(1))).await["trace"]["trace_info"]
                .clone()
        };
        assert_eq!(info().await["state"], "IN_PROGRESS");
        for _ in 0..2 {
            export(&router, &[root.clone(), child.clone()]).await;
        }
        assert_eq!(spans(&router, 1).await, ["root", "child"]);
        let info = info().await;
        assert_eq!(info["state"], "OK");
        // A root's usage includes that of what lies within it.
        assert_eq!(
            info["trace_metadata"]["mlflow.trace.tokenUsage"],
            "{\"input_tokens\": 3, \"output_tokens\": 0, \"total_tokens\": 0}"
        );
        let renamed = span(1, 2, Some(1), "renamed", &usage(2));
        export(&router, &[renamed]).await;
        assert_eq!(spans(&router, 1).await, ["root", "renamed"]);
    })
    .await;
}

#[tokio::test]
async fn many_write_one_trace_at_one_time() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        let writes = (0..40_u64).map(async |number| match number % 4 {
            0 | 1 => export(&router, &[span(1, 10 + number, Some(9), &format!("s{number}"), &[])]).await,
            2 => {
                let body = json!({"key": format!("k{number}"), "value": "v"}).to_string();
                let path = format!("/api/2.0/mlflow/traces/{}/tags", trace_id(1));
                // The trace may not be there yet.
                let (status, _) = call(&router, "PATCH", &path, body).await;
                assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST);
            }
            _ => {
                let told = json!({"trace": {"trace_info": {"trace_id": trace_id(1), "trace_location": place()[0],
                    "request_time": "2025-01-01T00:00:00Z", "state": "OK", "tags": {format!("t{number}"): "v"}}}});
                post(&router, "3.0/mlflow/traces", told).await;
            }
        });
        futures::stream::iter(writes).buffer_unordered(16).collect::<Vec<()>>().await;
        assert_eq!(spans(&router, 1).await.len(), 20);
        let info = get(&router, &format!("/api/3.0/mlflow/traces/{}", trace_id(1))).await;
        let tags = info["trace"]["trace_info"]["tags"].as_object().unwrap().clone();
        assert_eq!(tags.keys().filter(|key| key.starts_with('t')).count(), 10, "{tags:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_trace_leaves_nothing() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        for trace in 1..4 {
            export(&router, &[span(trace, 1, None, "root", &[("mlflow.traceTag.team", json!("blue"))])])
                .await;
            let path = format!("3.0/mlflow/traces/{}/assessments", trace_id(trace));
            post(
                &router,
                &path,
                json!({"assessment": {"assessment_name": "a", "feedback": {"value": "yes"}}}),
            )
            .await;
            post(
                &router,
                "2.0/mlflow/traces/link-to-run",
                json!({"trace_ids": [trace_id(trace)], "run_id": "r"}),
            )
            .await;
        }
        let count = async |filter: &str| {
            let found =
                post(&router, "3.0/mlflow/traces/search", json!({"locations": place(), "filter": filter}))
                    .await;
            found["traces"].as_array().map_or(0, Vec::len)
        };
        for filter in ["tags.team = 'blue'", "run_id = 'r'", "feedback.a = 'yes'"] {
            assert_eq!(count(filter).await, 3, "{filter}");
        }
        let doomed =
            json!({"experiment_id": "0", "max_timestamp_millis": 1_700_000_002_500_i64, "max_traces": 1});
        assert_eq!(post(&router, "3.0/mlflow/traces/delete-traces", doomed).await["traces_deleted"], 1);
        let doomed = json!({"experiment_id": "0", "request_ids": [trace_id(3), "none"]});
        assert_eq!(post(&router, "2.0/mlflow/traces/delete-traces", doomed).await["traces_deleted"], 1);
        for filter in ["", "tags.team = 'blue'", "run_id = 'r'", "feedback.a = 'yes'", "span.name = 'root'"] {
            assert_eq!(count(filter).await, 1, "{filter}");
        }
        // One that comes anew knows nothing of the old.
        export(&router, &[span(3, 2, None, "new", &[])]).await;
        assert_eq!(spans(&router, 3).await, ["new"]);
        assert_eq!(count("run_id = 'r'").await, 1);
        assert_eq!(count("feedback.a IS NULL").await, 1);
    })
    .await;
}

#[tokio::test]
async fn judgements_take_each_others_place() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        export(&router, &[span(1, 1, None, "root", &[])]).await;
        let path = format!("3.0/mlflow/traces/{}/assessments", trace_id(1));
        let create = async |assessment: Value| {
            let made = post(&router, &path, json!({"assessment": assessment})).await;
            made["assessment"]["assessment_id"].as_str().unwrap().to_owned()
        };
        let valid = async |id: &str| get(&router, &format!("/api/{path}/{id}")).await["assessment"]["valid"].clone();
        let first = create(json!({"assessment_name": "a", "feedback": {"value": 1}})).await;
        let second = create(json!({"assessment_name": "a", "feedback": {"value": 2}, "overrides": first})).await;
        assert_eq!((valid(&first).await, valid(&second).await), (json!(false), json!(true)));
        let (_, changed) = call(&router, "PATCH", &format!("/api/{path}/{second}"), json!({"update_mask": "feedback,rationale",
            "assessment": {"feedback": {"value": [1, "x"]}, "rationale": "because"}}).to_string()).await;
        assert_eq!(changed["assessment"]["feedback"]["value"], json!([1.0, "x"]));
        assert_eq!(changed["assessment"]["rationale"], "because");
        assert_eq!(changed["assessment"]["overrides"], first.as_str());
        assert_eq!(call(&router, "DELETE", &format!("/api/{path}/{second}"), "").await.0, StatusCode::OK);
        assert_eq!(valid(&first).await, true, "what was overridden counts again");
        assert_eq!(call(&router, "DELETE", &format!("/api/{path}/{second}"), "").await.0, StatusCode::OK);
        assert_eq!(call(&router, "GET", &format!("/api/{path}/{second}"), "").await.0, StatusCode::NOT_FOUND);

        let run = post(&router, "2.0/mlflow/runs/create", json!({"experiment_id": "0"})).await["run"]["info"]["run_id"].clone();
        let of_run = json!({"assessment_name": "b", "feedback": {"value": 1}, "metadata": {"mlflow.assessment.sourceRunId": run}});
        let of_run = create(of_run).await;
        call(&router, "POST", "/api/2.0/mlflow/runs/delete", json!({"run_id": run}).to_string()).await;
        assert_eq!(call(&router, "GET", &format!("/api/{path}/{of_run}"), "").await.0, StatusCode::NOT_FOUND);
        assert_eq!(valid(&first).await, true);
    })
    .await;
}

#[tokio::test]
async fn records_with_equal_inputs_are_one() {
    each_database(&migrations(), |core| async move {
        let router = server(&core);
        let made = post(&router, "3.0/mlflow/datasets/create", json!({"name": "golden", "experiment_ids": ["0"],
            "tags": "{\"mlflow.user\": \"ada\", \"n\": 5}"})).await;
        let id = made["dataset"]["dataset_id"].as_str().unwrap().to_owned();
        assert_eq!(made["dataset"]["created_by"], "ada");
        let put = async |records: Value| {
            let path = format!("3.0/mlflow/datasets/{id}/records");
            let counts = post(&router, &path, json!({"records": records.to_string()})).await;
            (counts["inserted_count"].clone(), counts["updated_count"].clone())
        };
        let one = json!([{"inputs": {"a": 1, "b": [2]}, "expectations": {"x": 1}, "tags": {"mlflow.user": "eve"}}, {"inputs": {"c": "ü"}}]);
        assert_eq!(put(one).await, (json!(2), json!(0)));
        assert_eq!(put(json!([{"inputs": {"b": [2], "a": 1}, "expectations": {"y": 2}}])).await, (json!(0), json!(1)));
        let records = async |query: &str| {
            let page = get(&router, &format!("/api/3.0/mlflow/datasets/{id}/records{query}")).await;
            let records: Vec<Value> = serde_json::from_str(page["records"].as_str().unwrap()).unwrap();
            (records, page["next_page_token"].as_str().map(str::to_owned))
        };
        let (all, none) = records("").await;
        assert_eq!((all.len(), none), (2, None));
        let merged = all.iter().find(|record| record["inputs"] == json!({"a": 1, "b": [2]})).unwrap();
        assert_eq!(merged["expectations"], json!({"x": 1, "y": 2}));
        assert_eq!((&merged["created_by"], &merged["outputs"]), (&json!("eve"), &json!({})));
        let (first, token) = records("?max_results=1").await;
        let (second, end) = records(&format!("?max_results=1&page_token={}", token.unwrap().replace('=', "%3D"))).await;
        assert!(first.len() == 1 && second.len() == 1 && first != second && end.is_none());

        let shown = get(&router, &format!("/api/3.0/mlflow/datasets/{id}")).await["dataset"].clone();
        assert_eq!(shown["profile"], "{\"num_records\": 2}");
        assert_eq!(shown["tags"], "{\"mlflow.user\": \"ada\", \"n\": \"5\"}");
        assert_ne!(shown["digest"], made["dataset"]["digest"]);
        let schema: Value = serde_json::from_str(shown["schema"].as_str().unwrap()).unwrap();
        assert_eq!(schema["inputs"], json!({"a": "integer", "b": "array", "c": "string"}));

        let doomed = json!({"dataset_record_ids": [first[0]["dataset_record_id"], "none"]}).to_string();
        let (_, deleted) = call(&router, "DELETE", &format!("/api/3.0/mlflow/datasets/{id}/records"), doomed).await;
        assert_eq!(deleted["deleted_count"], 1);
        let search = async |body: Value| {
            let found = post(&router, "3.0/mlflow/datasets/search", body).await;
            found["datasets"].as_array().map_or(0, Vec::len)
        };
        assert_eq!(search(json!({"filter_string": "name LIKE 'gold%' AND tags.n = '5'", "experiment_ids": ["0"]})).await, 1);
        assert_eq!(search(json!({"filter_string": "name RLIKE '^g.*n$'"})).await, 1);
        assert_eq!(search(json!({"filter_string": "created_by = 'eve'"})).await, 0);
        assert_eq!(call(&router, "DELETE", &format!("/api/3.0/mlflow/datasets/{id}"), "").await.0, StatusCode::OK);
        assert_eq!(call(&router, "GET", &format!("/api/3.0/mlflow/datasets/{id}"), "").await.0, StatusCode::NOT_FOUND);
        assert_eq!(records("").await.0.len(), 0);
    })
    .await;
}
