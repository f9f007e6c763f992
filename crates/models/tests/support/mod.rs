//! What the registry's tests begin with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, missing_docs)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use ropewalk_core::journal::Filter;
use ropewalk_core::{Actor, Core, Entry, Migration, Page};
use ropewalk_data::Data;
use ropewalk_ledger::Ledger;
use ropewalk_models::{Models, NewModel, NewVersion, SourceRules};
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;
use ropewalk_webhooks::{Options, Webhooks};
use serde_json::Value;
use tower::ServiceExt;

pub fn migrations() -> Vec<Migration> {
    [
        ropewalk_ledger::MIGRATIONS,
        ropewalk_data::MIGRATIONS,
        ropewalk_prep::MIGRATIONS,
        ropewalk_runs::MIGRATIONS,
        ropewalk_webhooks::MIGRATIONS,
        ropewalk_models::MIGRATIONS,
    ]
    .concat()
}

/// Webhooks that may be at this machine.
pub fn webhooks(core: &Core) -> Webhooks {
    let options = Options { schemes: vec!["http".into()], allow_private: true, ..Options::default() };
    Webhooks::new(core.clone(), options)
}

pub fn models(core: &Core) -> Models {
    models_with(core, SourceRules::default())
}

pub fn models_with(core: &Core, rules: SourceRules) -> Models {
    let prep = Prep::new(core.clone(), Data::new(core.clone()), Ledger::new(core.clone()));
    Models::new(core.clone(), Runs::new(core.clone()), prep, webhooks(core), rules)
}

/// The routes of runs and of the registry.
pub fn router(models: &Models) -> Router {
    ropewalk_runs::routes(models.runs()).merge(ropewalk_models::routes(models)).split_for_parts().0
}

pub fn ann() -> Actor {
    Actor::user("ann")
}

pub async fn model(models: &Models, name: &str, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let new = NewModel { name: name.into(), description: String::new(), tags };
    models.create_model(new, &ann()).await.unwrap();
}

pub async fn version(models: &Models, name: &str) -> i64 {
    let new = NewVersion { name: name.into(), source: "s3://b/m".into(), ..NewVersion::default() };
    models.create_version(new, &ann()).await.unwrap().version
}

/// The journal's entries, the oldest first.
pub async fn entries(core: &Core) -> Vec<Entry> {
    core.journal.entries(&Filter::default(), &Page::first(1000)).await.unwrap().items
}

/// One of MLflow's calls, or one of ours where the path begins with a slash.
pub async fn call(router: &Router, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    send(router, method, path, body).await
}

pub async fn send(router: &Router, method: &str, path: &str, body: Body) -> (StatusCode, Value) {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/2.0/mlflow/{path}") };
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
