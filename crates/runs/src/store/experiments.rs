//! Experiments and their tags.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::{Experiment, Lifecycle, Tag, ViewType, experiment_number};
use ropewalk_core::database::sql::{Argument, Dialect, Sql, text_order};
use ropewalk_mlflow::filter::{Comparison, Entity, Order, Value};
use ropewalk_mlflow::sql::{push, push_keyed};
use ropewalk_mlflow::{MlflowError, MlflowResult};

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
    loop {
        let row =
            sqlx::query("UPDATE run_counter SET value = value + 1 WHERE name = 'experiment' RETURNING value")
                .fetch_one(&mut *tx)
                .await?;
        let number = row.try_get("value")?;
        // One that was imported may have the number already.
        if !is_taken(tx, number).await? {
            return Ok(number);
        }
    }
}

/// Holds back other creators until the transaction ends; whether an experiment has this number.
pub(crate) async fn hold_and_ask(tx: &mut Connection, number: i64) -> Result<bool> {
    sqlx::query("UPDATE run_counter SET value = value WHERE name = 'experiment'").execute(&mut *tx).await?;
    is_taken(tx, number).await
}

async fn is_taken(tx: &mut Connection, number: i64) -> Result<bool> {
    let found = sqlx::query("SELECT 1 AS one FROM run_experiment WHERE id = $1")
        .bind(number)
        .fetch_optional(tx)
        .await?;
    Ok(found.is_some())
}

/// Places the first experiment's artifacts, as long as nothing has been made.
pub(crate) async fn place_first(tx: &mut Connection, usual: &str, location: &str) -> Result<()> {
    sqlx::query(
        "UPDATE run_experiment SET artifact_location = $1 WHERE id = 0 AND artifact_location = $2 \
         AND NOT EXISTS (SELECT 1 FROM run_experiment e WHERE e.id > 0) \
         AND NOT EXISTS (SELECT 1 FROM run_run) AND NOT EXISTS (SELECT 1 FROM run_logged_model)",
    )
    .bind(location)
    .bind(usual)
    .execute(tx)
    .await?;
    Ok(())
}

/// The numbers of all experiments.
pub(crate) async fn numbers(connection: &mut Connection) -> Result<Vec<i64>> {
    let rows = sqlx::query("SELECT id FROM run_experiment ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Experiments deleted before a time that have neither runs nor logged models; if `foreseen`, none but such as go, too.
pub(crate) async fn empty_deleted_before(
    connection: &mut Connection,
    ms: i64,
    foreseen: bool,
) -> Result<Vec<i64>> {
    const EMPTY: &str = "SELECT e.id FROM run_experiment e WHERE e.lifecycle = 'deleted' AND e.updated_ms <= $1 \
         AND NOT EXISTS (SELECT 1 FROM run_run r WHERE r.experiment_id = e.id) \
         AND NOT EXISTS (SELECT 1 FROM run_logged_model m WHERE m.experiment_id = e.id) ORDER BY e.id";
    const FORESEEN: &str = "SELECT e.id FROM run_experiment e WHERE e.lifecycle = 'deleted' AND e.updated_ms <= $1 \
         AND NOT EXISTS (SELECT 1 FROM run_run r WHERE r.experiment_id = e.id \
           AND (r.lifecycle <> 'deleted' OR COALESCE(r.deleted_ms, 0) > $1)) \
         AND NOT EXISTS (SELECT 1 FROM run_logged_model m WHERE m.experiment_id = e.id \
           AND (m.lifecycle <> 'deleted' OR m.updated_ms > $1)) ORDER BY e.id";
    let text = if foreseen { FORESEEN } else { EMPTY };
    let rows = sqlx::query(text).bind(ms).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Removes all that is kept of an experiment.
pub(crate) async fn purge(tx: &mut Connection, number: i64) -> Result<()> {
    for text in [
        "DELETE FROM run_experiment_tag WHERE experiment_id = $1",
        "DELETE FROM run_view WHERE experiment_id = $1",
        "DELETE FROM run_dataset WHERE experiment_id = $1",
        "DELETE FROM run_experiment WHERE id = $1",
    ] {
        sqlx::query(text).bind(number).execute(&mut *tx).await?;
    }
    Ok(())
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
    changed: i64,
) -> Result<()> {
    let deleted = (lifecycle == Lifecycle::Deleted).then_some(now);
    sqlx::query("UPDATE run_run SET lifecycle = $1, deleted_ms = $2, changed = $3 WHERE experiment_id = $4")
        .bind(lifecycle.as_str())
        .bind(deleted)
        .bind(changed)
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
) -> MlflowResult<Vec<Experiment>> {
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
    let mut by_id = false;
    for order in orders {
        let (name, text) = column(&order.key);
        by_id |= name == "e.id";
        let name = if text { text_order(dialect, name) } else { name.to_owned() };
        sql.push(&name).push(if order.ascending { " ASC, " } else { " DESC, " });
    }
    // Among equals the stock server puts the last created first, unless nothing was asked for.
    sql.push(match (orders.is_empty(), by_id) {
        (true, _) => "e.created_ms DESC, e.id",
        (_, true) => "e.id",
        (_, false) => "e.id DESC",
    });
    sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    let mut found = Vec::new();
    for row in sql.fetch(connection).await? {
        found.push(experiment(&row)?);
    }
    add_tags(connection, &mut found).await?;
    Ok(found)
}

/// The column of an attribute, and whether it is text.
fn column(key: &str) -> (&'static str, bool) {
    match key {
        "name" => ("e.name", true),
        "creation_time" => ("e.created_ms", false),
        "last_update_time" => ("e.updated_ms", false),
        _ => ("e.id", false),
    }
}

fn push_comparison(sql: &mut Sql, dialect: Dialect, comparison: &Comparison) -> MlflowResult<()> {
    if comparison.entity == Entity::Tag {
        let from = "SELECT 1 FROM run_experiment_tag t WHERE t.experiment_id = e.id";
        return push_keyed(sql, dialect, from, ("t.key", "t.value"), comparison);
    }
    if comparison.key != "experiment_id" {
        return push(sql, dialect, column(&comparison.key).0, comparison);
    }
    let number = |id: &str| experiment_number(id).map(Argument::from);
    sql.push("e.id ").push(comparison.operator.as_str()).push(" ");
    match &comparison.value {
        Value::List(ids) => {
            sql.bind_list(ids.iter().map(|id| number(id)).collect::<Result<Vec<_>>>()?);
        }
        Value::Text(id) => {
            sql.bind(number(id)?);
        }
        Value::Integer(id) => {
            sql.bind(*id);
        }
        _ => return Err(MlflowError::invalid("Invalid value for attribute 'experiment_id'")),
    }
    Ok(())
}
