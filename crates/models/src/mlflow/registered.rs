//! MLflow's calls about registered models and aliases.

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, patch, post};
use ropewalk_core::Actor;
use ropewalk_runs::mlflow::wire::Object;
use ropewalk_runs::mlflow::{Fields, MlflowError, MlflowResult, answer, done};
use serde_json::{Value, json};

use super::versions::number;
use super::wire;
use crate::model::RegisteredModel;
use crate::service::Models;

pub(super) fn routes() -> Router<Models> {
    Router::new()
        .route("/2.0/mlflow/registered-models/create", post(create))
        .route("/2.0/mlflow/registered-models/get", get(get_one))
        .route("/2.0/mlflow/registered-models/search", get(search))
        .route("/2.0/mlflow/registered-models/update", patch(update))
        .route("/2.0/mlflow/registered-models/rename", post(rename))
        .route("/2.0/mlflow/registered-models/delete", delete(remove))
        .route("/2.0/mlflow/registered-models/set-tag", post(set_tag))
        .route("/2.0/mlflow/registered-models/delete-tag", delete(delete_tag))
        .route("/2.0/mlflow/registered-models/get-latest-versions", get(latest).post(latest))
        .route("/2.0/mlflow/registered-models/alias", get(by_alias).post(set_alias).delete(delete_alias))
}

async fn full(models: &Models, model: &RegisteredModel) -> MlflowResult<Value> {
    let latest = match model.latest_version {
        Some(_) => models.latest_versions(&model.name, &[]).await?,
        None => Vec::new(),
    };
    Ok(wire::registered(model, &latest))
}

async fn create(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let tags = fields.tags("tags")?.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let model =
        models.create_model(&fields.required("name")?, fields.text("description")?.as_deref(), tags).await?;
    Ok(answer(json!({"registered_model": wire::registered(&model, &[])})))
}

async fn get_one(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let model = models.model(&fields.required("name")?).await?;
    Ok(answer(json!({"registered_model": full(&models, &model).await?})))
}

async fn search(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let limit = match fields.integer("max_results")? {
        None => 100,
        Some(number) if (1..=1000).contains(&number) => u32::try_from(number).unwrap_or(1000),
        Some(number) => {
            return Err(MlflowError::invalid(format!(
                "Invalid value for max_results. It must be at most 1000, but got value {number}"
            )));
        }
    };
    let filter = fields.text("filter")?.unwrap_or_default();
    let found = models
        .search_models(&filter, &fields.texts("order_by")?, limit, fields.text("page_token")?.as_deref())
        .await?;
    let mut list = Vec::with_capacity(found.items.len());
    for model in &found.items {
        list.push(full(&models, model).await?);
    }
    Ok(answer(Object::default().list("registered_models", list).next(found.next_token)))
}

async fn update(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let model =
        models.describe_model(&fields.required("name")?, fields.any_text("description")?.as_deref()).await?;
    Ok(answer(json!({"registered_model": full(&models, &model).await?})))
}

async fn rename(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let model = models.rename_model(&fields.required("name")?, &fields.required("new_name")?).await?;
    Ok(answer(json!({"registered_model": full(&models, &model).await?})))
}

async fn remove(State(models): State<Models>, fields: Fields) -> MlflowResult {
    models.delete_model(&fields.required("name")?).await?;
    Ok(done())
}

async fn set_tag(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let value = fields.any_text("value")?.unwrap_or_default();
    models.set_model_tag(&fields.required("name")?, &fields.required("key")?, &value).await?;
    Ok(done())
}

async fn delete_tag(State(models): State<Models>, fields: Fields) -> MlflowResult {
    models.delete_model_tag(&fields.required("name")?, &fields.required("key")?).await?;
    Ok(done())
}

async fn latest(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let found = models.latest_versions(&fields.required("name")?, &fields.texts("stages")?).await?;
    Ok(answer(Object::default().list("model_versions", found.iter().map(wire::version).collect())))
}

async fn by_alias(State(models): State<Models>, fields: Fields) -> MlflowResult {
    let alias = fields.required("alias")?;
    let found = models.version_of_alias(&fields.required("name")?, &alias).await?;
    let version =
        found.ok_or_else(|| MlflowError::invalid(format!("Registered model alias {alias} not found.")))?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn set_alias(State(models): State<Models>, actor: Actor, fields: Fields) -> MlflowResult {
    let name = fields.required("name")?;
    models.set_alias(&name, &fields.required("alias")?, number(&fields)?, &actor).await?;
    Ok(done())
}

async fn delete_alias(State(models): State<Models>, actor: Actor, fields: Fields) -> MlflowResult {
    models.delete_alias(&fields.required("name")?, &fields.required("alias")?, &actor).await?;
    Ok(done())
}
