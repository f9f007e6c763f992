//! What MLflow's web app tells of its use. Nobody is told here: it hears that this is switched off.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::service::Runs;

pub(super) fn page_routes() -> Router<Runs> {
    Router::new().route("/ajax-api/3.0/mlflow/ui-telemetry", get(wanted).post(refuse))
}

async fn wanted() -> Json<Value> {
    Json(json!({"disable_ui_telemetry": true, "disable_ui_events": [], "ui_rollout_percentage": 0}))
}

async fn refuse() -> Json<Value> {
    Json(json!({"status": "disabled"}))
}
