//! The database: SQLite in a file, or PostgreSQL for many users, behind one SQL text.
//!
//! The common subset: column types `TEXT`, `BIGINT`, `DOUBLE PRECISION` and, for small packed
//! bytes, `BYTEA` (a truth value is a `BIGINT` of 0 or 1, JSON is `TEXT`), placeholders `$1`, `ON CONFLICT`, `RETURNING`; sums are
//! cast, since PostgreSQL widens them; NaN is not storable, since SQLite reads it back as NULL.

mod migrate;
pub mod sql;
mod writer;

use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions, Connection as _, Executor};
use std::str::FromStr;
use std::time::Duration;

pub use migrate::{Migration, MigrationCode};
pub use sql::{Argument, Dialect, Sql};

use crate::{Code, Error, Result};

/// A connection to either database; inside [`Database::write`] it is within a transaction.
pub type Connection = sqlx::AnyConnection;

/// The database of a home or of a deployment.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    /// SQLite only: the one task that writes. PostgreSQL has many writers.
    writer: Option<writer::Writer>,
}

impl Database {
    /// Open the database at a URL: `sqlite://path` (made if missing) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        if let Some(path) = url.strip_prefix("sqlite://") {
            return Self::open_sqlite(path).await;
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(Error::invalid(format!("“{url}” is not a database that Ropewalk knows"))
                .hint("ropewalk up --database sqlite:///path/meta.db   # or postgres://user@host/name"));
        }
        let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
        probe(&options).await.map_err(|source| {
            Error::new(Code::Unavailable, "PostgreSQL does not answer")
                .why(source.to_string())
                .hint("check the address, the user and the password in --database postgres://…")
                .source(source)
        })?;
        let pool = AnyPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(15))
            .connect_with(options)
            .await
            .map_err(|source| {
                Error::new(Code::Unavailable, "PostgreSQL does not answer")
                    .why(source.to_string())
                    .hint("check the address, the user and the password in --database postgres://…")
                    .source(source)
            })?;
        Ok(Self { pool, writer: None })
    }

    async fn open_sqlite(path: &str) -> Result<Self> {
        if let Some(folder) = std::path::Path::new(path).parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let url = format!("sqlite://{path}?mode=rwc");
        // The driver warns of statements that a busy machine makes slow: that is no news to a user.
        let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
        let connect = |connections: u32| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(Duration::from_secs(15))
                .after_connect(|connection, _| Box::pin(set_pragmas(connection)))
                .connect_with(options.clone())
        };
        let open = |source: sqlx::Error| {
            Error::from(source)
                .context(format!("the database {path} cannot be opened"))
                .hint("ropewalk doctor")
        };
        probe(&options).await.map_err(|source| match &source {
            sqlx::Error::Database(fault) if fault.message().contains("not a database") => {
                Error::new(Code::Corrupt, format!("{path} is no database, or a damaged one"))
                    .why(fault.message().to_owned())
                    .hint("put it back from a backup, or name another --home")
            }
            _ => open(source),
        })?;
        let pool = connect(6).await.map_err(open)?;
        let write_pool = connect(1).await.map_err(open)?;
        let connection = write_pool.acquire().await.map_err(open)?;
        let writer = writer::Writer::start(connection.detach());
        Ok(Self { pool, writer: Some(writer) })
    }

    /// Whether this is the embedded database.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.writer.is_some()
    }

    /// Which words this database understands.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        if self.is_sqlite() { Dialect::Sqlite } else { Dialect::Postgres }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<sqlx::pool::PoolConnection<Any>> {
        Ok(self.pool.acquire().await?)
    }

    /// Run `operation` in one transaction: it is durable when this returns `Ok`, and nothing of
    /// it stands when this returns `Err`.
    ///
    /// On SQLite all writes go through one task that commits them in groups: many waiting
    /// writers share one force to the disk, and none ever meets a locked database.
    pub async fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        if let Some(writer) = &self.writer {
            return writer.write(operation).await;
        }
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        let value = operation(&mut transaction).await?;
        transaction.commit().await?;
        Ok(value)
    }

    /// Do what [`Database::write`] would do, and undo it: what it would come to. Nothing of it stands afterwards.
    pub async fn rehearse<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (tell, told) = tokio::sync::oneshot::channel();
        let undone = self
            .write(move |connection| {
                Box::pin(async move {
                    let value = operation(connection).await?;
                    // Whoever went away does not want to know.
                    let _ = tell.send(value);
                    Err::<(), _>(Error::conflict("what was rehearsed is undone"))
                })
            })
            .await;
        match (told.await, undone) {
            (Ok(value), _) => Ok(value),
            (Err(_), Err(error)) => Err(error),
            (Err(_), Ok(())) => Err(Error::internal("a rehearsal was written")),
        }
    }

    /// Bring a feature's tables up to date.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<()> {
        migrate::run(self, migrations).await
    }

    /// Make sure that the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut connection = self.read().await?;
        connection.execute("SELECT 1").await?;
        Ok(())
    }
}

