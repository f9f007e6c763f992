//! The layer before a feature that answers as MLflow's routes do.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use ropewalk_core::Result;
use ropewalk_mlflow::access::{About, Action, Lookup, Permission, Registered, ResourceType, Rights, Route};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::roles::Standing;
use super::*;

/// Run `rN` belongs to experiment N; every registered model but `new` and `gone` is there.
struct House;

#[async_trait]
impl Lookup for House {
    async fn experiment_named(&self, _name: &str) -> Result<Option<String>> {
        Ok(None)
    }
    async fn experiment_of_run(&self, run: &str) -> Result<Option<String>> {
        Ok(run.strip_prefix('r').map(str::to_owned))
    }
    async fn experiment_of_logged_model(&self, _model: &str) -> Result<Option<String>> {
        Ok(None)
    }
    async fn experiment_of_trace(&self, _trace: &str) -> Result<Option<String>> {
        Ok(None)
    }
    async fn experiments_of_dataset(&self, _dataset: &str) -> Result<Option<Vec<String>>> {
        Ok(None)
    }
    async fn registered(&self, name: &str) -> Result<Option<Registered>> {
        Ok((!["new", "gone"].contains(&name)).then_some(Registered::Model))
    }
}

#[derive(Deserialize)]
struct Page {
    max_results: Option<usize>,
    page_token: Option<String>,
}

/// Experiments 0 to 9, in pages.
async fn experiments(Query(page): Query<Page>) -> Json<Value> {
    let from: usize = page.page_token.and_then(|token| token.parse().ok()).unwrap_or_default();
    let to = (from + page.max_results.unwrap_or(4)).min(10);
    let rows: Vec<Value> = (from..to).map(|id| json!({"experiment_id": id.to_string()})).collect();
    let mut answer = json!({"experiments": rows});
    if to < 10 {
        answer["next_page_token"] = json!(to.to_string());
    }
    Json(answer)
}

/// How many requests reached a feature.
type Reached = Arc<AtomicUsize>;

async fn echo(State(reached): State<Reached>, body: Bytes) -> Json<Value> {
    reached.fetch_add(1, Ordering::Relaxed);
    Json(serde_json::from_slice(&body).unwrap_or_default())
}

async fn created() -> Json<Value> {
    Json(json!({"experiment_id": "77"}))
}

async fn model(body: Bytes) -> Json<Value> {
    let body: Value = serde_json::from_slice(&body).unwrap();
    Json(json!({"registered_model": {"name": body["name"]}}))
}

async fn rights(rights: Option<axum::Extension<Rights>>) -> String {
    rights.map_or("none".to_owned(), |rights| rights.on(ResourceType::Experiment, "1").name().to_owned())
}

static OWN: &[Route] = &[Route::new("GET", "/api/v1/runs/{run_id}", About::Run(Action::Read))];

struct Server {
    auth: Auth,
    router: Router,
    reached: Reached,
}

impl Server {
    async fn new(core: ropewalk_core::Core) -> Self {
        let auth = Auth::new(core);
        let reached = Reached::default();
        let router = Router::new()
            .route("/api/2.0/mlflow/experiments/search", get(experiments))
            .route("/api/2.0/mlflow/experiments/create", post(created))
            .route("/api/2.0/mlflow/registered-models/create", post(model))
            .route("/api/2.0/mlflow/registered-models/rename", post(model))
            .route("/api/2.0/mlflow/registered-models/delete", axum::routing::delete(model))
            .route("/graphql", post(rights))
            .fallback(echo)
            .with_state(reached.clone())
            .merge(mlflow_routes(&auth))
            .layer(middleware::from_fn_with_state(
                Guard::new(auth.clone(), OWN, Arc::new(House)),
                authenticate,
            ));
        Self { auth, router, reached }
    }

