//! The table of prepared datasets.

use ropewalk_core::{Connection, Error, Migration, Result};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::Prepared;

/// The schema of this feature.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "prep",
    version: 1,
    sql: "CREATE TABLE prep_prepared (
        id TEXT PRIMARY KEY,
        dataset TEXT NOT NULL,
        commit_id TEXT NOT NULL,
        pipeline_hash TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        record TEXT NOT NULL
    );
    CREATE INDEX prep_prepared_by_time ON prep_prepared (created_ms, id);",
    code: None,
}];

/// Insert one; `false` if it stands already.
pub async fn insert(connection: &mut Connection, prepared: &Prepared) -> Result<bool> {
    let record = serde_json::to_string(prepared)?;
    let done = sqlx::query(
        "INSERT INTO prep_prepared (id, dataset, commit_id, pipeline_hash, created_ms, record) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
    )
    .bind(prepared.id.as_str())
    .bind(prepared.dataset.as_str())
    .bind(prepared.commit.as_str())
    .bind(prepared.pipeline_hash.as_str())
    .bind(prepared.created_ms)
    .bind(record)
    .execute(&mut *connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Those whose identifier begins so, at most `limit`. `prefix` has been checked to hold no
/// wildcard.
pub async fn beginning_with(connection: &mut Connection, prefix: &str, limit: i64) -> Result<Vec<Prepared>> {
    let rows = sqlx::query("SELECT record FROM prep_prepared WHERE id LIKE $1 ORDER BY id LIMIT $2")
        .bind(format!("{prefix}%"))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    rows.iter().map(read).collect()
}

/// The newest first.
pub async fn newest(connection: &mut Connection, offset: u64, limit: u64) -> Result<Vec<Prepared>> {
    let rows =
        sqlx::query("SELECT record FROM prep_prepared ORDER BY created_ms DESC, id LIMIT $1 OFFSET $2")
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(i64::try_from(offset).unwrap_or(i64::MAX))
            .fetch_all(&mut *connection)
            .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Prepared> {
    let record: String = row.try_get("record")?;
    serde_json::from_str(&record).map_err(|source| {
        Error::new(ropewalk_core::Code::Corrupt, "a stored preparation cannot be read")
            .why(source.to_string())
            .source(source)
    })
}
