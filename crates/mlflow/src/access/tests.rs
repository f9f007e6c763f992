//! Requests as clients send them, judged for users with different permissions.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::Request;
use ropewalk_core::Result;
use serde_json::{Value, json};

use super::Permission::{Deny, Edit, Manage, Read, Use};
use super::ResourceType::{self, Assessment, Experiment, LoggedModel, Prompt, RegisteredModel, Run, Trace};
use super::*;
use crate::Call;

/// Runs `rN`, models `m-N`, traces `tr-N` and datasets `dN` belong to experiment N.
struct House;

fn number(text: &str, prefix: &str) -> Option<String> {
    text.strip_prefix(prefix).filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
}

#[async_trait]
impl Lookup for House {
    async fn experiment_named(&self, name: &str) -> Result<Option<String>> {
        Ok(number(name, "exp"))
    }
    async fn experiment_of_run(&self, run: &str) -> Result<Option<String>> {
        Ok(number(run, "r"))
    }
    async fn experiment_of_logged_model(&self, model: &str) -> Result<Option<String>> {
        Ok(number(model, "m-"))
    }
    async fn experiment_of_trace(&self, trace: &str) -> Result<Option<String>> {
        Ok(number(trace, "tr-"))
    }
    async fn experiments_of_dataset(&self, dataset: &str) -> Result<Option<Vec<String>>> {
        Ok(number(dataset, "d").map(|experiment| vec![experiment]))
    }
    async fn registered(&self, name: &str) -> Result<Option<Registered>> {
        Ok(match name {
            "prompt" => Some(Registered::Prompt),
            "gone" => None,
            _ => Some(Registered::Model),
        })
    }
}

fn rights(default: Permission, grants: &[(ResourceType, &str, Permission)]) -> Rights {
    let grants = grants.iter().map(|(kind, pattern, permission)| Grant {
        kind: *kind,
        pattern: (*pattern).to_owned(),
        permission: *permission,
    });
    Rights::new(default, Arc::new(Grants::new(grants)))
}

/// What comes of a request: true, false, or the words of a refusal.
async fn judge(
    rights: &Rights,
    method: &str,
    target: &str,
    body: Option<Value>,
) -> std::result::Result<bool, String> {
    let mut request = Request::builder().method(method).uri(target);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let request = request.header("x-mlflow-experiment-id", "1").body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let table = Table::new(&[MLFLOW]);
    let (rule, variables) = table.find(method, parts.uri.path()).unwrap();
    let (action, most) = rule.about.levels();
    let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let call = Call::new(&parts, bytes);
    let asked = Asked { call: &call, variables: &variables, lookup: &House };
    let needs = rule.about.needs(&asked).await.map_err(|error| error.message().to_owned())?;
    let looked = needs.as_ref().is_some_and(|needs| rights.allow(needs));
    let settled = rights.settle(action, most);
    // What is settled without looking must come out as looking would have it. Of what does not exist the handler speaks.
    if let (Some(settled), Some(_)) = (settled, &needs) {
        assert_eq!(settled, looked, "{method} {target} is settled otherwise than it is judged");
    }
    Ok(settled.unwrap_or(looked))
}

/// Judges a request for one user after another.
async fn each(users: &[&Rights], method: &str, target: &str, body: Option<Value>) -> Vec<bool> {
    let mut all = Vec::new();
    for user in users {
        all.push(judge(user, method, target, body.clone()).await.unwrap());
    }
    all
}

