//! Logged models. They have a reader of their own in MLflow, which takes values without quotes, and keeps double quotes.

use super::super::clauses::{self, Clause, Item, Manner, Statements};
use super::super::literal::{Literal, literal};
use super::super::model::Entity;
use super::base::{self, NUMERIC, TEXT, capitals};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};
use crate::python::{self, repr};

const COLUMNS: [&str; 11] = [
    "artifact_location",
    "creation_timestamp_ms",
    "experiment_id",
    "last_updated_timestamp_ms",
    "lifecycle_stage",
    "model_id",
    "model_type",
    "name",
    "source_run_id",
    "status",
    "status_message",
];

/// A logged model's field by its other names; none if there is no such field.
pub(in super::super) fn column(name: &str) -> Option<&'static str> {
    let name = match name {
        "creation_time" | "creation_timestamp" => "creation_timestamp_ms",
        "last_updated_timestamp" => "last_updated_timestamp_ms",
        other => other,
    };
    COLUMNS.into_iter().find(|column| *column == name)
}

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let wrong = |why: &str| MlflowError::invalid(format!("Invalid filter string: {}. {why}", repr(text)));
    let items = match clauses::read(text, Manner::default()) {
        Ok(Statements::One(items)) => items,
        Ok(_) => return Err(wrong("Expected a single SQL expression.")),
        Err(excess) => return Err(wrong(&format!("SQLParseError({})", repr(&excess.message())))),
    };
    let mut drafts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Item::Clause(clause) => drafts.push(draft(&clause)?),
            Item::And(_) => {}
            Item::Other(text) if clauses::is_and(text) => {}
            Item::Other(_) => {
                return Err(wrong(
                    "Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = \
                     0.01').",
                ));
            }
        }
    }
    super::conclude(drafts, check)
}

fn draft<'a>(clause: &Clause<'a>) -> MlflowResult<Draft<'a>> {
    let (Some(right), 3) = (clause.right, clause.size) else {
        return Err(MlflowError::invalid(format!(
            "Invalid comparison: {}. Expected a comparison with 3 tokens.",
            clause.text()
        )));
    };
    let operator = capitals(clause.operator);
    let (entity, key) = identify(clause.left.text)?;
    let numeric = entity == Entity::Metric || (entity == Entity::Attribute && is_time(&key));
    let operators = if numeric { NUMERIC } else { TEXT };
    if !operators.contains(&operator.as_str()) {
        let words: Vec<_> = operators.iter().map(|operator| repr(operator)).collect();
        return Err(MlflowError::invalid(format!(
            "Invalid comparison operator for {}.{key}: {}. Expected one of ({}).",
            plural(entity),
            repr(&operator),
            if numeric {
                // In the stock server's order.
                "'<', '<=', '>', '>=', '=', '!='".to_owned()
            } else {
                words.join(", ")
            }
        )));
    }
    let value = if numeric {
        Raw::Real(python::float(right.text).ok_or_else(|| {
            MlflowError::invalid(format!(
                "Expected numeric value type for {}.{key}. Found {}",
                plural(entity),
                right.text
            ))
        })?)
    } else if right.text.starts_with('(') && right.text.ends_with(')') {
        list(right.text, entity == Entity::Attribute && key == "status")?
    } else {
        Raw::Text(right.text.trim_matches('\'').to_owned())
    };
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

fn is_time(key: &str) -> bool {
    matches!(column(key), Some("creation_timestamp_ms" | "last_updated_timestamp_ms"))
}

fn plural(entity: Entity) -> &'static str {
    match entity {
        Entity::Metric => "metrics",
        Entity::Parameter => "params",
        Entity::Tag => "tags",
        _ => "attributes",
    }
}

fn identify(text: &str) -> MlflowResult<(Entity, String)> {
    let prefixed = text.split_once('.').filter(|(word, name)| {
        let line = name.strip_suffix('\n').unwrap_or(name);
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase())
            && !line.is_empty()
            && !line.contains('\n')
    });
    let Some((word, name)) = prefixed else {
        let name = column(text).unwrap_or(text);
        return Ok((Entity::Attribute, name.trim_matches('`').to_owned()));
    };
    let entity = match word {
        "attributes" => Entity::Attribute,
        "metrics" => Entity::Metric,
        "params" => Entity::Parameter,
        "tags" => Entity::Tag,
        _ => {
            return Err(MlflowError::invalid(format!(
                "Invalid entity type: {}. Expected one of ['attributes', 'metrics', 'params', 'tags'].",
                repr(word)
            )));
        }
    };
    Ok((entity, name.strip_suffix('\n').unwrap_or(name).trim_matches('`').to_owned()))
}

/// What stands in parentheses. Numbers count as their texts.
fn list(written: &str, texts_only: bool) -> MlflowResult<Raw> {
    let Some(literal) = literal(written) else {
        return Err(MlflowError::invalid(
            "While parsing a list in the query, expected a list of quoted string values, but got ill-formed list.",
        ));
    };
    let is_number = |text: &str| !texts_only && text.ends_with(|last: char| last.is_ascii_digit());
    let shown = literal.shown();
    let items = match literal {
        Literal::Tuple(items) => items,
        Literal::Text(text) => return Ok(Raw::List(vec![text])),
        Literal::Plain(number) if is_number(&number) => return Ok(Raw::Text(number)),
        _ => return Ok(Raw::Unfit(shown)),
    };
    // A fraction at the start makes numbers of all.
    let fraction = matches!(items.first(), Some(Literal::Plain(first)) if first.contains(['.', 'e']));
    let text = |item| match item {
        Literal::Text(text) if !fraction || python::float(&text).is_some() => Some(text),
        Literal::Plain(number) if is_number(&number) => Some(number),
        _ => None,
    };
    let texts = items.into_iter().map(text).collect::<Option<Vec<_>>>();
    Ok(texts.map_or(Raw::Unfit(shown), Raw::List))
}

fn check(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let operator = capitals(draft.operator);
    if !draft.is_attribute() {
        return Ok(operator);
    }
    if draft.key == "status" {
        if !base::among(&operator, &["=", "!=", "IN", "NOT IN"]) {
            return Err(MlflowError::invalid(format!("Invalid comparison operator for status: {operator}")));
        }
        check_status(&draft.value, base::takes_list(&operator))?;
    }
    match column(&draft.key) {
        Some(column) => column.clone_into(&mut draft.key),
        None => {
            return Err(MlflowError::invalid(format!(
                "Invalid attribute key '{}' specified. Valid keys are {}",
                draft.key,
                python::repr_set(&COLUMNS)
            )));
        }
    }
    Ok(operator)
}

fn check_status(value: &Raw, takes_list: bool) -> MlflowResult<()> {
    let known = |text: &str| matches!(text, "UNSPECIFIED" | "PENDING" | "READY" | "FAILED");
    let (fine, shown) = match value {
        Raw::Text(text) => (known(text), repr(text)),
        Raw::List(texts) => {
            let items = texts.iter().map(|text| Literal::Text(text.clone())).collect();
            (takes_list && texts.iter().all(|text| known(text)), Literal::Tuple(items).shown())
        }
        Raw::Unfit(text) => (false, text.clone()),
        _ => (true, String::new()),
    };
    if fine { Ok(()) } else { Err(MlflowError::invalid(format!("Unknown model status in filter: {shown}"))) }
}
