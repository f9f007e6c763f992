//! Runs.

use super::super::clauses::Manner;
use super::super::model::Entity;
use super::base::{self, NUMERIC, OPTIONAL, RUNS, TEXT, among, capitals};
use super::{Draft, Found};
use crate::error::{MlflowError, MlflowResult};
use crate::python::repr_set;

/// A run's field by its other names.
pub(in super::super) fn translate(key: String) -> String {
    match key.as_str() {
        "created" | "Created" => "start_time".to_owned(),
        "run name" | "Run name" | "Run Name" => "run_name".to_owned(),
        _ => key,
    }
}

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = base::clauses(text, Manner::default(), true)?;
    let drafts = clauses.iter().map(|clause| base::draft(clause, &RUNS)).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, check)
}

fn check(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let operator = capitals(draft.operator);
    draft.key = translate(std::mem::take(&mut draft.key));
    let wrong = |operators: &[&str], end: &str| {
        Err(MlflowError::invalid(format!(
            "Invalid comparator '{operator}' not one of '{}{end}",
            repr_set(operators)
        )))
    };
    let numeric = RUNS.numeric.contains(&draft.key.as_str());
    match draft.entity {
        // The stock server names the operators of texts for numbers too.
        Entity::Attribute if numeric && !among(&operator, NUMERIC) => return wrong(TEXT, ""),
        Entity::Attribute if !numeric && !among(&operator, TEXT) => return wrong(TEXT, "'"),
        Entity::Metric if !among(&operator, NUMERIC) => return wrong(NUMERIC, ""),
        Entity::Parameter if !among(&operator, OPTIONAL) => return wrong(OPTIONAL, "'"),
        Entity::Tag if !among(&operator, OPTIONAL) => return wrong(OPTIONAL, ""),
        Entity::Dataset if !among(&operator, TEXT) => return wrong(TEXT, ""),
        _ => {}
    }
    Ok(operator)
}
