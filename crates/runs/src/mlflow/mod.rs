//! MLflow's tracking REST, as the stock client of 3.18 speaks it.
//!
//! Every route answers under `/api` and again under `/ajax-api`.

pub(crate) mod artifacts;
mod batch;
mod experiments;
mod history;
mod logged_models;
mod logging;
mod messages;
mod out_of_scope;
mod run_json;
mod runs;
mod send;
mod telemetry;
mod transfers;
mod wire;

use axum::extract::State;
use axum::response::Html;
use axum::routing::{any, get};
use axum::{Json, Router};
use ropewalk_mlflow::{MlflowError, MlflowResult, VERSION, both_prefixes};
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
        .route("/version", get(|| async { Html(VERSION) }))
        .route("/health", get(|| async { "OK" }))
        .merge(artifacts::page_routes())
        .merge(experiments::page_routes())
        .merge(history::page_routes())
        .merge(out_of_scope::page_routes())
        .merge(telemetry::page_routes())
        .merge(logged_models::page_routes())
        .merge(both_prefixes(api))
        .with_state(runs.clone())
}

async fn server_info(State(runs): State<Runs>) -> MlflowResult<Json<Value>> {
    let artifacts = runs.artifacts()?;
    let transfers = artifacts.served && artifacts.transfers().is_some();
    Ok(Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": transfers && artifacts.multipart_uploads,
        "multipart_downloads_enabled": transfers && artifacts.multipart_downloads,
        "artifact_serving_enabled": artifacts.served,
        // That such requests are known; whether a store can is told by the answer to one.
        "presigned_upload_run_id_supported": true,
        "presigned_upload_model_id_supported": true,
        "model_artifact_presigned_downloads_supported": true,
        "features_enabled": {"gateway": false, "scheduled_issue_detection": false},
        "tracking_auth": "",
        "artifacts_presigned_only": artifacts.presigned_only,
    })))
}

async fn unknown(uri: axum::http::Uri) -> MlflowError {
    MlflowError::missing(format!("There is no route {}", uri.path()))
}
