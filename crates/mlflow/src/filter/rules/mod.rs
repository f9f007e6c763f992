//! Clauses to comparisons: what each search lets a comparison be about, and with which operators and values.

mod base;
mod datasets;
mod experiments;
mod logged_models;
mod registry;
mod runs;
mod trace_metrics;
mod traces;

pub(super) use base::{
    EXPERIMENTS, MODEL_VERSIONS, RUNS, TRACES, identify as identify_run_field, identify_dataset_field,
    key as strip_key,
};
pub(super) use logged_models::column as logged_model_column;
pub(super) use registry::identify as identify_experiment_field;
pub(super) use runs::translate as translate_run_key;
pub(super) use traces::{
    ANALYTICS, identify_among as identify_trace_field, translate as translate_trace_key,
};

use super::clauses::Side;
use super::model::{Comparison, Entity, Operator, Search, Value};
use crate::error::{MlflowError, MlflowResult};

/// A comparison, and where its left-hand side came from.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub comparison: Comparison,
    pub left: Side<'a>,
}

/// Reads a filter.
pub(super) fn read(search: Search, text: &str) -> MlflowResult<Vec<Found<'_>>> {
    if text.is_empty() && search != Search::TraceMetrics {
        return Ok(Vec::new());
    }
    match search {
        Search::Runs => runs::read(text),
        Search::Experiments => experiments::read(text),
        Search::RegisteredModels => registry::read_models(text),
        Search::ModelVersions => registry::read_versions(text),
        Search::LoggedModels => logged_models::read(text),
        Search::Traces => traces::read(text),
        Search::TraceMetrics => trace_metrics::read(text),
        Search::EvaluationDatasets => datasets::read(text),
    }
}

/// A value before it is known to suit its operator.
#[derive(Debug, Clone, PartialEq)]
enum Raw {
    Nothing,
    Text(String),
    Integer(i64),
    /// A whole number beyond 64 bits.
    Huge(String),
    Real(f64),
    List(Vec<String>),
    /// Something in parentheses that no column can be compared with.
    Unfit(String),
}

/// A comparison as it was read, before the operator is checked.
#[derive(Debug, Clone)]
struct Draft<'a> {
    entity: Entity,
    key: String,
    /// As it was written.
    operator: &'a str,
    value: Raw,
    left: Side<'a>,
}

/// Checks the operators of all, then makes comparisons of them: the stock server's words come first.
fn conclude<'a>(
    drafts: Vec<Draft<'a>>,
    check: impl FnMut(&mut Draft<'a>) -> MlflowResult<String>,
) -> MlflowResult<Vec<Found<'a>>> {
    conclude_with(drafts, check, |_| Ok(()))
}

/// As [`conclude`], with refusals of one's own in between.
fn conclude_with<'a>(
    mut drafts: Vec<Draft<'a>>,
    check: impl FnMut(&mut Draft<'a>) -> MlflowResult<String>,
    settle: impl Fn(&mut Draft<'a>) -> MlflowResult<()>,
) -> MlflowResult<Vec<Found<'a>>> {
    let operators = drafts.iter_mut().map(check).collect::<MlflowResult<Vec<_>>>()?;
    let all = drafts.into_iter().zip(operators);
    all.map(|(mut draft, operator)| {
        settle(&mut draft)?;
        draft.finish(&operator)
    })
    .collect()
}

impl Draft<'_> {
    fn is_attribute(&self) -> bool {
        self.entity == Entity::Attribute
    }
}

impl<'a> Draft<'a> {
    /// The comparison, by an operator in capitals. What the stock server fails at in its database is refused here.
    fn finish(self, operator: &str) -> MlflowResult<Found<'a>> {
        let key = self.key;
        let Some(operator) = Operator::from_text(operator) else {
            return Err(MlflowError::invalid(format!("Invalid comparator '{operator}' for '{key}'")));
        };
        let is_list = matches!(self.value, Raw::List(_));
        if let Raw::Unfit(text) = self.value {
            return Err(MlflowError::invalid(format!(
                "Invalid value for '{key}': expected a quoted string value or a list of them, but got {text}"
            )));
        }
        if is_list != operator.takes_list() {
            return Err(MlflowError::invalid(if is_list {
                format!(
                    "Comparator '{}' of '{key}' does not take a list of values. Use IN or NOT IN.",
                    operator.as_str()
                )
            } else {
                format!("Comparator '{}' of '{key}' takes a list of quoted string values.", operator.as_str())
            }));
        }
        let value = match self.value {
            Raw::Nothing => Value::Nothing,
            Raw::Text(text) => Value::Text(text),
            Raw::Integer(number) => Value::Integer(number),
            Raw::Real(number) => Value::Real(number),
            Raw::List(texts) => Value::List(texts),
            Raw::Unfit(_) => Value::Nothing,
            Raw::Huge(digits) => {
                return Err(MlflowError::invalid(format!(
                    "Invalid value for numeric attribute '{key}': {digits} does not fit into 64 bits"
                )));
            }
        };
        Ok(Found { comparison: Comparison { entity: self.entity, key, operator, value }, left: self.left })
    }
}
