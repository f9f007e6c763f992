//! Traces.

use super::super::clauses::{Clause, Manner, Side};
use super::super::literal::Literal;
use super::super::model::Entity;
use super::super::tokens::Kind;
use super::base::{self, NUMERIC, TRACES, among, capitals};
use super::{Draft, Found, Raw};
use crate::error::{MlflowError, MlflowResult};
use crate::python::repr_set;

const TEXT: &[&str] = &["=", "!=", "LIKE", "ILIKE", "RLIKE", "IN", "NOT IN"];
const OPTIONAL: &[&str] = &["=", "!=", "LIKE", "ILIKE", "RLIKE", "IS NULL", "IS NOT NULL"];
const ASSESSMENT: &[&str] =
    &["=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "RLIKE", "IS NULL", "IS NOT NULL"];
const PROMPT: &str = "mlflow.linkedPrompts";

/// Metadata that the stock server keeps in several columns.
pub(in super::super) const ANALYTICS: [&str; 2] = ["mlflow.trace.tokenUsage", "mlflow.trace.cost"];

pub(super) fn read(text: &str) -> MlflowResult<Vec<Found<'_>>> {
    let manner = Manner { timestamps: true, ..Manner::default() };
    let clauses = base::clauses(text, manner, true)?;
    let drafts = clauses.iter().map(draft).collect::<MlflowResult<_>>()?;
    super::conclude_with(drafts, check, settle)
}

fn identify(text: &str) -> MlflowResult<(Entity, String)> {
    identify_among(text, TRACES.searchable)
}

/// What a trace's field is called.
pub(in super::super) fn identify_among(text: &str, fields: &[&str]) -> MlflowResult<(Entity, String)> {
    let (entity, name) = match text.split_once('.') {
        Some((entity, name)) => (entity_of(base::strip_backticks(entity))?, name),
        None => (Entity::Attribute, text),
    };
    let name = base::key(name);
    if entity == Entity::Attribute && !fields.contains(&name) {
        return Err(MlflowError::invalid(format!(
            "Invalid attribute key '{name}' specified. Valid keys are '{}'",
            repr_set(fields)
        )));
    }
    Ok((entity, name.to_owned()))
}

fn entity_of(word: &str) -> MlflowResult<Entity> {
    const KNOWN: [&str; 11] = [
        "attribute",
        "attributes",
        "expectation",
        "feedback",
        "issue",
        "metadata",
        "request_metadata",
        "span",
        "tag",
        "tags",
        "trace",
    ];
    match word {
        "attribute" | "attributes" | "trace" => Ok(Entity::Attribute),
        "tag" | "tags" => Ok(Entity::Tag),
        "metadata" | "request_metadata" => Ok(Entity::Metadata),
        "span" => Ok(Entity::Span),
        "feedback" => Ok(Entity::Feedback),
        "expectation" => Ok(Entity::Expectation),
        "issue" => Ok(Entity::Issue),
        _ => Err(MlflowError::invalid(format!(
            "Invalid entity type '{word}'. Valid values are {}",
            repr_set(&KNOWN)
        ))),
    }
}

/// Fields that are kept as tags, metadata or spans, and fields by their other names. The stock server looks at the key
/// alone: `tags.name` is the trace's name too.
pub(in super::super) fn translate(entity: Entity, key: String) -> (Entity, String) {
    if entity == Entity::Span {
        return (entity, key);
    }
    match key.to_lowercase().as_str() {
        "name" => (Entity::Tag, "mlflow.traceName".to_owned()),
        "prompt" => (Entity::Tag, PROMPT.to_owned()),
        "run_id" => (Entity::Metadata, "mlflow.sourceRun".to_owned()),
        "text" => (Entity::Span, "content".to_owned()),
        "timestamp" => (entity, "timestamp_ms".to_owned()),
        "execution_time" => (entity, "execution_time_ms".to_owned()),
        "end_time" => (entity, "end_time_ms".to_owned()),
        _ => (entity, key),
    }
}

