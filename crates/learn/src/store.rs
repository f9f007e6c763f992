//! The table of sweeps.

use ropewalk_core::{Connection, Migration, Result};
use sqlx::Row;

use crate::model::Sweep;

/// The schema of this feature.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "learn",
    version: 1,
    sql: "CREATE TABLE learn_sweep (
        id TEXT PRIMARY KEY,
        job TEXT NOT NULL,
        status TEXT NOT NULL,
        started_ms BIGINT NOT NULL,
        sweep TEXT NOT NULL
    );
    CREATE INDEX learn_sweep_by_time ON learn_sweep (started_ms, id);",
    code: None,
}];

/// The status of a sweep that is at work.
pub const RUNNING: &str = "running";
/// The status of a sweep that found a model.
pub const FINISHED: &str = "finished";
/// The status of a sweep that found none.
pub const FAILED: &str = "failed";

/// Write a new sweep and the job that carries it out (empty for none).
pub async fn insert(connection: &mut Connection, sweep: &Sweep, job: &str) -> Result<()> {
    sqlx::query("INSERT INTO learn_sweep (id, job, status, started_ms, sweep) VALUES ($1, $2, $3, $4, $5)")
        .bind(&sweep.sweep_id)
        .bind(job)
        .bind(&sweep.status)
        .bind(sweep.started_ms)
        .bind(serde_json::to_string(sweep)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Write a sweep's end.
pub async fn end(connection: &mut Connection, sweep: &Sweep) -> Result<()> {
    sqlx::query("UPDATE learn_sweep SET status = $1, sweep = $2 WHERE id = $3")
        .bind(&sweep.status)
        .bind(serde_json::to_string(sweep)?)
        .bind(&sweep.sweep_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// A sweep and its job.
pub async fn get(connection: &mut Connection, id: &str) -> Result<Option<(Sweep, String)>> {
    let row = sqlx::query("SELECT job, sweep FROM learn_sweep WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let text: String = row.try_get("sweep")?;
    Ok(Some((serde_json::from_str(&text)?, row.try_get("job")?)))
}
