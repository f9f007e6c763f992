//! Our own route, under `/api/v1`, and MLflow's beside it.

use axum::Json;
use axum::extract::{Path, Query, State};
use ropewalk_core::{Page, Paged, Result};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::Delivery;
use crate::service::Webhooks;

/// The routes of webhooks: ours, documented, and MLflow's.
pub fn routes(webhooks: &Webhooks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(deliveries))
        .with_state(webhooks.clone())
        .merge(OpenApiRouter::from(crate::mlflow::routes(webhooks)))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// At most so many, 100 unless said.
    limit: Option<u32>,
    /// The `next_token` of the page before.
    token: Option<String>,
}

/// What was sent to a webhook in the last seven days, what waits to be sent, and what came of it; the newest first.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = String, Path), PageQuery), responses((status = 200, body = Paged<Delivery>)))]
async fn deliveries(
    State(webhooks): State<Webhooks>,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Paged<Delivery>>> {
    let page = Page { limit: page.limit.unwrap_or(100), token: page.token };
    Ok(Json(webhooks.deliveries(&id, &page).await?))
}
