//! Our own routes, under `/api/v1/traces`, and MLflow's beside them.

mod rows;
mod tree;

use axum::Json;
use axum::extract::{Path, Query, State};
use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_core::{Code, Result};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::rows::{TraceOverview, TraceSummary};
use crate::service::{TraceSearch, Traces};

/// The largest page.
const MOST: u32 = 500;

/// The routes of traces: ours, documented, and MLflow's.
pub fn routes(traces: &Traces) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_traces))
        .routes(routes!(show_trace))
        .with_state(traces.clone())
        .merge(OpenApiRouter::from(crate::mlflow::routes(traces)))
}

/// A listing's query.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// An experiment's name or number; all experiments if it is left out.
    experiment: Option<String>,
    /// MLflow's filter grammar, e.g. `status = 'ERROR' AND span.type = 'LLM'`.
    filter: Option<String>,
    /// Orders, comma-separated, e.g. `execution_time DESC`; the newest first if it is left out.
    order_by: Option<String>,
    /// Page size, at most 500.
    limit: Option<u32>,
    /// Where to go on.
    token: Option<String>,
}

/// Lists traces without their spans.
#[utoipa::path(get, path = "/api/v1/traces", tag = "traces", params(ListQuery), responses((status = 200, body = Paged<TraceSummary>)))]
async fn list_traces(
    State(traces): State<Traces>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Paged<TraceSummary>>> {
    let experiment_ids = match query.experiment.as_deref().filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(vec![experiment(&traces, name).await?]),
    };
    let orders = query.order_by.as_deref().unwrap_or_default().split(',').map(str::trim);
    let found = traces
        .search_traces(&TraceSearch {
            experiment_ids,
            filter: query.filter.unwrap_or_default(),
            order_by: orders.filter(|order| !order.is_empty()).map(str::to_owned).collect(),
            max_results: query.limit.unwrap_or(100).clamp(1, MOST),
            offset: decode_offset(query.token.as_deref())?,
        })
        .await?;
    let items = found.items.iter().map(TraceSummary::of).collect();
    Ok(Json(Paged { items, next_token: found.next_token }))
}

/// An experiment's number by its name or number.
async fn experiment(traces: &Traces, name: &str) -> Result<String> {
    match traces.runs().get_experiment_by_name(name).await {
        Ok(found) => Ok(found.experiment_id),
        Err(error) if error.code() == Code::NotFound && name.parse::<i64>().is_ok() => {
            Ok(traces.runs().get_experiment(name).await?.experiment_id)
        }
        Err(error) => Err(error),
    }
}

/// Shows a trace with its spans, as far as they have arrived, and what is judged of it.
#[utoipa::path(get, path = "/api/v1/traces/{id}", tag = "traces", params(("id" = String, Path)), responses((status = 200, body = TraceOverview)))]
async fn show_trace(State(traces): State<Traces>, Path(id): Path<String>) -> Result<Json<TraceOverview>> {
    let (trace, links) = traces.overview(&id).await?;
    Ok(Json(TraceOverview::of(&trace, links)))
}
