//! Experiments, their saved views, and things done to many runs, over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use ropewalk_core::{Actor, Error, Result};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{Experiment, Tag};
use crate::service::Runs;
use crate::service::bulk::{Bulk, Purged};
use crate::service::views::View;

pub(super) fn routes() -> OpenApiRouter<Runs> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(rename, delete))
        .routes(routes!(restore))
        .routes(routes!(views))
        .routes(routes!(save_view, delete_view))
        .routes(routes!(bulk))
        .routes(routes!(collect_garbage))
}

/// A new experiment.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewExperiment {
    name: String,
    /// Where its runs' artifacts go; this server keeps them without it.
    #[serde(default)]
    artifact_location: Option<String>,
    #[serde(default)]
    tags: std::collections::BTreeMap<String, String>,
}

/// Creates an experiment.
#[utoipa::path(post, path = "/api/v1/experiments", tag = "runs", request_body = NewExperiment, responses((status = 200, body = Experiment)))]
async fn create(State(runs): State<Runs>, Json(new): Json<NewExperiment>) -> Result<Json<Experiment>> {
    let tags = new.tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(Json(runs.create_experiment(&new.name, new.artifact_location.as_deref(), tags).await?))
}

/// An experiment's new name.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Renaming {
    name: String,
}

/// Gives an experiment another name.
#[utoipa::path(patch, path = "/api/v1/experiments/{id}", tag = "runs", params(("id" = String, Path)), request_body = Renaming, responses((status = 200, body = Experiment)))]
async fn rename(
    State(runs): State<Runs>,
    Path(id): Path<String>,
    Json(new): Json<Renaming>,
) -> Result<Json<Experiment>> {
    let id = runs.experiment_id(&id).await?;
    runs.rename_experiment(&id, &new.name).await?;
    Ok(Json(runs.get_experiment(&id).await?))
}

/// Deletes an experiment and its runs; both can be restored.
#[utoipa::path(delete, path = "/api/v1/experiments/{id}", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Experiment)))]
async fn delete(State(runs): State<Runs>, Path(id): Path<String>) -> Result<Json<Experiment>> {
    let id = runs.experiment_id(&id).await?;
    runs.delete_experiment(&id).await?;
    Ok(Json(runs.get_experiment(&id).await?))
}

/// Restores a deleted experiment and its runs.
#[utoipa::path(post, path = "/api/v1/experiments/{id}/restore", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Experiment)))]
async fn restore(State(runs): State<Runs>, Path(id): Path<String>) -> Result<Json<Experiment>> {
    let id = runs.experiment_id(&id).await?;
    runs.restore_experiment(&id).await?;
    Ok(Json(runs.get_experiment(&id).await?))
}

/// Lists the saved views of an experiment.
#[utoipa::path(get, path = "/api/v1/experiments/{id}/views", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Vec<View>)))]
async fn views(State(runs): State<Runs>, Path(id): Path<String>) -> Result<Json<Vec<View>>> {
    Ok(Json(runs.views(&id).await?))
}

/// What a view shows.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ViewContent {
    view: serde_json::Value,
}

/// Saves a view.
#[utoipa::path(put, path = "/api/v1/experiments/{id}/views/{name}", tag = "runs", params(("id" = String, Path), ("name" = String, Path)), request_body = ViewContent, responses((status = 200, body = View)))]
async fn save_view(
    State(runs): State<Runs>,
    Path((id, name)): Path<(String, String)>,
    actor: Actor,
    Json(content): Json<ViewContent>,
) -> Result<Json<View>> {
    Ok(Json(runs.save_view(&id, &name, content.view, &actor).await?))
}

/// Removes a view.
#[utoipa::path(delete, path = "/api/v1/experiments/{id}/views/{name}", tag = "runs", params(("id" = String, Path), ("name" = String, Path)), responses((status = 200)))]
async fn delete_view(
    State(runs): State<Runs>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Json<serde_json::Value>> {
    runs.delete_view(&id, &name).await?;
    Ok(Json(serde_json::json!({})))
}

/// What is done to many runs.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Delete,
    Restore,
    Tag,
    Untag,
    Move,
    Purge,
}

/// Something to be done to many runs.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkRequest {
    /// At most 10,000.
    run_ids: Vec<String>,
    action: Action,
    /// The tag's name, for `tag` and `untag`.
    #[serde(default)]
    key: Option<String>,
    /// The tag's value, for `tag`.
    #[serde(default)]
    value: Option<String>,
    /// The experiment's name or number, for `move`.
    #[serde(default)]
    experiment: Option<String>,
}

/// To how many runs it was done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BulkAnswer {
    done: usize,
}

/// Deletes, restores, tags, moves or, once deleted, removes for good many runs.
#[utoipa::path(post, path = "/api/v1/runs/bulk", tag = "runs", request_body = BulkRequest, responses((status = 200, body = BulkAnswer)))]
async fn bulk(
    State(runs): State<Runs>,
    actor: Actor,
    Json(asked): Json<BulkRequest>,
) -> Result<Json<BulkAnswer>> {
    let need = |value: Option<String>, what: &str| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Error::invalid(format!("`{what}` is missing")).why("this action needs it"))
    };
    let bulk = match asked.action {
        Action::Delete => Bulk::Delete,
        Action::Restore => Bulk::Restore,
        Action::Tag => Bulk::Tag(Tag::new(need(asked.key, "key")?, asked.value.unwrap_or_default())),
        Action::Untag => Bulk::Untag(need(asked.key, "key")?),
        Action::Move => Bulk::Move(need(asked.experiment, "experiment")?),
        Action::Purge => Bulk::Purge,
    };
    Ok(Json(BulkAnswer { done: runs.bulk(&asked.run_ids, bulk, &actor).await? }))
}

/// What garbage is collected.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct GarbageRequest {
    /// Only what was deleted so many seconds ago, or longer; 0 for all.
    #[serde(default)]
    older_than_seconds: u32,
    /// Only look.
    #[serde(default)]
    dry_run: bool,
}

/// Removes for good what was deleted: runs, logged models and experiments, with their artifacts.
#[utoipa::path(post, path = "/api/v1/runs/gc", tag = "runs", request_body = GarbageRequest, responses((status = 200, body = Purged)))]
async fn collect_garbage(
    State(runs): State<Runs>,
    actor: Actor,
    Json(asked): Json<GarbageRequest>,
) -> Result<Json<Purged>> {
    let older_than_ms = i64::from(asked.older_than_seconds) * 1000;
    Ok(Json(runs.collect_garbage(older_than_ms, asked.dry_run, &actor).await?))
}
