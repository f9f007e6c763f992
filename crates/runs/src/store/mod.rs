//! The SQL of tracking.

pub(crate) mod changes;
pub(crate) mod documents;
pub(crate) mod experiments;
pub(crate) mod inputs;
pub(crate) mod logged_models;
pub(crate) mod runs;
pub(crate) mod segments;
pub(crate) mod views;

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::Metric;
use ropewalk_core::database::sql::Sql;

/// Identifiers in one `IN (…)`; below every database's limit of arguments.
pub(crate) const LIST_LIMIT: usize = 500;

/// A metric from a row with the columns key, value, is_nan, timestamp_ms and step.
fn metric(row: &AnyRow) -> Result<Metric> {
    let value: f64 = row.try_get("value")?;
    let is_nan: i64 = row.try_get("is_nan")?;
    Ok(Metric::new(
        row.try_get::<String, _>("key")?,
        if is_nan == 0 { value } else { f64::NAN },
        row.try_get("timestamp_ms")?,
        row.try_get("step")?,
    ))
}

/// Rows of `table` for many owners, by owner; `owner` is the column that names the owner. Ordered by key.
async fn by_owner<T>(
    connection: &mut Connection,
    table: &str,
    owner: &str,
    columns: &str,
    owners: &[String],
    read: fn(&AnyRow) -> Result<T>,
) -> Result<BTreeMap<String, Vec<T>>> {
    let mut found: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for part in owners.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!("SELECT {owner} AS owner, {columns} FROM {table} WHERE {owner} IN "));
        sql.bind_list(part.iter().map(String::as_str)).push(&format!(" ORDER BY {owner}, key"));
        for row in sql.fetch(connection).await? {
            found.entry(row.try_get("owner")?).or_default().push(read(&row)?);
        }
    }
    Ok(found)
}
