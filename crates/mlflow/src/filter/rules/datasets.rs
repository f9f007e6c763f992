//! Evaluation datasets.

use super::super::clauses::{Clause, Manner};
use super::super::model::Entity;
use super::base::{self, Fields, NUMERIC, TAG, among};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};
use crate::json;
use crate::python::repr;

const FIELDS: Fields = Fields {
    searchable: &["created_by", "created_time", "last_update_time", "last_updated_by", "name"],
    orderable: &["created_time", "last_update_time", "name"],
    numeric: &["created_time", "last_update_time"],
    lists: &["name"],
};

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = base::clauses(text, Manner::default(), false)?;
    let drafts = clauses.iter().map(draft).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, check)
}

fn draft<'a>(clause: &Clause<'a>) -> MlflowResult<Draft<'a>> {
    base::check(clause)?;
    let (entity, key) = base::identify_dataset_field(clause.left.text, FIELDS.searchable)?;
    let value = match clause.right {
        Some(right) => base::value(entity, &key, right, &FIELDS)?,
        None if entity == Entity::Tag => Raw::Nothing,
        None => {
            return Err(MlflowError::invalid(format!(
                "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' '{key}'"
            )));
        }
    };
    // Operators count only in capitals here.
    if matches!(value, Raw::List(_)) && clause.operator != "IN" {
        return Err(MlflowError::invalid(
            "List values for 'name' are only supported with the IN comparator.",
        ));
    }
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

fn check(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let operator = draft.operator;
    let wrong = |of: &str| Err(MlflowError::invalid(format!("Invalid comparator for {of}: {operator}")));
    let numeric = FIELDS.numeric.contains(&draft.key.as_str());
    if draft.entity == Entity::Tag {
        if !among(operator, TAG) {
            return wrong("tag");
        }
    } else if numeric {
        if !among(operator, NUMERIC) {
            return wrong("numeric attribute");
        }
        let value = std::mem::replace(&mut draft.value, Raw::Nothing);
        draft.value = base::whole(&draft.key, value, |number| repr(&json::float(number)))?;
    } else if among(operator, &["IN", "NOT IN"]) && (operator, draft.key.as_str()) != ("IN", "name") {
        return wrong("string attribute");
    }
    Ok(operator.to_owned())
}
