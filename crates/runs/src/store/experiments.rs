//! Experiments and their tags.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::filter::{self, Comparison, Operator, Order};
use crate::model::{Experiment, Lifecycle, Tag, ViewType};
use ropewalk_core::database::sql::{Dialect, Sql, text_order};

const COLUMNS: &str = "e.id, e.name, e.artifact_location, e.lifecycle, e.created_ms, e.updated_ms";

fn experiment(row: &AnyRow) -> Result<Experiment> {
    Ok(Experiment {
        experiment_id: row.try_get::<i64, _>("id")?.to_string(),
        name: row.try_get("name")?,
        artifact_location: row.try_get("artifact_location")?,
        lifecycle_stage: Lifecycle::read(row.try_get::<String, _>("lifecycle")?.as_str()),
        creation_time: row.try_get("created_ms")?,
        last_update_time: row.try_get("updated_ms")?,
        tags: Vec::new(),
    })
}

/// The next experiment number; holds back other creators until the transaction ends.
pub(crate) async fn next_number(tx: &mut Connection) -> Result<i64> {
    let row =
        sqlx::query("UPDATE run_counter SET value = value + 1 WHERE name = 'experiment' RETURNING value")
            .fetch_one(tx)
            .await?;
    Ok(row.try_get("value")?)
}

/// Adds an experiment without its tags.
pub(crate) async fn insert(tx: &mut Connection, number: i64, experiment: &Experiment) -> Result<()> {
    sqlx::query(
        "INSERT INTO run_experiment (id, name, artifact_location, lifecycle, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(number)
    .bind(experiment.name.as_str())
    .bind(experiment.artifact_location.as_str())
    .bind(experiment.lifecycle_stage.as_str())
    .bind(experiment.creation_time)
    .bind(experiment.last_update_time)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn by_number(connection: &mut Connection, number: i64) -> Result<Option<Experiment>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_experiment e WHERE e.id = "));
    sql.bind(number);
    one(connection, sql).await
}

pub(crate) async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<Experiment>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_experiment e WHERE e.name = "));
    sql.bind(name);
    one(connection, sql).await
}

async fn one(connection: &mut Connection, sql: Sql) -> Result<Option<Experiment>> {
    let Some(row) = sql.fetch_optional(connection).await? else { return Ok(None) };
    let mut found = vec![experiment(&row)?];
    add_tags(connection, &mut found).await?;
    Ok(found.pop())
}

async fn add_tags(connection: &mut Connection, experiments: &mut [Experiment]) -> Result<()> {
    for part in experiments.chunks_mut(super::LIST_LIMIT) {
        let mut sql =
            Sql::new("SELECT experiment_id, key, value FROM run_experiment_tag WHERE experiment_id IN ");
        sql.bind_list(part.iter().map(|experiment| experiment.experiment_id.parse::<i64>().unwrap_or(-1)));
        sql.push(" ORDER BY experiment_id, key");
        for row in sql.fetch(connection).await? {
            let id = row.try_get::<i64, _>("experiment_id")?.to_string();
            if let Some(owner) = part.iter_mut().find(|experiment| experiment.experiment_id == id) {
                owner
                    .tags
                    .push(Tag::new(row.try_get::<String, _>("key")?, row.try_get::<String, _>("value")?));
            }
        }
    }
    Ok(())
}

