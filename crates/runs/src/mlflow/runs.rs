//! MLflow's run calls.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use ropewalk_core::{Actor, now_ms};
use serde_json::json;

use super::error::MlflowResult;
use super::experiments::view;
use super::request::Fields;
use super::wire::{self, Object};
use super::{answer, done};
use crate::limits::SEARCH_RESULTS;
use crate::model::{RunSearch, RunStatus};
use crate::service::{Runs, page_limit};

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/runs/create", post(create))
        .route("/2.0/mlflow/runs/get", get(get_one))
        .route("/2.0/mlflow/runs/search", post(search))
        .route("/2.0/mlflow/runs/update", post(update))
        .route("/2.0/mlflow/runs/delete", post(delete))
        .route("/2.0/mlflow/runs/restore", post(restore))
}

async fn create(State(runs): State<Runs>, actor: Actor, fields: Fields) -> MlflowResult {
    let experiment = fields.text("experiment_id")?.unwrap_or_else(|| "0".to_owned());
    let name = fields.text("run_name")?;
    let user = fields.text("user_id")?;
    let start = fields.integer("start_time")?.unwrap_or_else(now_ms);
    let run = runs
        .create_run_as(&experiment, name.as_deref(), user.as_deref(), &fields.tags("tags")?, start, &actor)
        .await?;
    Ok(answer(json!({"run": wire::run(&run)})))
}

async fn get_one(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let run = runs.get_run(&fields.run_id()?).await?;
    Ok(answer(json!({"run": wire::run(&run)})))
}

async fn search(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let search = RunSearch {
        experiment_ids: fields.texts("experiment_ids")?,
        filter: fields.text("filter")?.unwrap_or_default(),
        view: view(&fields, "run_view_type")?,
        order_by: fields.texts("order_by")?,
        max_results: page_limit(fields.integer("max_results")?, 1000, SEARCH_RESULTS)?,
        page_token: fields.text("page_token")?,
    };
    // MLflow looks into no experiment when none is named.
    if search.experiment_ids.is_empty() {
        return Ok(done());
    }
    let found = runs.search_runs(&search).await?;
    Ok(answer(
        Object::default().list("runs", found.items.iter().map(wire::run).collect()).next(found.next_token),
    ))
}

async fn update(State(runs): State<Runs>, actor: Actor, fields: Fields) -> MlflowResult {
    let words = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
    let status = fields.word("status", &words)?.and_then(RunStatus::parse);
    let name = fields.text("run_name")?;
    let info = runs
        .update_run(&fields.run_id()?, status, fields.integer("end_time")?, name.as_deref(), &actor)
        .await?;
    Ok(answer(json!({"run_info": wire::run_info(&info)})))
}

async fn delete(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.delete_run(&fields.required("run_id")?).await?;
    Ok(done())
}

async fn restore(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.restore_run(&fields.required("run_id")?).await?;
    Ok(done())
}
