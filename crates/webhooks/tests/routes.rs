//! MLflow's webhook routes and ours, as bytes go over the wire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::journal::Filter;
use ropewalk_core::testing::{each_database, fresh_home};
use ropewalk_core::{Core, Page};
use ropewalk_webhooks::{MIGRATIONS, Options, Webhooks};
use serde_json::{Value, json};
use sqlx::Row;
use support::{Answer, Receiver, loose};
use tower::ServiceExt;

fn router(core: &Core, options: Options) -> Router {
    ropewalk_webhooks::routes(&Webhooks::new(core.clone(), options)).split_for_parts().0
}

async fn send(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/2.0/mlflow/{path}") };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let answer = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn call(router: &Router, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    send(router, method, path, if body.is_null() { String::new() } else { body.to_string() }).await
}

fn body(more: Value) -> Value {
    let mut whole = json!({
        "name": "hook", "url": "http://127.0.0.1:9/", "events": [{"entity": "PROMPT", "action": "CREATED"}],
    });
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

#[tokio::test]
async fn a_webhook_lives_and_its_secret_is_never_shown() {
    each_database(MIGRATIONS, |core| async move {
        let router = router(&core, loose());
        let events = json!([{"entity": "PROMPT", "action": "CREATED"}, {"entity": "MODEL_VERSION_TAG", "action": "SET"}]);
        let (status, made) =
            call(&router, "POST", "webhooks", body(json!({"secret": "hush", "events": events}))).await;
        assert_eq!(status, StatusCode::OK, "{made}");
        let hook = &made["webhook"];
        assert_eq!((&hook["status"], &hook["events"][0]["entity"]), (&json!("ACTIVE"), &json!("MODEL_VERSION_TAG")));
        let path = format!("webhooks/{}", hook["webhook_id"].as_str().unwrap());
        let change = json!({"description": "words", "status": "DISABLED", "name": "", "events": []});
        let (_, changed) = call(&router, "PATCH", &path, change).await;
        let changed = &changed["webhook"];
        assert_eq!((&changed["name"], &changed["description"]), (&json!("hook"), &json!("words")));
        assert_eq!((&changed["status"], &changed["events"]), (&json!("DISABLED"), &hook["events"]));
        let (_, found) = call(&router, "GET", &path, Value::Null).await;
        assert_eq!(found["webhook"], *changed);

        // At rest it is sealed, and neither answers nor the journal have it.
        let kept: String = {
            let mut connection = core.database.read().await.unwrap();
            sqlx::query("SELECT secret FROM webhook").fetch_one(&mut *connection).await.unwrap().try_get("secret").unwrap()
        };
        assert!(kept.starts_with("1:home:") && !kept.contains("hush"));
        let entries = core.journal.entries(&Filter::default(), &Page::first(10)).await.unwrap().items;
        let verbs: Vec<&str> = entries.iter().map(|entry| entry.verb.as_str()).collect();
        assert_eq!(verbs, ["webhook.create", "webhook.update"]);
        assert!(!serde_json::to_string(&entries).unwrap().contains("hush") && !found.to_string().contains("hush"));

        for number in 0..3 {
            call(&router, "POST", "webhooks", body(json!({"name": format!("h{number}")}))).await;
        }
        let (_, first) = call(&router, "GET", "webhooks?max_results=3", Value::Null).await;
        assert_eq!(first["webhooks"].as_array().unwrap().len(), 3);
        let next = format!("webhooks?max_results=3&page_token={}", first["next_page_token"].as_str().unwrap());
        let (_, second) = call(&router, "GET", &next, Value::Null).await;
        assert_eq!(second["webhooks"][0]["name"], "hook");
        assert!(second.get("next_page_token").is_none());

        assert_eq!(call(&router, "DELETE", &path, Value::Null).await, (StatusCode::OK, json!({})));
        for method in ["GET", "DELETE", "PATCH"] {
            let (status, error) = call(&router, method, &path, json!({})).await;
            assert_eq!((status, &error["error_code"]), (StatusCode::NOT_FOUND, &json!("RESOURCE_DOES_NOT_EXIST")));
        }
    })
    .await;
}

#[tokio::test]
async fn a_trial_tells_what_came_of_it() {
    let (_home, core) = fresh_home(MIGRATIONS).await;
    let receiver = Receiver::start().await;
    let router = router(&core, loose());
    let (_, made) =
        call(&router, "POST", "webhooks", body(json!({"url": receiver.url, "secret": "s"}))).await;
    let id = made["webhook"]["webhook_id"].as_str().unwrap().to_owned();
    let path = format!("webhooks/{id}/test");
    let (_, tested) = call(&router, "POST", &path, json!({})).await;
    assert_eq!(tested["result"], json!({"success": true, "response_status": 200, "response_body": "noted"}));
    let received = receiver.wait_for(1).await.remove(0);
    assert_eq!(received.json()["data"]["name"], "example_prompt");
    assert!(received.header("x-mlflow-signature").starts_with("v1,"));

    receiver.answers([Answer::Status(500), Answer::Status(400)]);
    let event = json!({"event": {"entity": "MODEL_VERSION", "action": "CREATED"}});
    let (_, tested) = call(&router, "POST", &path, event).await;
    assert_eq!(
        (&tested["result"]["success"], &tested["result"]["response_status"]),
        (&json!(false), &json!(400))
    );
    assert_eq!(receiver.wait_for(3).await[2].json()["entity"], "model_version");

    let (_, made) = call(&router, "POST", "webhooks", body(json!({}))).await;
    let nobody = format!("webhooks/{}/test", made["webhook"]["webhook_id"].as_str().unwrap());
    let (_, tested) = call(&router, "POST", &nobody, json!({})).await;
    assert_eq!(tested["result"]["success"], false);
    let words = tested["result"]["error_message"].as_str().unwrap();
    assert!(words.starts_with("Failed to test webhook: ConnectionError("), "{words}");

    let deliveries = format!("/api/v1/webhooks/{id}/deliveries");
    assert_eq!(call(&router, "GET", &deliveries, Value::Null).await, (StatusCode::OK, json!({"items": []})));
    let (status, error) = call(&router, "GET", "/api/v1/webhooks/none/deliveries", Value::Null).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
}

#[tokio::test]
async fn no_body_makes_a_route_fail() {
    each_database(MIGRATIONS, |core| async move {
        let router = router(&core, Options { retries: 0, ..loose() });
        let (_, made) = call(&router, "POST", "webhooks", body(json!({}))).await;
        let hook = format!("webhooks/{}", made["webhook"]["webhook_id"].as_str().unwrap());
        let odd = [
            json!(null),
            json!(5),
            json!(1e300),
            json!(true),
            json!([]),
            json!([1]),
            json!([null]),
            json!({}),
            json!([{}]),
            json!([{"entity": "NOTHING", "action": "CREATED"}]),
            json!([{"entity": 99}]),
            json!({"entity": "PROMPT"}),
            json!(""),
            json!(" "),
            json!("\u{0}"),
            json!("x\u{0}"),
            json!("é".repeat(3000)),
            json!("http://[::1"),
            json!("http://a b/"),
            json!("ftp://127.0.0.1/"),
            json!("http://127.0.0.1:99999/"),
            json!("javascript:x"),
        ];
        for (method, path) in
            [("POST", "webhooks".to_owned()), ("PATCH", hook.clone()), ("POST", format!("{hook}/test"))]
        {
            for value in &odd {
                let (status, answer) = call(&router, method, &path, value.clone()).await;
                assert!(status.as_u16() < 500, "{method} {path} {value}: {status} {answer}");
                for key in ["name", "url", "events", "event", "description", "secret", "status", "webhook_id"]
                {
                    let changed = body(json!({key: value}));
                    let (status, answer) = call(&router, method, &path, changed.clone()).await;
                    assert!(status.as_u16() < 500, "{method} {path} {changed}: {status} {answer}");
                }
            }
            for raw in ["{", "\"x\"", "[[", "{\"name\": NaN}"] {
                let (status, answer) = send(&router, method, &path, raw).await;
                assert!(status.as_u16() < 500, "{method} {path} {raw}: {status} {answer}");
            }
        }
        for query in [
            "max_results=-1",
            "max_results=1001",
            "max_results=x",
            "page_token=x",
            "page_token=%00",
            "max_results=1e9",
        ] {
            let (status, answer) = call(&router, "GET", &format!("webhooks?{query}"), Value::Null).await;
            assert!((400..500).contains(&status.as_u16()), "{query}: {status} {answer}");
        }
        let twice =
            json!([{"entity": "PROMPT", "action": "CREATED"}, {"entity": "PROMPT", "action": "CREATED"}]);
        let (status, error) = call(&router, "POST", "webhooks", body(json!({"events": twice}))).await;
        assert_eq!((status, &error["error_code"]), (StatusCode::BAD_REQUEST, &json!("BAD_REQUEST")));
        for path in
            ["webhooks/%00", "/api/v1/webhooks/%00/deliveries", "/api/v1/webhooks/x/deliveries?limit=x"]
        {
            let (status, answer) = call(&router, "GET", path, Value::Null).await;
            assert!((400..500).contains(&status.as_u16()), "{path}: {status} {answer}");
        }
    })
    .await;
}
