//! Queries against routes that tell of one run and one version.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Query;
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::BodyExt;
use ropewalk_mlflow::MlflowError;
use ropewalk_mlflow::access::{Grant, Grants, Permission, ResourceType, Rights};
use serde_json::{Value, json};
use std::collections::HashMap;
use tower::ServiceExt;

fn run() -> Value {
    json!({
        "info": {"run_id": "r1", "run_uuid": "r1", "run_name": "n", "experiment_id": "1", "status": "FINISHED",
            "start_time": 5, "lifecycle_stage": "active"},
        "data": {"metrics": [{"key": "m", "value": 1.5, "timestamp": 2, "step": 3, "model_id": "m-1"},
            {"key": "n", "value": "NaN", "timestamp": 2, "step": 3}]},
        "outputs": {"model_outputs": [{"model_id": "m-1", "step": 4}]},
    })
}

async fn get_run(Query(asked): Query<HashMap<String, String>>) -> Result<Json<Value>, MlflowError> {
    match asked["run_id"].as_str() {
        "r1" => Ok(Json(json!({"run": run()}))),
        other => Err(MlflowError::missing(format!("Run with id={other} not found"))),
    }
}

async fn search_runs(Json(asked): Json<Value>) -> Json<Value> {
    let filter = asked["filter"].as_str().unwrap_or_default();
    Json(json!({"runs": [run()], "next_page_token": format!("{} {filter}", asked["experiment_ids"])}))
}

async fn experiment(Query(asked): Query<HashMap<String, String>>) -> Json<Value> {
    Json(json!({"experiment": {"experiment_id": asked["experiment_id"], "name": "e", "creation_time": 7}}))
}

async fn versions(Query(asked): Query<HashMap<String, String>>) -> Json<Value> {
    let row = |name: &str| json!({"name": name, "version": "1", "status": "READY", "run_id": "r1", "description": asked["filter"]});
    Json(json!({"model_versions": [row("m"), row("secret")]}))
}

async fn histories() -> Json<Value> {
    Json(json!({"metrics": [{"key": "n", "value": "NaN", "timestamp": 1, "step": 2, "run_id": "r1"}]}))
}

fn routes() -> Router {
    let api = Router::new()
        .route("/runs/get", get(get_run))
        .route("/runs/search", post(search_runs))
        .route("/experiments/get", get(experiment))
        .route("/model-versions/search", get(versions))
        .route("/metrics/get-history-bulk-interval", get(histories));
    crate::routes(Router::new().nest("/ajax-api/2.0/mlflow", api))
}

async fn send(rights: Option<Rights>, body: Value) -> (StatusCode, Value) {
    let mut request =
        Request::builder().method("POST").uri("/graphql").header("content-type", "application/json");
    if let Some(rights) = rights {
        request = request.extension(rights);
    }
    let answer = routes().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}

async fn ask(query: &str) -> Value {
    send(None, json!({"query": query})).await.1
}

#[tokio::test]
async fn a_run_is_told_with_what_it_leads_to() {
    let told = ask(
        "{ one: mlflowGetRun(input: {runUuid: \"r1\"}) { apiError { message } run { __typename \
         info { runId status startTime endTime userId } data { metrics { key value step modelId } params { key } } \
         inputs { datasetInputs { dataset { name } } } outputs { modelOutputs { modelId step } } \
         ...More } } } \
         fragment More on MlflowRunExtension { experiment { name creationTime workspace tags { key } } \
         modelVersions { name version status description deploymentJobState { jobId jobState } } }",
    )
    .await;
    let version = |name: &str| {
        json!({"name": name, "version": "1", "status": "READY", "description": "run_id='r1'",
            "deploymentJobState": {"jobId": "", "jobState": null}})
    };
    assert_eq!(
        told["data"],
        json!({"one": {"apiError": null, "run": {
            "__typename": "MlflowRunExtension",
            "info": {"runId": "r1", "status": "FINISHED", "startTime": "5", "endTime": "0", "userId": ""},
            "data": {"metrics": [
                {"key": "m", "value": 1.5, "step": "3", "modelId": "m-1"},
                {"key": "n", "value": null, "step": "3", "modelId": ""}], "params": []},
            "inputs": {"datasetInputs": []},
            "outputs": {"modelOutputs": [{"modelId": "m-1", "step": "4"}]},
            "experiment": {"name": "e", "creationTime": "7", "workspace": "default", "tags": []},
            "modelVersions": [version("m"), version("secret")]}}})
    );
    let fault = "Enum 'MlflowDeploymentJobConnectionState' cannot represent value: 0";
    assert_eq!(told["errors"], json!([fault, fault]));
}

