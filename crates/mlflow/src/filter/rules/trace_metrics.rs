//! Traces' metrics. A filter is one comparison, `trace.status = 'OK'` or `trace.tag.key = 'value'`.

use super::super::clauses::{Clause, Manner};
use super::super::model::Entity;
use super::traces::check_clause;
use super::{Draft, Found, base};
use crate::error::{MlflowError, MlflowResult};
use crate::python::repr;

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let clauses = if text.is_empty() {
        Vec::new()
    } else {
        base::clauses(text, Manner { plain: true, ..Manner::default() }, false)?
    };
    let drafts: Vec<_> = clauses.iter().map(draft).collect::<MlflowResult<_>>()?;
    if drafts.len() != 1 {
        return Err(MlflowError::invalid(format!("Invalid filter: '{text}'. Expected one filter clause.")));
    }
    super::conclude(drafts, |draft| Ok(draft.operator.to_owned()))
}

fn draft<'a>(clause: &Clause<'a>) -> MlflowResult<Draft<'a>> {
    check_clause(clause)?;
    let (entity, key, named) = identify(clause.left.text)?;
    if clause.operator != "=" {
        return Err(MlflowError::invalid(format!(
            "Invalid comparator: '{}', only '=' operator is supported",
            clause.operator
        )));
    }
    let value = match clause.right {
        Some(right) if right.is_text() => base::text(right)?,
        right => {
            return Err(MlflowError::invalid(format!(
                "Expected a quoted string value for {named} value (e.g. 'my-value'). Got value {}",
                right.map_or("", |right| right.text)
            )));
        }
    };
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

/// What is looked at, its key, and what messages call it.
fn identify(text: &str) -> MlflowResult<(Entity, String, &str)> {
    let mut parts = text.splitn(3, '.');
    let (Some(view), Some(name)) = (parts.next(), parts.next()) else {
        return Err(MlflowError::invalid(format!(
            "Invalid identifier {}. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'.",
            repr(text)
        )));
    };
    let view = base::strip_backticks(view);
    let (names, keyed): (&[&str], &[&str]) = match view {
        "trace" => (&["status", "tag", "metadata"], &["tag", "metadata"]),
        "span" => (&["name", "status", "type"], &[]),
        "assessment" => (&["name", "type"], &[]),
        _ => {
            return Err(MlflowError::invalid(format!(
                "Invalid view type '{view}'. Valid values are dict_keys(['trace', 'span', 'assessment'])"
            )));
        }
    };
    if !names.contains(&name) {
        let names: Vec<_> = names.iter().map(|name| repr(name)).collect();
        return Err(MlflowError::invalid(format!(
            "Invalid entity '{name}' specified for view type '{view}'. Valid entities are [{}]",
            names.join(", ")
        )));
    }
    let key = parts.next();
    match (keyed.contains(&name), key) {
        (true, None) => Err(MlflowError::invalid(format!(
            "Filtering by {name} requires a key, e.g. '{view}.{name}.<key> = <value>'"
        ))),
        (false, Some(_)) => Err(MlflowError::invalid(format!(
            "Filtering by {name} does not require a key, use '{view}.{name}' instead"
        ))),
        _ => {
            let key = key.map(base::key);
            Ok(match (view, name) {
                ("trace", "tag") => (Entity::Tag, key.unwrap_or_default().to_owned(), name),
                ("trace", "metadata") => (Entity::Metadata, key.unwrap_or_default().to_owned(), name),
                ("trace", _) => (Entity::Attribute, name.to_owned(), name),
                ("span", _) => (Entity::Span, name.to_owned(), name),
                _ => (Entity::Assessment, name.to_owned(), name),
            })
        }
    }
}
