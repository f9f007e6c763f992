//! A store in a database, SQLite or PostgreSQL. It is only ever read: by statements that ask for nothing but rows, of such
//! tables and columns as are there.

mod experiments;
mod leftovers;
mod models;
mod registry;
mod revisions;
mod runs;
mod schema;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use ropewalk_core::{Code, Error, Result};
use sqlx::any::{AnyConnectOptions, AnyRow};
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Executor, Row};
use tokio::sync::Mutex;

pub(crate) use models::status;
pub(crate) use registry::{DELETED, logged_model};
use schema::Schema;

/// How long a locked database is waited for: a server that is at work holds its file for moments only.
const PATIENCE_MS: u64 = if cfg!(test) { 100 } else { 10_000 };

/// An open store.
#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<AnyConnection>>,
    schema: Arc<Schema>,
    /// The one workspace that is read.
    workspace: String,
}

impl Database {
    /// Opens a SQLite file without ever writing to it or beside it.
    ///
    /// # Errors
    /// `invalid` when it is no store of MLflow's; `unavailable` when it is locked.
    pub(crate) async fn open_sqlite(path: &Path, workspace: &str, accept_newer: bool) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let name = path.display();
        let mode = sqlite_mode(path).map_err(|fault| {
            Error::invalid(format!("{name} cannot be read"))
                .why(fault)
                .hint(format!("look at it: ls -l {name}"))
        })?;
        let mut url = url::Url::parse("sqlite:///").map_err(|source| Error::internal(source.to_string()))?;
        url.set_path(&path.to_string_lossy());
        url.set_query(Some(mode));
        let opened = async {
            let options = AnyConnectOptions::from_str(url.as_str())?.disable_statement_logging();
            let mut connection = AnyConnection::connect_with(&options).await?;
            connection.execute(AssertSqlSafe(format!("PRAGMA busy_timeout = {PATIENCE_MS}"))).await?;
            connection.execute("SELECT COUNT(*) FROM sqlite_master").await?;
            Ok(connection)
        };
        let connection = opened.await.map_err(|source: sqlx::Error| unreadable(&name.to_string(), source))?;
        Self::of(connection, true, &name.to_string(), workspace, accept_newer).await
    }

    /// Opens a PostgreSQL database, and holds on to how it is now.
    ///
    /// # Errors
    /// `unavailable` when it does not answer; `invalid` when it is no store of MLflow's.
    pub(crate) async fn open_postgres(
        url: &str,
        name: &str,
        workspace: &str,
        accept_newer: bool,
    ) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let opened = async {
            let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
            let mut connection = AnyConnection::connect_with(&options).await?;
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            Ok(connection)
        };
        let connection = tokio::time::timeout(std::time::Duration::from_secs(30), opened)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(|source: sqlx::Error| {
                Error::new(Code::Unavailable, format!("{name} does not answer"))
                    .why(source.to_string())
                    .hint("check the address, the user and the password of the URI")
                    .source(source)
            })?;
        Self::of(connection, false, name, workspace, accept_newer).await
    }

    async fn of(
        mut connection: AnyConnection,
        sqlite: bool,
        name: &str,
        workspace: &str,
        accept_newer: bool,
    ) -> Result<Self> {
        let schema = Schema::read(&mut connection, sqlite)
            .await
            .map_err(|error| error.context(format!("{name} cannot be read")))?;
        if !["experiments", "runs", "metrics", "params", "tags"].iter().all(|table| schema.has(table)) {
            return Err(Error::invalid(format!("{name} is no store of MLflow’s"))
                .why("it lacks the tables `experiments`, `runs`, `metrics`, `params` and `tags`")
                .hint("name the database that the server was given as --backend-store-uri"));
        }
        revisions::check(&mut connection, &schema, name, accept_newer).await?;
        let store = Self {
            connection: Arc::new(Mutex::new(connection)),
            schema: Arc::new(schema),
            workspace: workspace.to_owned(),
        };
        Ok(store)
    }
}

/// How a SQLite file is opened so that nothing is written beside it.
fn sqlite_mode(path: &Path) -> std::result::Result<&'static str, String> {
    use std::io::Read;
    let mut head = [0; 20];
    let mut file = std::fs::File::open(path).map_err(|fault| fault.to_string())?;
    file.read_exact(&mut head).map_err(|_| "it is too short to be a SQLite database".to_owned())?;
    if &head[..16] != b"SQLite format 3\0" {
        return Err("it is no SQLite database".to_owned());
    }
    // With a write-ahead log SQLite wants to write files of its own beside the database. If there are none, nobody has it
    // open, and it can be read as what never changes.
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let in_use = std::fs::metadata(&log).is_ok_and(|about| about.len() > 0);
    Ok(if head[18] == 2 && !in_use { "mode=ro&immutable=1" } else { "mode=ro" })
}

/// A database that cannot be read, in words.
fn unreadable(name: &str, source: sqlx::Error) -> Error {
    let text = source.to_string();
    let (code, hint) = if text.contains("locked") || text.contains("busy") {
        (Code::Unavailable, "stop the old server, or run the same command again".to_owned())
    } else {
        (Code::Invalid, format!("check it: sqlite3 {name} 'PRAGMA integrity_check'"))
    };
    Error::new(code, format!("{name} cannot be read")).why(text).hint(hint).source(source)
}

/// A column's text; empty for nothing.
fn text(row: &AnyRow, column: &str) -> Result<String> {
    Ok(row.try_get::<Option<String>, _>(column)?.unwrap_or_default())
}

/// A column's text; none for nothing.
fn some_text(row: &AnyRow, column: &str) -> Result<Option<String>> {
    Ok(row.try_get(column)?)
}

/// A column's number; 0 for nothing.
fn whole(row: &AnyRow, column: &str) -> Result<i64> {
    Ok(row.try_get::<Option<i64>, _>(column)?.unwrap_or_default())
}

/// A column's number; none for nothing.
fn some_whole(row: &AnyRow, column: &str) -> Result<Option<i64>> {
    Ok(row.try_get(column)?)
}

#[cfg(test)]
mod tests;
