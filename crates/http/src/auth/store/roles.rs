//! The SQL of roles, of the permissions that they hold, and of who has them. A user's own permissions are held by a role
//! of the user's own, as MLflow does it.

use ropewalk_core::{Connection, Result};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Counter, next};
use crate::auth::roles::{Assignment, Permit, RoleRecord};

fn role(row: &AnyRow) -> Result<RoleRecord> {
    Ok(RoleRecord {
        id: row.try_get("id")?,
        workspace: row.try_get("workspace")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
    })
}

fn permit(row: &AnyRow) -> Result<Permit> {
    Ok(Permit {
        id: row.try_get("id")?,
        role_id: row.try_get("role_id")?,
        resource_type: row.try_get("resource_type")?,
        pattern: row.try_get("pattern")?,
        permission: row.try_get("permission")?,
    })
}

fn assignment(row: &AnyRow) -> Result<Assignment> {
    Ok(Assignment {
        id: row.try_get("id")?,
        user_id: row.try_get("user_number")?,
        role_id: row.try_get("role_id")?,
    })
}

/// Adds a role; its number, or none if the workspace has one of that name.
pub(in crate::auth) async fn insert_role(
    transaction: &mut Connection,
    workspace: &str,
    name: &str,
    description: Option<&str>,
) -> Result<Option<i64>> {
    let id = next(transaction, Counter::Role).await?;
    let inserted = sqlx::query(
        "INSERT INTO auth_role (id, workspace, name, description) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (workspace, name) DO NOTHING",
    )
    .bind(id)
    .bind(workspace)
    .bind(name)
    .bind(description)
    .execute(transaction)
    .await?;
    Ok((inserted.rows_affected() == 1).then_some(id))
}

