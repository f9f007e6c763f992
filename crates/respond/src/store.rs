//! The SQL of incidents, roll-outs, runbook runs and settings. Each row keeps what is asked for in columns and the
//! whole as JSON.

use ropewalk_core::{Connection, Error, Migration, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::{Incident, IncidentFilter};
use crate::rollout::model::{Rollout, RolloutStatus};
use crate::runbook::model::{AutoRunbook, RunbookRun, StepStatus};

/// The tables.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "respond",
    version: 1,
    sql: "CREATE TABLE respond_counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
CREATE TABLE respond_incident (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX respond_incident_endpoint ON respond_incident (endpoint, status);
CREATE TABLE respond_rollout (
    id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    owner TEXT NOT NULL,
    heartbeat_ms BIGINT NOT NULL,
    wish TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX respond_rollout_endpoint ON respond_rollout (endpoint, started_ms);
CREATE INDEX respond_rollout_status ON respond_rollout (status);
CREATE TABLE respond_runbook (
    id TEXT PRIMARY KEY,
    incident TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    status TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    owner TEXT NOT NULL,
    heartbeat_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX respond_runbook_incident ON respond_runbook (incident, started_ms);
CREATE INDEX respond_runbook_status ON respond_runbook (status);
CREATE TABLE respond_automatic (endpoint TEXT PRIMARY KEY, body TEXT NOT NULL)",
    code: None,
}];

fn json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn body<T: DeserializeOwned>(row: &AnyRow) -> Result<T> {
    let text: String = row.try_get("body")?;
    Ok(serde_json::from_str(&text)?)
}

/// The next number of a sequence, from 1. The row stays locked until the transaction ends, so this also serves to let
/// one transaction at a time at what the name stands for.
pub async fn next_number(connection: &mut Connection, name: &str) -> Result<i64> {
    let row = sqlx::query(
        "INSERT INTO respond_counter (name, value) VALUES ($1, 1)
         ON CONFLICT (name) DO UPDATE SET value = respond_counter.value + 1 RETURNING value",
    )
    .bind(name)
    .fetch_one(connection)
    .await?;
    Ok(row.try_get("value")?)
}

/// The last number that a sequence gave out; 0 for none.
pub async fn peek_number(connection: &mut Connection, name: &str) -> Result<i64> {
    let row = sqlx::query("SELECT value FROM respond_counter WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|r| r.try_get("value")).transpose()?.unwrap_or(0))
}

/// Adds an incident.
pub async fn insert_incident(connection: &mut Connection, incident: &Incident) -> Result<()> {
    sqlx::query(
        "INSERT INTO respond_incident (id, number, endpoint, kind, status, opened_ms, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(incident.id.as_str())
    .bind(incident.number)
    .bind(incident.endpoint.as_str())
    .bind(incident.kind.as_str())
    .bind(incident.status.as_str())
    .bind(incident.opened_ms)
    .bind(json(incident)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces an incident.
pub async fn update_incident(connection: &mut Connection, incident: &Incident) -> Result<()> {
    sqlx::query("UPDATE respond_incident SET status = $2, body = $3 WHERE id = $1")
        .bind(incident.id.as_str())
        .bind(incident.status.as_str())
        .bind(json(incident)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// An incident by id.
pub async fn incident(connection: &mut Connection, id: &str) -> Result<Option<Incident>> {
    let row = sqlx::query("SELECT body FROM respond_incident WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(body).transpose()
}

/// An incident by its number.
pub async fn incident_by_number(connection: &mut Connection, number: i64) -> Result<Option<Incident>> {
    let row = sqlx::query("SELECT body FROM respond_incident WHERE number = $1")
        .bind(number)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(body).transpose()
}

/// The open incident of a kind at an endpoint, the newest if there are several.
pub async fn open_incident(
    connection: &mut Connection,
    endpoint: &str,
    kind: &str,
) -> Result<Option<Incident>> {
    let row = sqlx::query(
        "SELECT body FROM respond_incident WHERE endpoint = $1 AND kind = $2 AND status <> 'resolved'
         ORDER BY number DESC LIMIT 1",
    )
    .bind(endpoint)
    .bind(kind)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(body).transpose()
}

/// Incidents, newest first.
pub async fn incidents(
    connection: &mut Connection,
    filter: &IncidentFilter,
    limit: i64,
    offset: i64,
) -> Result<Vec<Incident>> {
    let rows = sqlx::query(
        "SELECT body FROM respond_incident
         WHERE ($1 = '' OR endpoint = $1) AND ($2 = '' OR status = $2) AND ($3 = 0 OR status <> 'resolved')
         ORDER BY number DESC LIMIT $4 OFFSET $5",
    )
    .bind(filter.endpoint.as_deref().unwrap_or(""))
    .bind(filter.status.map_or("", |s| s.as_str()))
    .bind(i64::from(filter.open_only))
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await?;
    rows.iter().map(body).collect()
}

/// What stands beside a roll-out's body.
#[derive(Clone, Debug)]
pub struct Driven<T> {
    /// What is driven.
    pub item: T,
    /// Name of the driving process.
    pub owner: String,
    /// Its last sign of life, milliseconds since 1970.
    pub heartbeat_ms: i64,
}

fn driven<T: DeserializeOwned>(row: &AnyRow) -> Result<Driven<T>> {
    Ok(Driven { item: body(row)?, owner: row.try_get("owner")?, heartbeat_ms: row.try_get("heartbeat_ms")? })
}

/// Adds a roll-out.
///
/// # Errors
/// `Conflict` when another one is live at the endpoint.
pub async fn insert_rollout(connection: &mut Connection, rollout: &Rollout, owner: &str) -> Result<()> {
    next_number(connection, &format!("rollout:{}", rollout.endpoint)).await?;
    let live = sqlx::query(
        "SELECT id FROM respond_rollout WHERE endpoint = $1 AND status IN ('running', 'paused') LIMIT 1",
    )
    .bind(rollout.endpoint.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = live {
        let id: String = row.try_get("id")?;
        return Err(Error::conflict(format!("endpoint '{}' has a roll-out under way", rollout.endpoint))
            .why(format!("roll-out {id} has not ended"))
            .hint(format!("ropewalk endpoint rollout abort {id}")));
    }
    sqlx::query(
        "INSERT INTO respond_rollout (id, endpoint, status, started_ms, owner, heartbeat_ms, wish, body)
         VALUES ($1, $2, $3, $4, $5, $6, '', $7)",
    )
    .bind(rollout.id.as_str())
    .bind(rollout.endpoint.as_str())
    .bind(rollout.status.as_str())
    .bind(rollout.started_ms)
    .bind(owner)
    .bind(rollout.started_ms)
    .bind(json(rollout)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces a roll-out and gives a sign of life; whether it was still live.
pub async fn update_rollout(connection: &mut Connection, rollout: &Rollout, now_ms: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE respond_rollout SET status = $2, heartbeat_ms = $3, body = $4
         WHERE id = $1 AND status IN ('running', 'paused')",
    )
    .bind(rollout.id.as_str())
    .bind(rollout.status.as_str())
    .bind(now_ms)
    .bind(json(rollout)?)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes what a person wants of a live roll-out: `pause`, `resume` or `abort`; whether it was live.
pub async fn wish_rollout(connection: &mut Connection, id: &str, wish: &str) -> Result<bool> {
    let done =
        sqlx::query("UPDATE respond_rollout SET wish = $2 WHERE id = $1 AND status IN ('running', 'paused')")
            .bind(id)
            .bind(wish)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// What a person wants of a roll-out; empty for nothing.
pub async fn rollout_wish(connection: &mut Connection, id: &str) -> Result<String> {
    let row = sqlx::query("SELECT wish FROM respond_rollout WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|r| r.try_get("wish")).transpose()?.unwrap_or_default())
}

/// A roll-out by id.
pub async fn rollout(connection: &mut Connection, id: &str) -> Result<Option<Rollout>> {
    let row = sqlx::query("SELECT body FROM respond_rollout WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(body).transpose()
}

/// Roll-outs of an endpoint, newest first.
pub async fn rollouts(
    connection: &mut Connection,
    endpoint: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<Rollout>> {
    let rows = sqlx::query(
        "SELECT body FROM respond_rollout WHERE endpoint = $1 ORDER BY started_ms DESC, id DESC LIMIT $2 OFFSET $3",
    )
    .bind(endpoint)
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await?;
    rows.iter().map(body).collect()
}

/// Every roll-out that some process should be driving.
pub async fn live_rollouts(connection: &mut Connection) -> Result<Vec<Driven<Rollout>>> {
    let rows = sqlx::query(
        "SELECT body, owner, heartbeat_ms FROM respond_rollout WHERE status IN ($1, $2) ORDER BY started_ms",
    )
    .bind(RolloutStatus::Running.as_str())
    .bind(RolloutStatus::Paused.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(driven).collect()
}

/// Adds a runbook run.
///
/// # Errors
/// `Conflict` when another one that changes things is under way at the endpoint.
pub async fn insert_runbook(connection: &mut Connection, run: &RunbookRun, owner: &str) -> Result<()> {
    next_number(connection, &format!("runbook-lock:{}", run.endpoint)).await?;
    let live = sqlx::query("SELECT id FROM respond_runbook WHERE endpoint = $1 AND status = $2 LIMIT 1")
        .bind(run.endpoint.as_str())
        .bind(StepStatus::Running.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = live.filter(|_| !run.dry_run) {
        let id: String = row.try_get("id")?;
        return Err(Error::conflict(format!("endpoint '{}' is being mended already", run.endpoint))
            .why(format!("runbook run {id} has not ended"))
            .hint(format!("ropewalk incident show {}", run.incident)));
    }
    sqlx::query(
        "INSERT INTO respond_runbook (id, incident, endpoint, status, started_ms, owner, heartbeat_ms, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(run.id.as_str())
    .bind(run.incident.as_str())
    .bind(run.endpoint.as_str())
    .bind(run.status.as_str())
    .bind(run.started_ms)
    .bind(owner)
    .bind(run.started_ms)
    .bind(json(run)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces a runbook run that has not ended and gives a sign of life; whether it had not ended.
pub async fn update_runbook(connection: &mut Connection, run: &RunbookRun, now_ms: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE respond_runbook SET status = $2, heartbeat_ms = $3, body = $4 WHERE id = $1 AND status = 'running'",
    )
    .bind(run.id.as_str())
    .bind(run.status.as_str())
    .bind(now_ms)
    .bind(json(run)?)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A sign of life of a runbook run whose step takes long.
pub async fn touch_runbook(connection: &mut Connection, id: &str, now_ms: i64) -> Result<()> {
    sqlx::query("UPDATE respond_runbook SET heartbeat_ms = $2 WHERE id = $1 AND status = 'running'")
        .bind(id)
        .bind(now_ms)
        .execute(connection)
        .await?;
    Ok(())
}

/// A runbook run by id.
pub async fn runbook(connection: &mut Connection, id: &str) -> Result<Option<RunbookRun>> {
    let row = sqlx::query("SELECT body FROM respond_runbook WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(body).transpose()
}

/// Runbook runs of an incident, oldest first.
pub async fn runbooks(connection: &mut Connection, incident: &str) -> Result<Vec<RunbookRun>> {
    let rows = sqlx::query("SELECT body FROM respond_runbook WHERE incident = $1 ORDER BY started_ms, id")
        .bind(incident)
        .fetch_all(connection)
        .await?;
    rows.iter().map(body).collect()
}

/// Begin of the newest runbook run at an endpoint that changed things, milliseconds since 1970.
pub async fn last_runbook_ms(connection: &mut Connection, endpoint: &str) -> Result<Option<i64>> {
    let rows = sqlx::query(
        "SELECT body FROM respond_runbook WHERE endpoint = $1 ORDER BY started_ms DESC, id DESC LIMIT 50",
    )
    .bind(endpoint)
    .fetch_all(connection)
    .await?;
    let runs: Vec<RunbookRun> = rows.iter().map(body).collect::<Result<_>>()?;
    Ok(runs.iter().find(|run| !run.dry_run).map(|run| run.started_ms))
}

/// Every runbook run that some process should be driving.
pub async fn live_runbooks(connection: &mut Connection) -> Result<Vec<Driven<RunbookRun>>> {
    let rows = sqlx::query(
        "SELECT body, owner, heartbeat_ms FROM respond_runbook WHERE status = $1 ORDER BY started_ms",
    )
    .bind(StepStatus::Running.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(driven).collect()
}

/// How an endpoint's alerts start runbooks, if it was ever set.
pub async fn automatic(connection: &mut Connection, endpoint: &str) -> Result<Option<AutoRunbook>> {
    let row = sqlx::query("SELECT body FROM respond_automatic WHERE endpoint = $1")
        .bind(endpoint)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(body).transpose()
}

/// Sets how an endpoint's alerts start runbooks.
pub async fn set_automatic(connection: &mut Connection, endpoint: &str, setting: &AutoRunbook) -> Result<()> {
    sqlx::query(
        "INSERT INTO respond_automatic (endpoint, body) VALUES ($1, $2)
         ON CONFLICT (endpoint) DO UPDATE SET body = excluded.body",
    )
    .bind(endpoint)
    .bind(json(setting)?)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
