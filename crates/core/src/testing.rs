//! The harness of the store suites: the same test on SQLite and, where the variable
//! `ROPEWALK_TEST_POSTGRES` names a server, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::future::Future;

use crate::{Core, Database, Migration, Settings, new_id};

/// Run `test` on a fresh home with SQLite, then with a fresh PostgreSQL schema if there is a
/// server. The PostgreSQL schema is dropped afterwards.
pub async fn each_database<F, R>(migrations: &[Migration], test: F)
where
    F: Fn(Core) -> R,
    R: Future<Output = ()>,
{
    let home = tempfile::tempdir().unwrap();
    test(Core::open(Settings::for_home(home.path()), migrations).await.unwrap()).await;

    let Ok(server) = std::env::var("ROPEWALK_TEST_POSTGRES") else { return };
    let schema = format!("test_{}", new_id());
    let admin = Database::open(&server).await.unwrap();
    statement(&admin, format!("CREATE SCHEMA {schema}")).await;
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    let home = tempfile::tempdir().unwrap();
    let settings = Settings::for_home(home.path()).with("database", url);
    test(Core::open(settings, migrations).await.unwrap()).await;
    statement(&admin, format!("DROP SCHEMA {schema} CASCADE")).await;
}

/// A fresh home with SQLite, for tests that need only one database.
pub async fn fresh_home(migrations: &[Migration]) -> (tempfile::TempDir, Core) {
    let home = tempfile::tempdir().unwrap();
    let core = Core::open(Settings::for_home(home.path()), migrations).await.unwrap();
    (home, core)
}

async fn statement(database: &Database, sql: String) {
    let mut connection = database.read().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
}
