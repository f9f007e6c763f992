//! MLflow's tracing REST, as the stock client of 3.18 speaks it, and OpenTelemetry's export of spans.

mod messages;
mod otlp;
mod spans;
mod told;
mod traces;
mod wire;

use axum::Router;
use axum::routing::post;
use ropewalk_mlflow::both_prefixes;

use crate::service::Traces;

/// MLflow's routes of traces.
pub(crate) fn routes(traces: &Traces) -> Router {
    Router::new()
        .route("/v1/traces", post(otlp::export))
        .merge(both_prefixes(traces::routes()))
        .with_state(traces.clone())
}
