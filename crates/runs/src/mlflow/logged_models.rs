//! MLflow's logged-model calls.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, patch, post};
use serde_json::json;

use super::error::{MlflowError, MlflowResult};
use super::request::Fields;
use super::wire::{self, Object};
use super::{answer, done};
use crate::logged_model::{LoggedModelStatus, NewLoggedModel};

use crate::service::artifacts::proxied_path;
use crate::service::logged_models::LoggedModelOrder;
use crate::service::{Runs, page_limit};

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/logged-models", post(create))
        .route("/2.0/mlflow/logged-models/search", post(search))
        .route("/2.0/mlflow/logged-models/{id}", get(get_one).patch(finalize).delete(remove))
        .route("/2.0/mlflow/logged-models/{id}/params", post(log_params))
        .route("/2.0/mlflow/logged-models/{id}/tags", patch(set_tags))
        .route("/2.0/mlflow/logged-models/{id}/tags/{key}", delete(delete_tag))
        .route("/2.0/mlflow/logged-models/{id}/artifacts/directories", get(list_files))
}

async fn create(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let model = runs
        .create_logged_model(NewLoggedModel {
            experiment_id: fields.required("experiment_id")?,
            name: fields.text("name")?,
            model_type: Some(fields.any_text("model_type")?.unwrap_or_default()),
            source_run_id: fields.any_text("source_run_id")?,
            params: fields.params("params")?,
            tags: fields.tags("tags")?,
        })
        .await?;
    Ok(answer(json!({"model": wire::logged_model(&model)})))
}

async fn get_one(State(runs): State<Runs>, Path(id): Path<String>) -> MlflowResult {
    let model = runs.get_logged_model(&id).await?;
    Ok(answer(json!({"model": wire::logged_model(&model)})))
}

async fn finalize(State(runs): State<Runs>, Path(id): Path<String>, fields: Fields) -> MlflowResult {
    let words = ["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"];
    let status = fields
        .word("status", &words)?
        .and_then(LoggedModelStatus::parse)
        .ok_or_else(|| MlflowError::missing("status"))?;
    let model = runs.finalize_logged_model(&id, status).await?;
    Ok(answer(json!({"model": wire::logged_model(&model)})))
}

async fn remove(State(runs): State<Runs>, Path(id): Path<String>) -> MlflowResult {
    runs.delete_logged_model(&id).await?;
    Ok(done())
}

async fn log_params(State(runs): State<Runs>, Path(id): Path<String>, fields: Fields) -> MlflowResult {
    runs.log_model_params(&id, fields.params("params")?).await?;
    Ok(done())
}

async fn set_tags(State(runs): State<Runs>, Path(id): Path<String>, fields: Fields) -> MlflowResult {
    runs.set_logged_model_tags(&id, fields.tags("tags")?).await?;
    Ok(done())
}

async fn delete_tag(State(runs): State<Runs>, Path((id, key)): Path<(String, String)>) -> MlflowResult {
    runs.delete_logged_model_tag(&id, &key).await?;
    Ok(done())
}

async fn search(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let experiments = fields.texts("experiment_ids")?;
    if experiments.is_empty() {
        return Err(MlflowError::missing("experiment_ids"));
    }
    let orders = fields.parts("order_by")?;
    let orders = orders
        .iter()
        .map(|order| {
            let ascending = !order.has("ascending") || order.truth("ascending")?;
            Ok(LoggedModelOrder { field: order.required("field_name")?, ascending })
        })
        .collect::<MlflowResult<Vec<_>>>()?;
    let limit = page_limit(fields.integer("max_results")?.filter(|number| *number != 0), 50, 1000)?;
    let filter = fields.text("filter")?.unwrap_or_default();
    let token = fields.text("page_token")?;
    let found = runs.search_logged_models(&experiments, &filter, &orders, limit, token.as_deref()).await?;
    Ok(answer(
        Object::default()
            .list("models", found.items.iter().map(wire::logged_model).collect())
            .next(found.next_token),
    ))
}

async fn list_files(State(runs): State<Runs>, Path(id): Path<String>, fields: Fields) -> MlflowResult {
    let model = runs.get_logged_model(&id).await?;
    let root = proxied_path(&model.artifact_uri)
        .ok_or_else(|| MlflowError::invalid("this model's files are not kept here"))?;
    let folder = fields.text("artifact_directory_path")?.unwrap_or_default();
    let folder = folder.trim_matches('/');
    let path = if folder.is_empty() { root.to_owned() } else { format!("{root}/{folder}") };
    let mut files = runs.list_folder(&path).await?;
    for file in &mut files {
        if !folder.is_empty() {
            file.path = format!("{folder}/{}", file.path);
        }
    }
    Ok(answer(
        Object::default()
            .set("root_uri", model.artifact_uri)
            .list("files", files.iter().map(wire::file).collect()),
    ))
}
