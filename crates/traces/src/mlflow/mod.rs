//! MLflow's tracing REST, as the stock client of 3.18 speaks it, and OpenTelemetry's export of spans.

mod artifacts;
mod assessments;
mod datasets;
mod legacy;
mod links;
mod messages;
mod metrics;
mod otlp;
mod spans;
mod tags;
mod told;
mod traces;
mod wire;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ropewalk_mlflow::both_prefixes;

use crate::service::Traces;

/// MLflow's routes of traces.
pub(crate) fn routes(traces: &Traces) -> Router {
    let api = Router::new()
        .merge(traces::routes())
        .merge(legacy::routes())
        .merge(tags::routes())
        .merge(links::routes())
        .merge(assessments::routes())
        .merge(datasets::routes())
        .merge(metrics::routes())
        .route("/2.0/mlflow/unified-traces", get(nothing_there))
        .route("/2.0/mlflow/get-online-trace-details", get(nothing_there));
    Router::new()
        .route("/v1/traces", post(otlp::export).fallback(nothing_there))
        .merge(artifacts::routes())
        .merge(both_prefixes(api))
        .with_state(traces.clone())
}

/// What the stock server names as a route and has nothing behind.
async fn nothing_there() -> Response {
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html; charset=utf-8")]).into_response()
}
