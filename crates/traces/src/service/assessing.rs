//! Assessments of traces.

use ropewalk_core::{Code, Error, Result, now_ms};
use ropewalk_mlflow::Json;

use super::{Traces, no_trace};
use crate::model::{Assessment, AssessmentError, AssessmentKind};
use crate::numbers;
use crate::store::{assessments, traces};

/// What an update of an assessment changes; what is not said stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct AssessmentUpdate {
    pub(crate) name: Option<String>,
    pub(crate) expectation: Option<Json>,
    pub(crate) feedback: Option<(Json, Option<AssessmentError>)>,
    pub(crate) rationale: Option<String>,
    /// Added to the metadata that there is.
    pub(crate) metadata: Vec<(String, String)>,
}

fn no_assessment(trace_id: &str, id: &str) -> Error {
    Error::not_found(format!("Assessment with ID '{id}' not found for trace '{trace_id}'"))
}

impl Traces {
    /// Adds an assessment. The one that it overrides no longer counts.
    pub(crate) async fn create_assessment(&self, assessment: Assessment) -> Result<Assessment> {
        let trace_id = assessment.trace_id.clone();
        let made = self
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let trace_id = &assessment.trace_id;
                    let row = traces::hold(tx, trace_id).await?.ok_or_else(|| no_trace(trace_id))?;
                    if let Some(overridden) = &assessment.overrides
                        && assessments::set_valid(tx, Some(row.n), overridden, false).await? == 0
                    {
                        return Err(no_assessment(trace_id, overridden));
                    }
                    assessments::insert(tx, numbers::next(), row.n, &assessment, false).await?;
                    Ok(assessment)
                })
            })
            .await;
        made.map_err(|error| match error.code() {
            Code::AlreadyExists => Error::new(
                Code::AlreadyExists,
                format!("Failed to create assessment for trace '{trace_id}' due to a constraint violation."),
            ),
            _ => error,
        })
    }

    /// An assessment of a trace.
    pub(crate) async fn assessment(&self, trace_id: &str, id: &str) -> Result<Assessment> {
        let mut connection = self.core.database.read().await?;
        if let Some(found) = assessments::by_id(&mut connection, trace_id, id).await? {
            return Ok(found);
        }
        match traces::by_id(&mut connection, trace_id).await? {
            Some(_) => Err(no_assessment(trace_id, id)),
            None => Err(Error::not_found(format!("Trace with request_id '{trace_id}' not found"))),
        }
    }

    /// Changes an assessment.
    pub(crate) async fn update_assessment(
        &self,
        trace_id: &str,
        id: &str,
        update: AssessmentUpdate,
    ) -> Result<Assessment> {
        // The words for what is missing are those of reading.
        self.assessment(trace_id, id).await?;
        let (trace_id, id) = (trace_id.to_owned(), id.to_owned());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    traces::hold(tx, &trace_id).await?.ok_or_else(|| no_trace(&trace_id))?;
                    let found = assessments::by_id(tx, &trace_id, &id).await?;
                    let mut assessment = found.ok_or_else(|| no_assessment(&trace_id, &id))?;
                    change(&mut assessment, update)?;
                    assessments::update(tx, &assessment).await?;
                    Ok(assessment)
                })
            })
            .await
    }

    /// Removes an assessment, if it is there. What it overrode counts again.
    pub(crate) async fn delete_assessment(&self, trace_id: &str, id: &str) -> Result<()> {
        let (trace_id, id) = (trace_id.to_owned(), id.to_owned());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let Some(found) = assessments::by_id(tx, &trace_id, &id).await? else { return Ok(()) };
                    if let Some(overridden) = &found.overrides {
                        assessments::set_valid(tx, None, overridden, true).await?;
                    }
                    assessments::delete(tx, &id).await
                })
            })
            .await
    }
}

fn change(assessment: &mut Assessment, update: AssessmentUpdate) -> Result<()> {
    let kind = assessment.kind;
    if update.expectation.is_some() && update.feedback.is_some() {
        return Err(Error::invalid("Cannot specify both `expectation` and `feedback` parameters."));
    }
    if update.expectation.is_some() && kind != AssessmentKind::Expectation {
        return Err(Error::invalid("Cannot update expectation value on a Feedback assessment."));
    }
    if update.feedback.is_some() && kind != AssessmentKind::Feedback {
        return Err(Error::invalid("Cannot update feedback value on an Expectation assessment."));
    }
    if kind == AssessmentKind::Issue {
        return Err(Error::invalid("A reference to an issue cannot be changed."));
    }
    if let Some(name) = update.name {
        assessment.name = name;
    }
    if let Some(value) = update.expectation {
        assessment.value = value;
    }
    if let Some((value, error)) = update.feedback {
        assessment.value = value;
        assessment.error = error;
    }
    if let Some(rationale) = update.rationale.filter(|_| kind == AssessmentKind::Feedback) {
        assessment.rationale = Some(rationale);
    }
    for (key, value) in update.metadata {
        match assessment.metadata.iter_mut().find(|(known, _)| *known == key) {
            Some(kept) => kept.1 = value,
            None => assessment.metadata.push((key, value)),
        }
    }
    assessment.last_update_time = now_ms();
    Ok(())
}
