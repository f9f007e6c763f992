//! What most searches share: how a filter is cut into clauses, how a key and a value are read.

use super::super::clauses::{self, Clause, Item, Manner, Side, Statements};
use super::super::literal::{Literal, literal};
use super::super::model::{Entity, Operator};
use super::super::tokens::Kind;
use super::{Draft, Raw};
use crate::error::{MlflowError, MlflowResult};
use crate::python::characters::upper;
use crate::python::{self, repr, repr_set};

/// A search's fields.
#[derive(Debug)]
pub(in super::super) struct Fields {
    /// What can be filtered by.
    pub searchable: &'static [&'static str],
    /// What can be ordered by.
    pub orderable: &'static [&'static str],
    /// Which of them are numbers.
    pub numeric: &'static [&'static str],
    /// Which of them may be compared with a list.
    pub lists: &'static [&'static str],
}

pub(in super::super) const RUNS: Fields = Fields {
    searchable: &[
        "artifact_uri",
        "created",
        "Created",
        "end_time",
        "run name",
        "Run name",
        "Run Name",
        "run_id",
        "run_name",
        "start_time",
        "status",
        "user_id",
    ],
    orderable: &[
        "artifact_uri",
        "created",
        "Created",
        "end_time",
        "run_id",
        "run_name",
        "start_time",
        "status",
        "user_id",
    ],
    numeric: &["start_time", "end_time", "created", "Created"],
    lists: &["run_id"],
};

pub(in super::super) const EXPERIMENTS: Fields = Fields {
    searchable: &["creation_time", "experiment_id", "last_update_time", "name"],
    orderable: &["creation_time", "experiment_id", "last_update_time", "name"],
    numeric: &["creation_time", "last_update_time"],
    lists: &["experiment_id"],
};

pub(in super::super) const MODEL_VERSIONS: Fields = Fields {
    searchable: &["name", "run_id", "source_path", "version_number"],
    orderable: &["creation_timestamp", "last_updated_timestamp", "name", "version_number"],
    numeric: &["creation_timestamp", "last_updated_timestamp", "version_number"],
    lists: &["name", "run_id"],
};

pub(in super::super) const TRACES: Fields = Fields {
    searchable: &[
        "client_request_id",
        "end_time",
        "end_time_ms",
        "execution_time",
        "execution_time_ms",
        "name",
        "prompt",
        "request_id",
        "run_id",
        "status",
        "text",
        "timestamp",
        "timestamp_ms",
    ],
    orderable: &[
        "end_time",
        "end_time_ms",
        "execution_time",
        "execution_time_ms",
        "experiment_id",
        "name",
        "request_id",
        "run_id",
        "status",
        "timestamp",
        "timestamp_ms",
    ],
    numeric: &["end_time", "end_time_ms", "execution_time", "execution_time_ms", "timestamp", "timestamp_ms"],
    lists: &["client_request_id", "name", "request_id", "run_id", "status"],
};

/// The operators of numbers.
pub(super) const NUMERIC: &[&str] = &["=", "!=", "<", "<=", ">", ">="];
/// The operators of texts that may be compared with lists.
pub(super) const TEXT: &[&str] = &["=", "!=", "LIKE", "ILIKE", "IN", "NOT IN"];
/// The operators of tags and parameters that may be missing.
pub(super) const OPTIONAL: &[&str] = &["=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL"];
/// The operators of tags elsewhere.
pub(super) const TAG: &[&str] = &["=", "!=", "LIKE", "ILIKE"];

/// Reads a filter as clauses.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it is not one statement, or has something between its comparisons but `AND`.
pub(super) fn clauses(text: &str, manner: Manner, quotes: bool) -> MlflowResult<Vec<Clause<'_>>> {
    let items = match clauses::read(text, manner) {
        Ok(Statements::One(items)) => items,
        Ok(Statements::Many) => {
            return Err(MlflowError::invalid(format!(
                "Search filter contained multiple expression {}. Provide AND-ed expression list.",
                repr(text)
            )));
        }
        Ok(Statements::None) => {
            return Err(MlflowError::invalid(format!("Invalid filter '{text}'. Could not be parsed.")));
        }
        Err(_) => return Err(MlflowError::invalid(format!("Error on parsing filter '{text}'"))),
    };
    let invalid: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::And(text) if manner.plain => Some(*text),
            Item::Other(text) => Some(*text),
            _ => None,
        })
        .map(|text| if quotes { format!("'{text}'") } else { text.to_owned() })
        .collect();
    if !invalid.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Invalid clause(s) in filter string: {}",
            invalid.join(", ")
        )));
    }
    let only = |item| if let Item::Clause(clause) = item { Some(clause) } else { None };
    Ok(items.into_iter().filter_map(only).collect())
}