/// Whether the left-hand side is `timestamp`, which is no name in SQL.
fn is_timestamp(side: Side<'_>) -> bool {
    side.kind == Kind::Type && side.text == "timestamp"
}

/// Refuses a clause that is not a name, an operator and a value.
pub(super) fn check_clause(clause: &Clause<'_>) -> MlflowResult<()> {
    if clause.size == 3 && is_timestamp(clause.left) { Ok(()) } else { base::check(clause) }
}

fn draft<'a>(clause: &Clause<'a>) -> MlflowResult<Draft<'a>> {
    check_clause(clause)?;
    let (entity, key) = identify(clause.left.text)?;
    let value = match clause.right {
        None => Raw::Nothing,
        Some(right) => {
            check_assessment(entity, clause.operator, right)?;
            let value = value(entity, &key, right)?;
            check_span(entity, &key, clause.operator)?;
            value
        }
    };
    let (entity, key) = translate(entity, key);
    Ok(Draft { entity, key, operator: clause.operator, value, left: clause.left })
}

/// Assessments are compared by size with numbers only, and otherwise with texts only.
fn check_assessment(entity: Entity, operator: &str, side: Side<'_>) -> MlflowResult<()> {
    if !matches!(entity, Entity::Feedback | Entity::Expectation) {
        return Ok(());
    }
    if among(operator, &["<", "<=", ">", ">="]) {
        if side.is_number() {
            return Ok(());
        }
        return Err(MlflowError::invalid(format!(
            "Expected a numeric value for {} when using comparator '{operator}'. Got value {}",
            entity.name(),
            side.text
        )));
    }
    if side.is_text() { Ok(()) } else { Err(base::unquoted(entity, side)) }
}

fn value(entity: Entity, key: &str, side: Side<'_>) -> MlflowResult<Raw> {
    if side.is_text() {
        return base::text(side);
    }
    let parenthesis = side.kind == Kind::Parenthesis;
    match entity {
        Entity::Tag | Entity::Span if parenthesis => base::list(side),
        Entity::Feedback | Entity::Expectation if side.is_number() => Ok(base::number(side)),
        Entity::Attribute if parenthesis => {
            if TRACES.lists.contains(&key) {
                return base::list(side);
            }
            Err(MlflowError::invalid(format!(
                "Only attributes in {} supports comparison with a list of quoted string values.",
                repr_set(TRACES.lists)
            )))
        }
        Entity::Attribute if side.is_number() => {
            if TRACES.numeric.contains(&key) {
                return Ok(base::number(side));
            }
            Err(MlflowError::invalid(format!(
                "Only the '{}' attributes support comparison with numeric values.",
                repr_set(TRACES.numeric)
            )))
        }
        Entity::Attribute => Err(MlflowError::invalid(format!(
            "Expected a quoted string value or a list of quoted string values for attributes. Got value {}",
            side.text
        ))),
        _ => Err(base::unquoted(entity, side)),
    }
}

fn check_span(entity: Entity, key: &str, operator: &str) -> MlflowResult<()> {
    if entity != Entity::Span {
        return Ok(());
    }
    let operators = match key {
        "name" | "type" | "status" => TEXT,
        "content" => &["LIKE", "ILIKE"],
        _ => match key.strip_prefix("attributes.") {
            Some("") => {
                return Err(MlflowError::invalid("Span attribute name cannot be empty after 'attributes.'"));
            }
            Some(_) => TEXT,
            None => {
                return Err(MlflowError::invalid(format!(
                    "Invalid span attribute '{key}'. Supported attributes: name, status, type, \
                     attributes.<attribute_name>."
                )));
            }
        },
    };
    if among(operator, operators) {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "span.{key} comparator '{operator}' not one of '{}'",
        repr_set(operators)
    )))
}

