//! The ledger's routes.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use ropewalk_core::{Error, Page, Paged, Result};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{LedgerEntry, Method, Summary, SummaryFilter};
use crate::service::Ledger;

/// The routes of the ledger, with their state.
pub fn routes(ledger: &Ledger) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(entries))
        .routes(routes!(method))
        .with_state(ledger.clone())
}

/// Energy, carbon and money, added up.
#[utoipa::path(
    get,
    path = "/api/v1/ledger/summary",
    tag = "ledger",
    params(
        ("subject" = Option<String>, Query, description = "only this subject, such as run:ID"),
        ("activity" = Option<String>, Query, description = "only this activity, such as train"),
        ("since_ms" = Option<i64>, Query, description = "only from this time on, Unix milliseconds"),
    ),
    responses((status = 200, body = Summary))
)]
async fn summary(
    State(ledger): State<Ledger>,
    filter: std::result::Result<Query<SummaryFilter>, QueryRejection>,
) -> Result<Json<Summary>> {
    Ok(Json(ledger.summary(checked(filter)?).await?))
}

/// The lines of the ledger, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/ledger/entries",
    tag = "ledger",
    params(
        ("limit" = Option<u32>, Query, description = "at most so many, 1 to 1000; 100 if not given"),
        ("token" = Option<String>, Query, description = "the next_token of the page before"),
    ),
    responses((status = 200, body = Paged<LedgerEntry>))
)]
async fn entries(
    State(ledger): State<Ledger>,
    page: std::result::Result<Query<Page>, QueryRejection>,
) -> Result<Json<Paged<LedgerEntry>>> {
    Ok(Json(ledger.entries(checked(page)?).await?))
}

/// How the figures are made: meter, processor, country, prices, band.
#[utoipa::path(
    get,
    path = "/api/v1/ledger/method",
    tag = "ledger",
    responses((status = 200, body = Method))
)]
async fn method(State(ledger): State<Ledger>) -> Result<Json<Method>> {
    Ok(Json(ledger.method()))
}

fn checked<T>(query: std::result::Result<Query<T>, QueryRejection>) -> Result<T> {
    query
        .map(|Query(value)| value)
        .map_err(|rejection| Error::invalid("the query cannot be read").why(rejection.body_text()))
}