/// Refuses a clause that is not a name, an operator and a value.
pub(super) fn check(clause: &Clause<'_>) -> MlflowResult<()> {
    if clause.right.is_none() {
        return Ok(());
    }
    if clause.size != 3 {
        return Err(MlflowError::invalid(format!(
            "Invalid comparison clause. Expected 3 tokens found {}",
            clause.size
        )));
    }
    if !clause.left.is_identifier() {
        return Err(MlflowError::invalid(format!(
            "Invalid comparison clause. Expected 'Identifier' found '{}'",
            clause.left.text
        )));
    }
    Ok(())
}

fn within<'a>(text: &'a str, quote: &str) -> Option<&'a str> {
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inside)
}

/// The text without the quotes around it.
pub(in super::super) fn strip_quotes(text: &str) -> &str {
    within(text, "'").or_else(|| within(text, "\"")).unwrap_or(text)
}

/// The text without the backticks around it.
pub(in super::super) fn strip_backticks(text: &str) -> &str {
    within(text, "`").unwrap_or(text)
}

/// A key without quotes and backticks.
pub(in super::super) fn key(text: &str) -> &str {
    strip_backticks(strip_quotes(text))
}

/// A text that must have quotes, without them. Doubled quotes within it stay as they are.
pub(super) fn text(side: Side<'_>) -> MlflowResult<Raw> {
    let text = side.text;
    match within(text, "'").or_else(|| within(text, "\"")) {
        Some(inside) => Ok(Raw::Text(inside.to_owned())),
        None => Err(MlflowError::invalid(format!(
            "Parameter value is either not quoted or unidentified quote types used for string value {text}. Use \
             either single or double quotes."
        ))),
    }
}

/// A number's value.
pub(super) fn number(side: Side<'_>) -> Raw {
    if side.kind == Kind::Float {
        return Raw::Real(python::float(side.text).unwrap_or(f64::NAN));
    }
    match python::integer(side.text) {
        python::Integer::Some(number) => Raw::Integer(number),
        _ => Raw::Huge(side.text.to_owned()),
    }
}

/// A list's values.
pub(super) fn list(side: Side<'_>) -> MlflowResult<Raw> {
    let items = match literal(side.text) {
        Some(Literal::Tuple(items)) => items,
        Some(one) => vec![one],
        None => {
            return Err(MlflowError::invalid(
                "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed \
                 list.",
            ));
        }
    };
    if items.is_empty() {
        return Err(MlflowError::invalid(
            "While parsing a list in the query, expected a non-empty list of string values, but got empty list",
        ));
    }
    let only = |item: &Literal| if let Literal::Text(text) = item { Some(text.clone()) } else { None };
    match items.iter().map(only).collect() {
        Some(texts) => Ok(Raw::List(texts)),
        None => Err(MlflowError::invalid(format!(
            "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different \
             type in list: {}",
            Literal::Tuple(items).shown()
        ))),
    }
}

/// The list of a field, if the field takes one.
pub(super) fn field_list(fields: &Fields, key: &str, side: Side<'_>) -> MlflowResult<Raw> {
    if fields.lists.contains(&key) {
        return list(side);
    }
    let lists: Vec<_> = fields.lists.iter().map(|field| repr(field)).collect();
    Err(MlflowError::invalid(format!(
        "Only [{}] attributes support comparison with a list of quoted string values.",
        lists.join(", ")
    )))
}

/// What a run's field, or something that is named as one, is called.
pub(in super::super) fn identify(text: &str, fields: &[&str]) -> MlflowResult<(Entity, String)> {
    let (entity, name) = match text.split_once('.') {
        Some((entity, name)) => (entity_of(strip_backticks(entity))?, name),
        None => (Entity::Attribute, text),
    };
    let name = key(name);
    if entity == Entity::Attribute && !fields.contains(&name) {
        return Err(MlflowError::invalid(format!(
            "Invalid attribute key '{name}' specified. Valid keys are '{}'",
            repr_set(fields)
        )));
    }
    const DATASET: [&str; 3] = ["name", "digest", "context"];
    if entity == Entity::Dataset && !DATASET.contains(&name) {
        return Err(MlflowError::invalid(format!(
            "Invalid dataset key '{name}' specified. Valid keys are '{}'",
            repr_set(&DATASET)
        )));
    }
    Ok((entity, name.to_owned()))
}

