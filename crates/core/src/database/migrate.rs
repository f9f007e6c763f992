//! Schema changes: numbered by feature, applied once, in order, each in its own transaction.

use futures::future::BoxFuture;
use sqlx::{Executor, Row};

use super::{Connection, Database};
use crate::{Code, Error, Result, now_ms};

/// One step of a feature's schema. A landed step never changes: the next change is a new step.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The feature whose tables it makes, such as `runs`.
    pub feature: &'static str,
    /// Its number within the feature, from 1.
    pub version: i64,
    /// The statements, separated by semicolons.
    pub sql: &'static str,
    /// What SQL cannot say, done after the statements.
    pub code: Option<MigrationCode>,
}

/// A part of a step that is a function.
pub type MigrationCode = for<'c> fn(&'c mut Connection) -> BoxFuture<'c, Result<()>>;

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migration (\
    feature TEXT NOT NULL, version BIGINT NOT NULL, applied_ms BIGINT NOT NULL, \
    PRIMARY KEY (feature, version))";

pub(super) async fn run(database: &Database, migrations: &[Migration]) -> Result<()> {
    if migrations.is_empty() {
        return Ok(());
    }
    let mut migrations = migrations.to_vec();
    migrations.sort_by_key(|migration| (migration.feature, migration.version));
    if is_current(database, &migrations).await? {
        return Ok(());
    }
    let sqlite = database.is_sqlite();
    database
        .write(move |transaction| {
            Box::pin(async move {
                // Two servers that start together on one PostgreSQL take turns here.
                if !sqlite {
                    transaction.execute("SELECT pg_advisory_xact_lock(7267700)").await?;
                }
                transaction.execute(LEDGER).await?;
                for migration in migrations {
                    apply(transaction, migration).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Whether there is nothing to do, found out without writing: starting must be fast.
async fn is_current(database: &Database, migrations: &[Migration]) -> Result<bool> {
    let mut connection = database.read().await?;
    let rows = sqlx::query("SELECT feature, MAX(version) AS version FROM schema_migration GROUP BY feature")
        .fetch_all(&mut *connection)
        .await;
    // No table yet: a new database.
    let Ok(rows) = rows else { return Ok(false) };
    let mut applied = std::collections::BTreeMap::new();
    for row in rows {
        applied.insert(row.try_get::<String, _>("feature")?, row.try_get::<i64, _>("version")?);
    }
    for (feature, version) in &applied {
        let known =
            migrations.iter().filter(|migration| migration.feature == feature).map(|m| m.version).max();
        if known.is_some_and(|known| known < *version) {
            return Err(Error::new(
                Code::Conflict,
                format!("the database's {feature} tables are newer than this program"),
            )
            .why(format!("they are at step {version}, this program knows {}", known.unwrap_or(0)))
            .hint("install the newer ropewalk, or name another --home"));
        }
    }
    Ok(migrations.iter().all(|m| applied.get(m.feature).is_some_and(|version| *version >= m.version)))
}

async fn apply(transaction: &mut Connection, migration: Migration) -> Result<()> {
    let claimed = sqlx::query(
        "INSERT INTO schema_migration (feature, version, applied_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(migration.feature)
    .bind(migration.version)
    .bind(now_ms())
    .execute(&mut *transaction)
    .await?;
    if claimed.rows_affected() == 0 {
        return Ok(());
    }
    for statement in migration.sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        transaction.execute(statement).await.map_err(|source| {
            Error::internal(format!("step {} of the {} tables failed", migration.version, migration.feature))
                .why(source.to_string())
                .source(source)
        })?;
    }
    match migration.code {
        Some(code) => code(transaction).await.map_err(|error| {
            error.context(format!("step {} of the {} tables failed", migration.version, migration.feature))
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FIRST: Migration =
        Migration { feature: "test", version: 1, sql: "CREATE TABLE test_a (id BIGINT)", code: None };
    const SECOND: Migration = Migration {
        feature: "test",
        version: 2,
        sql: "CREATE TABLE test_b (id BIGINT); ALTER TABLE test_a ADD COLUMN n TEXT",
        code: Some(|connection| {
            Box::pin(async move {
                connection.execute("INSERT INTO test_a (id, n) VALUES (1, 'x')").await?;
                Ok(())
            })
        }),
    };

    #[tokio::test]
    async fn steps_apply_once_and_a_newer_database_is_refused() {
        crate::testing::each_database(&[FIRST], |core| async move {
            core.database.migrate(&[FIRST, SECOND]).await.unwrap();
            core.database.migrate(&[FIRST, SECOND]).await.unwrap();
            assert_eq!(core.database.migrate(&[FIRST]).await.unwrap_err().code(), Code::Conflict);
        })
        .await;
    }
}
