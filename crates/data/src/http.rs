//! The routes of datasets.

use utoipa_axum::router::OpenApiRouter;

use crate::service::Data;

/// Everything under `/api/v1/datasets`.
pub fn routes(_data: &Data) -> OpenApiRouter {
    OpenApiRouter::new()
}
