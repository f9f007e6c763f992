use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::MIGRATIONS;

async fn call(watch: &Watch, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let (router, _) = crate::routes(watch).split_for_parts();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn the_routes_do_what_the_service_does() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let (watch, _) = watch_over(&core);
    let ids = send(&watch, USUAL).await;
    let feedback = json!({"items": [{"prediction_id": ids[199], "value": 6}]});
    let (status, receipt) = call(&watch, Method::POST, "/api/v1/endpoints/wine/feedback", feedback).await;
    assert_eq!((status, receipt), (StatusCode::OK, json!({"accepted": 1})));

    let bare = json!([{"prediction_id": ids[198], "value": 5}]);
    let (status, receipt) = call(&watch, Method::POST, "/api/v1/endpoints/wine/feedback", bare).await;
    assert_eq!((status, receipt), (StatusCode::OK, json!({"accepted": 1})));

    let (_, predictions) =
        call(&watch, Method::GET, "/api/v1/endpoints/wine/predictions?limit=2", Value::Null).await;
    let items = predictions["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let labelled = "/api/v1/endpoints/wine/predictions?labelled_only=true";
    let (_, known) = call(&watch, Method::GET, labelled, Value::Null).await;
    assert_eq!(
        (known["items"][1]["prediction_id"].as_str(), known["items"][1]["value"].as_f64()),
        (Some(ids[199].as_str()), Some(6.0))
    );
    assert!(known["items"][0]["inputs"]["x"].is_number());

    let (status, report) = call(&watch, Method::POST, "/api/v1/endpoints/wine/evaluate", json!({})).await;
    assert_eq!((status, report["status"].as_str()), (StatusCode::OK, Some("ok")));
    let (_, one) = call(
        &watch,
        Method::GET,
        &format!("/api/v1/reports/{}", report["id"].as_str().unwrap()),
        Value::Null,
    )
    .await;
    assert_eq!(one, report);
    let (_, reports) = call(&watch, Method::GET, "/api/v1/endpoints/wine/reports?limit=5", Value::Null).await;
    assert_eq!(reports["items"][0]["id"], report["id"]);

    let (_, mut settings) = call(&watch, Method::GET, "/api/v1/endpoints/wine/monitor", Value::Null).await;
    assert_eq!(settings["window_rows"], 500);
    settings["window_rows"] = json!(700);
    let (status, _) = call(&watch, Method::PUT, "/api/v1/endpoints/wine/monitor", settings.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(call(&watch, Method::GET, "/api/v1/endpoints/wine/monitor", Value::Null).await.1, settings);
    assert_eq!(
        call(&watch, Method::GET, "/api/v1/alerts?status=firing", Value::Null).await.1["items"],
        json!([])
    );

    for (method, path, body, expected) in [
        (Method::GET, "/api/v1/reports/none", Value::Null, StatusCode::NOT_FOUND),
        (Method::POST, "/api/v1/endpoints/none/evaluate", json!({}), StatusCode::CONFLICT),
        (Method::POST, "/api/v1/endpoints/wine/evaluate", json!({"last": -1}), StatusCode::BAD_REQUEST),
        (
            Method::POST,
            "/api/v1/endpoints/wine/feedback",
            json!({"items": [{"value": 1}]}),
            StatusCode::BAD_REQUEST,
        ),
        (Method::PUT, "/api/v1/endpoints/wine/monitor", json!({"windows": 1}), StatusCode::BAD_REQUEST),
        (Method::PUT, "/api/v1/endpoints/wine/monitor", json!({"window_rows": 0}), StatusCode::BAD_REQUEST),
    ] {
        let (status, error) = call(&watch, method, path, body).await;
        assert_eq!(status, expected, "{path}: {error}");
        assert!(error["error"]["what"].is_string(), "{error}");
    }
}
