//! Registered models, their tags and aliases.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::Sql;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::RegisteredModel;

pub(crate) const COLUMNS: &str = "m.name, m.description, m.created_ms, m.updated_ms";

pub(crate) fn model(row: &AnyRow) -> Result<RegisteredModel> {
    Ok(RegisteredModel {
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        tags: Default::default(),
        aliases: Default::default(),
        latest_version: None,
    })
}

/// Adds a model; false when the name is taken.
pub(crate) async fn insert(
    tx: &mut Connection,
    name: &str,
    description: Option<&str>,
    now: i64,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO model_registered (name, description, created_ms, updated_ms, last_version) VALUES ($1, $2, $3, $3, 0) \
         ON CONFLICT DO NOTHING",
    )
    .bind(name)
    .bind(description.map(str::to_owned))
    .bind(now)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The model's next version number; none if there is no such model. Numbers of deleted versions are not used again.
pub(crate) async fn next_version(tx: &mut Connection, name: &str, now: i64) -> Result<Option<i64>> {
    let row = sqlx::query("UPDATE model_registered SET last_version = last_version + 1, updated_ms = $1 WHERE name = $2 RETURNING last_version")
        .bind(now)
        .bind(name)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|row| row.try_get("last_version")).transpose()?)
}

/// Sees to it that further versions get higher numbers than this.
pub(crate) async fn raise_last_version(tx: &mut Connection, name: &str, number: i64) -> Result<()> {
    sqlx::query("UPDATE model_registered SET last_version = $1 WHERE name = $2 AND last_version < $1")
        .bind(number)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

pub(crate) async fn get(connection: &mut Connection, name: &str) -> Result<Option<RegisteredModel>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM model_registered m WHERE m.name = "));
    sql.bind(name);
    let Some(row) = sql.fetch_optional(connection).await? else { return Ok(None) };
    Ok(assemble(connection, vec![model(&row)?]).await?.pop())
}

/// Adds tags, aliases and the highest version to each.
pub(crate) async fn assemble(
    connection: &mut Connection,
    mut models: Vec<RegisteredModel>,
) -> Result<Vec<RegisteredModel>> {
    for part in models.chunks_mut(500) {
        let names: Vec<String> = part.iter().map(|model| model.name.clone()).collect();
        let places: HashMap<&str, usize> =
            names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let owner = |row: &AnyRow| -> Result<Option<usize>> {
            Ok(places.get(row.try_get::<String, _>("name")?.as_str()).copied())
        };
        let list = |text: &str| {
            let mut sql = Sql::new(text);
            sql.bind_list(names.iter().map(String::as_str));
            sql
        };
        for row in list("SELECT name, key, value FROM model_registered_tag WHERE name IN ")
            .fetch(&mut *connection)
            .await?
        {
            if let Some(place) = owner(&row)? {
                part[place].tags.insert(row.try_get("key")?, row.try_get("value")?);
            }
        }
        for row in list("SELECT name, alias, version FROM model_alias WHERE name IN ")
            .fetch(&mut *connection)
            .await?
        {
            if let Some(place) = owner(&row)? {
                part[place].aliases.insert(row.try_get("alias")?, row.try_get("version")?);
            }
        }
        let mut latest = list("SELECT name, MAX(version) AS latest FROM model_version WHERE name IN ");
        latest.push(" GROUP BY name");
        for row in latest.fetch(&mut *connection).await? {
            if let Some(place) = owner(&row)? {
                part[place].latest_version = row.try_get("latest")?;
            }
        }
    }
    Ok(models)
}

pub(crate) async fn describe(
    tx: &mut Connection,
    name: &str,
    description: Option<&str>,
    now: i64,
) -> Result<()> {
    sqlx::query("UPDATE model_registered SET description = $1, updated_ms = $2 WHERE name = $3")
        .bind(description.map(str::to_owned))
        .bind(now)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}

/// The tables that carry a model's name.
const NAMED: [&str; 5] =
    ["model_registered", "model_registered_tag", "model_alias", "model_version", "model_version_tag"];

/// Gives a model and all that is its own another name; it and its versions count as changed.
pub(crate) async fn rename(tx: &mut Connection, name: &str, new_name: &str, now: i64) -> Result<()> {
    if name != new_name {
        for table in NAMED {
            let mut sql = Sql::new(&format!("UPDATE {table} SET name = "));
            sql.bind(new_name).push(" WHERE name = ").bind(name);
            sql.execute(&mut *tx).await?;
        }
    }
    for table in ["model_registered", "model_version"] {
        let mut sql = Sql::new(&format!("UPDATE {table} SET updated_ms = "));
        sql.bind(now).push(" WHERE name = ").bind(new_name);
        sql.execute(&mut *tx).await?;
    }
    Ok(())
}

pub(crate) async fn delete(tx: &mut Connection, name: &str) -> Result<()> {
    for table in NAMED {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE name = "));
        sql.bind(name);
        sql.execute(&mut *tx).await?;
    }
    Ok(())
}

pub(crate) async fn set_tag(tx: &mut Connection, name: &str, key: &str, value: &str) -> Result<()> {
    sqlx::query("INSERT INTO model_registered_tag (name, key, value) VALUES ($1, $2, $3) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(key)
        .bind(value)
        .execute(tx)
        .await?;
    Ok(())
}

pub(crate) async fn delete_tag(tx: &mut Connection, name: &str, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM model_registered_tag WHERE name = $1 AND key = $2")
        .bind(name)
        .bind(key)
        .execute(tx)
        .await?;
    Ok(())
}

pub(crate) async fn alias(connection: &mut Connection, name: &str, alias: &str) -> Result<Option<i64>> {
    let row = sqlx::query("SELECT version FROM model_alias WHERE name = $1 AND alias = $2")
        .bind(name)
        .bind(alias)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| row.try_get("version")).transpose()?)
}

pub(crate) async fn set_alias(tx: &mut Connection, name: &str, alias: &str, version: i64) -> Result<()> {
    sqlx::query("INSERT INTO model_alias (name, alias, version) VALUES ($1, $2, $3) ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version")
        .bind(name)
        .bind(alias)
        .bind(version)
        .execute(tx)
        .await?;
    Ok(())
}

pub(crate) async fn delete_alias(tx: &mut Connection, name: &str, alias: &str) -> Result<()> {
    sqlx::query("DELETE FROM model_alias WHERE name = $1 AND alias = $2")
        .bind(name)
        .bind(alias)
        .execute(tx)
        .await?;
    Ok(())
}

/// Counts a model as changed.
pub(crate) async fn touch(tx: &mut Connection, name: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE model_registered SET updated_ms = $1 WHERE name = $2")
        .bind(now)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(())
}