#[tokio::test]
async fn what_goes_wrong_stands_beside_the_data() {
    let told = ask("{ a: mlflowGetRun(input: {runId: \"x\"}) { run { info { runId } } } b: test(inputString: \"s\") { output } }").await;
    assert_eq!(
        told,
        json!({"data": {"a": null, "b": {"output": "s"}}, "errors": ["Run with id=x not found"]})
    );
    let told = ask("{ mlflowGetRun { run { info { runId } } } test { output } }").await;
    assert_eq!(
        told["errors"],
        json!([
            "QueryType.resolve_mlflow_get_run() missing 1 required positional argument: 'input'",
            "Query.resolve_test() missing 1 required positional argument: 'input_string'"
        ])
    );
    let told = ask("{ mlflowGetRun(input: null) { run { info { runId } } } }").await;
    assert_eq!(told["errors"], json!(["vars() argument must have __dict__ attribute"]));
    let told = ask("{ mlflowSearchRuns(input: {experimentIds: [null]}) { nextPageToken } }").await;
    assert!(told["errors"][0].as_str().unwrap().ends_with("at SearchRuns.experiment_ids[0]."), "{told}");
    let told = ask("{ mlflowGetMetricHistoryBulkInterval(input: {runIds: [\"r1\"], metricKey: \"n\"}) { metrics { key value runId } } }").await;
    assert_eq!(
        told,
        json!({"data": {"mlflowGetMetricHistoryBulkInterval": {"metrics": [{"key": "n", "value": null, "runId": "r1"}]}},
            "errors": ["Float cannot represent non numeric value: nan"]})
    );
    assert_eq!(
        ask("mutation { testMutation(inputString: \"x\") { output } }").await,
        json!({"data": {"testMutation": null}, "errors": null})
    );
}

#[tokio::test]
async fn searches_pass_their_input_on() {
    let query = "query Q($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { nextPageToken runs { info { runId } } } } query R { __typename }";
    let variables = json!({"data": {"experimentIds": ["1"], "filter": "f"}});
    let (_, told) = send(None, json!({"query": query, "variables": variables, "operationName": "Q"})).await;
    assert_eq!(
        told["data"]["mlflowSearchRuns"],
        json!({"nextPageToken": "[\"1\"] f", "runs": [{"info": {"runId": "r1"}}]})
    );
    let (_, told) = send(None, json!({"query": query, "operationName": "none"})).await;
    assert_eq!(told, json!({"data": null, "errors": ["Unknown operation named 'none'."]}));
    let (_, told) = send(None, json!({"query": query, "variables": {"data": 5}, "operationName": "Q"})).await;
    assert_eq!(
        told["errors"],
        json!([
            "Variable '$data' got invalid value 5; Expected type 'MlflowSearchRunsInput' to be a mapping."
        ])
    );
    let told = ask("{ mlflowSearchRuns(input: {}) { runs { info { runId } } nextPageToken } }").await;
    assert_eq!(told["data"]["mlflowSearchRuns"], json!({"runs": [], "nextPageToken": ""}));
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    for body in [
        json!({}),
        json!([]),
        json!("x"),
        json!({"query": 5}),
        json!({"query": "{ __typename }", "variables": []}),
    ] {
        assert_eq!(send(None, body.clone()).await.0, 400, "{body}");
    }
    let (status, told) = send(None, json!({"query": "{ "})).await;
    assert_eq!(
        (status.as_u16(), told),
        (400, json!({"data": null, "errors": ["Syntax Error: Expected Name, found <EOF>."]}))
    );
    let (status, told) = send(None, json!({"query": "subscription { x }"})).await;
    assert_eq!(
        (status.as_u16(), &told["errors"][0]),
        (200, &json!("Schema is not configured to execute subscription operation."))
    );
}

