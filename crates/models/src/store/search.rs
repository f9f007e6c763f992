//! Searches of the registry: filter and orders to statements.

use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::{Dialect, Sql, text_order};
use ropewalk_core::{Error, Result};
use ropewalk_runs::filter::{self, Comparison, Operator, Order};

use super::{registered, versions};
use crate::model::{ModelVersion, RegisteredModel};

/// The tag that marks a registered model as a prompt; prompts are left out unless the filter speaks of it.
const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";
const TEXT: &[Operator] = &[Operator::Equal, Operator::NotEqual, Operator::Like, Operator::ILike];

fn is_attribute(comparison: &Comparison) -> bool {
    matches!(comparison.identifier.entity.as_deref(), None | Some("attribute" | "attributes" | "attr"))
}

fn is_tag(comparison: &Comparison) -> bool {
    matches!(comparison.identifier.entity.as_deref(), Some("tag" | "tags"))
}

/// Appends a comparison of a tag. `from` selects the tags of one owner.
fn push_tag(sql: &mut Sql, dialect: Dialect, from: &str, comparison: &Comparison) -> Result<()> {
    let key = comparison.identifier.key.as_str();
    // “is no prompt” also holds for what has no such tag.
    if key == PROMPT_TAG && comparison.operator == Operator::NotEqual {
        sql.push("NOT EXISTS (").push(from).push(" AND t.key = ").bind(key);
        sql.push(" AND t.value = ").bind(filter::expect_text(comparison)?).push(")");
        return Ok(());
    }
    sql.push(if comparison.operator == Operator::IsNull { "NOT EXISTS (" } else { "EXISTS (" });
    sql.push(from).push(" AND t.key = ").bind(key);
    if !matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
        filter::expect_operator(comparison, TEXT)?;
        sql.push(" AND ");
        filter::push_text(sql, dialect, "t.value", comparison)?;
    }
    sql.push(")");
    Ok(())
}

fn push_no_prompts(sql: &mut Sql, from: &str, comparisons: &[Comparison]) {
    if !comparisons.iter().any(|comparison| is_tag(comparison) && comparison.identifier.key == PROMPT_TAG) {
        sql.push(" AND NOT EXISTS (")
            .push(from)
            .push(" AND t.key = ")
            .bind(PROMPT_TAG)
            .push(" AND t.value = 'true')");
    }
}