#[tokio::test]
async fn runs_follow_their_experiment() {
    let viewer = rights(Read, &[(Experiment, "1", Edit), (Experiment, "2", Deny)]);
    let scientist = rights(Edit, &[(Experiment, "1", Read), (Experiment, "3", Manage)]);
    let users = [&viewer, &scientist];
    let run = |id: &str| Some(json!({"run_id": id}));
    let api = |path: &str| format!("/api/2.0/mlflow/{path}");
    assert_eq!(each(&users, "GET", &api("runs/get?run_id=r1"), None).await, [true, true]);
    assert_eq!(each(&users, "GET", &api("runs/get?run_uuid=r2"), None).await, [false, true]);
    assert_eq!(each(&users, "POST", &api("runs/set-tag"), run("r1")).await, [true, false]);
    assert_eq!(each(&users, "POST", &api("runs/set-tag"), Some(json!({"runId": "r1"}))).await, [true, false]);
    assert_eq!(each(&users, "POST", &api("runs/delete"), run("r1")).await, [false, false]);
    assert_eq!(each(&users, "POST", &api("runs/delete"), run("r3")).await, [false, true]);
    assert_eq!(
        each(&users, "POST", &api("runs/create"), Some(json!({"experiment_id": "01"}))).await,
        [true, false]
    );
    assert_eq!(
        each(&users, "GET", &api("metrics/get-history-bulk-interval?run_ids=r1&run_ids=r2"), None).await,
        [false, true]
    );
    assert_eq!(each(&users, "GET", "/get-artifact?run_id=r2&path=x", None).await, [false, true]);
    assert_eq!(
        each(&users, "POST", "/ajax-api/2.0/mlflow/upload-artifact?run_id=r1", None).await,
        [true, false]
    );
    // To whom something is hidden, what is not there is refused as if it were.
    assert_eq!(each(&users, "GET", &api("runs/get?run_id=none"), None).await, [false, true]);
    let words = judge(&viewer, "POST", &api("runs/set-tag"), Some(json!({"key": "k"}))).await.unwrap_err();
    assert!(words.starts_with("Missing value for required parameter 'run_id'."), "{words}");
}

#[tokio::test]
async fn a_metric_may_not_be_written_to_anothers_model() {
    let scientist = rights(Edit, &[(Experiment, "2", Read), (Experiment, "3", Deny)]);
    let batch = |model: &str| Some(json!({"run_id": "r1", "metrics": [{"key": "m", "modelId": model}]}));
    let metric = |model: &str| Some(json!({"run_id": "r1", "metrics": 5, "model_id": model}));
    for (model, allowed) in [("m-1", true), ("m-2", false), ("m-3", false), ("none", false)] {
        assert_eq!(
            each(&[&scientist], "POST", "/api/2.0/mlflow/runs/log-batch", batch(model)).await,
            [allowed]
        );
        assert_eq!(
            each(&[&scientist], "POST", "/api/2.0/mlflow/runs/log-metric", metric(model)).await,
            [allowed]
        );
    }
    let source = |run: &str| Some(json!({"experiment_id": "1", "source_run_id": run}));
    assert_eq!(each(&[&scientist], "POST", "/api/2.0/mlflow/logged-models", source("r2")).await, [true]);
    assert_eq!(each(&[&scientist], "POST", "/api/2.0/mlflow/logged-models", source("r3")).await, [false]);
    assert_eq!(each(&[&scientist], "DELETE", "/api/2.0/mlflow/logged-models/m-1", None).await, [false]);
    assert_eq!(
        each(&[&scientist], "PATCH", "/api/2.0/mlflow/logged-models/m-1", Some(json!({}))).await,
        [true]
    );
}

#[tokio::test]
async fn experiments_are_judged_by_number_and_by_name() {
    let scientist = rights(Edit, &[(Experiment, "1", Deny), (Experiment, "2", Manage), (Run, "*", Edit)]);
    let users = [&scientist];
    let api = |path: &str| format!("/ajax-api/2.0/mlflow/experiments/{path}");
    let id = |id: &str| Some(json!({"experiment_id": id}));
    assert_eq!(each(&users, "GET", &api("get?experiment_id=1"), None).await, [false]);
    assert_eq!(each(&users, "GET", &api("get?experiment_id=%2B1"), None).await, [false]);
    assert_eq!(each(&users, "GET", &api("get-by-name?experiment_name=exp1"), None).await, [false]);
    assert_eq!(each(&users, "GET", &api("get-by-name?experiment_name=exp4"), None).await, [true]);
    // The handler says that there is none.
    assert_eq!(each(&users, "GET", &api("get-by-name?experiment_name=none"), None).await, [true]);
    // Editing all runs does not delete them, and the experiment's deletion would.
    assert_eq!(each(&users, "POST", &api("delete"), id("2")).await, [false]);
    let manager = rights(Edit, &[(Experiment, "2", Manage)]);
    assert_eq!(each(&[&manager], "POST", &api("delete"), id("2")).await, [true]);
    assert_eq!(each(&[&manager], "POST", &api("delete"), id("4")).await, [false]);
    let creators = [&rights(Read, &[]), &rights(Edit, &[]), &rights(Edit, &[(Experiment, "*", Deny)])];
    assert_eq!(
        each(&creators, "POST", &api("create"), Some(json!({"name": "n"}))).await,
        [false, true, false]
    );
}

