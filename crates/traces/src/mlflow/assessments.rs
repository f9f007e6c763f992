//! Assessments of traces.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use ropewalk_mlflow::answer::written;
use ropewalk_mlflow::json::Json;
use ropewalk_mlflow::{Call, Fields, MlflowError, MlflowResult, Rule, done};

use super::messages::{CREATE_ASSESSMENT, UPDATE_ASSESSMENT};
use super::told;
use super::wire::Writer;
use crate::model::Assessment;
use crate::service::{AssessmentUpdate, Traces};

/// The routes of assessments.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/3.0/mlflow/traces/{id}/assessments", post(create))
        .route("/3.0/mlflow/traces/{id}/assessments/{assessment}", get(show).patch(update).delete(delete))
}

fn answer(assessment: &Assessment) -> MlflowResult {
    let mut writer = Writer::default();
    writer.raw("{\"assessment\":").assessment(assessment).raw("}");
    Ok(written(writer.into_bytes()))
}

async fn create(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&CREATE_ASSESSMENT, &[("assessment", &[Rule::Required])])?;
    let nothing = Fields::default();
    let assessment = told::assessment(sent.part("assessment").unwrap_or(&nothing), &id)?;
    answer(&traces.create_assessment(assessment).await?)
}

async fn show(State(traces): State<Traces>, Path((id, assessment)): Path<(String, String)>) -> MlflowResult {
    answer(&traces.assessment(&id, &assessment).await?)
}

async fn update(
    State(traces): State<Traces>,
    Path((id, assessment)): Path<(String, String)>,
    call: Call,
) -> MlflowResult {
    let sent = call
        .read(&UPDATE_ASSESSMENT, &[("assessment", &[Rule::Required]), ("update_mask", &[Rule::Required])])?;
    let nothing = Fields::default();
    let told = sent.part("assessment").unwrap_or(&nothing);
    let mut update = AssessmentUpdate::default();
    for path in paths(sent.any("update_mask")) {
        match path.as_str() {
            "assessmentName" => update.name = Some(told.text("assessment_name").to_owned()),
            "expectation" => {
                update.expectation = Some(told::expected(told.part("expectation").unwrap_or(&nothing))?);
            }
            "feedback" => {
                update.feedback = Some(told::judged(told.part("feedback").unwrap_or(&nothing))?);
            }
            "rationale" => update.rationale = Some(told.text("rationale").to_owned()),
            "metadata" => update.metadata = told.map("metadata").to_vec(),
            "valid" => {
                return Err(MlflowError::invalid(
                    "Whether an assessment is valid cannot be set; it follows from what overrides it.",
                ));
            }
            _ => {}
        }
    }
    answer(&traces.update_assessment(&id, &assessment, update).await?)
}

/// The paths of a field mask: camel case with commas between. What is no mask names nothing.
fn paths(mask: Option<&Json>) -> Vec<String> {
    match mask {
        Some(Json::Text(paths)) if !paths.contains('_') => paths.split(',').map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

async fn delete(
    State(traces): State<Traces>,
    Path((id, assessment)): Path<(String, String)>,
) -> MlflowResult {
    traces.delete_assessment(&id, &assessment).await?;
    Ok(done())
}
