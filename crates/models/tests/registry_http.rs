//! The registry's routes as bytes go over the wire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use ropewalk_data::Data;
use ropewalk_ledger::Ledger;
use ropewalk_models::{Models, SourceRules};
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;
use ropewalk_webhooks::{Options, Webhooks};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn call(router: &Router, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_wire_is_mlflows_and_ours() {
    let migrations = [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_webhooks::MIGRATIONS,
        ropewalk_models::MIGRATIONS,
    ]
    .concat();
    let (_home, core) = fresh_home(&migrations).await;
    let prep = Prep::new(core.clone(), Data::new(core.clone()), Ledger::new(core.clone()));
    let runs = Runs::new(core.clone());
    let webhooks = Webhooks::new(core.clone(), Options::default());
    let models = Models::new(core, runs.clone(), prep, webhooks, SourceRules::default());
    let (router, api) =
        ropewalk_runs::routes(&runs).merge(ropewalk_models::routes(&models)).split_for_parts();
    assert!(api.paths.paths.contains_key("/api/v1/models/{name}/aliases/{alias}"));

    let mlflow = |path: &str| format!("/api/2.0/mlflow/{path}");
    let (status, made) =
        call(&router, "POST", &mlflow("registered-models/create"), json!({"name": "m"})).await;
    assert_eq!((status, &made["registered_model"]["name"]), (StatusCode::OK, &json!("m")));
    let version = json!({"name": "m", "source": "s3://bucket/model"});
    let (_, made) = call(&router, "POST", &mlflow("model-versions/create"), version).await;
    assert_eq!(
        (&made["model_version"]["version"], &made["model_version"]["status"]),
        (&json!("1"), &json!("READY"))
    );
    let (status, _) = call(&router, "PUT", "/api/v1/models/m/aliases/champion", json!({"version": 1})).await;
    assert_eq!(status, StatusCode::OK);
    let path = "/ajax-api/2.0/mlflow/registered-models/alias?name=m&alias=champion";
    assert_eq!(
        call(&router, "GET", path, Value::Null).await.1["model_version"]["aliases"],
        json!(["champion"])
    );
    let (_, shown) = call(&router, "GET", "/api/v1/models/m/versions/@champion", Value::Null).await;
    assert_eq!((&shown["version"], &shown["bundle"]), (&json!(1), &Value::Null));
    let (_, listed) = call(&router, "GET", "/api/v1/models", Value::Null).await;
    assert_eq!(listed[0]["aliases"], json!({"champion": 1}));

    let (status, error) = call(&router, "GET", "/api/v1/models/none", Value::Null).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (status, error) = call(&router, "GET", &mlflow("registered-models/get?name=none"), Value::Null).await;
    assert_eq!((status, &error["error_code"]), (StatusCode::NOT_FOUND, &json!("RESOURCE_DOES_NOT_EXIST")));
    let (status, error) = call(&router, "POST", "/api/v1/models/m/versions", json!({"run_id": "ffff"})).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    for (method, path) in [
        ("POST", "registered-models/create"),
        ("PATCH", "registered-models/update"),
        ("DELETE", "registered-models/delete"),
        ("POST", "registered-models/alias"),
        ("POST", "model-versions/create"),
        ("PATCH", "model-versions/update"),
        ("DELETE", "model-versions/delete"),
        ("POST", "model-versions/transition-stage"),
        ("POST", "model-versions/set-tag"),
    ] {
        for body in [
            json!({}),
            json!([]),
            json!({"name": 5}),
            json!({"name": "m", "version": {}}),
            json!({"name": "m", "version": "x", "source": "x"}),
        ] {
            let (status, answer) = call(&router, method, &mlflow(path), body.clone()).await;
            assert!(status.as_u16() < 500, "{method} {path} {body}: {status} {answer}");
        }
    }
}
