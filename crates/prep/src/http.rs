//! The routes of preparation.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use ropewalk_core::{Actor, Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::expectation::{Expectation, ValidationReport};
use crate::model::{Prepared, PreparedRows};
use crate::service::Prep;
use crate::spec::PrepSpec;

/// The routes of preparation, with their state.
pub fn routes(prep: &Prep) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(validate))
        .routes(routes!(suggest))
        .routes(routes!(prepare))
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(rows))
        .with_state(prep.clone())
}

/// What to validate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ValidateRequest {
    /// The table: `wine`, `wine@v1` or `wine@v1/red.csv`.
    pub source: String,
    /// What it must satisfy, beside what any table must.
    #[serde(default)]
    pub expectations: Vec<Expectation>,
}

/// Which table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SourceQuery {
    source: String,
}

/// Which preparations.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ListQuery {
    #[serde(default)]
    offset: u64,
    #[serde(default = "default_items")]
    limit: u32,
}

fn default_items() -> u32 {
    100
}

/// Which rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RowsQuery {
    #[serde(default = "default_part")]
    part: String,
    #[serde(default)]
    offset: usize,
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_part() -> String {
    "test".to_owned()
}

fn default_limit() -> usize {
    100
}

/// Check a table against expectations.
#[utoipa::path(
    post,
    path = "/api/v1/prep/validate",
    tag = "prep",
    request_body = ValidateRequest,
    responses((status = 200, description = "the report; `passed` tells whether every check did", body = ValidationReport))
)]
async fn validate(
    State(prep): State<Prep>,
    actor: Actor,
    request: std::result::Result<Json<ValidateRequest>, JsonRejection>,
) -> Result<Json<ValidationReport>> {
    let request = body(request)?;
    Ok(Json(prep.validate_as(&request.source, &request.expectations, &actor).await?))
}

/// Expectations that a table itself suggests.
#[utoipa::path(
    get,
    path = "/api/v1/prep/suggest",
    tag = "prep",
    params(("source" = String, Query, description = "the table, such as wine@v1/red.csv")),
    responses((status = 200, body = Vec<Expectation>))
)]
async fn suggest(
    State(prep): State<Prep>,
    wanted: std::result::Result<Query<SourceQuery>, QueryRejection>,
) -> Result<Json<Vec<Expectation>>> {
    Ok(Json(prep.suggest(&query(wanted)?.source).await?))
}

/// Prepare a dataset, or find that it is.
#[utoipa::path(
    post,
    path = "/api/v1/prep/prepare",
    tag = "prep",
    request_body = PrepSpec,
    responses(
        (status = 200, description = "prepared; `cached` tells whether it stood already", body = Prepared),
        (status = 422, description = "an expectation is not met", body = ropewalk_core::error::ErrorBody),
    )
)]
async fn prepare(
    State(prep): State<Prep>,
    actor: Actor,
    spec: std::result::Result<Json<PrepSpec>, JsonRejection>,
) -> Result<Json<Prepared>> {
    Ok(Json(prep.prepare(&body(spec)?, &actor).await?))
}

/// The preparations, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/prep/prepared",
    tag = "prep",
    params(
        ("limit" = Option<u32>, Query, description = "at most so many, 1 to 1000; 100 if not given"),
        ("offset" = Option<u64>, Query, description = "how many to pass over; 0 if not given"),
    ),
    responses((status = 200, body = Vec<Prepared>))
)]
async fn list(
    State(prep): State<Prep>,
    wanted: std::result::Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Vec<Prepared>>> {
    let wanted = query(wanted)?;
    Ok(Json(prep.list(wanted.offset, wanted.limit).await?))
}

/// One preparation.
#[utoipa::path(
    get,
    path = "/api/v1/prep/prepared/{id}",
    tag = "prep",
    params(("id" = String, Path, description = "the identifier, or its first digits")),
    responses((status = 200, body = Prepared), (status = 404, body = ropewalk_core::error::ErrorBody))
)]
async fn get(State(prep): State<Prep>, Path(id): Path<String>) -> Result<Json<Prepared>> {
    Ok(Json(prep.get(&id).await?))
}

/// Raw rows of one part.
#[utoipa::path(
    get,
    path = "/api/v1/prep/prepared/{id}/rows",
    tag = "prep",
    params(
        ("id" = String, Path, description = "the identifier, or its first digits"),
        ("part" = Option<String>, Query, description = "train, validation or test; test if not given"),
        ("offset" = Option<usize>, Query, description = "the first row; 0 if not given"),
        ("limit" = Option<usize>, Query, description = "at most so many; 100 if not given"),
    ),
    responses((status = 200, body = PreparedRows))
)]
async fn rows(
    State(prep): State<Prep>,
    Path(id): Path<String>,
    wanted: std::result::Result<Query<RowsQuery>, QueryRejection>,
) -> Result<Json<PreparedRows>> {
    let wanted = query(wanted)?;
    Ok(Json(prep.rows(&id, &wanted.part, wanted.offset, wanted.limit).await?))
}

fn body<T>(body: std::result::Result<Json<T>, JsonRejection>) -> Result<T> {
    body.map(|Json(value)| value).map_err(|rejection| {
        Error::invalid("the request's body cannot be read")
            .why(rejection.body_text())
            .hint("send JSON with the header content-type: application/json")
    })
}

fn query<T>(query: std::result::Result<Query<T>, QueryRejection>) -> Result<T> {
    query
        .map(|Query(value)| value)
        .map_err(|rejection| Error::invalid("the query cannot be read").why(rejection.body_text()))
}