/// Connect once and read: a pool would try again for a while, and then tell only that it has waited.
async fn probe(options: &AnyConnectOptions) -> sqlx::Result<()> {
    let connecting = async {
        let mut connection = Connection::connect_with(options).await?;
        connection.execute("SELECT 1").await?;
        let sqlite = options.database_url.scheme() == "sqlite";
        if sqlite {
            connection.execute("PRAGMA busy_timeout = 20000").await?;
            connection.execute("SELECT COUNT(*) FROM sqlite_master").await?;
        }
        connection.close().await
    };
    tokio::time::timeout(Duration::from_secs(30), connecting).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn set_pragmas(connection: &mut Connection) -> sqlx::Result<()> {
    // FULL: a commit is on the disk before it is acknowledged, even through a power cut.
    for pragma in [
        "PRAGMA busy_timeout = 20000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA cache_size = -8000",
    ] {
        connection.execute(pragma).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use sqlx::Row;

    const TABLES: &[Migration] = &[Migration {
        feature: "test",
        version: 1,
        sql: "CREATE TABLE test_item (id BIGINT PRIMARY KEY, name TEXT)",
        code: None,
    }];

    async fn count(database: &Database) -> i64 {
        let mut connection = database.read().await.unwrap();
        sqlx::query("SELECT COUNT(*) AS n FROM test_item")
            .fetch_one(&mut *connection)
            .await
            .unwrap()
            .try_get("n")
            .unwrap()
    }

    async fn insert(database: &Database, id: i64, fail: bool) -> Result<()> {
        database
            .write(move |transaction| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO test_item (id, name) VALUES ($1, $2)")
                        .bind(id)
                        .bind("x")
                        .execute(&mut *transaction)
                        .await?;
                    if fail { Err(Error::invalid("no")) } else { Ok(()) }
                })
            })
            .await
    }

    #[tokio::test]
    async fn a_failed_write_leaves_nothing_and_its_neighbours_stand() {
        crate::testing::each_database(TABLES, |core| async move {
            let writes = (0..200).map(|id| {
                let database = core.database.clone();
                async move { insert(&database, id, id % 3 == 0).await.is_ok() }
            });
            let done = futures::future::join_all(writes).await;
            let stood = done.iter().filter(|stood| **stood).count();
            assert_eq!(stood, 133);
            assert_eq!(count(&core.database).await, 133);
            assert_eq!(insert(&core.database, 1, false).await.unwrap_err().code(), Code::AlreadyExists);
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_rehearsed_is_told_and_does_not_stand() {
        crate::testing::each_database(TABLES, |core| async move {
            insert(&core.database, 1, false).await.unwrap();
            let rehearse = |id: i64| {
                core.database.rehearse(move |connection| {
                    Box::pin(async move {
                        let row =
                            sqlx::query("INSERT INTO test_item (id, name) VALUES ($1, 'x') RETURNING id")
                                .bind(id)
                                .fetch_one(connection)
                                .await?;
                        Ok(row.try_get::<i64, _>("id")?)
                    })
                })
            };
            assert_eq!(rehearse(2).await.unwrap(), 2);
            assert_eq!(rehearse(1).await.unwrap_err().code(), Code::AlreadyExists);
            assert_eq!(count(&core.database).await, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_text_that_a_database_cannot_hold_is_the_callers_fault() {
        crate::testing::each_database(TABLES, |core| async move {
            let written: Result<()> = core
                .database
                .write(|writer| {
                    Box::pin(async move {
                        let insert = "INSERT INTO test_item (id, name) VALUES (1, $1)";
                        sqlx::query(insert).bind("a\0b").execute(writer).await?;
                        Ok(())
                    })
                })
                .await;
            assert!(written.is_ok() || written.unwrap_err().code() == Code::Invalid);
        })
        .await;
    }

    #[tokio::test]
    async fn what_stands_is_what_was_acknowledged_though_the_database_fills_up() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("m.db").display());
        let database = Database::open(&url).await.unwrap();
        database.migrate(TABLES).await.unwrap();
        database
            .write(|writer| {
                Box::pin(async move {
                    writer.execute("PRAGMA max_page_count = 120").await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        for id in 1000..1010 {
            insert(&database, id, false).await.unwrap();
        }
        let writes = (0..300_i64).map(|id| {
            let database = database.clone();
            async move {
                let written: Result<()> = database
                    .write(move |writer| {
                        Box::pin(async move {
                            let size = if id % 3 == 0 { 20_000 } else { 10 };
                            sqlx::query("INSERT INTO test_item (id, name) VALUES ($1, $2)")
                                .bind(id)
                                .bind("x".repeat(size))
                                .execute(writer)
                                .await?;
                            Ok(())
                        })
                    })
                    .await;
                written
            }
        });
        let done = futures::future::join_all(writes).await;
        let stood = done.iter().filter(|written| written.is_ok()).count();
        let full =
            done.iter().filter_map(|written| written.as_ref().err()).all(|e| e.code() == Code::DiskFull);
        assert!(stood < 300 && full, "{stood} of 300 stood");
        // What was acknowledged before, and what was acknowledged in spite of the flood: no more, no less.
        assert_eq!(count(&database).await, 10 + i64::try_from(stood).unwrap());
    }

    #[tokio::test]
    async fn a_write_without_a_transaction_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("m.db").display());
        let database = Database::open(&url).await.unwrap();
        database.migrate(TABLES).await.unwrap();
        // The operation ends the group's transaction under the writer: its savepoint cannot be released.
        let writes = (0..20_i64).map(|id| {
            let database = database.clone();
            async move {
                let written: Result<()> = database
                    .write(move |writer| {
                        Box::pin(async move {
                            if id == 5 {
                                writer.execute("ROLLBACK").await?;
                                return Ok(());
                            }
                            sqlx::query("INSERT INTO test_item (id, name) VALUES ($1, 'x')")
                                .bind(id)
                                .execute(writer)
                                .await?;
                            Ok(())
                        })
                    })
                    .await;
                written.is_ok()
            }
        });
        let done = futures::future::join_all(writes).await;
        let stood = done.iter().filter(|stood| **stood).count();
        assert!(!done[5]);
        assert_eq!(count(&database).await, i64::try_from(stood).unwrap());
        insert(&database, 100, false).await.unwrap();
    }

    #[tokio::test]
    async fn a_panicking_write_harms_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("m.db").display());
        let database = Database::open(&url).await.unwrap();
        database.migrate(TABLES).await.unwrap();
        let broken: Result<()> = database.write(|_| Box::pin(async { panic!("a fault") })).await;
        assert_eq!(broken.unwrap_err().code(), Code::Internal);
        insert(&database, 1, false).await.unwrap();
        assert_eq!(count(&database).await, 1);
    }
}