#[tokio::test]
async fn the_schema_tells_of_itself() {
    let told = ask(
        "{ __schema { queryType { name } mutationType { name } subscriptionType { name } directives { name locations args { name type { kind ofType { name } } } } } \
         run: __type(name: \"MlflowRunInfo\") { kind fields { name type { name kind ofType { name } } } } \
         none: __type(name: \"Nothing\") { name } \
         input: __type(name: \"MlflowSearchRunsInput\") { inputFields { name defaultValue type { kind ofType { name kind } } } } \
         status: __type(name: \"MlflowRunStatus\") { enumValues { name isDeprecated } } }",
    )
    .await;
    assert_eq!(told["errors"], Value::Null);
    let data = &told["data"];
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
    assert_eq!(
        data["__schema"]["directives"][0]["args"][0]["type"],
        json!({"kind": "NON_NULL", "ofType": {"name": "String"}})
    );
    assert_eq!(
        data["run"]["fields"][0],
        json!({"name": "runId", "type": {"name": "String", "kind": "SCALAR", "ofType": null}})
    );
    assert_eq!(data["none"], Value::Null);
    assert_eq!(
        data["input"]["inputFields"][0]["type"],
        json!({"kind": "LIST", "ofType": {"name": "String", "kind": "SCALAR"}})
    );
    assert_eq!(data["input"]["inputFields"][2]["defaultValue"], "null");
    assert_eq!(data["status"]["enumValues"][4], json!({"name": "KILLED", "isDeprecated": false}));
}

#[tokio::test]
async fn nobody_is_told_what_they_may_not_read() {
    let rights = |grants: &[(ResourceType, &str, Permission)]| {
        let grants = grants.iter().map(|(kind, pattern, permission)| Grant {
            kind: *kind,
            pattern: (*pattern).to_owned(),
            permission: *permission,
        });
        Some(Rights::new(Permission::Read, Arc::new(Grants::new(grants))))
    };
    let run = "{ mlflowGetRun(input: {runId: \"r1\"}) { run { info { runId } outputs { modelOutputs { modelId } } modelVersions { name } } } }";
    let search = "{ mlflowSearchRuns(input: {experimentIds: [\"1\", \"2\"]}) { nextPageToken } }";
    let history = "{ mlflowGetMetricHistoryBulkInterval(input: {runIds: [\"r1\"], metricKey: \"n\"}) { metrics { key } } }";
    let ask = |rights: Option<Rights>, query: &'static str| async move {
        send(rights, json!({"query": query})).await.1
    };

    let hidden = || rights(&[(ResourceType::Experiment, "1", Permission::Deny)]);
    assert_eq!(ask(hidden(), run).await, json!({"data": {"mlflowGetRun": null}, "errors": null}));
    assert_eq!(ask(hidden(), search).await["data"]["mlflowSearchRuns"]["nextPageToken"], "[\"2\"] ");
    assert_eq!(ask(hidden(), history).await["data"]["mlflowGetMetricHistoryBulkInterval"], Value::Null);
    let runs = rights(&[(ResourceType::Run, "*", Permission::Deny)]);
    assert_eq!(ask(runs, search).await, json!({"data": {"mlflowSearchRuns": null}, "errors": null}));
    let models = rights(&[
        (ResourceType::RegisteredModel, "secret", Permission::Deny),
        (ResourceType::LoggedModel, "*", Permission::Deny),
    ]);
    assert_eq!(
        ask(models, run).await["data"]["mlflowGetRun"]["run"],
        json!({"info": {"runId": "r1"}, "outputs": {"modelOutputs": []}, "modelVersions": [{"name": "m"}]})
    );
    let missing = "{ mlflowGetRun(input: {runId: \"x\"}) { run { info { runId } } } }";
    assert_eq!(ask(hidden(), missing).await, json!({"data": {"mlflowGetRun": null}, "errors": null}));
}