fn push_orders(
    sql: &mut Sql,
    dialect: Dialect,
    orders: &[Order],
    column: fn(&str) -> Option<(&'static str, bool)>,
    last: &str,
) -> Result<()> {
    sql.push(" ORDER BY ");
    for order in orders {
        let key = order.identifier.key.as_str();
        let (column, text) =
            column(key).ok_or_else(|| Error::invalid(format!("Invalid order by key '{key}' specified.")))?;
        let column = if text { text_order(dialect, column) } else { column.to_owned() };
        sql.push(&column).push(if order.ascending { " ASC, " } else { " DESC, " });
    }
    sql.push(last);
    Ok(())
}

/// One page of registered models and, if there is one, the first of the next.
pub(crate) async fn registered(
    connection: &mut Connection,
    dialect: Dialect,
    comparisons: &[Comparison],
    orders: &[Order],
    limit: i64,
    offset: i64,
) -> Result<Vec<RegisteredModel>> {
    const TAGS: &str = "SELECT 1 FROM model_registered_tag t WHERE t.name = m.name";
    let mut sql = Sql::new(&format!("SELECT {} FROM model_registered m WHERE 1 = 1", registered::COLUMNS));
    push_no_prompts(&mut sql, TAGS, comparisons);
    for comparison in comparisons {
        sql.push(" AND ");
        if is_tag(comparison) {
            push_tag(&mut sql, dialect, TAGS, comparison)?;
        } else if is_attribute(comparison) && comparison.identifier.key == "name" {
            filter::expect_operator(comparison, TEXT)?;
            filter::push_text(&mut sql, dialect, "m.name", comparison)?;
        } else {
            return Err(wrong_key(comparison, "name, tags.KEY"));
        }
    }
    let column = |key: &str| match key {
        "name" => Some(("m.name", true)),
        "timestamp" | "last_updated_timestamp" => Some(("m.updated_ms", false)),
        "creation_timestamp" => Some(("m.created_ms", false)),
        _ => None,
    };
    push_orders(&mut sql, dialect, orders, column, &text_order(dialect, "m.name"))?;
    sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    let found = sql.fetch(connection).await?.iter().map(registered::model).collect::<Result<Vec<_>>>()?;
    registered::assemble(connection, found).await
}

/// One page of model versions and, if there is one, the first of the next.
pub(crate) async fn model_versions(
    connection: &mut Connection,
    dialect: Dialect,
    comparisons: &[Comparison],
    orders: &[Order],
    limit: i64,
    offset: i64,
) -> Result<Vec<ModelVersion>> {
    const TAGS: &str = "SELECT 1 FROM model_version_tag t WHERE t.name = v.name AND t.version = v.version";
    let mut sql = Sql::new(&format!("SELECT {} FROM model_version v WHERE 1 = 1", versions::COLUMNS));
    push_no_prompts(&mut sql, TAGS, comparisons);
    for comparison in comparisons {
        sql.push(" AND ");
        if is_tag(comparison) {
            push_tag(&mut sql, dialect, TAGS, comparison)?;
        } else if is_attribute(comparison) {
            push_version_attribute(&mut sql, dialect, comparison)?;
        } else {
            return Err(wrong_key(comparison, "name, run_id, source_path, version_number, tags.KEY"));
        }
    }
    let column = |key: &str| match key {
        "name" => Some(("v.name", true)),
        "version_number" => Some(("v.version", false)),
        "creation_timestamp" => Some(("v.created_ms", false)),
        "last_updated_timestamp" | "timestamp" => Some(("v.updated_ms", false)),
        _ => None,
    };
    let last = format!("v.updated_ms DESC, {}, v.version DESC", text_order(dialect, "v.name"));
    push_orders(&mut sql, dialect, orders, column, &last)?;
    sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    let found = sql.fetch(connection).await?.iter().map(versions::version).collect::<Result<Vec<_>>>()?;
    versions::assemble(connection, found).await
}

fn push_version_attribute(sql: &mut Sql, dialect: Dialect, comparison: &Comparison) -> Result<()> {
    match comparison.identifier.key.as_str() {
        "name" => {
            filter::expect_operator(comparison, TEXT)?;
            filter::push_text(sql, dialect, "v.name", comparison)
        }
        "run_id" => {
            filter::expect_operator(
                comparison,
                &[
                    Operator::Equal,
                    Operator::NotEqual,
                    Operator::In,
                    Operator::NotIn,
                    Operator::Like,
                    Operator::ILike,
                ],
            )?;
            filter::push_text(sql, dialect, "v.run_id", comparison)
        }
        "source_path" => {
            filter::expect_operator(comparison, TEXT)?;
            filter::push_text(sql, dialect, "v.source", comparison)
        }
        "version_number" if comparison.operator.is_numeric() => {
            filter::push_number(sql, "v.version", comparison)
        }
        "creation_timestamp" if comparison.operator.is_numeric() => {
            filter::push_number(sql, "v.created_ms", comparison)
        }
        "last_updated_timestamp" if comparison.operator.is_numeric() => {
            filter::push_number(sql, "v.updated_ms", comparison)
        }
        _ => Err(wrong_key(comparison, "name, run_id, source_path, version_number, tags.KEY")),
    }
}

fn wrong_key(comparison: &Comparison, valid: &str) -> Error {
    Error::invalid(format!("Invalid attribute name: {}", comparison.identifier.key))
        .why(format!("valid are {valid}"))
}
