//! Issues.

use super::super::characters::strip;
use super::super::clauses::{Clause, Manner};
use super::super::model::Entity;
use super::super::python::quoted_set;
use super::super::tokens::Kind;
use super::base::{self, capitals};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};

const FIELDS: [&str; 2] = ["source_run_id", "status"];

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = base::clauses(text, Manner::default(), false)?;
    let drafts = clauses.iter().map(draft).collect::<MlflowResult<_>>()?;
    super::conclude(drafts, |draft| Ok(capitals(draft.operator)))
}

fn draft<'a>(clause: &Clause<'a>) -> MlflowResult<Draft<'a>> {
    let (Some(right), 3) = (clause.right, clause.size) else {
        return Err(MlflowError::invalid(format!(
            "Invalid comparison: expected 3 tokens, got {}",
            clause.size
        )));
    };
    if !clause.left.is_identifier() {
        return Err(MlflowError::invalid(format!(
            "Invalid comparison: left side must be an identifier, got <class 'sqlparse.sql.{}'>",
            class(clause.left.kind)
        )));
    }
    let key = strip(base::strip_quotes(clause.left.text));
    if !FIELDS.contains(&key) {
        return Err(MlflowError::invalid(format!(
            "Invalid filter field '{key}'. Supported fields: {}",
            quoted_set(&FIELDS)
        )));
    }
    let operator = capitals(clause.operator);
    if !matches!(operator.as_str(), "=" | "!=") {
        return Err(MlflowError::invalid(format!(
            "Invalid comparator '{operator}'. Supported comparators: {}",
            quoted_set(&["=", "!="])
        )));
    }
    // A value needs no quotes here.
    let value = Raw::Text(strip(base::strip_quotes(right.text)).to_owned());
    Ok(Draft {
        entity: Entity::Attribute,
        key: key.to_owned(),
        operator: clause.operator,
        value,
        left: clause.left,
    })
}

/// What sqlparse calls something that may stand on the left.
fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Parenthesis => "Parenthesis",
        Kind::Function => "Function",
        Kind::Operation => "Operation",
        Kind::TypedLiteral => "TypedLiteral",
        Kind::Comparison => "Comparison",
        _ => "Token",
    }
}
