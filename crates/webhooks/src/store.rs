//! The SQL of webhooks and their deliveries.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::Sql;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::{Delivery, DeliveryState, Event, Status, Webhook};

const COLUMNS: &str = "w.id, w.name, w.description, w.url, w.status, w.secret, w.created_ms, w.updated_ms";

fn webhook(row: &AnyRow) -> Result<Webhook> {
    Ok(Webhook {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        url: row.try_get("url")?,
        events: Vec::new(),
        status: Status::named(&row.try_get::<String, _>("status")?).unwrap_or(Status::Disabled),
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        secret: row.try_get("secret")?,
    })
}

/// Adds a webhook, or puts it in its old self's place, with its events.
pub(crate) async fn put(tx: &mut Connection, webhook: &Webhook) -> Result<()> {
    sqlx::query(
        "INSERT INTO webhook (id, name, description, url, status, secret, created_ms, updated_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         description = excluded.description, url = excluded.url, status = excluded.status, secret = excluded.secret, \
         updated_ms = excluded.updated_ms",
    )
    .bind(webhook.id.as_str())
    .bind(webhook.name.as_str())
    .bind(webhook.description.as_str())
    .bind(webhook.url.as_str())
    .bind(webhook.status.name())
    .bind(webhook.secret.clone())
    .bind(webhook.created_ms)
    .bind(webhook.updated_ms)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM webhook_event WHERE webhook_id = $1")
        .bind(webhook.id.as_str())
        .execute(&mut *tx)
        .await?;
    for event in &webhook.events {
        sqlx::query("INSERT INTO webhook_event (event, webhook_id) VALUES ($1, $2)")
            .bind(event.name())
            .bind(webhook.id.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Takes a webhook away, with what waits to be sent to it.
pub(crate) async fn delete(tx: &mut Connection, id: &str) -> Result<()> {
    for text in [
        "DELETE FROM webhook WHERE id = $1",
        "DELETE FROM webhook_event WHERE webhook_id = $1",
        "DELETE FROM webhook_delivery WHERE webhook_id = $1",
    ] {
        sqlx::query(text).bind(id).execute(&mut *tx).await?;
    }
    Ok(())
}

pub(crate) async fn get(connection: &mut Connection, id: &str) -> Result<Option<Webhook>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM webhook w WHERE w.id = "));
    sql.bind(id);
    let Some(row) = sql.fetch_optional(connection).await? else { return Ok(None) };
    Ok(with_events(connection, vec![webhook(&row)?]).await?.pop())
}

/// A page of webhooks, the newest first.
pub(crate) async fn list(connection: &mut Connection, limit: i64, offset: i64) -> Result<Vec<Webhook>> {
    let mut sql =
        Sql::new(&format!("SELECT {COLUMNS} FROM webhook w ORDER BY w.created_ms DESC, w.id LIMIT "));
    sql.bind(limit).push(" OFFSET ").bind(offset);
    let found = sql.fetch(&mut *connection).await?.iter().map(webhook).collect::<Result<Vec<_>>>()?;
    with_events(connection, found).await
}

async fn with_events(connection: &mut Connection, mut webhooks: Vec<Webhook>) -> Result<Vec<Webhook>> {
    for part in webhooks.chunks_mut(500) {
        let mut sql = Sql::new("SELECT webhook_id, event FROM webhook_event WHERE webhook_id IN ");
        let ids: Vec<String> = part.iter().map(|webhook| webhook.id.clone()).collect();
        sql.bind_list(ids);
        for row in sql.fetch(&mut *connection).await? {
            let owner: String = row.try_get("webhook_id")?;
            let event = Event::named(&row.try_get::<String, _>("event")?);
            if let Some(webhook) = part.iter_mut().find(|webhook| webhook.id == owner) {
                webhook.events.extend(event);
            }
        }
        for webhook in part {
            webhook.events.sort_by_key(|event| (event.entity(), event.action()));
        }
    }
    Ok(webhooks)
}

/// The active webhooks that want to hear of an event.
pub(crate) async fn listeners(connection: &mut Connection, event: Event) -> Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT w.id FROM webhook_event e JOIN webhook w ON w.id = e.webhook_id \
         WHERE e.event = $1 AND w.status = 'ACTIVE' ORDER BY w.id",
    )
    .bind(event.name())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Lets a delivery wait.
pub(crate) async fn enqueue(
    tx: &mut Connection,
    id: &str,
    webhook: &str,
    event: Event,
    data: &str,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO webhook_delivery (id, webhook_id, event, data, state, created_ms, due_ms, attempts) \
         VALUES ($1, $2, $3, $4, 'waiting', $5, $5, 0)",
    )
    .bind(id)
    .bind(webhook)
    .bind(event.name())
    .bind(data)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// A delivery that somebody has taken upon himself.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) id: String,
    pub(crate) webhook: String,
    /// The event's name.
    pub(crate) event: String,
    pub(crate) data: String,
    pub(crate) created_ms: i64,
    pub(crate) attempts: i64,
}

