//! MLflow's experiment calls.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::json;

use super::error::MlflowResult;
use super::request::Fields;
use super::wire::{self, Object};
use super::{MlflowError, answer, done};
use crate::model::{Tag, ViewType};
use crate::service::{Runs, page_limit};

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/experiments/create", post(create))
        .route("/2.0/mlflow/experiments/get", get(get_one))
        .route("/2.0/mlflow/experiments/get-by-name", get(get_by_name))
        .route("/2.0/mlflow/experiments/search", get(search).post(search))
        .route("/2.0/mlflow/experiments/update", post(update))
        .route("/2.0/mlflow/experiments/delete", post(delete))
        .route("/2.0/mlflow/experiments/restore", post(restore))
        .route("/2.0/mlflow/experiments/set-experiment-tag", post(set_tag))
        .route("/2.0/mlflow/experiments/delete-experiment-tag", post(delete_tag))
        .route("/2.0/mlflow/experiments/search-datasets", post(search_datasets))
}

/// MLflow's names of the lifecycle views, in the order of their numbers.
pub(super) fn view(fields: &Fields, name: &str) -> MlflowResult<ViewType> {
    Ok(match fields.word(name, &["ACTIVE_ONLY", "DELETED_ONLY", "ALL"])? {
        Some("DELETED_ONLY") => ViewType::DeletedOnly,
        Some("ALL") => ViewType::All,
        _ => ViewType::ActiveOnly,
    })
}

async fn create(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let name = fields.required("name")?;
    let location = fields.text("artifact_location")?;
    let experiment = runs.create_experiment(&name, location.as_deref(), fields.tags("tags")?).await?;
    Ok(answer(json!({"experiment_id": experiment.experiment_id})))
}

async fn get_one(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let experiment = runs.get_experiment(&fields.required("experiment_id")?).await?;
    Ok(answer(json!({"experiment": wire::experiment(&experiment)})))
}

async fn get_by_name(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let experiment = runs.get_experiment_by_name(&fields.required("experiment_name")?).await?;
    Ok(answer(json!({"experiment": wire::experiment(&experiment)})))
}

async fn search(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let limit = page_limit(fields.integer("max_results")?, 1000, 50_000)?;
    let filter = fields.text("filter")?.unwrap_or_default();
    let token = fields.text("page_token")?;
    let found = runs
        .search_experiments(
            &filter,
            view(&fields, "view_type")?,
            &fields.texts("order_by")?,
            limit,
            token.as_deref(),
        )
        .await?;
    Ok(answer(
        Object::default()
            .list("experiments", found.items.iter().map(wire::experiment).collect())
            .next(found.next_token),
    ))
}

async fn update(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let id = fields.required("experiment_id")?;
    runs.rename_experiment(&id, &fields.required("new_name")?).await?;
    Ok(done())
}

async fn delete(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.delete_experiment(&fields.required("experiment_id")?).await?;
    Ok(done())
}

async fn restore(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.restore_experiment(&fields.required("experiment_id")?).await?;
    Ok(done())
}

async fn set_tag(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let tag = Tag::new(fields.required("key")?, fields.any_text("value")?.unwrap_or_default());
    runs.set_experiment_tag(&fields.required("experiment_id")?, tag).await?;
    Ok(done())
}

async fn delete_tag(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.delete_experiment_tag(&fields.required("experiment_id")?, &fields.required("key")?).await?;
    Ok(done())
}

async fn search_datasets(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let ids = fields.texts("experiment_ids")?;
    if ids.is_empty() {
        return Err(MlflowError::invalid("SearchDatasets request must specify at least one experiment_id."));
    }
    if ids.len() > 20 {
        return Err(MlflowError::invalid(format!(
            "SearchDatasets request cannot specify more than 20 experiment_ids. Received {} experiment_ids.",
            ids.len()
        )));
    }
    let found = runs.dataset_summaries(&ids).await?;
    let list = found.into_iter().map(|(experiment, name, digest, context)| {
        Object::default()
            .set("experiment_id", experiment.to_string())
            .set("name", name)
            .set("digest", digest)
            .maybe("context", context)
            .into()
    });
    Ok(answer(Object::default().list("dataset_summaries", list.collect())))
}
