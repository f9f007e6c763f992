//! Jobs over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::Job;
use super::service::Jobs;
use crate::Result;

/// The jobs' routes.
pub fn routes(jobs: &Jobs) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).with_state(jobs.clone())
}

/// The newest jobs.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", responses((status = 200, body = Vec<Job>)))]
async fn list(State(jobs): State<Jobs>) -> Result<Json<Vec<Job>>> {
    Ok(Json(jobs.recent(100).await?))
}

/// One job, with its progress while it runs and its result when it has ended.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path,)),
    responses((status = 200, body = Job)))]
async fn get(State(jobs): State<Jobs>, Path(id): Path<String>) -> Result<Json<Job>> {
    Ok(Json(jobs.get(&id).await?))
}
