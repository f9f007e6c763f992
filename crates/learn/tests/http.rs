//! The routes, as the command line and the web app call them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use common::{House, migrations};
use http_body_util::BodyExt;
use ropewalk_core::testing::fresh_home;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Client(axum::Router);

impl Client {
    fn new(house: &House) -> Self {
        let (learn, _) = ropewalk_learn::routes(&house.learn).split_for_parts();
        let (jobs, _) = ropewalk_core::jobs::routes(&house.core.jobs).split_for_parts();
        Self(learn.merge(jobs))
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let response =
            self.0.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Starts a job and waits for its end.
    async fn job(&self, path: &str, body: &Value) -> Value {
        let (status, job) = self.call("POST", path, &body.to_string()).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{job}");
        let id = job["id"].as_str().unwrap().to_owned();
        for _ in 0..1200 {
            let (_, job) = self.call("GET", &format!("/api/v1/jobs/{id}"), "").await;
            if !job["ended_ms"].is_null() {
                assert!(job["error"].is_null(), "{job}");
                return job;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the job did not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trains_sweeps_and_reproduces_over_http() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let prepared = house.red().await;
    let client = Client::new(&house);

    let (status, recipes) = client.call("GET", "/api/v1/recipes", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(recipes[0]["name"], "boosted-trees");
    assert_eq!(recipes[1]["parameters"][0]["default"], json!([64, 32]));

    let body = json!({"recipe": "mlp", "prepared_id": prepared.id, "params": {"epochs": 4}});
    let run = client.job("/api/v1/train", &body).await["result"]["run_id"].as_str().unwrap().to_owned();
    let again = client.job(&format!("/api/v1/runs/{run}/reproduce"), &json!({})).await;
    assert_eq!(again["result"]["matches"], true, "{again}");

    let job = client
        .job(
            "/api/v1/sweeps",
            &json!({"prepared_id": prepared.id, "trials": 2, "recipes": ["boosted-trees"]}),
        )
        .await;
    assert_eq!((&job["done"], &job["total"]), (&json!(2), &json!(2)));
    let sweep = job["result"]["sweep_id"].as_str().unwrap();
    assert_eq!(job["subject"], format!("sweep:{sweep}"));
    let (status, stored) = client.call("GET", &format!("/api/v1/sweeps/{sweep}"), "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stored["result"]["best_run_id"], job["result"]["best_run_id"]);
}

#[tokio::test]
async fn bad_requests_are_answered_at_once_and_in_words() {
    let (_home, core) = fresh_home(&migrations()).await;
    let house = House::build(core);
    let prepared = house.red().await.id;
    let client = Client::new(&house);
    let unknown = "0".repeat(64);
    for (path, body, status, word) in [
        ("/api/v1/train", "{".to_owned(), 400, "request body"),
        ("/api/v1/train", json!({"prepared_id": prepared}).to_string(), 400, "recipe"),
        ("/api/v1/train", json!({"recipe": "oracle", "prepared_id": prepared}).to_string(), 404, "oracle"),
        (
            "/api/v1/train",
            json!({"recipe": "mlp", "prepared_id": prepared, "params": {"dropout": 2}}).to_string(),
            400,
            "dropout",
        ),
        (
            "/api/v1/train",
            json!({"recipe": "mlp", "prepared_id": unknown}).to_string(),
            404,
            "no preparation",
        ),
        ("/api/v1/sweeps", json!({"prepared_id": prepared, "trials": 0}).to_string(), 400, "trials"),
        ("/api/v1/sweeps", json!({"prepared_id": unknown}).to_string(), 404, "no preparation"),
        ("/api/v1/runs/feedbeef/reproduce", String::new(), 404, "feedbeef"),
    ] {
        let (actual, answer) = client.call("POST", path, &body).await;
        assert_eq!(actual.as_u16(), status, "{path} {body}: {answer}");
        assert!(answer["error"].to_string().contains(word), "{path} {body}: {answer}");
    }
    let (status, _) = client.call("GET", "/api/v1/sweeps/none", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
