//! MLflow's tracking REST, as the stock client of 3.18 speaks it.
//!
//! Every route answers under `/api` and again under `/ajax-api`.

mod artifacts;
mod batch;
mod experiments;
mod history;
mod logged_models;
mod logging;
mod messages;
mod out_of_scope;
mod run_json;
mod runs;
mod wire;

use axum::routing::{any, get};
use axum::{Json, Router};
use ropewalk_mlflow::{MlflowError, VERSION, both_prefixes};
use serde_json::{Value, json};

use crate::service::Runs;

/// MLflow's tracking routes.
pub fn routes(runs: &Runs) -> Router {
    let api = Router::new()
        .merge(experiments::routes())
        .merge(runs::routes())
        .merge(logging::routes())
        .merge(history::routes())
        .merge(logged_models::routes())
        .merge(artifacts::routes())
        .merge(out_of_scope::routes())
        .route("/3.0/mlflow/server-info", get(server_info))
        .route("/2.0/mlflow/{*rest}", any(unknown))
        .route("/3.0/mlflow/{*rest}", any(unknown));
    Router::new()
        .route("/version", get(|| async { VERSION }))
        .route("/health", get(|| async { "OK" }))
        .merge(artifacts::page_routes())
        .merge(experiments::page_routes())
        .merge(history::page_routes())
        .merge(out_of_scope::page_routes())
        .merge(both_prefixes(api))
        .with_state(runs.clone())
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

async fn unknown(uri: axum::http::Uri) -> MlflowError {
    MlflowError::missing(format!("There is no route {}", uri.path()))
}