pub(crate) async fn set_tag(tx: &mut Connection, number: i64, tag: &Tag) -> Result<()> {
    sqlx::query(
        "INSERT INTO run_experiment_tag (experiment_id, key, value) VALUES ($1, $2, $3) \
         ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value",
    )
    .bind(number)
    .bind(tag.key.as_str())
    .bind(tag.value.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn delete_tag(tx: &mut Connection, number: i64, key: &str) -> Result<u64> {
    let done = sqlx::query("DELETE FROM run_experiment_tag WHERE experiment_id = $1 AND key = $2")
        .bind(number)
        .bind(key)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

/// Changes name and lifecycle.
pub(crate) async fn update(
    tx: &mut Connection,
    number: i64,
    name: &str,
    lifecycle: Lifecycle,
    now: i64,
) -> Result<()> {
    sqlx::query("UPDATE run_experiment SET name = $1, lifecycle = $2, updated_ms = $3 WHERE id = $4")
        .bind(name)
        .bind(lifecycle.as_str())
        .bind(now)
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes or restores an experiment's runs with it.
pub(crate) async fn set_runs_lifecycle(
    tx: &mut Connection,
    number: i64,
    lifecycle: Lifecycle,
    now: i64,
) -> Result<()> {
    let deleted = (lifecycle == Lifecycle::Deleted).then_some(now);
    sqlx::query("UPDATE run_run SET lifecycle = $1, deleted_ms = $2 WHERE experiment_id = $3")
        .bind(lifecycle.as_str())
        .bind(deleted)
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

/// One page and, if there is one, the first of the next.
pub(crate) async fn search(
    connection: &mut Connection,
    dialect: Dialect,
    comparisons: &[Comparison],
    view: ViewType,
    orders: &[Order],
    limit: i64,
    offset: i64,
) -> Result<Vec<Experiment>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_experiment e WHERE "));
    sql.push(match view {
        ViewType::ActiveOnly => "e.lifecycle = 'active'",
        ViewType::DeletedOnly => "e.lifecycle = 'deleted'",
        ViewType::All => "1 = 1",
    });
    for comparison in comparisons {
        sql.push(" AND ");
        push_comparison(&mut sql, dialect, comparison)?;
    }
    sql.push(" ORDER BY ");
    for order in orders {
        let column = order_column(order)?;
        let column = if column == "e.name" { text_order(dialect, column) } else { column.to_owned() };
        sql.push(&column).push(if order.ascending { " ASC, " } else { " DESC, " });
    }
    if orders.is_empty() {
        sql.push("e.created_ms DESC, ");
    }
    sql.push("e.id LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    let mut found = Vec::new();
    for row in sql.fetch(connection).await? {
        found.push(experiment(&row)?);
    }
    add_tags(connection, &mut found).await?;
    Ok(found)
}

fn order_column(order: &Order) -> Result<&'static str> {
    let plain = order
        .identifier
        .entity
        .as_deref()
        .is_none_or(|entity| matches!(entity, "attribute" | "attributes" | "attr"));
    match order.identifier.key.as_str() {
        "name" if plain => Ok("e.name"),
        "experiment_id" if plain => Ok("e.id"),
        "creation_time" if plain => Ok("e.created_ms"),
        "last_update_time" if plain => Ok("e.updated_ms"),
        other => Err(ropewalk_core::Error::invalid(format!(
            "Invalid attribute key '{other}' specified for order_by."
        ))),
    }
}

fn push_comparison(sql: &mut Sql, dialect: Dialect, comparison: &Comparison) -> Result<()> {
    const TEXT: &[Operator] = &[
        Operator::Equal,
        Operator::NotEqual,
        Operator::Like,
        Operator::ILike,
        Operator::In,
        Operator::NotIn,
    ];
    let key = comparison.identifier.key.as_str();
    match comparison.identifier.entity.as_deref() {
        None | Some("attribute" | "attributes" | "attr") => match key {
            "name" => {
                filter::expect_operator(comparison, TEXT)?;
                filter::push_text(sql, dialect, "e.name", comparison)
            }
            "creation_time" => numeric(sql, "e.created_ms", comparison),
            "last_update_time" => numeric(sql, "e.updated_ms", comparison),
            other => Err(ropewalk_core::Error::invalid(format!(
                "Invalid attribute key '{other}' specified. Valid keys are '{{'name', 'creation_time', 'last_update_time'}}'"
            ))),
        },
        Some("tag" | "tags") => {
            let missing = comparison.operator == Operator::IsNull;
            sql.push(if missing { "NOT EXISTS (" } else { "EXISTS (" });
            sql.push("SELECT 1 FROM run_experiment_tag t WHERE t.experiment_id = e.id AND t.key = ")
                .bind(key);
            if !matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
                filter::expect_operator(comparison, TEXT)?;
                sql.push(" AND ");
                filter::push_text(sql, dialect, "t.value", comparison)?;
            }
            sql.push(")");
            Ok(())
        }
        Some(other) => Err(ropewalk_core::Error::invalid(format!(
            "Invalid entity type '{other}'. Valid values are ['attribute', 'tag']"
        ))),
    }
}

fn numeric(sql: &mut Sql, column: &str, comparison: &Comparison) -> Result<()> {
    filter::expect_operator(
        comparison,
        &[
            Operator::Greater,
            Operator::GreaterOrEqual,
            Operator::NotEqual,
            Operator::Equal,
            Operator::Less,
            Operator::LessOrEqual,
        ],
    )?;
    filter::push_number(sql, column, comparison)
}
