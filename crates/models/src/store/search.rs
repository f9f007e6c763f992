//! Searches of the registry: filter and orders to statements.

use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::{Dialect, Sql, text_order};
use ropewalk_mlflow::MlflowResult;
use ropewalk_mlflow::filter::{Comparison, Entity, Operator, Order, Value};
use ropewalk_mlflow::sql::{push, push_keyed};

use super::{registered, versions};
use crate::model::{ModelVersion, RegisteredModel};
use crate::rules::IS_PROMPT_TAG;

/// Which part of what is found is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

impl Window {
    /// All that is found.
    pub const ALL: Self = Self { limit: i64::MAX, offset: 0 };
}

/// Whether a filter asks for prompts. Only then are they found, and only then does what it says of the tag that marks them
/// count.
fn asks_for_prompts(comparisons: &[Comparison]) -> bool {
    comparisons.iter().find(|comparison| marks_prompts(comparison)).is_some_and(|comparison| {
        let says =
            |word: &str| matches!(&comparison.value, Value::Text(text) if text.eq_ignore_ascii_case(word));
        match comparison.operator {
            Operator::Equal => says("true"),
            Operator::NotEqual => says("false"),
            _ => false,
        }
    })
}

fn marks_prompts(comparison: &Comparison) -> bool {
    comparison.entity == Entity::Tag && comparison.key == IS_PROMPT_TAG
}

/// Appends what a filter says. `tags` selects the tags of one owner, `marks` those by which a prompt is known.
fn push_filter(
    sql: &mut Sql,
    dialect: Dialect,
    comparisons: &[Comparison],
    tags: &str,
    marks: &str,
    column: fn(&str) -> &'static str,
) -> MlflowResult<()> {
    let prompts = asks_for_prompts(comparisons);
    if !prompts {
        sql.push(" AND NOT EXISTS (").push(marks).push(" AND t.key = ").bind(IS_PROMPT_TAG);
        sql.push(" AND t.value = 'true')");
    }
    for comparison in comparisons.iter().filter(|comparison| prompts || !marks_prompts(comparison)) {
        sql.push(" AND ");
        if comparison.entity == Entity::Tag {
            push_keyed(sql, dialect, tags, ("t.key", "t.value"), comparison)?;
        } else {
            push(sql, dialect, column(&comparison.key), comparison)?;
        }
    }
    Ok(())
}

/// Appends the orders, and after them `last`, which tells equals apart.
fn push_orders(
    sql: &mut Sql,
    dialect: Dialect,
    orders: &[Order],
    column: fn(&str) -> &'static str,
    last: &[(&str, &str)],
) {
    sql.push(" ORDER BY ");
    let mut parts: Vec<(&str, &str)> = orders
        .iter()
        .map(|order| (column(&order.key), if order.ascending { "ASC" } else { "DESC" }))
        .collect();
    for (name, way) in last {
        if !parts.iter().any(|(known, _)| known == name) {
            parts.push((name, way));
        }
    }
    for (index, (name, way)) in parts.into_iter().enumerate() {
        let text = matches!(name, "m.name" | "v.name" | "v.source" | "v.run_id");
        let name = if text { text_order(dialect, name) } else { name.to_owned() };
        sql.push(if index > 0 { ", " } else { "" }).push(&name).push(" ").push(way);
    }
}

fn push_window(sql: &mut Sql, window: Window) {
    sql.push(" LIMIT ").bind(window.limit).push(" OFFSET ").bind(window.offset.max(0));
}

/// Registered models, by name unless `orders` say otherwise.
pub(crate) async fn registered(
    connection: &mut Connection,
    dialect: Dialect,
    comparisons: &[Comparison],
    orders: &[Order],
    window: Window,
) -> MlflowResult<Vec<RegisteredModel>> {
    const TAGS: &str = "SELECT 1 FROM model_registered_tag t WHERE t.name = m.name";
    let mut sql = Sql::new(&format!("SELECT {} FROM model_registered m WHERE 1 = 1", registered::COLUMNS));
    let column = |key: &str| match key {
        "creation_timestamp" => "m.created_ms",
        "timestamp" | "last_updated_timestamp" => "m.updated_ms",
        _ => "m.name",
    };
    push_filter(&mut sql, dialect, comparisons, TAGS, TAGS, column)?;
    push_orders(&mut sql, dialect, orders, column, &[("m.name", "ASC")]);
    push_window(&mut sql, window);
    let mut found = Vec::new();
    for row in sql.fetch(&mut *connection).await? {
        found.push(registered::model(&row)?);
    }
    Ok(registered::assemble(connection, found).await?)
}

/// Model versions over all models, the last changed first unless `orders` say otherwise.
pub(crate) async fn model_versions(
    connection: &mut Connection,
    dialect: Dialect,
    comparisons: &[Comparison],
    orders: &[Order],
    window: Window,
) -> MlflowResult<Vec<ModelVersion>> {
    const TAGS: &str = "SELECT 1 FROM model_version_tag t WHERE t.name = v.name AND t.version = v.version";
    // One version that is a prompt makes a prompt of its name.
    const MARKS: &str = "SELECT 1 FROM model_version_tag t WHERE t.name = v.name";
    let mut sql = Sql::new(&format!("SELECT {} FROM model_version v WHERE 1 = 1", versions::COLUMNS));
    let column = |key: &str| match key {
        "version_number" => "v.version",
        "run_id" => "v.run_id",
        "source_path" => "v.source",
        "creation_timestamp" => "v.created_ms",
        "timestamp" | "last_updated_timestamp" => "v.updated_ms",
        _ => "v.name",
    };
    push_filter(&mut sql, dialect, comparisons, TAGS, MARKS, column)?;
    let changed: &[(&str, &str)] = if orders.is_empty() { &[("v.updated_ms", "DESC")] } else { &[] };
    let last = [changed, &[("v.name", "ASC"), ("v.version", "DESC")]].concat();
    push_orders(&mut sql, dialect, orders, column, &last);
    push_window(&mut sql, window);
    let mut found = Vec::new();
    for row in sql.fetch(&mut *connection).await? {
        found.push(versions::version(&row)?);
    }
    Ok(versions::assemble(connection, found).await?)
}
