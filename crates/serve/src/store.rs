//! The SQL of endpoints.

use crate::model::{Endpoint, Revision, TrafficChange, TrafficShare};
use ropewalk_core::{Connection, Result};
use sqlx::Row;
use sqlx::any::AnyRow;

/// The number of the configuration as it stands.
pub async fn generation(connection: &mut Connection) -> Result<i64> {
    let row =
        sqlx::query("SELECT generation FROM serve_generation WHERE id = 1").fetch_one(connection).await?;
    Ok(row.try_get("generation")?)
}

/// Opens a change: raises the number and returns it. On PostgreSQL this also makes other changes wait for this one.
pub async fn begin_change(connection: &mut Connection) -> Result<i64> {
    let row = sqlx::query(
        "UPDATE serve_generation SET generation = generation + 1 WHERE id = 1 RETURNING generation",
    )
    .fetch_one(connection)
    .await?;
    Ok(row.try_get("generation")?)
}

/// Every endpoint with its revisions, by name; or one.
pub async fn endpoints(connection: &mut Connection, name: Option<&str>) -> Result<Vec<Endpoint>> {
    let rows = sqlx::query(
        "SELECT name, require_log, created_ms, created_by FROM serve_endpoint
         WHERE name = $1 OR $2 = 1 ORDER BY name",
    )
    .bind(name.unwrap_or_default())
    .bind(i64::from(name.is_none()))
    .fetch_all(&mut *connection)
    .await?;
    let mut endpoints = Vec::with_capacity(rows.len());
    for row in rows {
        endpoints.push(Endpoint {
            name: row.try_get("name")?,
            require_log: row.try_get::<i64, _>("require_log")? != 0,
            created_ms: row.try_get("created_ms")?,
            created_by: row.try_get("created_by")?,
            revisions: Vec::new(),
        });
    }
    let rows = sqlx::query(
        "SELECT endpoint, revision, model, version, bundle_hash, percent, created_ms, created_by FROM serve_revision
         WHERE endpoint = $1 OR $2 = 1 ORDER BY endpoint, revision",
    )
    .bind(name.unwrap_or_default())
    .bind(i64::from(name.is_none()))
    .fetch_all(connection)
    .await?;
    for row in rows {
        let revision = read_revision(&row)?;
        if let Some(endpoint) = endpoints.iter_mut().find(|endpoint| endpoint.name == revision.endpoint) {
            endpoint.revisions.push(revision);
        }
    }
    Ok(endpoints)
}

fn read_revision(row: &AnyRow) -> Result<Revision> {
    Ok(Revision {
        endpoint: row.try_get("endpoint")?,
        revision: row.try_get("revision")?,
        model: row.try_get("model")?,
        version: row.try_get("version")?,
        bundle_hash: row.try_get("bundle_hash")?,
        percent: row.try_get("percent")?,
        created_ms: row.try_get("created_ms")?,
        created_by: row.try_get("created_by")?,
    })
}

