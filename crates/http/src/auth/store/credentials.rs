//! The credentials' SQL.

use ropewalk_core::{Connection, Result};
use sqlx::Row;

use crate::auth::model::{Credential, Kind, Role};

pub(in crate::auth) async fn insert(
    transaction: &mut Connection,
    credential: &Credential,
    hash: &str,
) -> Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO auth_credential (name, kind, role, secret_hash, created_ms, number) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
    )
    .bind(&credential.name)
    .bind(credential.kind.name())
    .bind(credential.role.name())
    .bind(hash)
    .bind(credential.created_ms)
    .bind(credential.id)
    .execute(transaction)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(in crate::auth) async fn set_secret(
    transaction: &mut Connection,
    name: &str,
    hash: &str,
) -> Result<bool> {
    let changed = sqlx::query("UPDATE auth_credential SET secret_hash = $2 WHERE name = $1")
        .bind(name)
        .bind(hash)
        .execute(transaction)
        .await?;
    Ok(changed.rows_affected() == 1)
}

pub(in crate::auth) async fn set_role(transaction: &mut Connection, name: &str, role: Role) -> Result<bool> {
    let changed = sqlx::query("UPDATE auth_credential SET role = $2 WHERE name = $1")
        .bind(name)
        .bind(role.name())
        .execute(transaction)
        .await?;
    Ok(changed.rows_affected() == 1)
}

/// The number of a credential, locked until the transaction ends where several may write at once.
pub(in crate::auth) async fn number(transaction: &mut Connection, name: &str) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT number FROM auth_credential WHERE name = $1")
        .bind(name)
        .fetch_optional(transaction)
        .await?;
    row.map(|row| Ok(row.try_get("number")?)).transpose()
}

pub(in crate::auth) async fn delete(transaction: &mut Connection, name: &str) -> Result<bool> {
    let deleted =
        sqlx::query("DELETE FROM auth_credential WHERE name = $1").bind(name).execute(transaction).await?;
    Ok(deleted.rows_affected() == 1)
}

/// Every credential with the hash of its secret.
pub(in crate::auth) async fn all(connection: &mut Connection) -> Result<Vec<(Credential, String)>> {
    let rows = sqlx::query("SELECT * FROM auth_credential ORDER BY name").fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let (kind, role): (String, String) = (row.try_get("kind")?, row.try_get("role")?);
            let credential = Credential {
                id: row.try_get("number")?,
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
