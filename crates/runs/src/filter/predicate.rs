//! Comparisons to SQL, and the refusal of those that make no sense.

use ropewalk_core::{Error, Result};

use super::{Comparison, Operator, Value};
use ropewalk_core::database::sql::{Dialect, Sql, push_ilike, push_like};

/// Refuses an operator that is not among `allowed`.
pub fn expect_operator(comparison: &Comparison, allowed: &[Operator]) -> Result<()> {
    if allowed.contains(&comparison.operator) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(|operator| format!("'{}'", operator.as_str())).collect();
    Err(Error::invalid(format!(
        "Invalid comparator '{}' not one of '{{{}}}'",
        comparison.operator.as_str(),
        names.join(", ")
    )))
}

/// The text on the right.
pub fn expect_text(comparison: &Comparison) -> Result<&str> {
    match &comparison.value {
        Value::Text(text) => Ok(text),
        other => Err(Error::invalid(format!(
            "Expected a quoted string value for {} (e.g. 'my-value'). Got value {}",
            entity(comparison, "attributes"),
            written(other)
        ))),
    }
}

/// The number on the right.
pub fn expect_number(comparison: &Comparison) -> Result<f64> {
    match &comparison.value {
        Value::Number(number, _) => Ok(*number),
        other => Err(Error::invalid(format!(
            "Expected numeric value type for {}. Found {}",
            entity(comparison, &format!("numeric attribute: {}", comparison.identifier.key)),
            written(other)
        ))),
    }
}

/// The list on the right.
pub fn expect_list(comparison: &Comparison) -> Result<&[String]> {
    match &comparison.value {
        Value::List(list) => Ok(list),
        other => Err(Error::invalid(format!(
            "Expected a list of quoted string values. Got value {}",
            written(other)
        ))),
    }
}

/// The kind of thing compared, in the word that MLflow uses for its many spellings.
fn entity(comparison: &Comparison, attribute: &str) -> String {
    match comparison.identifier.entity.as_deref() {
        Some("metric" | "metrics") => "metric".to_owned(),
        Some("param" | "params" | "parameter" | "parameters") => "parameter".to_owned(),
        Some("tag" | "tags") => "tag".to_owned(),
        _ => attribute.to_owned(),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Nothing => "NULL".to_owned(),
        Value::Text(text) => format!("'{text}'"),
        Value::Number(_, text) => text.clone(),
        Value::List(list) => format!("({})", list.join(", ")),
    }
}

/// Appends a comparison of a text column.
pub fn push_text(sql: &mut Sql, dialect: Dialect, column: &str, comparison: &Comparison) -> Result<()> {
    match comparison.operator {
        Operator::Like => push_like(sql, dialect, column, expect_text(comparison)?),
        Operator::ILike => push_ilike(sql, dialect, column, expect_text(comparison)?),
        Operator::In | Operator::NotIn => {
            sql.push(column).push(" ").push(comparison.operator.as_str()).push(" ");
            sql.bind_list(expect_list(comparison)?.iter().map(String::as_str));
        }
        Operator::IsNull | Operator::IsNotNull => {
            sql.push(column).push(" ").push(comparison.operator.as_str());
        }
        operator => {
            sql.push(column).push(" ").push(operator.as_str()).push(" ").bind(expect_text(comparison)?);
        }
    }
    Ok(())
}

/// Appends a comparison of a number column. A whole number is compared as one, so that milliseconds lose nothing.
pub fn push_number(sql: &mut Sql, column: &str, comparison: &Comparison) -> Result<()> {
    let number = expect_number(comparison)?;
    sql.push(column).push(" ").push(comparison.operator.as_str()).push(" ");
    match &comparison.value {
        Value::Number(_, text) if text.parse::<i64>().is_ok() => {
            sql.bind(text.parse::<i64>().unwrap_or_default())
        }
        _ => sql.bind(number),
    };
    Ok(())
}
