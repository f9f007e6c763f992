#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::testing::{alert, line, migrations};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use ropewalk_watch::{AlertKind, AlertSink};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn ask(respond: &Respond, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let (router, _) = routes(respond).split_for_parts();
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let answer = router.oneshot(request.body(body).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn incidents_over_http() {
    let (_home, core) = fresh_home(&migrations()).await;
    let respond = line(&core);
    let (status, empty) = ask(&respond, "GET", "/api/v1/incidents", None).await;
    assert_eq!((status, empty), (200, json!({"items": []})));
    respond.alert(alert("1", AlertKind::QualityDrop, "wine")).await.unwrap();

    let (status, list) =
        ask(&respond, "GET", "/api/v1/incidents?endpoint=wine&open=true&limit=5", None).await;
    assert_eq!((status, &list["items"][0]["status"]), (200, &json!("triggered")));
    assert_eq!(ask(&respond, "GET", "/api/v1/incidents?status=closed", None).await.0, 400);
    let (status, detail) = ask(&respond, "GET", "/api/v1/incidents/1", None).await;
    assert_eq!((status, &detail["timeline"][0]["verb"]), (200, &json!("incident.open")));
    let (status, missing) = ask(&respond, "GET", "/api/v1/incidents/9", None).await;
    assert_eq!((status, &missing["error"]["code"]), (404, &json!("not_found")));
    assert!(missing["error"]["hint"].is_string());

    assert_eq!(ask(&respond, "POST", "/api/v1/incidents/1/acknowledge", None).await.0, 200);
    assert_eq!(ask(&respond, "POST", "/api/v1/incidents/1/acknowledge", None).await.0, 409);
    assert_eq!(ask(&respond, "POST", "/api/v1/incidents/1/note", Some(json!({"text": ""}))).await.0, 400);
    assert_eq!(ask(&respond, "POST", "/api/v1/incidents/1/note", Some(json!({"text": "seen"}))).await.0, 200);
    let (status, draft) = ask(&respond, "GET", "/api/v1/incidents/1/postmortem", None).await;
    assert_eq!((status, &draft["draft"]), (200, &json!(true)));
    assert_eq!(ask(&respond, "POST", "/api/v1/incidents/1/resolve", None).await.0, 200);
    let (_, told) = ask(&respond, "GET", "/api/v1/incidents/1/postmortem", None).await;
    assert!(told["markdown"].as_str().unwrap().contains("resolved without a note"));
    let runbook = json!({"name": "retrain"});
    assert_eq!(ask(&respond, "POST", "/api/v1/incidents/1/runbook", Some(runbook)).await.0, 409);
    assert_eq!(ask(&respond, "GET", "/api/v1/incidents/1/runbooks", None).await, (200, json!([])));
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let (_home, core) = fresh_home(&migrations()).await;
    let respond = line(&core);
    for (method, path, body, expected) in [
        ("GET", "/api/v1/why?subject=endpoint:wine", None, 404),
        ("GET", "/api/v1/why?subject=soup", None, 400),
        ("GET", "/api/v1/rollouts/none", None, 404),
        ("POST", "/api/v1/rollouts/none/abort", None, 404),
        ("GET", "/api/v1/runbooks/none", None, 404),
        ("GET", "/api/v1/endpoints/wine/rollouts", None, 200),
        ("POST", "/api/v1/endpoints/wine/rollouts", Some(json!({"revision": 1})), 404),
        (
            "POST",
            "/api/v1/endpoints/wine/rollouts",
            Some(json!({"revision": 1, "settings": {"steps": []}})),
            400,
        ),
        (
            "POST",
            "/api/v1/endpoints/wine/rollouts",
            Some(json!({"revision": 1, "settings": {"stpes": [5]}})),
            422,
        ),
        ("GET", "/api/v1/endpoints/wine/runbook", None, 200),
    ] {
        let (status, answer) = ask(&respond, method, path, body).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
    }
}
