//! Our own routes, under `/api/v1/traces`, and MLflow's beside them.

use utoipa_axum::router::OpenApiRouter;

use crate::service::Traces;

/// The routes of traces: ours, documented, and MLflow's.
pub fn routes(traces: &Traces) -> OpenApiRouter {
    OpenApiRouter::new().merge(OpenApiRouter::from(crate::mlflow::routes(traces)))
}