#[tokio::test]
async fn models_and_prompts_are_judged_apart() {
    let scientist = rights(
        Edit,
        &[(RegisteredModel, "m", Read), (Prompt, "prompt", Deny), (RegisteredModel, "prompt", Manage)],
    );
    let users = [&scientist];
    let api = |path: &str| format!("/api/2.0/mlflow/{path}");
    assert_eq!(each(&users, "GET", &api("registered-models/get?name=m"), None).await, [true]);
    assert_eq!(each(&users, "GET", &api("registered-models/get?name=prompt"), None).await, [false]);
    assert_eq!(
        each(&users, "PATCH", &api("registered-models/update"), Some(json!({"name": "m"}))).await,
        [false]
    );
    assert_eq!(
        each(&users, "PATCH", &api("registered-models/update"), Some(json!({"name": "n"}))).await,
        [true]
    );
    assert_eq!(
        each(&users, "DELETE", &api("registered-models/delete"), Some(json!({"name": "n"}))).await,
        [false]
    );
    assert_eq!(
        each(&users, "GET", "/model-versions/get-artifact?name=prompt&version=1&path=x", None).await,
        [false]
    );
    let prompt_tag = json!([{"key": PROMPT_TAG, "value": "True"}]);
    let new = |name: &str, tags: Value| Some(json!({"name": name, "tags": tags}));
    let denied = rights(Edit, &[(Prompt, "*", Deny)]);
    assert_eq!(
        each(&[&denied], "POST", &api("registered-models/create"), new("n", prompt_tag)).await,
        [false]
    );
    assert_eq!(each(&[&denied], "POST", &api("registered-models/create"), new("n", json!([]))).await, [true]);
}

