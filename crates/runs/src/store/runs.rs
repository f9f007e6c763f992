//! Runs: their rows.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;
use sqlx::any::AnyRow;

use ropewalk_core::database::sql::{Sql, insert_many};

use crate::model::{Lifecycle, RunInfo, RunStatus};

pub(crate) const COLUMNS: &str =
    "r.id, r.experiment_id, r.name, r.user_id, r.status, r.start_ms, r.end_ms, r.lifecycle, r.artifact_uri";

pub(crate) fn info(row: &AnyRow) -> Result<RunInfo> {
    Ok(RunInfo {
        run_id: row.try_get("id")?,
        experiment_id: row.try_get::<i64, _>("experiment_id")?.to_string(),
        run_name: row.try_get("name")?,
        user_id: row.try_get("user_id")?,
        status: RunStatus::parse(row.try_get::<String, _>("status")?.as_str()).unwrap_or(RunStatus::Running),
        start_time: row.try_get("start_ms")?,
        end_time: row.try_get("end_ms")?,
        artifact_uri: row.try_get("artifact_uri")?,
        lifecycle_stage: Lifecycle::read(row.try_get::<String, _>("lifecycle")?.as_str()),
    })
}

pub(crate) async fn insert(
    tx: &mut Connection,
    experiment: i64,
    info: &RunInfo,
    actor: &str,
    number: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO run_run (id, experiment_id, name, user_id, status, start_ms, end_ms, lifecycle, artifact_uri, actor, changed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(info.run_id.as_str())
    .bind(experiment)
    .bind(info.run_name.as_str())
    .bind(info.user_id.as_str())
    .bind(info.status.as_str())
    .bind(info.start_time)
    .bind(info.end_time)
    .bind(info.lifecycle_stage.as_str())
    .bind(info.artifact_uri.as_str())
    .bind(actor)
    .bind(number)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn get(connection: &mut Connection, id: &str) -> Result<Option<RunInfo>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_run r WHERE r.id = "));
    sql.bind(id);
    sql.fetch_optional(connection).await?.as_ref().map(info).transpose()
}

/// Identifiers of runs that begin with `prefix`.
pub(crate) async fn with_prefix(
    connection: &mut Connection,
    prefix: &str,
    limit: i64,
) -> Result<Vec<String>> {
    // `g` follows every hexadecimal digit.
    let rows = sqlx::query("SELECT id FROM run_run WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3")
        .bind(prefix)
        .bind(format!("{prefix}g"))
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Changes status, end and name.
pub(crate) async fn update(tx: &mut Connection, info: &RunInfo, number: i64) -> Result<()> {
    sqlx::query("UPDATE run_run SET status = $1, end_ms = $2, name = $3, changed = $4 WHERE id = $5")
        .bind(info.status.as_str())
        .bind(info.end_time)
        .bind(info.run_name.as_str())
        .bind(number)
        .bind(info.run_id.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

pub(crate) async fn set_lifecycle(
    tx: &mut Connection,
    id: &str,
    lifecycle: Lifecycle,
    deleted_ms: Option<i64>,
    number: i64,
) -> Result<()> {
    sqlx::query("UPDATE run_run SET lifecycle = $1, deleted_ms = $2, changed = $3 WHERE id = $4")
        .bind(lifecycle.as_str())
        .bind(deleted_ms)
        .bind(number)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Moves a run to another experiment.
pub(crate) async fn set_experiment(
    tx: &mut Connection,
    id: &str,
    experiment: i64,
    number: i64,
) -> Result<()> {
    sqlx::query("UPDATE run_run SET experiment_id = $1, changed = $2 WHERE id = $3")
        .bind(experiment)
        .bind(number)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// The active runs of an experiment.
pub(crate) async fn active_in(connection: &mut Connection, experiment: i64) -> Result<Vec<String>> {
    let mut sql = Sql::new("SELECT id FROM run_run WHERE lifecycle = 'active' AND experiment_id = ");
    sql.bind(experiment);
    sql.fetch(connection).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Deleted runs, those deleted before a time.
pub(crate) async fn deleted_before(connection: &mut Connection, ms: i64, limit: i64) -> Result<Vec<RunInfo>> {
    let mut sql = Sql::new(&format!(
        "SELECT {COLUMNS} FROM run_run r WHERE r.lifecycle = 'deleted' AND COALESCE(r.deleted_ms, 0) <= "
    ));
    sql.bind(ms).push(" ORDER BY r.id LIMIT ").bind(limit);
    sql.fetch(connection).await?.iter().map(info).collect()
}

/// Removes all that is kept of a run.
pub(crate) async fn purge(tx: &mut Connection, id: &str) -> Result<()> {
    for text in [
        "DELETE FROM run_change WHERE run_id = $1",
        "DELETE FROM run_segment WHERE run_id = $1",
        "DELETE FROM run_input_tag WHERE run_id = $1",
        "DELETE FROM run_input WHERE run_id = $1",
        "DELETE FROM run_model_link WHERE run_id = $1",
        "DELETE FROM run_logged_model_metric WHERE run_id = $1",
        "DELETE FROM run_run WHERE id = $1",
    ] {
        sqlx::query(text).bind(id).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Notes that runs are gone, for servers that remember them.
pub(crate) async fn note_purged(tx: &mut Connection, number: i64, ids: &[String]) -> Result<()> {
    let rows = ids.iter().map(|id| vec![number.into(), id.as_str().into()]).collect();
    insert_many(tx, "INSERT INTO run_purge (number, run_id)", rows, "ON CONFLICT DO NOTHING").await
}
