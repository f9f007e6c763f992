//! The routes of monitoring.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use ropewalk_core::{Actor, Error, Page, Paged, Result};
use ropewalk_data::Cell;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Watch;
use crate::{
    Alert, AlertStatus, CaptureFilter, Captured, Feedback, FeedbackReceipt, MonitorSettings, Report,
    ReportSummary, Window,
};

/// Predictions of one answer at most.
const MOST_PREDICTIONS: usize = 10_000;

/// The body of `POST /api/v1/endpoints/{name}/feedback`: a list, or an object that holds it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FeedbackRequest {
    /// Observed values by prediction id.
    List(Vec<Feedback>),
    /// The same under a name.
    Object {
        /// Observed values by prediction id.
        items: Vec<Feedback>,
    },
}

impl FeedbackRequest {
    /// The observed values.
    #[must_use]
    pub fn into_items(self) -> Vec<Feedback> {
        match self {
            Self::List(items) | Self::Object { items } => items,
        }
    }
}

/// One logged prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoggedPrediction {
    /// Its id.
    pub prediction_id: String,
    /// When the request came, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Revision that answered.
    pub revision: i64,
    /// Registered model behind it.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// From receipt to score, in microseconds, of the request that held the row.
    pub latency_us: u64,
    /// Predicted probability; `null` if the model failed.
    pub score: Option<f64>,
    /// Observed value of the target column; `null` while unknown.
    pub value: Option<f64>,
    /// Why the model failed, if it did.
    pub error: Option<String>,
    /// Raw inputs by column.
    pub inputs: BTreeMap<String, Cell>,
}

/// Predictions, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Predictions {
    /// The predictions.
    pub items: Vec<LoggedPrediction>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// Items at most (1 to 1,000; default 100).
    limit: Option<u32>,
    /// The `next_token` of the page before.
    token: Option<String>,
}

impl PageQuery {
    fn page(self) -> Page {
        Page { limit: self.limit.unwrap_or(100), token: self.token }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PredictionsQuery {
    /// The newest so many (default 100, at most 10,000).
    limit: Option<usize>,
    /// Only at or after this time, in milliseconds since the Unix epoch.
    since_ms: Option<i64>,
    /// Only before this time, in milliseconds since the Unix epoch.
    until_ms: Option<i64>,
    /// Only of this revision.
    revision: Option<i64>,
    /// Only those whose truth is known.
    #[serde(default)]
    labelled_only: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AlertsQuery {
    /// Only of this endpoint.
    endpoint: Option<String>,
    /// Only those that are `firing` or `resolved`.
    #[param(inline)]
    status: Option<AlertStatus>,
    /// Items at most (1 to 1,000; default 100).
    limit: Option<u32>,
    /// The `next_token` of the page before.
    token: Option<String>,
}

/// The routes of monitoring.
pub fn routes(watch: &Watch) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(feedback))
        .routes(routes!(evaluate))
        .routes(routes!(reports))
        .routes(routes!(report))
        .routes(routes!(predictions))
        .routes(routes!(monitor, set_monitor))
        .routes(routes!(alerts))
        .with_state(watch.clone())
}

fn body<T>(body: Result<Json<T>, JsonRejection>) -> Result<T> {
    body.map(|Json(value)| value).map_err(|rejection| {
        Error::invalid("the body cannot be read")
            .why(rejection.body_text())
            .hint("see /api/v1/openapi.json for what it takes")
    })
}

/// Tell what really happened: observed values by prediction id.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/feedback", tag = "monitoring", params(("name" = String, Path, description = "Endpoint")),
    request_body = FeedbackRequest, responses((status = 200, body = FeedbackReceipt)))]
async fn feedback(
    State(watch): State<Watch>,
    Path(name): Path<String>,
    request: Result<Json<FeedbackRequest>, JsonRejection>,
) -> Result<Json<FeedbackReceipt>> {
    Ok(Json(watch.feedback(&name, body(request)?.into_items()).await?))
}

/// Compare what came in with what the model was trained on, and judge its answers.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/evaluate", tag = "monitoring", params(("name" = String, Path, description = "Endpoint")),
    request_body = Window, responses((status = 200, body = Report), (status = 409, description = "nothing was predicted in the window")))]
