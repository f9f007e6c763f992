//! Incidents, runbooks, roll-outs and `why` over HTTP.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use ropewalk_core::{Actor, Job, Page, Paged, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    AutoRunbook, Incident, IncidentDetail, IncidentFilter, IncidentStatus, Postmortem, Respond, Rollout,
    RolloutRequest, RunbookRequest, RunbookRun, Why,
};

/// The routes of this feature.
pub fn routes(service: &Respond) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(acknowledge))
        .routes(routes!(note))
        .routes(routes!(resolve))
        .routes(routes!(postmortem))
        .routes(routes!(runbooks))
        .routes(routes!(start_runbook))
        .routes(routes!(runbook))
        .routes(routes!(automatic, set_automatic))
        .routes(routes!(why))
        .routes(routes!(rollouts, start_rollout))
        .routes(routes!(rollout))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(abort))
        .with_state(service.clone())
}

/// Which incidents to list, and which page of them.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only at this endpoint.
    endpoint: Option<String>,
    /// Only in this state: triggered, acknowledged or resolved.
    status: Option<String>,
    /// Only those not resolved.
    #[serde(default)]
    open: bool,
    /// How many at most.
    limit: Option<u32>,
    /// Where to go on: the `next_token` of the page before.
    token: Option<String>,
}

/// Which page of a listing.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// How many at most.
    limit: Option<u32>,
    /// Where to go on: the `next_token` of the page before.
    token: Option<String>,
}

impl PageQuery {
    fn page(self) -> Page {
        Page { limit: self.limit.unwrap_or(100), token: self.token }
    }
}

/// Words for the timeline.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
struct NoteRequest {
    /// The words.
    #[serde(default, alias = "note")]
    text: String,
}

/// What to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhyQuery {
    /// `incident:1`, `endpoint:wine`, `revision:wine/2`, `model:wine-quality/2`, `run:ID`, `report:ID` or `alert:ID`.
    subject: String,
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(ListQuery),
    responses((status = 200, body = Paged<Incident>)))]
async fn list(
    State(respond): State<Respond>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Paged<Incident>>> {
    let status = query.status.as_deref().map(IncidentStatus::parse).transpose()?;
    let filter = IncidentFilter { endpoint: query.endpoint, status, open_only: query.open };
    let page = Page { limit: query.limit.unwrap_or(100), token: query.token };
    Ok(Json(respond.incidents(&filter, &page).await?))
}

/// One incident with its timeline, by number or id.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path,)),
    responses((status = 200, body = IncidentDetail)))]
async fn show(State(respond): State<Respond>, Path(id): Path<String>) -> Result<Json<IncidentDetail>> {
    Ok(Json(respond.incident_detail(&id).await?))
}

/// Take an incident up.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents", params(("id" = String, Path,)),
    responses((status = 200, body = Incident)))]
async fn acknowledge(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<Incident>> {
    Ok(Json(respond.acknowledge(&id, &actor).await?))
}

/// Add a note to the timeline.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/note", tag = "incidents", params(("id" = String, Path,)),
    request_body = NoteRequest, responses((status = 200, body = Incident)))]
async fn note(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
    Json(request): Json<NoteRequest>,
) -> Result<Json<Incident>> {
    Ok(Json(respond.note(&id, &request.text, &actor).await?))
}

/// End an incident and write its post-mortem.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve", tag = "incidents", params(("id" = String, Path,)),
    request_body = Option<NoteRequest>, responses((status = 200, body = Incident)))]
async fn resolve(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
    request: Option<Json<NoteRequest>>,
) -> Result<Json<Incident>> {
    let text = request.map(|Json(request)| request.text).unwrap_or_default();
    Ok(Json(respond.resolve(&id, &text, &actor).await?))
}

/// The post-mortem in Markdown; of an open incident, a draft.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/postmortem", tag = "incidents", params(("id" = String, Path,)),
    responses((status = 200, body = Postmortem)))]
async fn postmortem(State(respond): State<Respond>, Path(id): Path<String>) -> Result<Json<Postmortem>> {
    Ok(Json(respond.postmortem(&id).await?))
}

/// Runbook runs of an incident, oldest first.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/runbooks", tag = "incidents", params(("id" = String, Path,)),
    responses((status = 200, body = Vec<RunbookRun>)))]
async fn runbooks(State(respond): State<Respond>, Path(id): Path<String>) -> Result<Json<Vec<RunbookRun>>> {
    let incident = respond.incident(&id).await?;
    Ok(Json(respond.incident_runbooks(&incident.id).await?))
}

