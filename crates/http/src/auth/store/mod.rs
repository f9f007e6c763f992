//! The SQL of users, roles and permissions.

pub(super) mod credentials;
pub(super) mod roles;

use ropewalk_core::{Connection, Migration, Result};
use sqlx::Row;

/// The tables of credentials, roles and permissions.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        feature: "auth",
        version: 1,
        sql: "CREATE TABLE auth_credential (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL, role TEXT NOT NULL, secret_hash TEXT NOT NULL,
        created_ms BIGINT NOT NULL)",
        code: None,
    },
    Migration {
        feature: "auth",
        version: 2,
        sql: "ALTER TABLE auth_credential ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
        UPDATE auth_credential SET number = (SELECT COUNT(*) FROM auth_credential AS other
            WHERE other.created_ms < auth_credential.created_ms
            OR (other.created_ms = auth_credential.created_ms AND other.name <= auth_credential.name));
        CREATE UNIQUE INDEX auth_credential_number ON auth_credential (number);
        CREATE TABLE auth_counter (what TEXT PRIMARY KEY, last BIGINT NOT NULL);
        INSERT INTO auth_counter (what, last) SELECT 'credential', COUNT(*) FROM auth_credential;
        CREATE TABLE auth_role (id BIGINT PRIMARY KEY, workspace TEXT NOT NULL, name TEXT NOT NULL, description TEXT,
            UNIQUE (workspace, name));
        CREATE TABLE auth_permission (id BIGINT PRIMARY KEY, role_id BIGINT NOT NULL, resource_type TEXT NOT NULL,
            pattern TEXT NOT NULL, permission TEXT NOT NULL, UNIQUE (role_id, resource_type, pattern));
        CREATE INDEX auth_permission_resource ON auth_permission (resource_type, pattern);
        CREATE TABLE auth_assignment (id BIGINT PRIMARY KEY, user_number BIGINT NOT NULL, role_id BIGINT NOT NULL,
            UNIQUE (user_number, role_id));
        CREATE INDEX auth_assignment_role ON auth_assignment (role_id)",
        code: None,
    },
];

/// What is counted up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    Credential,
    Role,
    Permission,
    Assignment,
    /// Every change of any of them: whoever keeps a copy reads this to know whether it is still good.
    Change,
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Role => "role",
            Self::Permission => "permission",
            Self::Assignment => "assignment",
            Self::Change => "change",
        }
    }
}

/// The next number; no number comes twice, also after deletions.
pub(super) async fn next(transaction: &mut Connection, counter: Counter) -> Result<i64> {
    let row = sqlx::query(
        "INSERT INTO auth_counter (what, last) VALUES ($1, 1) \
         ON CONFLICT (what) DO UPDATE SET last = auth_counter.last + 1 RETURNING last",
    )
    .bind(counter.name())
    .fetch_one(transaction)
    .await?;
    Ok(row.try_get("last")?)
}

/// How many changes there were.
pub(super) async fn changes(connection: &mut Connection) -> Result<i64> {
    let row = sqlx::query("SELECT last FROM auth_counter WHERE what = $1")
        .bind(Counter::Change.name())
        .fetch_optional(connection)
        .await?;
    Ok(match row {
        Some(row) => row.try_get("last")?,
        None => 0,
    })
}
