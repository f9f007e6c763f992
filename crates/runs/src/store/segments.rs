//! Segments: packed measurements of a run, in ranges of metric keys.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::{Argument, Sql, insert_many};
use sqlx::Row;

use super::LIST_LIMIT;

/// A segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) run_id: String,
    /// Of the change that made it.
    pub(crate) number: i64,
    /// Its place among those that the change made.
    pub(crate) part: i64,
    /// How often its measurements have been merged.
    pub(crate) level: i64,
    /// Its keys lie between these.
    pub(crate) keys: (String, String),
    pub(crate) data: Vec<u8>,
}

pub(crate) async fn insert(tx: &mut Connection, segments: Vec<Segment>) -> Result<()> {
    let rows = segments
        .into_iter()
        .map(|segment| {
            vec![
                segment.run_id.into(),
                segment.number.into(),
                segment.part.into(),
                segment.level.into(),
                Argument::Bytes(segment.keys.0.into_bytes()),
                Argument::Bytes(segment.keys.1.into_bytes()),
                Argument::Bytes(segment.data),
            ]
        })
        .collect();
    insert_many(
        tx,
        "INSERT INTO run_segment (run_id, number, part, level, first_key, last_key, data)",
        rows,
        "",
    )
    .await
}

/// The segments that may hold a metric of some runs, by run, the oldest first.
pub(crate) async fn with_key(
    connection: &mut Connection,
    run_ids: &[String],
    key: &str,
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for part in run_ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT run_id, data FROM run_segment WHERE run_id IN ");
        sql.bind_list(part.iter().map(String::as_str));
        let key = key.as_bytes();
        sql.push(" AND first_key <= ").bind(key.to_vec()).push(" AND last_key >= ").bind(key.to_vec());
        sql.push(" ORDER BY run_id, number, part");
        for row in sql.fetch(connection).await? {
            found.push((row.try_get("run_id")?, row.try_get("data")?));
        }
    }
    Ok(found)
}

/// All segments of some runs, by run.
pub(crate) async fn of_runs(
    connection: &mut Connection,
    run_ids: &[String],
) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for part in run_ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT run_id, data FROM run_segment WHERE run_id IN ");
        sql.bind_list(part.iter().map(String::as_str));
        for row in sql.fetch(connection).await? {
            found.push((row.try_get("run_id")?, row.try_get("data")?));
        }
    }
    Ok(found)
}

/// How many changes made the segments of a run's level, and how many levels there are.
pub(crate) async fn counts(connection: &mut Connection, run_id: &str) -> Result<Vec<(i64, i64)>> {
    let rows = sqlx::query(
        "SELECT level, COUNT(DISTINCT number) AS n FROM run_segment WHERE run_id = $1 GROUP BY level ORDER BY level",
    )
    .bind(run_id)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("level")?, row.try_get("n")?))).collect()
}

/// A run's segments of a level, the oldest first.
pub(crate) async fn of_level(
    connection: &mut Connection,
    run_id: &str,
    level: i64,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let rows = sqlx::query(
        "SELECT number, data FROM run_segment WHERE run_id = $1 AND level = $2 ORDER BY number, part",
    )
    .bind(run_id)
    .bind(level)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("number")?, row.try_get("data")?))).collect()
}

/// Removes a run's segments of a level up to a number; how many there were.
pub(crate) async fn remove(tx: &mut Connection, run_id: &str, level: i64, up_to: i64) -> Result<u64> {
    let done = sqlx::query("DELETE FROM run_segment WHERE run_id = $1 AND level = $2 AND number <= $3")
        .bind(run_id)
        .bind(level)
        .bind(up_to)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}
