//! Links of traces to runs and prompts.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use ropewalk_core::{Code, Error};
use ropewalk_mlflow::{Call, ErrorCode, MlflowError, MlflowResult, Rule, done};

use super::messages::{LINK_PROMPTS, LINK_RUN};
use crate::service::Traces;

/// The routes of links.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/2.0/mlflow/traces/link-to-run", post(link_run))
        .route("/2.0/mlflow/traces/link-prompts", post(link_prompts))
}

async fn link_run(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &LINK_RUN,
        &[
            ("trace_ids", &[Rule::Array, Rule::Required, Rule::TextItems]),
            ("run_id", &[Rule::Text, Rule::Required]),
        ],
    )?;
    traces.link_to_run(&sent.texts("trace_ids"), sent.text("run_id")).await.map_err(twice)?;
    Ok(done())
}

async fn link_prompts(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &LINK_PROMPTS,
        &[("trace_id", &[Rule::Text, Rule::Required]), ("prompt_versions", &[Rule::Array, Rule::Required])],
    )?;
    let prompts = sent.parts("prompt_versions").map(|prompt| {
        let version = prompt.text("version");
        let number: i64 = version.trim().parse().map_err(|_| {
            MlflowError::invalid(format!("Invalid prompt version '{version}'. It must be an integer."))
        })?;
        Ok(format!("{}/{number}", prompt.text("name")))
    });
    let prompts = prompts.collect::<MlflowResult<Vec<_>>>()?;
    traces.link_prompts(sent.text("trace_id"), prompts).await.map_err(twice)?;
    Ok(done())
}

/// The stock server's database refuses a link that is named twice in one request.
fn twice(error: Error) -> MlflowError {
    if error.code() == Code::AlreadyExists {
        return MlflowError::new(ErrorCode::BadRequest, "A link is named twice in one request");
    }
    error.into()
}
