//! The credentials' SQL.

use ropewalk_core::{Connection, Migration, Result};
use sqlx::Row;

use super::model::{Credential, Kind, Role};

/// The credentials' table.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "auth",
    version: 1,
    sql: "CREATE TABLE auth_credential (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL, role TEXT NOT NULL, secret_hash TEXT NOT NULL,
        created_ms BIGINT NOT NULL)",
    code: None,
}];

pub(super) async fn insert(
    transaction: &mut Connection,
    credential: &Credential,
    hash: &str,
) -> Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO auth_credential (name, kind, role, secret_hash, created_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&credential.name)
    .bind(credential.kind.name())
    .bind(credential.role.name())
    .bind(hash)
    .bind(credential.created_ms)
    .execute(transaction)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn delete(transaction: &mut Connection, name: &str) -> Result<bool> {
    let deleted =
        sqlx::query("DELETE FROM auth_credential WHERE name = $1").bind(name).execute(transaction).await?;
    Ok(deleted.rows_affected() == 1)
}

/// Every credential with the hash of its secret.
pub(super) async fn all(connection: &mut Connection) -> Result<Vec<(Credential, String)>> {
    let rows = sqlx::query("SELECT * FROM auth_credential ORDER BY name").fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let (kind, role): (String, String) = (row.try_get("kind")?, row.try_get("role")?);
            let credential = Credential {
                name: row.try_get("name")?,
                kind: if kind == Kind::Token.name() { Kind::Token } else { Kind::Password },
                // A role that this program does not know allows the least.
                role: Role::parse(&role).unwrap_or(Role::Viewer),
                created_ms: row.try_get("created_ms")?,
            };
            Ok((credential, row.try_get("secret_hash")?))
        })
        .collect()
}