/// Takes up to `limit` deliveries that are due; until `lease` no other process takes them. If this one dies, they are due
/// again then.
pub(crate) async fn claim(tx: &mut Connection, now: i64, lease: i64, limit: i64) -> Result<Vec<Claimed>> {
    // The condition stands twice: of two processes that chose the same row, the second finds it not due any more.
    let rows = sqlx::query(
        "UPDATE webhook_delivery SET due_ms = $1 WHERE state = 'waiting' AND due_ms <= $2 AND id IN \
         (SELECT id FROM webhook_delivery WHERE state = 'waiting' AND due_ms <= $2 ORDER BY due_ms, id LIMIT $3) \
         RETURNING id, webhook_id, event, data, created_ms, attempts",
    )
    .bind(lease)
    .bind(now)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Claimed {
                id: row.try_get("id")?,
                webhook: row.try_get("webhook_id")?,
                event: row.try_get("event")?,
                data: row.try_get("data")?,
                created_ms: row.try_get("created_ms")?,
                attempts: row.try_get("attempts")?,
            })
        })
        .collect()
}

/// When the next delivery is due; none if none waits.
pub(crate) async fn next_due(connection: &mut Connection) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT MIN(due_ms) AS due FROM webhook_delivery WHERE state = 'waiting'")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get("due")?)
}

/// Records an attempt: how far the delivery is now, and when it is due if it waits.
#[allow(clippy::too_many_arguments)]
pub(crate) async fn attempted(
    tx: &mut Connection,
    id: &str,
    state: DeliveryState,
    due: i64,
    status: Option<u16>,
    error: Option<&str>,
    now: i64,
) -> Result<()> {
    let ended = (state != DeliveryState::Waiting).then_some(now);
    sqlx::query(
        "UPDATE webhook_delivery SET state = $1, due_ms = $2, attempts = attempts + 1, response_status = $3, error = $4, \
         ended_ms = $5 WHERE id = $6",
    )
    .bind(state.name())
    .bind(due)
    .bind(status.map(i64::from))
    .bind(error.map(str::to_owned))
    .bind(ended)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets deliveries that ended before a moment.
pub(crate) async fn forget(tx: &mut Connection, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM webhook_delivery WHERE state <> 'waiting' AND ended_ms < $1")
        .bind(before)
        .execute(tx)
        .await?;
    Ok(())
}

/// A page of a webhook's deliveries, the newest first.
pub(crate) async fn deliveries(
    connection: &mut Connection,
    webhook: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<Delivery>> {
    let rows = sqlx::query(
        "SELECT id, event, state, created_ms, attempts, response_status, error, ended_ms FROM webhook_delivery \
         WHERE webhook_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2 OFFSET $3",
    )
    .bind(webhook)
    .bind(limit)
    .bind(offset)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Delivery {
                id: row.try_get("id")?,
                event: row.try_get("event")?,
                state: DeliveryState::named(&row.try_get::<String, _>("state")?),
                created_ms: row.try_get("created_ms")?,
                attempts: row.try_get("attempts")?,
                response_status: row.try_get("response_status")?,
                error: row.try_get("error")?,
                ended_ms: row.try_get("ended_ms")?,
            })
        })
        .collect()
}
