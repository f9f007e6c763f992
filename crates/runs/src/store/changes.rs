//! Changes of runs as they are written down, and the counter that orders them.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::{Argument, Sql, insert_many};
use sqlx::Row;

use super::LIST_LIMIT;

/// Takes `count` numbers, and holds back every other writer of runs until the transaction ends: numbers are seen in their
/// order. The last of them.
pub(crate) async fn take_numbers(tx: &mut Connection, count: i64) -> Result<i64> {
    let row = sqlx::query("UPDATE run_counter SET value = value + $1 WHERE name = 'change' RETURNING value")
        .bind(count)
        .fetch_one(tx)
        .await?;
    Ok(row.try_get("value")?)
}

/// The last number that was taken.
pub(crate) async fn last_number(connection: &mut Connection) -> Result<i64> {
    let row =
        sqlx::query("SELECT value FROM run_counter WHERE name = 'change'").fetch_one(connection).await?;
    Ok(row.try_get("value")?)
}

/// A change as it is written down.
pub(crate) struct Written {
    pub(crate) number: i64,
    pub(crate) run_id: String,
    pub(crate) data: Vec<u8>,
}

pub(crate) async fn insert(tx: &mut Connection, changes: Vec<Written>) -> Result<()> {
    let rows = changes
        .into_iter()
        .map(|change| vec![change.number.into(), change.run_id.into(), Argument::Bytes(change.data)])
        .collect();
    insert_many(tx, "INSERT INTO run_change (number, run_id, data)", rows, "").await
}

/// The changes of runs that have not been folded into their documents, by run, in their order.
pub(crate) async fn of_runs(
    connection: &mut Connection,
    run_ids: &[String],
) -> Result<BTreeMap<String, Vec<(i64, Vec<u8>)>>> {
    let mut found: BTreeMap<String, Vec<(i64, Vec<u8>)>> = BTreeMap::new();
    for part in run_ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT run_id, number, data FROM run_change WHERE run_id IN ");
        sql.bind_list(part.iter().map(String::as_str)).push(" ORDER BY run_id, number");
        for row in sql.fetch(connection).await? {
            found
                .entry(row.try_get("run_id")?)
                .or_default()
                .push((row.try_get("number")?, row.try_get("data")?));
        }
    }
    Ok(found)
}

/// Removes a run's changes up to a number.
pub(crate) async fn remove(tx: &mut Connection, run_id: &str, up_to: i64) -> Result<()> {
    sqlx::query("DELETE FROM run_change WHERE run_id = $1 AND number <= $2")
        .bind(run_id)
        .bind(up_to)
        .execute(tx)
        .await?;
    Ok(())
}

/// The runs that changed after a number, those that were removed for good among them.
pub(crate) async fn runs_since(connection: &mut Connection, number: i64) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT id FROM run_run WHERE changed > $1 UNION SELECT run_id FROM run_change WHERE number > $1 \
         UNION SELECT run_id FROM run_purge WHERE number > $1",
    )
    .bind(number)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Runs with changes that have waited since before a number.
pub(crate) async fn waiting(connection: &mut Connection, before: i64, limit: i64) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT run_id FROM run_change GROUP BY run_id HAVING MAX(number) <= $1 ORDER BY run_id LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("run_id")?)).collect()
}
