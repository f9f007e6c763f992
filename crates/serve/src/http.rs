//! Our own routes: endpoints, revisions, traffic, rollback, read-back, statistics.

use crate::model::{
    DeployRequest, Endpoint, EndpointSettings, Revision, ServedState, TrafficChange, TrafficShare,
};
use crate::service::Serve;
use crate::statistics::{EndpointStatistics, Figures};
use crate::{metrics, oip};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ropewalk_core::{Actor, Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// An endpoint with what it is doing in the process that answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointView {
    /// The endpoint, as the database has it.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// Whether every revision with traffic is in memory.
    pub ready: bool,
    /// All revisions together, since this process started.
    pub figures: Figures,
    /// The last changes of its traffic, newest first (in lists: none).
    pub changes: Vec<TrafficChange>,
}

/// The body of `PUT /api/v1/endpoints/{name}/traffic`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficRequest {
    /// The split; a revision that is not named gets nothing. Adds up to 100.
    pub shares: Vec<TrafficShare>,
    /// Why, for the journal.
    #[serde(default)]
    pub reason: String,
}

/// The body of `POST /api/v1/endpoints/{name}/rollback`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RollbackRequest {
    /// The revision to give all traffic to; without it, the latest older one that once had all of it.
    #[serde(default)]
    pub to_revision: Option<i64>,
    /// Why, for the journal.
    #[serde(default)]
    pub reason: String,
}

/// All routes of serving: ours, the Open Inference Protocol's, and the metrics.
pub fn routes(serve: &Serve) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, deploy_new))
        .routes(routes!(show))
        .routes(routes!(deploy))
        .routes(routes!(set_traffic))
        .routes(routes!(rollback))
        .routes(routes!(configure))
        .routes(routes!(served))
        .routes(routes!(statistics))
        .routes(routes!(prometheus))
        .with_state(serve.clone())
        .merge(oip::routes(serve))
}

/// All endpoints.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints", responses((status = 200, body = Vec<EndpointView>)))]
async fn list(State(serve): State<Serve>) -> Result<Json<Vec<EndpointView>>> {
    let mut views = Vec::new();
    for endpoint in serve.list().await? {
        views.push(view(&serve, endpoint, Vec::new()).await?);
    }
    Ok(Json(views))
}

/// Deploy a model version behind the endpoint that the body names.
#[utoipa::path(post, path = "/api/v1/endpoints", tag = "endpoints", request_body = DeployRequest,
    responses((status = 201, body = Revision), (status = 422, description = "a gate did not pass")))]
async fn deploy_new(
    State(serve): State<Serve>,
    actor: Actor,
    body: Result<Json<DeployRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<Revision>)> {
    Ok((StatusCode::CREATED, Json(serve.deploy(read(body)?, &actor).await?)))
}

/// One endpoint with its revisions and the last changes of its traffic.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}", tag = "endpoints", responses((status = 200, body = EndpointView)))]
async fn show(State(serve): State<Serve>, Path(name): Path<String>) -> Result<Json<EndpointView>> {
    let endpoint = serve.get(&name).await?;
    let changes = serve.changes(&name, 100).await?;
    Ok(Json(view(&serve, endpoint, changes).await?))
}

/// Deploy a model version as a new revision of this endpoint; the first one makes the endpoint.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/revisions", tag = "endpoints", request_body = DeployRequest,
    responses((status = 201, body = Revision), (status = 422, description = "a gate did not pass")))]
async fn deploy(
    State(serve): State<Serve>,
    Path(name): Path<String>,
    actor: Actor,
    body: Result<Json<DeployRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<Revision>)> {
    let mut request = read(body)?;
    if !request.endpoint.is_empty() && request.endpoint != name {
        return Err(Error::invalid(format!(
            "the address names endpoint `{name}`, the body `{}`",
            request.endpoint.escape_debug()
        )));
    }
    request.endpoint = name;
    Ok((StatusCode::CREATED, Json(serve.deploy(request, &actor).await?)))
}

/// Set the whole split of an endpoint's traffic; the answer is the read-back.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/traffic", tag = "endpoints", request_body = TrafficRequest,
    responses((status = 200, body = ServedState), (status = 400, description = "not a whole split")))]
async fn set_traffic(
    State(serve): State<Serve>,
    Path(name): Path<String>,
    actor: Actor,
    body: Result<Json<TrafficRequest>, JsonRejection>,
) -> Result<Json<ServedState>> {
    let request = read(body)?;
    Ok(Json(serve.set_traffic(&name, request.shares, &request.reason, &actor).await?))
}

/// Give all traffic back to an earlier revision; the answer is the read-back that proves it.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/rollback", tag = "endpoints", request_body = RollbackRequest,
    responses((status = 200, body = ServedState), (status = 409, description = "nothing to roll back to")))]
async fn rollback(
    State(serve): State<Serve>,
    Path(name): Path<String>,
    actor: Actor,
    body: Result<Json<RollbackRequest>, JsonRejection>,
) -> Result<Json<ServedState>> {
    let request = read(body)?;
    Ok(Json(serve.rollback(&name, request.to_revision, &request.reason, &actor).await?))
}

/// Change an endpoint's settings; what is not given stays.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/settings", tag = "endpoints", request_body = EndpointSettings,
    responses((status = 200, body = Endpoint)))]
async fn configure(
    State(serve): State<Serve>,
    Path(name): Path<String>,
    actor: Actor,
    body: Result<Json<EndpointSettings>, JsonRejection>,
) -> Result<Json<Endpoint>> {
    Ok(Json(serve.configure(&name, read(body)?, &actor).await?))
}

/// What is served at this moment, read from the table that routes requests.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/served", tag = "endpoints", responses((status = 200, body = ServedState)))]
async fn served(State(serve): State<Serve>, Path(name): Path<String>) -> Result<Json<ServedState>> {
    Ok(Json(serve.read_back(&name).await?))
}

/// Requests, failures and latencies, in all and over the last ten minutes.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/statistics", tag = "endpoints",
    responses((status = 200, body = EndpointStatistics)))]
async fn statistics(
    State(serve): State<Serve>,
    Path(name): Path<String>,
) -> Result<Json<EndpointStatistics>> {
    Ok(Json(serve.statistics(&name).await?))
}

/// Figures of all endpoints in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "endpoints", responses((status = 200, body = String, content_type = "text/plain")))]
async fn prometheus(State(serve): State<Serve>) -> Result<Response> {
    let text = metrics::text(&*serve.table().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn view(serve: &Serve, endpoint: Endpoint, changes: Vec<TrafficChange>) -> Result<EndpointView> {
    let table = serve.table().await?;
    let routes = table.endpoints.get(&endpoint.name);
    Ok(EndpointView {
        ready: routes.is_some_and(|routes| routes.ready()),
        figures: routes.map(|routes| routes.statistics(ropewalk_core::now_ms()).total).unwrap_or_default(),
        endpoint,
        changes,
    })
}

fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T> {
    body.map(|Json(value)| value)
        .map_err(|rejection| Error::invalid("the request's body cannot be read").why(rejection.body_text()))
}
