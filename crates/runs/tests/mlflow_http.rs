//! MLflow's REST as bytes go over the wire; the stock client itself drives a whole server elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use ropewalk_runs::{MIGRATIONS, Runs};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn call(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
    )
}

async fn post(router: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    call(router, "POST", &format!("/api/2.0/mlflow/{path}"), body.to_string()).await
}

#[tokio::test]
async fn the_wire_is_mlflows() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let (router, api) = ropewalk_runs::routes(&Runs::new(core)).split_for_parts();
    assert!(api.paths.paths.contains_key("/api/v1/runs/{id}"));
    assert_eq!(call(&router, "GET", "/health", "").await.1, "OK");

    let (_, made) = post(
        &router,
        "runs/create",
        json!({"experimentId": "0", "startTime": "5", "runName": "n", "future": {}}),
    )
    .await;
    let info = &made["run"]["info"];
    assert_eq!(
        (&info["start_time"], &info["run_name"], &info["status"]),
        (&json!(5), &json!("n"), &json!("RUNNING"))
    );
    let id = info["run_id"].as_str().unwrap().to_owned();
    assert_eq!(info["artifact_uri"], format!("mlflow-artifacts:/0/{id}/artifacts"));

    let nan = json!({"run_id": id, "key": "m", "value": "NaN", "timestamp": "7"});
    assert_eq!(post(&router, "runs/log-metric", nan).await, (StatusCode::OK, json!({})));
    let path = format!("/ajax-api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=m");
    let (_, history) = call(&router, "GET", &path, "").await;
    assert_eq!(history, json!({"metrics": [{"key": "m", "value": "NaN", "timestamp": 7, "step": 0}]}));

    let (status, missing) =
        post(&router, "runs/log-metric", json!({"run_id": id, "key": "m", "timestamp": 1})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        missing,
        json!({
            "error_code": "INVALID_PARAMETER_VALUE", "sqlstate": "KAM00", "error_class": "INVALID_PARAMETER_VALUE",
            "message": "Missing value for required parameter 'value'. See the API docs for more information about request parameters."
        })
    );
    let (status, unknown) = call(&router, "GET", "/api/2.0/mlflow/runs/get?run_id=00", "").await;
    assert_eq!((status, &unknown["error_code"]), (StatusCode::NOT_FOUND, &json!("RESOURCE_DOES_NOT_EXIST")));
    let (status, taken) = post(&router, "experiments/create", json!({"name": "Default"})).await;
    assert_eq!((status, &taken["error_code"]), (StatusCode::BAD_REQUEST, &json!("RESOURCE_ALREADY_EXISTS")));
    assert_eq!(call(&router, "GET", "/api/3.0/mlflow/scorers/list", "").await.0, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(post(&router, "runs/search", json!({"experiment_ids": []})).await.1, json!({}));
}

#[tokio::test]
async fn no_body_makes_a_fault() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let (router, _) = ropewalk_runs::routes(&Runs::new(core)).split_for_parts();
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"run_id\": 5}",
        "{\"run_id\": {}}",
        "{\"metrics\": 1, \"run_id\": \"r\"}",
        "\u{0}",
        "{\"tags\": [1]}",
    ];
    for path in [
        "experiments/create",
        "experiments/update",
        "experiments/search",
        "runs/create",
        "runs/search",
        "runs/update",
        "runs/delete",
        "runs/log-metric",
        "runs/log-parameter",
        "runs/log-batch",
        "runs/set-tag",
        "runs/log-inputs",
        "runs/outputs",
        "runs/log-model",
        "logged-models",
        "logged-models/search",
    ] {
        for body in bodies {
            let (status, answer) = call(&router, "POST", &format!("/api/2.0/mlflow/{path}"), body).await;
            assert!(status.as_u16() < 500, "{path} {body}: {status} {answer}");
        }
    }
}
