//! Tags of traces, under both versions of the API.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::patch;
use ropewalk_core::Code;
use ropewalk_mlflow::{Call, ErrorCode, MlflowError, MlflowResult, Rule, done};

use super::messages::TAG;
use crate::keys::tag;
use crate::service::Traces;

/// The routes of tags.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/2.0/mlflow/traces/{id}/tags", patch(set).delete(delete))
        .route("/3.0/mlflow/traces/{id}/tags", patch(set).delete(delete))
}

async fn set(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&TAG, &[("key", &[Rule::Text, Rule::Required]), ("value", &[Rule::Text])])?;
    let key = sent.text("key");
    traces.set_tag(&id, key, sent.text("value")).await.map_err(|error| {
        // The stock server learns only from its database that the trace is missing.
        if error.code() == Code::NotFound && key != tag::NAME {
            return MlflowError::new(ErrorCode::BadRequest, error.what());
        }
        error.into()
    })?;
    Ok(done())
}

async fn delete(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&TAG, &[("key", &[Rule::Text, Rule::Required])])?;
    traces.delete_tag(&id, sent.text("key")).await?;
    Ok(done())
}