async fn evaluate(
    State(watch): State<Watch>,
    Path(name): Path<String>,
    actor: Actor,
    window: Result<Json<Window>, JsonRejection>,
) -> Result<Json<Report>> {
    Ok(Json(watch.evaluate(&name, body(window)?, &actor).await?))
}

/// Reports of an endpoint, newest first.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/reports", tag = "monitoring", params(("name" = String, Path, description = "Endpoint"), PageQuery),
    responses((status = 200, body = Paged<ReportSummary>)))]
async fn reports(
    State(watch): State<Watch>,
    Path(name): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Paged<ReportSummary>>> {
    watch.check_endpoint(&name).await?;
    Ok(Json(watch.reports(&name, page.page()).await?))
}

/// One report with its columns; the beginning of its id will do.
#[utoipa::path(get, path = "/api/v1/reports/{id}", tag = "monitoring", params(("id" = String, Path, description = "Report")),
    responses((status = 200, body = Report), (status = 404, description = "there is no such report")))]
async fn report(State(watch): State<Watch>, Path(id): Path<String>) -> Result<Json<Report>> {
    Ok(Json(watch.report(&id).await?))
}

/// Logged predictions, oldest first.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/predictions", tag = "monitoring",
    params(("name" = String, Path, description = "Endpoint"), PredictionsQuery), responses((status = 200, body = Predictions)))]
async fn predictions(
    State(watch): State<Watch>,
    Path(name): Path<String>,
    Query(query): Query<PredictionsQuery>,
) -> Result<Json<Predictions>> {
    watch.check_endpoint(&name).await?;
    let PredictionsQuery { limit, since_ms, until_ms, revision, labelled_only } = query;
    let limit = Some(limit.unwrap_or(100).min(MOST_PREDICTIONS));
    let rows =
        watch.captured(&name, CaptureFilter { since_ms, until_ms, labelled_only, revision, limit }).await?;
    Ok(Json(Predictions { items: (0..rows.rows()).map(|row| logged(&rows, row)).collect() }))
}

fn logged(rows: &Captured, row: usize) -> LoggedPrediction {
    LoggedPrediction {
        prediction_id: rows.ids[row].clone(),
        time_ms: rows.times_ms[row],
        revision: rows.revisions[row],
        model: rows.models[row].clone(),
        version: rows.versions[row],
        latency_us: rows.latencies_us[row],
        score: Some(rows.scores[row]).filter(|score| score.is_finite()),
        value: rows.values[row],
        error: rows.errors[row].clone(),
        inputs: rows.frame.iter().map(|(name, column)| (name.to_owned(), column.cell(row))).collect(),
    }
}

/// How an endpoint is watched.
#[utoipa::path(get, path = "/api/v1/endpoints/{name}/monitor", tag = "monitoring", params(("name" = String, Path, description = "Endpoint")),
    responses((status = 200, body = MonitorSettings)))]
async fn monitor(State(watch): State<Watch>, Path(name): Path<String>) -> Result<Json<MonitorSettings>> {
    watch.check_endpoint(&name).await?;
    Ok(Json(watch.monitor(&name).await?))
}

/// Change how an endpoint is watched; a member that is left out gets its default.
#[utoipa::path(put, path = "/api/v1/endpoints/{name}/monitor", tag = "monitoring", params(("name" = String, Path, description = "Endpoint")),
    request_body = MonitorSettings, responses((status = 200, body = MonitorSettings)))]
async fn set_monitor(
    State(watch): State<Watch>,
    Path(name): Path<String>,
    actor: Actor,
    settings: Result<Json<MonitorSettings>, JsonRejection>,
) -> Result<Json<MonitorSettings>> {
    Ok(Json(watch.set_monitor(&name, body(settings)?, &actor).await?))
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "monitoring", params(AlertsQuery), responses((status = 200, body = Paged<Alert>)))]
async fn alerts(State(watch): State<Watch>, Query(query): Query<AlertsQuery>) -> Result<Json<Paged<Alert>>> {
    let page = PageQuery { limit: query.limit, token: query.token }.page();
    Ok(Json(watch.alerts(query.endpoint.as_deref(), query.status, page).await?))
}