    async fn ask(&self, user: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        if !user.is_empty() {
            let pair = STANDARD.encode(format!("{user}:{user}-password"));
            request = request.header("authorization", format!("Basic {pair}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn status(&self, user: &str, method: &str, path: &str, body: Value) -> u16 {
        self.ask(user, method, path, body).await.0.as_u16()
    }

    async fn user(&self, name: &str, role: Role) {
        self.auth.create_password(name, role, &format!("{name}-password")).await.unwrap();
    }

    async fn grant(&self, name: &str, kind: ResourceType, pattern: &str, permission: Permission) {
        self.auth.grant(name, kind, pattern, permission, Standing::Replace).await.unwrap();
    }
}

const EXPERIMENT: ResourceType = ResourceType::Experiment;
const API: &str = "/api/2.0/mlflow";

async fn server() -> (tempfile::TempDir, Server) {
    let (home, core) = ropewalk_core::testing::fresh_home(MIGRATIONS).await;
    (home, Server::new(core).await)
}

#[tokio::test]
async fn refusals_speak_the_words_of_the_route() {
    let (_home, server) = server().await;
    assert_eq!(server.status("", "POST", &format!("{API}/runs/create"), json!({})).await, 200);
    assert_eq!(server.ask("", "POST", "/graphql", json!({})).await.1, "none");
    assert_eq!(server.status("", "GET", &format!("{API}/users/current"), Value::Null).await, 404);
    server.user("root", Role::Admin).await;
    server.user("ann", Role::Viewer).await;
    let (status, words) = server.ask("", "GET", &format!("{API}/runs/get?run_id=r1"), Value::Null).await;
    assert_eq!(status, 401);
    assert!(words.as_str().unwrap().starts_with("You are not authenticated."), "{words}");
    let (status, words) = server.ask("", "GET", "/api/v1/runs", Value::Null).await;
    assert_eq!((status.as_u16(), &words["error"]["code"]), (401, &json!("unauthenticated")));
    let change = json!({"run_id": "r1"});
    let refused = server.ask("ann", "POST", &format!("{API}/runs/set-tag"), change).await;
    assert_eq!(refused, (StatusCode::FORBIDDEN, json!("Permission denied")));
    server.grant("ann", EXPERIMENT, "1", Permission::Deny).await;
    let (status, words) = server.ask("ann", "GET", "/api/v1/runs/r1", Value::Null).await;
    assert_eq!((status.as_u16(), &words["error"]["code"]), (403, &json!("forbidden")));
    // What a client asks before it knows that it needs a credential, and health checks.
    for path in ["/api/3.0/mlflow/server-info", "/ajax-api/3.0/mlflow/server-info", "/health", "/index.html"]
    {
        assert_eq!(server.status("", "GET", path, Value::Null).await, 200, "{path}");
    }
    for path in ["/version", "/get-artifact?run_id=r1", "/model-versions/get-artifact?name=m", "/v1/traces"] {
        assert_eq!(server.status("", "GET", path, Value::Null).await, 401, "{path}");
    }
}

#[tokio::test]
async fn a_body_reaches_the_feature_as_it_came() {
    let (_home, server) = server().await;
    server.user("root", Role::Admin).await;
    server.user("ann", Role::Scientist).await;
    let path = format!("{API}/runs/set-tag");
    let body = json!({"run_id": "r1", "key": "k", "value": "ü"});
    assert_eq!(server.ask("ann", "POST", &path, body.clone()).await, (StatusCode::OK, body.clone()));
    // With a permission that could forbid it the body is looked at, and passed on.
    server.grant("ann", EXPERIMENT, "2", Permission::Read).await;
    assert_eq!(server.ask("ann", "POST", &path, body.clone()).await, (StatusCode::OK, body));
    let reached = server.reached.load(Ordering::Relaxed);
    assert_eq!(server.status("ann", "POST", &path, json!({"run_id": "r2"})).await, 403);
    assert_eq!(server.status("ann", "POST", &path, json!({"run_id": "none"})).await, 403);
    let (status, error) = server.ask("ann", "POST", &path, json!({"key": "k"})).await;
    assert_eq!((status.as_u16(), &error["error_code"]), (400, &json!("INVALID_PARAMETER_VALUE")));
    assert_eq!(server.reached.load(Ordering::Relaxed), reached);
    // An administrator is denied nothing.
    server.grant("root", EXPERIMENT, "*", Permission::Deny).await;
    assert_eq!(server.status("root", "POST", &path, json!({"run_id": "r2"})).await, 200);
    assert_eq!(server.ask("ann", "POST", "/graphql", json!({})).await.1, "EDIT");
    assert_eq!(server.ask("root", "POST", "/graphql", json!({})).await.1, "MANAGE");
}

#[tokio::test]
async fn pages_are_filled_up_with_what_may_be_read() {
    let (_home, server) = server().await;
    server.user("root", Role::Admin).await;
    server.user("ann", Role::Viewer).await;
    let path = format!("{API}/experiments/search");
    let ids = |answer: &Value| -> Vec<String> {
        let rows = answer["experiments"].as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| row["experiment_id"].as_str().unwrap().to_owned()).collect()
    };
    let (_, all) = server.ask("ann", "GET", &path, Value::Null).await;
    assert_eq!(ids(&all), ["0", "1", "2", "3"]);
    for hidden in ["1", "2", "5", "9"] {
        server.grant("ann", EXPERIMENT, hidden, Permission::Deny).await;
    }
    let (_, first) = server.ask("ann", "GET", &path, Value::Null).await;
    assert_eq!((ids(&first).join(""), first["next_page_token"].as_str()), ("0346".to_owned(), Some("7")));
    let (_, second) = server.ask("ann", "GET", &format!("{path}?page_token=7"), Value::Null).await;
    assert_eq!((ids(&second).join(""), second.get("next_page_token")), ("78".to_owned(), None));
    server.grant("ann", EXPERIMENT, "*", Permission::Deny).await;
    assert_eq!(server.ask("ann", "GET", &path, Value::Null).await.1, json!({}));
    // Nobody else is concerned.
    let (_, all) = server.ask("root", "GET", &path, Value::Null).await;
    assert_eq!(ids(&all).len(), 4);
}

#[tokio::test]
async fn a_search_asks_only_where_the_caller_may_look() {
    let (_home, server) = server().await;
    server.user("root", Role::Admin).await;
    server.user("ann", Role::Viewer).await;
    server.grant("ann", EXPERIMENT, "2", Permission::Deny).await;
    let path = format!("{API}/runs/search");
    let asked = json!({"experiment_ids": ["1", "2"], "filter": "x"});
    let (_, reached) = server.ask("ann", "POST", &path, asked.clone()).await;
    assert_eq!(reached, json!({"experiment_ids": ["1"], "filter": "x"}));
    assert_eq!(server.ask("root", "POST", &path, asked.clone()).await.1, asked);
    let before = server.reached.load(Ordering::Relaxed);
    assert_eq!(server.ask("ann", "POST", &path, json!({"experiment_ids": ["2"]})).await.1, json!({}));
    assert_eq!(server.ask("ann", "POST", &path, json!({"filter": "x"})).await.1, json!({}));
    assert_eq!(server.reached.load(Ordering::Relaxed), before);
    // A route that nobody has spoken of may tell of what is hidden.
    assert_eq!(server.status("ann", "GET", &format!("{API}/something-new"), Value::Null).await, 403);
}

#[tokio::test]
async fn what_was_made_belongs_to_its_maker() {
    let (_home, server) = server().await;
    server.user("root", Role::Admin).await;
    server.user("ann", Role::Scientist).await;
    server.user("bob", Role::Scientist).await;
    let on = |user: &'static str, kind: &'static str, id: &'static str| {
        let server = &server;
        async move {
            let path = format!(
                "/api/3.0/mlflow/users/permissions/get?username={user}&resource_type={kind}&resource_id={id}"
            );
            server.ask("root", "GET", &path, Value::Null).await.1["permission"].clone()
        }
    };
    let create = |path: &str| format!("{API}/{path}/create");
    assert_eq!(server.status("ann", "POST", &create("experiments"), json!({"name": "x"})).await, 200);
    assert_eq!(on("ann", "experiment", "77").await, "MANAGE");
    assert_eq!(on("bob", "experiment", "77").await, "EDIT");
    assert_eq!(server.status("ann", "POST", &create("registered-models"), json!({"name": "m"})).await, 200);
    assert_eq!(on("ann", "registered_model", "m").await, "MANAGE");
    let (status, error) =
        server.ask("root", "POST", &create("registered-models"), json!({"name": "*"})).await;
    assert_eq!(status, 400);
    assert!(error["message"].as_str().unwrap().starts_with("'*' is reserved"), "{error}");

    let rename = format!("{API}/registered-models/rename");
    let to = |name: &str, new: &str| json!({"name": name, "new_name": new});
    assert_eq!(server.status("bob", "POST", &rename, to("m", "new")).await, 200);
    assert_eq!(
        (on("ann", "registered_model", "m").await, on("ann", "registered_model", "new").await),
        (json!("EDIT"), json!("MANAGE"))
    );
    // A name under which something was granted already is not taken.
    server.grant("bob", ResourceType::RegisteredModel, "gone", Permission::Deny).await;
    let (status, error) = server.ask("ann", "POST", &rename, to("new", "gone")).await;
    assert_eq!(status, 400);
    assert!(
        !error["message"].as_str().unwrap().contains("bob"),
        "whose it is, is told to administrators: {error}"
    );
    let (status, error) = server.ask("root", "POST", &rename, to("n", "gone")).await;
    let words = error["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(words.contains("user 'bob' has DENY on registered_model 'gone'"), "{words}");

    let delete = format!("{API}/registered-models/delete");
    assert_eq!(server.status("root", "DELETE", &delete, json!({"name": "new"})).await, 200);
    assert_eq!(on("ann", "registered_model", "new").await, "EDIT");
}

#[tokio::test]
async fn roles_and_permissions_decide_together() {
    let (_home, server) = server().await;
    server.user("root", Role::Admin).await;
    server.user("ann", Role::Scientist).await;
    server.user("bob", Role::Operator).await;
    let alias = format!("{API}/registered-models/alias");
    let body = || json!({"name": "m", "alias": "champion", "version": "1"});
    assert_eq!(server.status("ann", "POST", &alias, body()).await, 403, "an alias is an operator's work");
    assert_eq!(server.status("bob", "POST", &alias, body()).await, 200);
    server.grant("ann", ResourceType::RegisteredModel, "m", Permission::Edit).await;
    assert_eq!(server.status("ann", "POST", &alias, body()).await, 200);
    server.grant("bob", ResourceType::RegisteredModel, "m", Permission::Read).await;
    assert_eq!(server.status("bob", "POST", &alias, body()).await, 403);
    assert_eq!(server.status("ann", "GET", &format!("{API}/webhooks"), Value::Null).await, 403);
    assert_eq!(server.status("root", "GET", &format!("{API}/webhooks"), Value::Null).await, 200);
    // Everybody may ask what may be done; the route looks at who asks for whose.
    assert_eq!(server.status("ann", "GET", "/api/v1/auth/permissions", Value::Null).await, 200);
    assert_eq!(server.status("ann", "GET", "/api/v1/auth/credentials", Value::Null).await, 403);
}