pub(in crate::auth) async fn roles(connection: &mut Connection) -> Result<Vec<RoleRecord>> {
    let rows = sqlx::query("SELECT * FROM auth_role ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(role).collect()
}

pub(in crate::auth) async fn get_role(connection: &mut Connection, id: i64) -> Result<Option<RoleRecord>> {
    let row =
        sqlx::query("SELECT * FROM auth_role WHERE id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(role).transpose()
}

pub(in crate::auth) async fn role_named(
    connection: &mut Connection,
    workspace: &str,
    name: &str,
) -> Result<Option<RoleRecord>> {
    let row = sqlx::query("SELECT * FROM auth_role WHERE workspace = $1 AND name = $2")
        .bind(workspace)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(role).transpose()
}

pub(in crate::auth) async fn update_role(transaction: &mut Connection, changed: &RoleRecord) -> Result<()> {
    sqlx::query("UPDATE auth_role SET name = $2, description = $3 WHERE id = $1")
        .bind(changed.id)
        .bind(&changed.name)
        .bind(changed.description.as_deref())
        .execute(transaction)
        .await?;
    Ok(())
}

/// Removes a role with what it holds and who has it.
pub(in crate::auth) async fn delete_role(transaction: &mut Connection, id: i64) -> Result<()> {
    for sql in [
        "DELETE FROM auth_permission WHERE role_id = $1",
        "DELETE FROM auth_assignment WHERE role_id = $1",
        "DELETE FROM auth_role WHERE id = $1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *transaction).await?;
    }
    Ok(())
}

/// Adds a permission; none if the role has one on the same thing.
pub(in crate::auth) async fn insert_permit(
    transaction: &mut Connection,
    role_id: i64,
    resource_type: &str,
    pattern: &str,
    permission: &str,
) -> Result<Option<Permit>> {
    let id = next(transaction, Counter::Permission).await?;
    let inserted = sqlx::query(
        "INSERT INTO auth_permission (id, role_id, resource_type, pattern, permission) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (role_id, resource_type, pattern) DO NOTHING",
    )
    .bind(id)
    .bind(role_id)
    .bind(resource_type)
    .bind(pattern)
    .bind(permission)
    .execute(transaction)
    .await?;
    Ok((inserted.rows_affected() == 1).then(|| Permit {
        id,
        role_id,
        resource_type: resource_type.to_owned(),
        pattern: pattern.to_owned(),
        permission: permission.to_owned(),
    }))
}

/// Changes a role's permission on something; false if it has none there.
pub(in crate::auth) async fn replace_permit(
    transaction: &mut Connection,
    role_id: i64,
    resource_type: &str,
    pattern: &str,
    permission: &str,
) -> Result<bool> {
    let changed = sqlx::query(
        "UPDATE auth_permission SET permission = $4 WHERE role_id = $1 AND resource_type = $2 AND pattern = $3",
    )
    .bind(role_id)
    .bind(resource_type)
    .bind(pattern)
    .bind(permission)
    .execute(transaction)
    .await?;
    Ok(changed.rows_affected() == 1)
}

pub(in crate::auth) async fn get_permit(connection: &mut Connection, id: i64) -> Result<Option<Permit>> {
    let row = sqlx::query("SELECT * FROM auth_permission WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(permit).transpose()
}

pub(in crate::auth) async fn set_permission(
    transaction: &mut Connection,
    id: i64,
    permission: &str,
) -> Result<()> {
    sqlx::query("UPDATE auth_permission SET permission = $2 WHERE id = $1")
        .bind(id)
        .bind(permission)
        .execute(transaction)
        .await?;
    Ok(())
}

pub(in crate::auth) async fn delete_permit(transaction: &mut Connection, id: i64) -> Result<()> {
    sqlx::query("DELETE FROM auth_permission WHERE id = $1").bind(id).execute(transaction).await?;
    Ok(())
}

/// Removes a role's permission on something; false if it has none there.
pub(in crate::auth) async fn delete_permit_on(
    transaction: &mut Connection,
    role_id: i64,
    resource_type: &str,
    pattern: &str,
) -> Result<bool> {
    let deleted =
        sqlx::query("DELETE FROM auth_permission WHERE role_id = $1 AND resource_type = $2 AND pattern = $3")
            .bind(role_id)
            .bind(resource_type)
            .bind(pattern)
            .execute(transaction)
            .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Every permission that a role holds.
pub(in crate::auth) async fn permits(connection: &mut Connection) -> Result<Vec<Permit>> {
    let rows = sqlx::query("SELECT * FROM auth_permission ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(permit).collect()
}

/// Every permission by name on one of these things, with the name of the role in this workspace that holds it.
pub(in crate::auth) async fn permits_on(
    connection: &mut Connection,
    workspace: &str,
    pattern: &str,
) -> Result<Vec<(String, Permit)>> {
    let rows = sqlx::query(
        "SELECT auth_permission.*, auth_role.name AS role_name FROM auth_permission \
         JOIN auth_role ON auth_role.id = auth_permission.role_id \
         WHERE auth_role.workspace = $1 AND auth_permission.pattern = $2 \
         ORDER BY auth_role.name, auth_permission.id",
    )
    .bind(workspace)
    .bind(pattern)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("role_name")?, permit(row)?))).collect()
}

pub(in crate::auth) async fn rename_pattern(
    transaction: &mut Connection,
    id: i64,
    pattern: &str,
) -> Result<()> {
    sqlx::query("UPDATE auth_permission SET pattern = $2 WHERE id = $1")
        .bind(id)
        .bind(pattern)
        .execute(transaction)
        .await?;
    Ok(())
}

/// Gives a user a role; none if the user has it.
pub(in crate::auth) async fn insert_assignment(
    transaction: &mut Connection,
    user_id: i64,
    role_id: i64,
) -> Result<Option<Assignment>> {
    let id = next(transaction, Counter::Assignment).await?;
    let inserted = sqlx::query(
        "INSERT INTO auth_assignment (id, user_number, role_id) VALUES ($1, $2, $3) \
         ON CONFLICT (user_number, role_id) DO NOTHING",
    )
    .bind(id)
    .bind(user_id)
    .bind(role_id)
    .execute(transaction)
    .await?;
    Ok((inserted.rows_affected() == 1).then_some(Assignment { id, user_id, role_id }))
}

pub(in crate::auth) async fn delete_assignment(
    transaction: &mut Connection,
    user_id: i64,
    role_id: i64,
) -> Result<bool> {
    let deleted = sqlx::query("DELETE FROM auth_assignment WHERE user_number = $1 AND role_id = $2")
        .bind(user_id)
        .bind(role_id)
        .execute(transaction)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

pub(in crate::auth) async fn delete_assignments_of(transaction: &mut Connection, user_id: i64) -> Result<()> {
    sqlx::query("DELETE FROM auth_assignment WHERE user_number = $1")
        .bind(user_id)
        .execute(transaction)
        .await?;
    Ok(())
}

pub(in crate::auth) async fn assignments(connection: &mut Connection) -> Result<Vec<Assignment>> {
    let rows = sqlx::query("SELECT * FROM auth_assignment ORDER BY id").fetch_all(connection).await?;
    rows.iter().map(assignment).collect()
}
