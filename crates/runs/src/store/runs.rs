//! Runs: their rows, and their assembly with all that they logged.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{by_owner, metric};
use crate::model::{Lifecycle, Metric, Param, Run, RunData, RunInfo, RunLinks, RunStatus, Tag};
use ropewalk_core::database::sql::Sql;

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

pub(crate) async fn insert(tx: &mut Connection, experiment: i64, info: &RunInfo, actor: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO run_run (id, experiment_id, name, user_id, status, start_ms, end_ms, lifecycle, artifact_uri, actor) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
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
pub(crate) async fn update(tx: &mut Connection, info: &RunInfo) -> Result<()> {
    sqlx::query("UPDATE run_run SET status = $1, end_ms = $2, name = $3 WHERE id = $4")
        .bind(info.status.as_str())
        .bind(info.end_time)
        .bind(info.run_name.as_str())
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
) -> Result<()> {
    sqlx::query("UPDATE run_run SET lifecycle = $1, deleted_ms = $2 WHERE id = $3")
        .bind(lifecycle.as_str())
        .bind(deleted_ms)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Adds to each run what it logged, in a handful of queries for all of them.
pub(crate) async fn assemble(connection: &mut Connection, infos: Vec<RunInfo>) -> Result<Vec<Run>> {
    let ids: Vec<String> = infos.iter().map(|info| info.run_id.clone()).collect();
    let mut metrics = latest_metrics(connection, &ids).await?;
    let mut params = by_owner(connection, "run_param", "run_id", "key, value", &ids, |row| {
        Ok(Param::new(row.try_get::<String, _>("key")?, row.try_get::<String, _>("value")?))
    })
    .await?;
    let mut tags = by_owner(connection, "run_tag", "run_id", "key, value", &ids, tag).await?;
    let mut links = super::inputs::links(connection, &ids).await?;
    let runs = infos.into_iter().map(|info| {
        let id = info.run_id.as_str();
        let data = RunData {
            metrics: metrics.remove(id).unwrap_or_default(),
            params: params.remove(id).unwrap_or_default(),
            tags: tags.remove(id).unwrap_or_default(),
        };
        let links: RunLinks = links.remove(id).unwrap_or_default();
        Run { data, links, info }
    });
    Ok(runs.collect())
}

/// The latest metrics of many runs.
pub(crate) async fn latest_metrics(
    connection: &mut Connection,
    ids: &[String],
) -> Result<BTreeMap<String, Vec<Metric>>> {
    by_owner(connection, "run_latest_metric", "run_id", "key, value, is_nan, timestamp_ms, step", ids, metric)
        .await
}

pub(crate) fn tag(row: &AnyRow) -> Result<Tag> {
    Ok(Tag::new(row.try_get::<String, _>("key")?, row.try_get::<String, _>("value")?))
}
