//! The SQL of monitoring.

use std::collections::HashMap;

use ropewalk_core::{Connection, Error, Result};
use serde::de::DeserializeOwned;
use sqlx::{AssertSqlSafe, Row};

use crate::{Alert, AlertStatus, Feedback, MonitorSettings, Report, ReportSummary};

/// Rows of one INSERT.
const BATCH: usize = 200;

/// A stored label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Label {
    pub(crate) value: f64,
    pub(crate) time_ms: i64,
}

/// Stores labels; the ids within `items` are distinct.
pub(crate) async fn put_feedback(
    tx: &mut Connection,
    endpoint: &str,
    items: &[Feedback],
    received_ms: i64,
) -> Result<()> {
    for batch in items.chunks(BATCH) {
        let rows: Vec<String> = (0..batch.len())
            .map(|row| {
                let first = 3 * row + 3;
                format!("($1, ${}, ${}, ${}, $2)", first, first + 1, first + 2)
            })
            .collect();
        let sql = format!(
            "INSERT INTO watch_feedback (endpoint, prediction_id, value, time_ms, received_ms) VALUES {} \
             ON CONFLICT (endpoint, prediction_id) DO UPDATE SET \
             value = excluded.value, time_ms = excluded.time_ms, received_ms = excluded.received_ms",
            rows.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(endpoint).bind(received_ms);
        for item in batch {
            query = query.bind(item.prediction_id.as_str()).bind(item.value).bind(item.time_ms);
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Labels that came at or after `received_ms`, by prediction id.
pub(crate) async fn labels(
    connection: &mut Connection,
    endpoint: &str,
    received_ms: i64,
) -> Result<HashMap<String, Label>> {
    let rows = sqlx::query(
        "SELECT prediction_id, value, time_ms FROM watch_feedback WHERE endpoint = $1 AND received_ms >= $2",
    )
    .bind(endpoint)
    .bind(received_ms)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get("prediction_id")?,
                Label { value: row.try_get("value")?, time_ms: row.try_get("time_ms")? },
            ))
        })
        .collect()
}

/// Stores a report. `live` marks one that judged the present, not a look back.
pub(crate) async fn put_report(
    tx: &mut Connection,
    report: &Report,
    summary: &ReportSummary,
    live: bool,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO watch_report (id, endpoint, created_ms, live, revision, status, summary, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(report.id.as_str())
    .bind(report.endpoint.as_str())
    .bind(report.created_ms)
    .bind(i64::from(live))
    .bind(report.revision)
    .bind(report.status.as_str())
    .bind(serde_json::to_string(summary)?)
    .bind(serde_json::to_string(report)?)
    .execute(tx)
    .await?;
    Ok(())
}

/// One report.
pub(crate) async fn report(connection: &mut Connection, id: &str) -> Result<Option<Report>> {
    let row = sqlx::query("SELECT body FROM watch_report WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.map(|row| json(&row, "body")).transpose()
}

/// Reports whose id begins with `prefix`: at most two, which is enough to tell whether it is one.
pub(crate) async fn reports_beginning(connection: &mut Connection, prefix: &str) -> Result<Vec<Report>> {
    let rows = sqlx::query("SELECT body FROM watch_report WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2")
        .bind(prefix)
        // `g` follows every hexadecimal digit.
        .bind(format!("{prefix}g"))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| json(row, "body")).collect()
}

/// Reports of an endpoint, newest first.
pub(crate) async fn reports(
    connection: &mut Connection,
    endpoint: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<ReportSummary>> {
    let rows = sqlx::query(
        "SELECT summary FROM watch_report WHERE endpoint = $1 ORDER BY created_ms DESC, id DESC LIMIT $2 OFFSET $3",
    )
    .bind(endpoint)
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| json(row, "summary")).collect()
}

/// The newest report of an endpoint that judged the present.
pub(crate) async fn latest_report(connection: &mut Connection, endpoint: &str) -> Result<Option<Report>> {
    let row = sqlx::query(
        "SELECT body FROM watch_report WHERE endpoint = $1 AND live = 1 ORDER BY created_ms DESC, id DESC LIMIT 1",
    )
    .bind(endpoint)
    .fetch_optional(connection)
    .await?;
    row.map(|row| json(&row, "body")).transpose()
}

/// Revision and verdict of the newest report of an endpoint that judged the present.
pub(crate) async fn latest_verdict(
    connection: &mut Connection,
    endpoint: &str,
) -> Result<Option<(i64, String)>> {
    let row = sqlx::query(
        "SELECT revision, status FROM watch_report WHERE endpoint = $1 AND live = 1 ORDER BY created_ms DESC, id DESC LIMIT 1",
    )
    .bind(endpoint)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((row.try_get("revision")?, row.try_get("status")?))).transpose()
}

