//! MLflow's tracking REST, as the stock client of 3.18 speaks it.
//!
//! Every route answers under `/api` and again under `/ajax-api`.

mod artifacts;
mod error;
mod experiments;
mod logged_models;
mod logging;
mod request;
mod runs;
pub mod wire;

use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Value, json};

pub use error::{MlflowError, MlflowResult};
pub use request::Fields;

use crate::service::Runs;

/// The version of MLflow whose protocol this is.
pub const VERSION: &str = "3.18.0";

/// Serves a group of `/2.0/…` and `/3.0/…` routes under both of MLflow's prefixes.
pub fn both_prefixes<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    Router::new().nest("/api", routes.clone()).nest("/ajax-api", routes)
}

/// MLflow's tracking routes.
pub fn routes(runs: &Runs) -> Router {
    let api = Router::new()
        .merge(experiments::routes())
        .merge(runs::routes())
        .merge(logging::routes())
        .merge(logged_models::routes())
        .merge(artifacts::routes())
        .route("/3.0/mlflow/server-info", get(server_info))
        .route("/2.0/mlflow/{*rest}", any(not_built))
        .route("/3.0/mlflow/{*rest}", any(not_built));
    Router::new()
        .route("/version", get(|| async { VERSION }))
        .route("/health", get(|| async { "OK" }))
        .merge(artifacts::page_routes())
        .merge(both_prefixes(api))
        .with_state(runs.clone())
}

/// An answer's JSON.
pub fn answer(value: impl Into<Value>) -> Response {
    Json(value.into()).into_response()
}

/// The answer of what only does something.
pub fn done() -> Response {
    Json(json!({})).into_response()
}

async fn server_info() -> Json<Value> {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "artifact_serving_enabled": true,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "model_artifact_presigned_downloads_supported": false,
        "features_enabled": {"gateway": false, "scheduled_issue_detection": false},
        "tracking_auth": "",
        "artifacts_presigned_only": false,
    }))
}

async fn not_built(uri: axum::http::Uri) -> MlflowError {
    MlflowError::not_built(uri.path())
}