/// Run a runbook for an incident; the job's result is the ended run.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/runbook", tag = "incidents", params(("id" = String, Path,)),
    request_body = RunbookRequest, responses((status = 202, body = Job)))]
async fn start_runbook(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
    Json(request): Json<RunbookRequest>,
) -> Result<(StatusCode, Json<Job>)> {
    Ok((StatusCode::ACCEPTED, Json(respond.run_runbook(&id, request, &actor).await?)))
}

/// One runbook run with its steps.
#[utoipa::path(get, path = "/api/v1/runbooks/{id}", tag = "incidents", params(("id" = String, Path,)),
    responses((status = 200, body = RunbookRun)))]
async fn runbook(State(respond): State<Respond>, Path(id): Path<String>) -> Result<Json<RunbookRun>> {
    Ok(Json(respond.runbook(&id).await?))
}

/// Whether and how an endpoint's alerts start the retraining by themselves.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/runbook", tag = "incidents", params(("name" = String, Path,)),
    responses((status = 200, body = AutoRunbook)))]
async fn automatic(State(respond): State<Respond>, Path(name): Path<String>) -> Result<Json<AutoRunbook>> {
    Ok(Json(respond.automatic(&name).await?))
}

/// Set whether and how an endpoint's alerts start the retraining by themselves.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/runbook", tag = "incidents", params(("name" = String, Path,)),
    request_body = AutoRunbook, responses((status = 200, body = AutoRunbook)))]
async fn set_automatic(
    State(respond): State<Respond>,
    actor: Actor,
    Path(name): Path<String>,
    Json(setting): Json<AutoRunbook>,
) -> Result<Json<AutoRunbook>> {
    Ok(Json(respond.set_automatic(&name, setting, &actor).await?))
}

/// What changed between a good slice of the record and a bad one.
#[utoipa::path(get, path = "/api/v1/why", tag = "incidents", params(WhyQuery), responses((status = 200, body = Why)))]
async fn why(State(respond): State<Respond>, Query(query): Query<WhyQuery>) -> Result<Json<Why>> {
    Ok(Json(respond.why(&query.subject).await?))
}

/// Roll-outs of an endpoint, newest first.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/rollouts", tag = "rollouts", params(("name" = String, Path,), PageQuery),
    responses((status = 200, body = Paged<Rollout>)))]
async fn rollouts(
    State(respond): State<Respond>,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Paged<Rollout>>> {
    Ok(Json(respond.rollouts(&name, &query.page()).await?))
}

/// Roll a revision out step by step; the job's result is the ended roll-out, or with `dry_run` the plan.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/rollouts", tag = "rollouts", params(("name" = String, Path,)),
    request_body = RolloutRequest, responses((status = 202, body = Job)))]
async fn start_rollout(
    State(respond): State<Respond>,
    actor: Actor,
    Path(name): Path<String>,
    Json(request): Json<RolloutRequest>,
) -> Result<(StatusCode, Json<Job>)> {
    Ok((StatusCode::ACCEPTED, Json(respond.start_rollout(&name, &request, &actor).await?)))
}

/// One roll-out, with its steps, judgements and read-backs.
#[utoipa::path(get, path = "/api/v1/rollouts/{id}", tag = "rollouts", params(("id" = String, Path,)),
    responses((status = 200, body = Rollout)))]
async fn rollout(State(respond): State<Respond>, Path(id): Path<String>) -> Result<Json<Rollout>> {
    Ok(Json(respond.rollout(&id).await?))
}

/// Hold a roll-out where it stands.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/pause", tag = "rollouts", params(("id" = String, Path,)),
    responses((status = 202, body = Rollout)))]
async fn pause(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Rollout>)> {
    Ok((StatusCode::ACCEPTED, Json(respond.pause_rollout(&id, &actor).await?)))
}

/// Let a held roll-out go on.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/resume", tag = "rollouts", params(("id" = String, Path,)),
    responses((status = 202, body = Rollout)))]
async fn resume(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Rollout>)> {
    Ok((StatusCode::ACCEPTED, Json(respond.resume_rollout(&id, &actor).await?)))
}

/// End a roll-out and give all traffic back to the revision that served before.
#[utoipa::path(post, path = "/api/v1/rollouts/{id}/abort", tag = "rollouts", params(("id" = String, Path,)),
    responses((status = 202, body = Rollout)))]
async fn abort(
    State(respond): State<Respond>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Rollout>)> {
    Ok((StatusCode::ACCEPTED, Json(respond.abort_rollout(&id, &actor).await?)))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
