//! Taking in what another store holds, over HTTP.

use axum::Json;
use axum::extract::{Query, State};
use ropewalk_core::{Actor, Result};
use ropewalk_migrate::{ExperimentRecord, KeptFile, LoggedModelRecord, RunRecord, Taken};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Runs;
use crate::service::import::Importing;

pub(super) fn routes() -> OpenApiRouter<Runs> {
    OpenApiRouter::new()
        .routes(routes!(experiments))
        .routes(routes!(runs))
        .routes(routes!(logged_models))
        .routes(routes!(files))
}

/// Experiments of another store.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedExperiments {
    experiments: Vec<ExperimentRecord>,
    /// Where they come from, in words.
    #[serde(default)]
    source: String,
    /// Only look what would become of them.
    #[serde(default)]
    dry_run: bool,
}

/// Takes in experiments of another store. One of a name that is here becomes that one; another keeps its number if that is
/// free. Of each it is told, in order, what became of it.
#[utoipa::path(post, path = "/api/v1/import/experiments", tag = "runs", request_body = ImportedExperiments, responses((status = 200, body = Vec<Taken>)))]
async fn experiments(
    State(runs): State<Runs>,
    actor: Actor,
    Json(asked): Json<ImportedExperiments>,
) -> Result<Json<Vec<Taken>>> {
    let importing = Importing { source: asked.source, dry_run: asked.dry_run, actor };
    Ok(Json(runs.import_experiments(asked.experiments, &importing).await?))
}

/// Runs of another store.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedRuns {
    runs: Vec<RunRecord>,
    /// Where they come from, in words.
    #[serde(default)]
    source: String,
    /// Only look what would become of them.
    #[serde(default)]
    dry_run: bool,
}

/// Takes in runs of another store, each as a whole; one that is here gets what it lacks. A run with very many measurements
/// may come in parts. Of each it is told, in order, what became of it.
#[utoipa::path(post, path = "/api/v1/import/runs", tag = "runs", request_body = ImportedRuns, responses((status = 200, body = Vec<Taken>)))]
async fn runs(
    State(runs): State<Runs>,
    actor: Actor,
    Json(asked): Json<ImportedRuns>,
) -> Result<Json<Vec<Taken>>> {
    let importing = Importing { source: asked.source, dry_run: asked.dry_run, actor };
    Ok(Json(runs.import_runs(asked.runs, &importing).await?))
}

/// Logged models of another store.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportedLoggedModels {
    logged_models: Vec<LoggedModelRecord>,
    /// Where they come from, in words.
    #[serde(default)]
    source: String,
    /// Only look what would become of them.
    #[serde(default)]
    dry_run: bool,
}

/// Takes in logged models of another store; one that is here gets what it lacks. Of each it is told, in order, what became
/// of it.
#[utoipa::path(post, path = "/api/v1/import/logged-models", tag = "runs", request_body = ImportedLoggedModels, responses((status = 200, body = Vec<Taken>)))]
async fn logged_models(
    State(runs): State<Runs>,
    actor: Actor,
    Json(asked): Json<ImportedLoggedModels>,
) -> Result<Json<Vec<Taken>>> {
    let importing = Importing { source: asked.source, dry_run: asked.dry_run, actor };
    Ok(Json(runs.import_logged_models(asked.logged_models, &importing).await?))
}

/// Which files are meant.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct FilesQuery {
    /// A folder of this server's artifacts, such as `1/RUN/artifacts`.
    path: String,
}

/// Lists all files below a folder of this server's artifacts, so that an import sends only what is missing.
#[utoipa::path(get, path = "/api/v1/import/files", tag = "runs", params(FilesQuery), responses((status = 200, body = Vec<KeptFile>)))]
async fn files(State(runs): State<Runs>, Query(query): Query<FilesQuery>) -> Result<Json<Vec<KeptFile>>> {
    Ok(Json(runs.kept_files(&query.path).await?))
}
