//! Workspaces are off, and the routes and the header that are about them say so as MLflow's server does then.

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get};

use crate::error::{ErrorCode, MlflowError};

/// The header by which clients name a workspace.
const HEADER: &str = "x-mlflow-workspace";

/// The routes of workspaces, each with a word that they are off.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let mut router = Router::new();
    for prefix in ["/api", "/ajax-api"] {
        let all = format!("{prefix}/3.0/mlflow/workspaces");
        let one = format!("{all}/{{workspace_name}}");
        router = router.route(&all, said(&all).0).route(&one, said(&format!("{all}/<workspace_name>")).1);
    }
    router
}

/// What is answered for the route of all workspaces, and for that of one.
fn said<S: Clone + Send + Sync + 'static>(rule: &str) -> (MethodRouter<S>, MethodRouter<S>) {
    let text = format!(
        "Endpoint: {rule} disabled because the server is running without workspaces support. To enable workspace, run \
         `mlflow server` with `--enable-workspaces`"
    );
    let answer = move || {
        let text = text.clone();
        async move {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text)
        }
    };
    (
        get(answer.clone()).post(answer.clone()),
        get(answer.clone()).patch(answer.clone()).merge(delete(answer)),
    )
}

/// Refuse what names a workspace. What the server tells of itself stays readable: there a client learns that there are
/// none.
pub async fn refuse_named(request: Request, next: Next) -> Response {
    let named = request.headers().get(HEADER).is_some_and(|value| !value.as_bytes().trim_ascii().is_empty());
    if !named || request.uri().path().trim_end_matches('/').ends_with("/mlflow/server-info") {
        return next.run(request).await;
    }
    MlflowError::new(
        ErrorCode::FeatureDisabled,
        "Workspace APIs are not available: workspaces are not enabled on this server",
    )
    .into_response()
}
