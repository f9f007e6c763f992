//! The routes, as the command line and the web app call them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use ropewalk_data::{Data, MIGRATIONS, routes};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn call(app: &Router, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Vec<u8>) {
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1/datasets{path}"))
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

async fn json_of(app: &Router, method: &str, path: &str, body: Option<Value>) -> Value {
    let (status, bytes) = call(app, method, path, body).await;
    assert!(status.is_success(), "{method} {path}: {status} {}", String::from_utf8_lossy(&bytes));
    serde_json::from_slice(&bytes).unwrap()
}

fn commit(branch: &str, path: &str, content: &str) -> Option<Value> {
    let content = STANDARD.encode(content);
    Some(json!({"branch": branch, "message": "m", "files": [{"path": path, "content_base64": content}]}))
}

#[tokio::test]
async fn the_whole_story_over_http() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let (app, api) = routes(&Data::new(core)).split_for_parts();
    assert!(api.paths.paths.len() >= 11);

    let (status, _) = call(&app, "POST", "", Some(json!({"name": "wine"}))).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, _) = call(&app, "POST", "", Some(json!({"name": "wine"}))).await;
    assert_eq!(status, StatusCode::CONFLICT);

    let red = commit("main", "red.csv", "a b;q\n1;5\n;6\n");
    let made = json_of(&app, "POST", "/wine/commits", red).await;
    assert_eq!(made["files"][0]["table"]["columns"][0]["missing"], 1);
    json_of(&app, "POST", "/wine/tags", Some(json!({"tag": "v1"}))).await;
    json_of(&app, "POST", "/wine/branches", Some(json!({"branch": "next"}))).await;
    json_of(&app, "POST", "/wine/commits", commit("next", "white.csv", "a b;q\n3;7\n")).await;
    let merged = json_of(&app, "POST", "/wine/merge", Some(json!({"from": "next"}))).await;
    assert_eq!((&merged["rows"], merged["parents"].as_array().unwrap().len()), (&json!(3), 2));

    let log = json_of(&app, "GET", "/wine/log?limit=2", None).await;
    assert_eq!(log["items"].as_array().unwrap().len(), 2);
    assert!(log["next_token"].is_string());
    let diff = json_of(&app, "GET", "/wine/diff?from=v1&to=main", None).await;
    assert_eq!((&diff["rows_added"], &diff["files"][0]["change"]), (&json!(1), &json!("added")));
    let shown = json_of(&app, "GET", "/wine/commits/v1", None).await;
    assert_eq!(shown["id"], made["id"]);
    let rows = json_of(&app, "GET", "/wine/rows/main?limit=2&offset=1", None).await;
    assert_eq!((&rows["rows"], &rows["total"]), (&json!([[null, 6.0], [3.0, 7.0]]), &json!(3)));
    let (_, bytes) = call(&app, "GET", "/wine/files/v1?path=red.csv", None).await;
    assert_eq!(bytes, b"a b;q\n1;5\n;6\n");
    assert_eq!(json_of(&app, "POST", "/wine/verify", None).await["ok"], true);
    let list = json_of(&app, "GET", "", None).await;
    assert_eq!((&list[0]["commits"], &list[0]["tags"][0]["name"]), (&json!(3), &json!("v1")));
    assert_eq!(json_of(&app, "GET", "/wine/branches", None).await[1]["name"], "next");
    let removal = json!({"files": [{"path": "white.csv"}], "message": "remove"});
    assert_eq!(json_of(&app, "POST", "/wine/commits", Some(removal)).await["rows"], 2);
}

#[tokio::test]
async fn failures_say_what_why_and_what_to_do() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let (app, _) = routes(&Data::new(core)).split_for_parts();
    let (status, bytes) =
        call(&app, "POST", "/wine/commits", commit("main", "red.csv", "a;b\n1;2\n3\n")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let error: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(error["error"]["why"].as_str().unwrap().contains("line 3"), "{error}");
    assert!(error["error"]["hint"].is_string(), "{error}");
    let bad_base64 = json!({"files": [{"path": "a", "content_base64": "!"}]});
    for (method, path, body, expected) in [
        ("GET", "/none", None, StatusCode::NOT_FOUND),
        ("GET", "/none/log", None, StatusCode::NOT_FOUND),
        ("POST", "/wine/commits", commit("main", "../x", "x"), StatusCode::BAD_REQUEST),
        ("POST", "/wine/commits", Some(bad_base64), StatusCode::BAD_REQUEST),
        ("GET", "/wine/files/main?path=..%2Fmeta.db", None, StatusCode::BAD_REQUEST),
        ("GET", "/wine/rows/main", None, StatusCode::NOT_FOUND),
        ("POST", "", Some(json!({"name": "a/b"})), StatusCode::BAD_REQUEST),
    ] {
        let (status, bytes) = call(&app, method, path, body).await;
        assert_eq!(status, expected, "{method} {path}: {}", String::from_utf8_lossy(&bytes));
    }
}