fn check(draft: &mut Draft<'_>) -> MlflowResult<String> {
    let operator = capitals(draft.operator);
    let key = draft.key.as_str();
    let wrong = |operators: &[&str], end: &str| {
        Err(MlflowError::invalid(format!(
            "Invalid comparator '{operator}' not one of '{}{end}",
            repr_set(operators)
        )))
    };
    let numeric = TRACES.numeric.contains(&key);
    match draft.entity {
        Entity::Issue => {
            if key != "id" {
                return Err(MlflowError::invalid(format!(
                    "Invalid issue attribute '{key}'. Supported attributes: id"
                )));
            }
            if operator != "=" {
                return Err(MlflowError::invalid(format!(
                    "issue.{key} comparator '{operator}' not one of '{{'='}}'"
                )));
            }
        }
        // The stock server names the operators of texts for numbers too.
        Entity::Attribute if numeric && !among(&operator, NUMERIC) => return wrong(TEXT, ""),
        Entity::Attribute if !numeric && !among(&operator, TEXT) => return wrong(TEXT, "'"),
        Entity::Tag if !among(&operator, OPTIONAL) => return wrong(OPTIONAL, ""),
        Entity::Tag if key == PROMPT => {
            check_prompt(&operator, &draft.value)?;
            draft.entity = Entity::Prompt;
        }
        Entity::Metadata if !among(&operator, OPTIONAL) => return wrong(OPTIONAL, "'"),
        Entity::Metadata
            if ANALYTICS.contains(&key) && !among(&operator, &["=", "!=", "IS NULL", "IS NOT NULL"]) =>
        {
            return Err(MlflowError::invalid(format!(
                "Comparator '{operator}' is not supported for reserved metadata '{key}'. Only '=', '!=', 'IS NULL', \
                 and 'IS NOT NULL' are supported."
            )));
        }
        Entity::Span => check_span(draft.entity, key, &operator)?,
        Entity::Feedback | Entity::Expectation => {
            if key.is_empty() {
                return Err(MlflowError::invalid("Assessment field name cannot be empty"));
            }
            if !among(&operator, ASSESSMENT) {
                return Err(MlflowError::invalid(format!(
                    "assessment.{key} comparator '{operator}' not one of '{}'",
                    repr_set(ASSESSMENT)
                )));
            }
        }
        _ => {}
    }
    Ok(operator)
}

/// A prompt is found by its name and version only.
fn check_prompt(operator: &str, value: &Raw) -> MlflowResult<()> {
    if operator != "=" {
        return Err(MlflowError::invalid(format!(
            "Invalid comparator '{operator}' for prompts filter. Only '=' is supported with format: prompt = \
             \"name/version\""
        )));
    }
    let shown = match value {
        Raw::Text(text) if text.matches('/').count() == 1 => return Ok(()),
        Raw::Text(text) => text.clone(),
        Raw::List(texts) => {
            // Of a list, the stock server counts the texts that are a slash.
            if texts.iter().filter(|text| *text == "/").count() == 1 {
                return Ok(());
            }
            Literal::Tuple(texts.iter().map(|text| Literal::Text(text.clone())).collect()).shown()
        }
        _ => String::new(),
    };
    Err(MlflowError::invalid(format!(
        "Invalid prompts filter value '{shown}'. Expected format: prompt = \"name/version\""
    )))
}

/// What the stock server would only fail at later.
fn settle(draft: &mut Draft<'_>) -> MlflowResult<()> {
    let attribute = draft.entity == Entity::Span && draft.key.starts_with("attributes.");
    if attribute && matches!(draft.value, Raw::List(_)) {
        return Err(MlflowError::invalid(format!(
            "span.{} does not support comparison with a list. Use LIKE, ILIKE or RLIKE.",
            draft.key
        )));
    }
    // A text beside a number counts as the number that it is; another text is none.
    if draft.is_attribute()
        && TRACES.numeric.contains(&draft.key.as_str())
        && let Raw::Text(text) = &draft.value
    {
        let number = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
        let numeric = digits.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let starts = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = || {
            MlflowError::invalid(format!(
                "Expected numeric value type for numeric attribute: {}. Found {text}",
                draft.key
            ))
        };
        let value = match (numeric && starts, whole) {
            (true, true) => number.parse().map_or_else(|_| Raw::Huge(number.to_owned()), Raw::Integer),
            (true, false) => Raw::Real(number.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        draft.value = value;
    }
    Ok(())
}