#[tokio::test]
async fn a_version_needs_what_it_is_made_of() {
    let scientist = rights(
        Edit,
        &[(Experiment, "2", Deny), (RegisteredModel, "secret", Deny), (RegisteredModel, "m", Use)],
    );
    let version = |more: Value| {
        let mut body = json!({"name": "n", "source": "s3://x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Some(body)
    };
    for (more, allowed) in [
        (json!({}), true),
        (json!({"run_id": "r1"}), true),
        (json!({"run_id": "r2"}), false),
        (json!({"run_id": ""}), false),
        (json!({"model_id": "m-2"}), false),
        (json!({"source": "models:/m-2"}), false),
        (json!({"source": "models:/m-1"}), true),
        (json!({"source": "models:/secret/1"}), false),
        (json!({"source": "models:/secret@champion"}), false),
        (json!({"source": "models:/open/1", "run_id": "r2"}), true),
        (json!({"name": "m"}), false),
        (json!({"name": "gone"}), false),
    ] {
        let path = "/api/2.0/mlflow/model-versions/create";
        assert_eq!(judge(&scientist, "POST", path, version(more.clone())).await, Ok(allowed), "{more}");
    }
    let denied = rights(Edit, &[(Run, "*", Deny)]);
    let search = |filter: &str| format!("/api/2.0/mlflow/model-versions/search?filter={filter}");
    assert_eq!(each(&[&denied], "GET", &search("run_id%3D'x'"), None).await, [false]);
    assert_eq!(each(&[&denied], "GET", &search("name%3D'x'"), None).await, [true]);
}

#[tokio::test]
async fn traces_and_assessments_follow_their_experiment() {
    let scientist =
        rights(Edit, &[(Experiment, "2", Deny), (Experiment, "3", Read), (Experiment, "4", Manage)]);
    let users = [&scientist];
    let api = |path: &str| format!("/api/3.0/mlflow/traces{path}");
    let at = |id: &str| json!({"mlflow_experiment": {"experimentId": id}});
    let search = |ids: &[&str]| Some(json!({"locations": ids.iter().map(|id| at(id)).collect::<Vec<_>>()}));
    assert_eq!(each(&users, "POST", &api("/search"), search(&["1", "3"])).await, [true]);
    assert_eq!(each(&users, "POST", &api("/search"), search(&["1", "2"])).await, [false]);
    assert_eq!(judge(&scientist, "POST", &api("/search"), search(&[])).await, Ok(false));
    assert_eq!(each(&users, "GET", &api("/tr-2"), None).await, [false]);
    assert_eq!(each(&users, "GET", &api("/get?trace_id=tr-3"), None).await, [true]);
    assert_eq!(each(&users, "PATCH", &api("/tr-3/tags"), Some(json!({}))).await, [false]);
    let new = |id: &str| Some(json!({"trace": {"trace_info": {"trace_location": at(id)}}}));
    assert_eq!(each(&users, "POST", &api(""), new("1")).await, [true]);
    assert_eq!(each(&users, "POST", &api(""), new("3")).await, [false]);
    let delete = |id: &str| Some(json!({"experiment_id": id}));
    assert_eq!(each(&users, "POST", &api("/delete-traces"), delete("1")).await, [false]);
    assert_eq!(each(&users, "POST", &api("/delete-traces"), delete("4")).await, [true]);
    assert_eq!(each(&users, "POST", "/v1/traces", None).await, [true]);
    // A lower permission on all traces takes nothing away that the experiment gives to an assessment.
    let reads = rights(Read, &[(Experiment, "1", Edit), (Trace, "*", Read)]);
    assert_eq!(each(&[&reads], "POST", &api("/tr-1/assessments"), Some(json!({}))).await, [true]);
    let judges = rights(Read, &[(Trace, "*", Edit)]);
    assert_eq!(each(&[&judges], "POST", &api("/tr-1/assessments"), Some(json!({}))).await, [true]);
    assert_eq!(each(&[&judges], "DELETE", &api("/tr-1/assessments/a"), None).await, [false]);
    let narrow = rights(Edit, &[(Assessment, "*", Edit)]);
    assert_eq!(each(&[&narrow], "DELETE", &api("/tr-1/assessments/a"), None).await, [false]);
    assert_eq!(each(&[&narrow], "PATCH", &api("/tr-1/assessments/a"), Some(json!({}))).await, [true]);
    let blind = rights(Edit, &[(Assessment, "*", Deny), (LoggedModel, "*", Deny)]);
    let filtered = |filter: &str| Some(json!({"locations": [at("1")], "filter": filter}));
    assert_eq!(each(&[&blind], "POST", &api("/search"), filtered("feedback.ok = 'true'")).await, [false]);
    assert_eq!(each(&[&blind], "POST", &api("/search"), filtered("tags.a = 'b'")).await, [true]);
}

#[tokio::test]
async fn datasets_and_files_follow_their_experiments() {
    let scientist = rights(Edit, &[(Experiment, "2", Deny), (Experiment, "3", Read), (Run, "*", Read)]);
    let users = [&scientist];
    let ids = |ids: &[&str]| Some(json!({"experiment_ids": ids}));
    let api = |path: &str| format!("/api/3.0/mlflow/datasets/{path}");
    assert_eq!(each(&users, "POST", &api("create"), ids(&["1"])).await, [true]);
    assert_eq!(each(&users, "POST", &api("create"), ids(&["1", "3"])).await, [false]);
    assert_eq!(each(&users, "POST", &api("search"), ids(&["1", "3"])).await, [true]);
    assert_eq!(judge(&scientist, "POST", &api("search"), ids(&[])).await, Ok(false));
    assert_eq!(each(&users, "GET", &api("d2"), None).await, [false]);
    assert_eq!(each(&users, "POST", &api("d1/add-experiments"), ids(&["3"])).await, [false]);
    assert_eq!(each(&users, "GET", &api("none/records"), None).await, [false]);
    let file = |path: &str| format!("/api/2.0/mlflow-artifacts/artifacts/{path}");
    assert_eq!(
        each(&users, "GET", &file("1/0123456789abcdef0123456789abcdef/artifacts/x"), None).await,
        [true]
    );
    assert_eq!(
        each(&users, "PUT", &file("1/0123456789abcdef0123456789abcdef/artifacts/x"), None).await,
        [false]
    );
    assert_eq!(each(&users, "PUT", &file("1/models/m-1/artifacts/x"), None).await, [true]);
    assert_eq!(each(&users, "PUT", &file("3/models/m-1/artifacts/x"), None).await, [false]);
    assert_eq!(each(&users, "GET", &file("2/models/m-1/artifacts/x"), None).await, [false]);
    assert_eq!(each(&users, "GET", &file("1/%2e%2e/2/x"), None).await, [false]);
    assert_eq!(each(&users, "GET", &file("1/%252e%252e/2/x"), None).await, [false]);
    assert_eq!(each(&users, "DELETE", &file("1"), None).await, [false]);
    assert_eq!(each(&users, "GET", "/api/2.0/mlflow-artifacts/artifacts?path=2", None).await, [false]);
    assert_eq!(each(&users, "GET", "/api/2.0/mlflow-artifacts/artifacts", None).await, [true]);
    assert_eq!(each(&users, "GET", "/api/2.0/mlflow/webhooks", None).await, [false]);
}
