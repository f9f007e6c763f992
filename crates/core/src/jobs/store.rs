//! The jobs' SQL.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::model::{Job, JobState};
use crate::{Actor, Connection, Migration, Reference, Result};

/// The jobs' table.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "jobs",
    version: 1,
    sql: "CREATE TABLE job (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT, actor TEXT NOT NULL, state TEXT NOT NULL,
        done BIGINT NOT NULL, total BIGINT NOT NULL, message TEXT NOT NULL,
        started_ms BIGINT NOT NULL, ended_ms BIGINT, result TEXT, error TEXT,
        owner TEXT NOT NULL, heartbeat_ms BIGINT NOT NULL)",
    code: None,
}];

/// A job as it is kept, with who drives it.
pub(super) struct Kept {
    pub(super) job: Job,
    /// The driver's name in the sense of [`crate::lease`].
    pub(super) owner: String,
    /// When the driver was last heard of.
    pub(super) heartbeat_ms: i64,
}

pub(super) async fn insert(transaction: &mut Connection, job: &Job, owner: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO job (id, kind, subject, actor, state, done, total, message, started_ms, owner, \
         heartbeat_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)",
    )
    .bind(&job.id)
    .bind(&job.kind)
    .bind(job.subject.as_ref().map(Reference::as_str))
    .bind(job.actor.as_str())
    .bind(state_text(job.state))
    .bind(number(job.done))
    .bind(number(job.total))
    .bind(&job.message)
    .bind(job.started_ms)
    .bind(owner)
    .execute(transaction)
    .await?;
    Ok(())
}

pub(super) async fn update(transaction: &mut Connection, job: &Job) -> Result<()> {
    sqlx::query(
        "UPDATE job SET state = $2, done = $3, total = $4, message = $5, ended_ms = $6, result = $7, error = $8 \
         WHERE id = $1",
    )
    .bind(&job.id)
    .bind(state_text(job.state))
    .bind(number(job.done))
    .bind(number(job.total))
    .bind(&job.message)
    .bind(job.ended_ms)
    .bind(job.result.as_ref().map(serde_json::Value::to_string))
    .bind(job.error.as_ref().map(serde_json::to_string).transpose()?)
    .execute(transaction)
    .await?;
    Ok(())
}

/// The driver is still there.
pub(super) async fn beat(transaction: &mut Connection, id: &str, now_ms: i64) -> Result<()> {
    sqlx::query("UPDATE job SET heartbeat_ms = $2 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .execute(transaction)
        .await?;
    Ok(())
}

pub(super) async fn get(connection: &mut Connection, id: &str) -> Result<Option<Kept>> {
    let row = sqlx::query("SELECT * FROM job WHERE id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn recent(connection: &mut Connection, limit: i64) -> Result<Vec<Kept>> {
    let rows = sqlx::query("SELECT * FROM job ORDER BY started_ms DESC, id DESC LIMIT $1")
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Kept> {
    let text = |column: &str| -> Result<Option<String>> { Ok(row.try_get(column)?) };
    let count =
        |column: &str| -> Result<u64> { Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0)) };
    let state: String = row.try_get("state")?;
    let job = Job {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        subject: text("subject")?.as_deref().map(Reference::parse).transpose()?,
        actor: Actor::stored(row.try_get("actor")?),
        state: match state.as_str() {
            "running" => JobState::Running,
            "succeeded" => JobState::Succeeded,
            "failed" => JobState::Failed,
            _ => JobState::Interrupted,
        },
        done: count("done")?,
        total: count("total")?,
        message: row.try_get("message")?,
        started_ms: row.try_get("started_ms")?,
        ended_ms: row.try_get("ended_ms")?,
        result: text("result")?.as_deref().map(serde_json::from_str).transpose()?,
        error: text("error")?.as_deref().map(serde_json::from_str).transpose()?,
    };
    Ok(Kept { job, owner: row.try_get("owner")?, heartbeat_ms: row.try_get("heartbeat_ms")? })
}

fn state_text(state: JobState) -> &'static str {
    match state {
        JobState::Running => "running",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Interrupted => "interrupted",
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
