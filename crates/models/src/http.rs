//! Our own routes, under `/api/v1`, and MLflow's beside them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use ropewalk_core::{Actor, Error, Page, Paged, Result};
use ropewalk_migrate::{ModelRecord, Taken};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::bundle::{ReferenceProfile, Signature};
use crate::model::{Gate, ModelVersion, RegisterRequest, RegisteredModel};
use crate::service::{HistoryEntry, Importing, Models};

/// The routes of the registry: ours, documented, and MLflow's.
pub fn routes(models: &Models) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(register))
        .routes(routes!(show_version))
        .routes(routes!(set_alias, remove_alias))
        .routes(routes!(history))
        .routes(routes!(import))
        .with_state(models.clone())
        .merge(OpenApiRouter::from(crate::mlflow::routes(models)))
}

/// A model with its versions.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct ModelOverview {
    #[serde(flatten)]
    model: RegisteredModel,
    /// The newest first.
    versions: Vec<VersionRow>,
}

/// A version with its run's metrics.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct VersionRow {
    #[serde(flatten)]
    version: ModelVersion,
    /// The latest metrics of the run that made it.
    metrics: BTreeMap<String, f64>,
}

/// A version with what its bundle says.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct VersionOverview {
    #[serde(flatten)]
    row: VersionRow,
    /// None for a version without a bundle.
    bundle: Option<BundleOverview>,
}

/// A bundle without its weights.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct BundleOverview {
    runtime: String,
    recipe: String,
    params: serde_json::Value,
    pipeline_hash: String,
    /// The condition that makes a row positive, as JSON.
    target: serde_json::Value,
    signature: Signature,
    input_example: serde_json::Value,
    reference: ReferenceProfile,
    weights_bytes: u64,
}

/// What registers a run.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct RegisterBody {
    /// The run whose bundle becomes the version, or the first digits of its identifier.
    run_id: String,
    /// Checks, all of which are evaluated and kept.
    #[serde(default)]
    gates: Vec<Gate>,
    /// Free words.
    #[serde(default)]
    description: String,
    /// Tags of the version.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// Register even if a gate fails.
    #[serde(default)]
    force: bool,
}

/// Where an alias points.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct AliasBody {
    /// The version.
    version: i64,
}

async fn with_metrics(models: &Models, versions: Vec<ModelVersion>) -> Result<Vec<VersionRow>> {
    let runs: Vec<String> = versions.iter().filter_map(|version| version.run_id.clone()).collect();
    let metrics = models.runs().latest_metrics(&runs).await?;
    let of = |version: &ModelVersion| version.run_id.as_ref().and_then(|run| metrics.get(run)).cloned();
    Ok(versions
        .into_iter()
        .map(|version| VersionRow { metrics: of(&version).unwrap_or_default(), version })
        .collect())
}

/// Lists registered models.
#[utoipa::path(get, path = "/api/v1/models", tag = "models", responses((status = 200, body = Vec<RegisteredModel>)))]
async fn list(State(models): State<Models>) -> Result<Json<Vec<RegisteredModel>>> {
    Ok(Json(models.list().await?))
}

/// Shows a model with its versions.
#[utoipa::path(get, path = "/api/v1/models/{name}", tag = "models", params(("name" = String, Path)), responses((status = 200, body = ModelOverview)))]
async fn show(State(models): State<Models>, Path(name): Path<String>) -> Result<Json<ModelOverview>> {
    let versions = with_metrics(&models, models.versions(&name).await?).await?;
    Ok(Json(ModelOverview { model: models.model(&name).await?, versions }))
}

/// Registers a run's model as the next version.
#[utoipa::path(post, path = "/api/v1/models/{name}/versions", tag = "models", params(("name" = String, Path)), request_body = RegisterBody, responses((status = 200, body = ModelVersion), (status = 422, description = "a gate failed")))]
async fn register(
    State(models): State<Models>,
    actor: Actor,
    Path(name): Path<String>,
    Json(body): Json<RegisterBody>,
) -> Result<Json<ModelVersion>> {
    let RegisterBody { run_id, gates, description, tags, force } = body;
    let run_id = models.runs().expand_run_id(&run_id).await?;
    Ok(Json(
        models.register(RegisterRequest { name, run_id, gates, description, tags, force }, &actor).await?,
    ))
}

