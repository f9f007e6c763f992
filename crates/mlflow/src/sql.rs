//! Comparisons as SQL, for searches that the database does.

use ropewalk_core::database::sql::{Dialect, Sql, push_ilike, push_like};

use crate::error::{MlflowError, MlflowResult};
use crate::filter::{Comparison, Operator, Value};

/// Appends a comparison of a column with the right-hand side. A column without a value is never found by it, unless that is
/// what is asked for.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when the operator does not go with the value; a filter that was read has no such pair.
pub fn push(sql: &mut Sql, dialect: Dialect, column: &str, comparison: &Comparison) -> MlflowResult<()> {
    let operator = comparison.operator;
    match (operator, &comparison.value) {
        (Operator::IsNull | Operator::IsNotNull, _) => {
            sql.push(column).push(" ").push(operator.as_str());
        }
        (Operator::Like, Value::Text(pattern)) => push_like(sql, dialect, column, pattern),
        (Operator::ILike, Value::Text(pattern)) => push_ilike(sql, dialect, column, pattern),
        (Operator::In | Operator::NotIn, Value::List(values)) => {
            sql.push(column).push(" ").push(operator.as_str()).push(" ");
            sql.bind_list(values.iter().map(String::as_str));
        }
        (_, value) if operator.is_numeric() => {
            sql.push(column).push(" ").push(operator.as_str()).push(" ");
            match value {
                Value::Text(text) => sql.bind(text.as_str()),
                Value::Integer(number) => sql.bind(*number),
                // A number that is too large for any column is as large as any can be.
                Value::Real(number) => sql.bind(number.clamp(f64::MIN, f64::MAX)),
                Value::Nothing | Value::List(_) => return Err(mismatch(comparison)),
            };
        }
        _ => return Err(mismatch(comparison)),
    }
    Ok(())
}

/// Appends that a row with this key is there, or is not, in a table of keys and values. `from` selects the rows of one owner
/// and ends where a condition can follow; `key` and `value` are its columns.
///
/// # Errors
/// As [`push`].
pub fn push_keyed(
    sql: &mut Sql,
    dialect: Dialect,
    from: &str,
    (key, value): (&str, &str),
    comparison: &Comparison,
) -> MlflowResult<()> {
    sql.push(if comparison.operator == Operator::IsNull { "NOT EXISTS (" } else { "EXISTS (" });
    sql.push(from).push(" AND ").push(key).push(" = ").bind(comparison.key.as_str());
    if !matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
        sql.push(" AND ");
        push(sql, dialect, value, comparison)?;
    }
    sql.push(")");
    Ok(())
}

fn mismatch(comparison: &Comparison) -> MlflowError {
    MlflowError::invalid(format!(
        "Invalid comparison of {} '{}' by {}",
        comparison.entity.name(),
        comparison.key,
        comparison.operator.as_str()
    ))
}