/// Keeps an endpoint, or its changed setting.
pub async fn put_endpoint(connection: &mut Connection, endpoint: &Endpoint) -> Result<()> {
    sqlx::query(
        "INSERT INTO serve_endpoint (name, require_log, created_ms, created_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET require_log = excluded.require_log",
    )
    .bind(endpoint.name.as_str())
    .bind(i64::from(endpoint.require_log))
    .bind(endpoint.created_ms)
    .bind(endpoint.created_by.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a revision.
pub async fn insert_revision(connection: &mut Connection, revision: &Revision) -> Result<()> {
    sqlx::query(
        "INSERT INTO serve_revision (endpoint, revision, model, version, bundle_hash, percent, created_ms, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(revision.endpoint.as_str())
    .bind(revision.revision)
    .bind(revision.model.as_str())
    .bind(revision.version)
    .bind(revision.bundle_hash.as_str())
    .bind(revision.percent)
    .bind(revision.created_ms)
    .bind(revision.created_by.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets the split of an endpoint; a revision that is not named gets nothing.
pub async fn set_shares(connection: &mut Connection, endpoint: &str, shares: &[TrafficShare]) -> Result<()> {
    sqlx::query("UPDATE serve_revision SET percent = 0 WHERE endpoint = $1")
        .bind(endpoint)
        .execute(&mut *connection)
        .await?;
    for share in shares {
        sqlx::query("UPDATE serve_revision SET percent = $1 WHERE endpoint = $2 AND revision = $3")
            .bind(share.percent)
            .bind(endpoint)
            .bind(share.revision)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Keeps a change of an endpoint's traffic. Its sequence number is given here.
pub async fn insert_change(
    connection: &mut Connection,
    endpoint: &str,
    change: &TrafficChange,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO serve_change (endpoint, sequence, time_ms, kind, actor, reason, shares)
         SELECT $1, COALESCE(MAX(sequence), 0) + 1, $2, $3, $4, $5, $6 FROM serve_change WHERE endpoint = $7",
    )
    .bind(endpoint)
    .bind(change.time_ms)
    .bind(change.kind.as_str())
    .bind(change.actor.as_str())
    .bind(change.reason.as_str())
    .bind(serde_json::to_string(&change.shares)?)
    .bind(endpoint)
    .execute(connection)
    .await?;
    Ok(())
}

/// The last changes of an endpoint's traffic, newest first.
pub async fn changes(connection: &mut Connection, endpoint: &str, limit: i64) -> Result<Vec<TrafficChange>> {
    let rows = sqlx::query(
        "SELECT sequence, time_ms, kind, actor, reason, shares FROM serve_change
         WHERE endpoint = $1 ORDER BY sequence DESC LIMIT $2",
    )
    .bind(endpoint)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(TrafficChange {
                sequence: row.try_get("sequence")?,
                time_ms: row.try_get("time_ms")?,
                kind: row.try_get("kind")?,
                actor: row.try_get("actor")?,
                reason: row.try_get("reason")?,
                shares: serde_json::from_str(&row.try_get::<String, _>("shares")?)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::MIGRATIONS;
    use ropewalk_core::testing::each_database;

    fn endpoint(name: &str) -> Endpoint {
        Endpoint {
            name: name.into(),
            require_log: true,
            created_ms: 5,
            created_by: "user:ann".into(),
            revisions: vec![],
        }
    }

    fn revision(endpoint: &str, revision: i64) -> Revision {
        Revision {
            endpoint: endpoint.into(),
            revision,
            model: "m".into(),
            version: revision + 10,
            bundle_hash: format!("h{revision}"),
            percent: 33.25,
            created_ms: 6,
            created_by: "user:ann".into(),
        }
    }

    fn change(shares: Vec<TrafficShare>) -> TrafficChange {
        TrafficChange {
            sequence: 0,
            time_ms: 7,
            kind: "traffic".into(),
            actor: "user:ann".into(),
            reason: "größer".into(),
            shares,
        }
    }

    #[tokio::test]
    async fn endpoints_are_kept_as_they_were_put() {
        each_database(MIGRATIONS, |core| async move {
            core.database
                .write(|tx| {
                    Box::pin(async move {
                        assert_eq!(begin_change(tx).await?, 1);
                        for name in ["b", "a"] {
                            put_endpoint(tx, &endpoint(name)).await?;
                            insert_revision(tx, &revision(name, 2)).await?;
                            insert_revision(tx, &revision(name, 1)).await?;
                        }
                        put_endpoint(tx, &Endpoint { require_log: false, created_ms: 99, ..endpoint("b") })
                            .await?;
                        set_shares(tx, "a", &[TrafficShare::new(2, 100.0)]).await
                    })
                })
                .await
                .unwrap();
            let mut connection = core.database.read().await.unwrap();
            assert_eq!(generation(&mut connection).await.unwrap(), 1);
            let all = endpoints(&mut connection, None).await.unwrap();
            assert_eq!(all.iter().map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!((all[1].require_log, all[1].created_ms), (false, 5));
            assert_eq!(all[1].revisions, [revision("b", 1), revision("b", 2)]);
            assert_eq!(
                all[0].revisions.iter().map(|revision| revision.percent).collect::<Vec<_>>(),
                [0.0, 100.0]
            );
            assert_eq!(endpoints(&mut connection, Some("b")).await.unwrap(), all[1..]);
            assert!(endpoints(&mut connection, Some("")).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn changes_are_numbered_within_their_endpoint() {
        each_database(MIGRATIONS, |core| async move {
            core.database
                .write(|tx| {
                    Box::pin(async move {
                        for name in ["a", "b"] {
                            put_endpoint(tx, &endpoint(name)).await?;
                        }
                        insert_change(tx, "a", &change(vec![TrafficShare::new(1, 100.0)])).await?;
                        insert_change(tx, "b", &change(vec![])).await?;
                        insert_change(tx, "a", &change(vec![TrafficShare::new(1, 12.5)])).await
                    })
                })
                .await
                .unwrap();
            let mut connection = core.database.read().await.unwrap();
            let history = changes(&mut connection, "a", 10).await.unwrap();
            assert_eq!(history.iter().map(|change| change.sequence).collect::<Vec<_>>(), [2, 1]);
            assert_eq!(history[0], TrafficChange { sequence: 2, ..change(vec![TrafficShare::new(1, 12.5)]) });
            assert_eq!(changes(&mut connection, "a", 1).await.unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_failed_change_leaves_nothing() {
        each_database(MIGRATIONS, |core| async move {
            let failed = core
                .database
                .write(|tx| {
                    Box::pin(async move {
                        begin_change(tx).await?;
                        put_endpoint(tx, &endpoint("a")).await?;
                        insert_revision(tx, &revision("a", 1)).await?;
                        insert_revision(tx, &revision("a", 1)).await
                    })
                })
                .await;
            assert!(failed.is_err());
            let mut connection = core.database.read().await.unwrap();
            assert!(endpoints(&mut connection, None).await.unwrap().is_empty());
            assert_eq!(generation(&mut connection).await.unwrap(), 0);
        })
        .await;
    }
}