/// What a run's entity is called.
pub(in super::super) fn entity_of(word: &str) -> MlflowResult<Entity> {
    match word {
        "metric" | "metrics" => Ok(Entity::Metric),
        "parameter" | "parameters" | "param" | "params" => Ok(Entity::Parameter),
        "tag" | "tags" => Ok(Entity::Tag),
        "attribute" | "attributes" | "attr" | "run" => Ok(Entity::Attribute),
        "dataset" | "datasets" => Ok(Entity::Dataset),
        _ => Err(MlflowError::invalid(format!(
            "Invalid entity type '{word}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']"
        ))),
    }
}

/// What a field of an evaluation dataset is called.
pub(in super::super) fn identify_dataset_field(
    text: &str,
    fields: &[&str],
) -> MlflowResult<(Entity, String)> {
    match text.split_once('.') {
        None if fields.contains(&text) => Ok((Entity::Attribute, text.to_owned())),
        None => Err(MlflowError::invalid(format!(
            "Invalid attribute key '{text}' specified. Valid keys are: {}",
            repr_set(fields)
        ))),
        Some(("tags", name)) => Ok((Entity::Tag, name.to_owned())),
        Some((other, _)) => {
            Err(MlflowError::invalid(format!("Invalid identifier token '{other}' specified")))
        }
    }
}

/// The value of a comparison as most searches have it.
pub(super) fn value(entity: Entity, key: &str, side: Side<'_>, fields: &Fields) -> MlflowResult<Raw> {
    match entity {
        Entity::Metric if side.is_number() => Ok(Raw::Real(python::float(side.text).unwrap_or(f64::NAN))),
        Entity::Metric => {
            Err(MlflowError::invalid(format!("Expected numeric value type for metric. Found {}", side.text)))
        }
        Entity::Parameter | Entity::Tag if side.is_text() => text(side),
        Entity::Parameter | Entity::Tag => Err(unquoted(entity, side)),
        Entity::Attribute if fields.numeric.contains(&key) => {
            if side.is_number() {
                return Ok(number(side));
            }
            Err(MlflowError::invalid(format!(
                "Expected numeric value type for numeric attribute: {key}. Found {}",
                side.text
            )))
        }
        _ if side.is_text() => text(side),
        Entity::Attribute if side.kind == Kind::Parenthesis => field_list(fields, key, side),
        Entity::Attribute => Err(MlflowError::invalid(format!(
            "Expected a quoted string value for attributes. Got value {}",
            side.text
        ))),
        _ if side.kind == Kind::Parenthesis => list(side),
        _ => Err(MlflowError::invalid(format!(
            "Expected a quoted string value for dataset attributes. Got value {}",
            side.text
        ))),
    }
}

/// The refusal of a value that has no quotes.
pub(super) fn unquoted(entity: Entity, side: Side<'_>) -> MlflowError {
    MlflowError::invalid(format!(
        "Expected a quoted string value for {} (e.g. 'my-value'). Got value {}",
        entity.name(),
        side.text
    ))
}

/// Reads a clause as most searches do: `IS NULL` is for tags and parameters only.
pub(super) fn draft<'a>(clause: &Clause<'a>, fields: &Fields) -> MlflowResult<Draft<'a>> {
    check(clause)?;
    let (entity, key) = identify(clause.left.text, fields.searchable)?;
    let value = match clause.right {
        Some(right) => value(entity, &key, right, fields)?,
        None if matches!(entity, Entity::Tag | Entity::Parameter) => Raw::Nothing,
        None => {
            return Err(MlflowError::invalid(format!(
                "IS NULL / IS NOT NULL is only supported for tags and params, not for '{}' '{key}'",
                entity.name()
            )));
        }
    };
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

/// An operator in capitals.
pub(super) fn capitals(operator: &str) -> String {
    upper(operator).into_owned()
}

/// The value of a field of whole numbers, by the rules that most stores have.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a fraction, and for a text that is no whole number.
pub(super) fn whole(key: &str, value: Raw, shown: impl Fn(f64) -> String) -> MlflowResult<Raw> {
    let wrong = |shown: String| {
        Err(MlflowError::invalid(format!("Invalid value for numeric attribute '{key}': {shown}")))
    };
    match value {
        Raw::Real(number) => wrong(shown(number)),
        Raw::Text(text) => match python::integer(&text) {
            python::Integer::Some(number) => Ok(Raw::Integer(number)),
            python::Integer::TooLarge => Ok(Raw::Huge(text)),
            python::Integer::None => wrong(repr(&text)),
        },
        other => Ok(other),
    }
}

/// Whether an operator, in capitals, is a known one among these.
pub(super) fn among(operator: &str, operators: &[&str]) -> bool {
    operators.contains(&operator)
}

/// Whether a draft's list has an operator that takes it. A list elsewhere is found later.
pub(super) fn takes_list(operator: &str) -> bool {
    Operator::from_text(operator).is_some_and(Operator::takes_list)
}