/// Shows a version, by number, by `latest` or by `@ALIAS`.
#[utoipa::path(get, path = "/api/v1/models/{name}/versions/{version}", tag = "models", params(("name" = String, Path), ("version" = String, Path)), responses((status = 200, body = VersionOverview)))]
async fn show_version(
    State(models): State<Models>,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<VersionOverview>> {
    let spec =
        if version.starts_with('@') { format!("{name}{version}") } else { format!("{name}/{version}") };
    let version = models.resolve(&spec).await?;
    let bundle = match &version.bundle_hash {
        None => None,
        Some(_) => {
            let loaded = models.bundle(&version.name, version.version).await?;
            let manifest = loaded.manifest;
            Some(BundleOverview {
                runtime: manifest.runtime,
                recipe: manifest.recipe,
                params: manifest.params,
                pipeline_hash: manifest.pipeline_hash,
                target: serde_json::to_value(manifest.target)?,
                signature: manifest.signature,
                input_example: manifest.input_example,
                reference: manifest.reference,
                weights_bytes: loaded.weights.len() as u64,
            })
        }
    };
    let row = with_metrics(&models, vec![version]).await?.pop();
    let row = row.ok_or_else(|| Error::internal("a version got lost"))?;
    Ok(Json(VersionOverview { row, bundle }))
}

/// Points an alias at a version.
#[utoipa::path(put, path = "/api/v1/models/{name}/aliases/{alias}", tag = "models", params(("name" = String, Path), ("alias" = String, Path)), request_body = AliasBody, responses((status = 200, body = RegisteredModel)))]
async fn set_alias(
    State(models): State<Models>,
    actor: Actor,
    Path((name, alias)): Path<(String, String)>,
    Json(body): Json<AliasBody>,
) -> Result<Json<RegisteredModel>> {
    models.set_alias(&name, &alias, body.version, &actor).await?;
    Ok(Json(models.model(&name).await?))
}

/// Removes an alias.
#[utoipa::path(delete, path = "/api/v1/models/{name}/aliases/{alias}", tag = "models", params(("name" = String, Path), ("alias" = String, Path)), responses((status = 200, body = RegisteredModel)))]
async fn remove_alias(
    State(models): State<Models>,
    actor: Actor,
    Path((name, alias)): Path<(String, String)>,
) -> Result<Json<RegisteredModel>> {
    models.delete_alias(&name, &alias, &actor).await?;
    Ok(Json(models.model(&name).await?))
}

/// Registered models of another store.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedModels {
    models: Vec<ModelRecord>,
    /// Where they come from, in words.
    #[serde(default)]
    source: String,
    /// Only look what would become of them.
    #[serde(default)]
    dry_run: bool,
}

/// Takes in registered models and prompts of another store with their versions, which keep their numbers; one that is here
/// gets what it lacks. Aliases are left out: they are set by their own route. Of each model it is told, in order, what
/// became of it.
#[utoipa::path(post, path = "/api/v1/import/models", tag = "models", request_body = ImportedModels, responses((status = 200, body = Vec<Taken>)))]
async fn import(
    State(models): State<Models>,
    actor: Actor,
    Json(asked): Json<ImportedModels>,
) -> Result<Json<Vec<Taken>>> {
    let importing = Importing { source: asked.source, dry_run: asked.dry_run, actor };
    Ok(Json(models.import_models(asked.models, &importing).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// At most so many, 100 unless said.
    limit: Option<u32>,
    /// The `next_token` of the page before.
    token: Option<String>,
}

/// Who changed what in a model and its versions, and when; the newest first. It goes on under the names that the model had
/// before, and after its deletion.
#[utoipa::path(get, path = "/api/v1/models/{name}/history", tag = "models", params(("name" = String, Path), PageQuery), responses((status = 200, body = Paged<HistoryEntry>)))]
async fn history(
    State(models): State<Models>,
    Path(name): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Paged<HistoryEntry>>> {
    let page = Page { limit: page.limit.unwrap_or(100), token: page.token };
    Ok(Json(models.history(&name, &page).await?))
}