/// Forgets reports older than `before_ms`, except the newest of each endpoint and those that an alert names.
pub(crate) async fn forget_reports(tx: &mut Connection, before_ms: i64) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM watch_report WHERE created_ms < $1 \
         AND id NOT IN (SELECT report_id FROM watch_alert) \
         AND created_ms < (SELECT MAX(newest.created_ms) FROM watch_report AS newest WHERE newest.endpoint = watch_report.endpoint)",
    )
    .bind(before_ms)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Adds a firing alert unless one of its key fires already.
pub(crate) async fn fire(tx: &mut Connection, alert: &Alert) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO watch_alert (id, alert_key, endpoint, status, pending, fired_ms, report_id, body) \
         VALUES ($1, $2, $3, 'firing', 1, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(alert.id.as_str())
    .bind(alert.key.as_str())
    .bind(alert.endpoint.as_str())
    .bind(alert.fired_ms)
    .bind(alert.report_id.as_str())
    .bind(serde_json::to_string(alert)?)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a firing alert as resolved; whether it still fired.
pub(crate) async fn resolve(tx: &mut Connection, alert: &Alert) -> Result<bool> {
    let done = sqlx::query("UPDATE watch_alert SET status = 'resolved', pending = 1, body = $1 WHERE id = $2 AND status = 'firing'")
        .bind(serde_json::to_string(alert)?)
        .bind(alert.id.as_str())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The alerts of an endpoint that fire.
pub(crate) async fn firing(connection: &mut Connection, endpoint: &str) -> Result<Vec<Alert>> {
    let rows = sqlx::query(
        "SELECT body FROM watch_alert WHERE endpoint = $1 AND status = 'firing' ORDER BY fired_ms, id",
    )
    .bind(endpoint)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| json(row, "body")).collect()
}

/// Alerts that the sink has not taken in their present state, oldest first.
pub(crate) async fn pending(connection: &mut Connection) -> Result<Vec<Alert>> {
    let rows = sqlx::query("SELECT body FROM watch_alert WHERE pending = 1 ORDER BY fired_ms, id LIMIT 100")
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| json(row, "body")).collect()
}

/// Notes that the sink has taken an alert in this state.
pub(crate) async fn delivered(tx: &mut Connection, id: &str, status: AlertStatus) -> Result<()> {
    sqlx::query("UPDATE watch_alert SET pending = 0 WHERE id = $1 AND status = $2")
        .bind(id)
        .bind(status.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

/// Alerts, newest first.
pub(crate) async fn alerts(
    connection: &mut Connection,
    endpoint: Option<&str>,
    status: Option<AlertStatus>,
    limit: i64,
    offset: i64,
) -> Result<Vec<Alert>> {
    let rows = sqlx::query(
        "SELECT body FROM watch_alert WHERE ($1 = '' OR endpoint = $1) AND ($2 = '' OR status = $2) \
         ORDER BY fired_ms DESC, id DESC LIMIT $3 OFFSET $4",
    )
    .bind(endpoint.unwrap_or_default())
    .bind(status.map_or("", AlertStatus::as_str))
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| json(row, "body")).collect()
}

/// An endpoint's monitor settings, if any were made.
pub(crate) async fn monitor(connection: &mut Connection, endpoint: &str) -> Result<Option<MonitorSettings>> {
    let row = sqlx::query("SELECT settings FROM watch_monitor WHERE endpoint = $1")
        .bind(endpoint)
        .fetch_optional(connection)
        .await?;
    row.map(|row| json(&row, "settings")).transpose()
}

/// Stores an endpoint's monitor settings.
pub(crate) async fn put_monitor(
    tx: &mut Connection,
    endpoint: &str,
    settings: &MonitorSettings,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO watch_monitor (endpoint, settings) VALUES ($1, $2) \
         ON CONFLICT (endpoint) DO UPDATE SET settings = excluded.settings",
    )
    .bind(endpoint)
    .bind(serde_json::to_string(settings)?)
    .execute(tx)
    .await?;
    Ok(())
}

fn json<T: DeserializeOwned>(row: &sqlx::any::AnyRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        Error::internal("a stored record of monitoring cannot be read").why(error.to_string())
    })
}
