//! MLflow's calls about model versions.

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, patch, post};
use ropewalk_core::Actor;
use ropewalk_runs::mlflow::wire::Object;
use ropewalk_runs::mlflow::{Fields, MlflowError, MlflowResult, answer, done};
use serde_json::json;

use super::{source, wire};
use crate::service::{Models, NewVersion};

pub(super) fn routes() -> Router<Models> {
    Router::new()
        .route("/2.0/mlflow/model-versions/create", post(create))
        .route("/2.0/mlflow/model-versions/get", get(get_one))
        .route("/2.0/mlflow/model-versions/search", get(search))
        .route("/2.0/mlflow/model-versions/update", patch(update))
        .route("/2.0/mlflow/model-versions/delete", delete(remove))
        .route("/2.0/mlflow/model-versions/set-tag", post(set_tag))
        .route("/2.0/mlflow/model-versions/delete-tag", delete(delete_tag))
        .route("/2.0/mlflow/model-versions/transition-stage", post(transition))
        .route("/2.0/mlflow/model-versions/get-download-uri", get(download_uri))
}

/// The version number, which MLflow sends as text.
pub(super) fn number(fields: &Fields) -> MlflowResult<i64> {
    if !fields.has("version") {
        return Err(MlflowError::missing("version"));
    }
    match fields.integer("version") {
        Ok(Some(number)) => Ok(number),
        _ => Err(MlflowError::invalid(format!(
            "Parameter 'version' must be an integer, got '{}'.",
            fields.any_text("version").ok().flatten().unwrap_or_default()
        ))),
    }
}

async fn create(State(models): State<Models>, actor: Actor, fields: Fields) -> MlflowResult {
    let asked = fields.required("source")?;
    let name = fields.required("name")?;
    let place = source::resolve(&models, &asked, fields.text("run_id")?, fields.text("model_id")?).await?;
    let version = models
        .create_version(
            NewVersion {
                name,
                source: place.source,
                storage_location: place.storage_location,
                run_id: place.run_id,
                run_link: fields.text("run_link")?,
                model_id: place.model_id,
                description: fields.text("description")?,
                tags: fields.tags("tags")?.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            },
            &actor,
        )
        .await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn get_one(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let version = models.get(&fields.required("name")?, number(&fields)?).await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn search(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let limit = match fields.integer("max_results")? {
        None => 200_000,
        Some(number) if (1..=200_000).contains(&number) => u32::try_from(number).unwrap_or(200_000),
        Some(number) => {
            return Err(MlflowError::invalid(format!(
                "Invalid value for max_results. It must be at most 200000, but got value {number}"
            )));
        }
    };
    let filter = fields.text("filter")?.unwrap_or_default();
    let found = models
        .search_versions(&filter, &fields.texts("order_by")?, limit, fields.text("page_token")?.as_deref())
        .await?;
    Ok(answer(
        Object::default()
            .list("model_versions", found.items.iter().map(wire::version).collect())
            .next(found.next_token),
    ))
}

async fn update(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let description = fields.any_text("description")?.unwrap_or_default();
    let version = models.describe_version(&fields.required("name")?, number(&fields)?, &description).await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn remove(State(models): State<Models>, fields: Fields) -> MlflowResult {
    models.delete_version(&fields.required("name")?, number(&fields)?).await?;
    Ok(done())
}

async fn set_tag(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let value = fields.any_text("value")?.unwrap_or_default();
    models
        .set_version_tag(&fields.required("name")?, number(&fields)?, &fields.required("key")?, &value)
        .await?;
    Ok(done())
}

async fn delete_tag(State(models): State<Models>, fields: Fields) -> MlflowResult {
    models.delete_version_tag(&fields.required("name")?, number(&fields)?, &fields.required("key")?).await?;
    Ok(done())
}

async fn transition(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let archive = fields.truth("archive_existing_versions")?;
    let version = models
        .set_stage(&fields.required("name")?, number(&fields)?, &fields.required("stage")?, archive)
        .await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn download_uri(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let version = models.get(&fields.required("name")?, number(&fields)?).await?;
    Ok(answer(json!({"artifact_uri": version.storage_location.unwrap_or(version.source)})))
}
