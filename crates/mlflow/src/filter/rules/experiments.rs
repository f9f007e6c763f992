//! Experiments.

use super::super::clauses::{Clause, Manner};
use super::super::model::Entity;
use super::base::{self, EXPERIMENTS, NUMERIC, TEXT, among, capitals};
use super::{Draft, Found, Raw, registry};
use crate::error::{MlflowError, MlflowResult};
use crate::json;
use crate::python::{self, repr, repr_set};

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = base::clauses(text, Manner::default(), false)?;
    let drafts = clauses.iter().map(draft).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, check)
}

fn draft<'a>(clause: &Clause<'a>) -> MlflowResult<Draft<'a>> {
    base::check(clause)?;
    let (entity, key) = registry::identify(clause.left.text, EXPERIMENTS.searchable)?;
    let value = match clause.right {
        Some(right) => base::value(entity, &key, right, &EXPERIMENTS)?,
        None if entity == Entity::Tag => Raw::Nothing,
        None => {
            return Err(MlflowError::invalid(format!(
                "IS NULL / IS NOT NULL is only supported for tags, not for attribute '{key}'"
            )));
        }
    };
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

fn check(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let value = std::mem::replace(&mut draft.value, Raw::Nothing);
    draft.value = value.clone();
    let operator = capitals(draft.operator);
    let wrong = |of: &str| Err(MlflowError::invalid(format!("Invalid comparator for {of}: {operator}")));
    let unknown = |end: &str| {
        Err(MlflowError::invalid(format!(
            "Invalid comparator '{operator}' not one of '{}{end}",
            repr_set(TEXT)
        )))
    };
    if draft.entity == Entity::Tag {
        if !among(&operator, base::OPTIONAL) {
            return wrong("tag");
        }
    } else if draft.key == "experiment_id" {
        if !among(&operator, &["=", "!=", "IN", "NOT IN"]) {
            return wrong("experiment_id");
        }
        draft.value = experiment_ids(value)?;
    } else if EXPERIMENTS.numeric.contains(&draft.key.as_str()) {
        if !among(&operator, NUMERIC) {
            return unknown("");
        }
        draft.value = base::whole(&draft.key, value, |number| repr(&json::float(number)))?;
    } else if !among(&operator, TEXT) {
        return unknown("'");
    } else if !among(&operator, base::TAG) {
        return wrong("string attribute");
    }
    Ok(operator)
}

/// An experiment's id is a whole number, though it is written as a text. In a list it stays a text, in its shortest form.
fn experiment_ids(value: Raw) -> MlflowResult<Raw> {
    let wrong = |text: &str| {
        MlflowError::invalid(format!(
            "Invalid experiment ID '{text}'. Experiment ID must be a valid integer."
        ))
    };
    match value {
        Raw::Text(text) => match python::integer(&text) {
            python::Integer::Some(number) => Ok(Raw::Integer(number)),
            python::Integer::TooLarge => Ok(Raw::Huge(text)),
            python::Integer::None => Err(wrong(&text)),
        },
        Raw::List(texts) => {
            let ids = texts.into_iter().map(|text| match python::integer(&text) {
                python::Integer::Some(number) => Ok(number.to_string()),
                _ => Err(wrong(&text)),
            });
            ids.collect::<MlflowResult<_>>().map(Raw::List)
        }
        other => Ok(other),
    }
}
