//! Model versions and their tags.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::Sql;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::ModelVersion;

pub(crate) const COLUMNS: &str = "v.name, v.version, v.created_ms, v.updated_ms, v.actor, v.description, v.source, \
     v.storage_location, v.run_id, v.run_link, v.model_id, v.stage, v.status, v.status_message, v.gates, v.forced, v.bundle_hash";

pub(crate) fn version(row: &AnyRow) -> Result<ModelVersion> {
    let filled = |column: &str| -> Result<Option<String>> {
        Ok(row.try_get::<Option<String>, _>(column)?.filter(|text| !text.is_empty()))
    };
    Ok(ModelVersion {
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        actor: row.try_get("actor")?,
        description: row.try_get("description")?,
        source: row.try_get("source")?,
        storage_location: row.try_get("storage_location")?,
        run_id: filled("run_id")?,
        run_link: filled("run_link")?,
        model_id: row.try_get("model_id")?,
        stage: row.try_get("stage")?,
        status: row.try_get("status")?,
        status_message: row.try_get("status_message")?,
        tags: Default::default(),
        aliases: Vec::new(),
        gates: serde_json::from_str(&row.try_get::<String, _>("gates")?)?,
        forced: row.try_get::<i64, _>("forced")? != 0,
        bundle_hash: row.try_get("bundle_hash")?,
    })
}

/// Adds a version with its tags.
pub(crate) async fn insert(tx: &mut Connection, version: &ModelVersion) -> Result<()> {
    sqlx::query(
        "INSERT INTO model_version (name, version, created_ms, updated_ms, actor, description, source, storage_location, run_id, \
         run_link, model_id, stage, status, status_message, gates, forced, bundle_hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(version.name.as_str())
    .bind(version.version)
    .bind(version.created_ms)
    .bind(version.updated_ms)
    .bind(version.actor.as_str())
    .bind(version.description.clone())
    .bind(version.source.as_str())
    .bind(version.storage_location.clone())
    .bind(version.run_id.as_deref().unwrap_or_default())
    .bind(version.run_link.as_deref().unwrap_or_default())
    .bind(version.model_id.clone())
    .bind(version.stage.as_str())
    .bind(version.status.as_str())
    .bind(version.status_message.clone())
    .bind(serde_json::to_string(&version.gates)?)
    .bind(i64::from(version.forced))
    .bind(version.bundle_hash.clone())
    .execute(&mut *tx)
    .await?;
    for (key, value) in &version.tags {
        set_tag(tx, &version.name, version.version, key, value).await?;
    }
    Ok(())
}

pub(crate) async fn get(
    connection: &mut Connection,
    name: &str,
    number: i64,
) -> Result<Option<ModelVersion>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM model_version v WHERE v.name = "));
    sql.bind(name).push(" AND v.version = ").bind(number);
    let Some(row) = sql.fetch_optional(connection).await? else { return Ok(None) };
    Ok(assemble(connection, vec![version(&row)?]).await?.pop())
}

/// The highest version number.
pub(crate) async fn latest(connection: &mut Connection, name: &str) -> Result<Option<i64>> {
    let mut sql = Sql::new("SELECT MAX(version) AS latest FROM model_version WHERE name = ");
    sql.bind(name);
    Ok(sql.fetch_optional(connection).await?.map(|row| row.try_get("latest")).transpose()?.flatten())
}

/// The order of a model's latest versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LatestOrder {
    /// That in which the stages first appear among the versions, as when MLflow's server reads one model.
    Appearance,
    /// By the stages' names, as when it searches.
    Stage,
}

/// The newest version of each stage, of all the models named.
pub(crate) async fn latest_by_stage(
    connection: &mut Connection,
    names: &[&str],
    order: LatestOrder,
) -> Result<Vec<ModelVersion>> {
    let mut found = Vec::new();
    for part in names.chunks(500) {
        let mut sql = Sql::new(&format!(
            "SELECT {COLUMNS} FROM model_version v JOIN (SELECT name, stage, MIN(version) AS first, MAX(version) AS last \
             FROM model_version WHERE name IN "
        ));
        sql.bind_list(part.iter().copied());
        sql.push(" GROUP BY name, stage) l ON l.name = v.name AND l.last = v.version ORDER BY v.name, ");
        sql.push(match order {
            LatestOrder::Appearance => "l.first",
            LatestOrder::Stage => "v.stage",
        });
        for row in sql.fetch(&mut *connection).await? {
            found.push(version(&row)?);
        }
    }
    assemble(connection, found).await
}

/// All versions of a model, the newest first.
pub(crate) async fn of_model(connection: &mut Connection, name: &str) -> Result<Vec<ModelVersion>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM model_version v WHERE v.name = "));
    sql.bind(name).push(" ORDER BY v.version DESC");
    let found = sql.fetch(connection).await?.iter().map(version).collect::<Result<Vec<_>>>()?;
    assemble(connection, found).await
}

/// The numbers of a model's versions.
pub(crate) async fn numbers(connection: &mut Connection, name: &str) -> Result<Vec<i64>> {
    let rows = sqlx::query("SELECT version FROM model_version WHERE name = $1 ORDER BY version")
        .bind(name)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("version")?)).collect()
}

/// Adds tags and aliases to each.
pub(crate) async fn assemble(
    connection: &mut Connection,
    mut versions: Vec<ModelVersion>,
) -> Result<Vec<ModelVersion>> {
    for part in versions.chunks_mut(500) {
        let keys: Vec<(String, i64)> =
            part.iter().map(|version| (version.name.clone(), version.version)).collect();
        let places: HashMap<&(String, i64), usize> =
            keys.iter().enumerate().map(|(place, key)| (key, place)).collect();
        let owner = |row: &AnyRow| -> Result<Option<usize>> {
            Ok(places.get(&(row.try_get::<String, _>("name")?, row.try_get::<i64, _>("version")?)).copied())
        };
        let of = |text: &str| {
            let mut sql = Sql::new(text);
            sql.push(" WHERE (name, version) IN (VALUES ");
            for (index, (name, number)) in keys.iter().enumerate() {
                sql.push(if index > 0 { ", (" } else { "(" });
                sql.bind(name.as_str()).push(", ").bind(*number).push(")");
            }
            sql.push(")");
            sql
        };
        for row in
            of("SELECT name, version, key, value FROM model_version_tag").fetch(&mut *connection).await?
        {
            if let Some(place) = owner(&row)? {
                part[place].tags.insert(row.try_get("key")?, row.try_get("value")?);
            }
        }
        for row in of("SELECT name, version, alias FROM model_alias").fetch(&mut *connection).await? {
            if let Some(place) = owner(&row)? {
                part[place].aliases.push(row.try_get("alias")?);
            }
        }
        for version in part {
            version.aliases.sort_unstable();
        }
    }
    Ok(versions)
}

pub(crate) async fn describe(
    tx: &mut Connection,
    name: &str,
    number: i64,
    description: Option<&str>,
    now: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE model_version SET description = $1, updated_ms = $2 WHERE name = $3 AND version = $4",
    )
    .bind(description.map(str::to_owned))
    .bind(now)
    .bind(name)
    .bind(number)
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves a version to a stage.
pub(crate) async fn set_stage(
    tx: &mut Connection,
    name: &str,
    number: i64,
    stage: &str,
    now: i64,
) -> Result<()> {
    sqlx::query("UPDATE model_version SET stage = $1, updated_ms = $2 WHERE name = $3 AND version = $4")
        .bind(stage)
        .bind(now)
        .bind(name)
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

/// Moves all versions in a stage but one to `Archived`; their numbers.
pub(crate) async fn archive_others(
    tx: &mut Connection,
    name: &str,
    number: i64,
    stage: &str,
    now: i64,
) -> Result<Vec<i64>> {
    let rows = sqlx::query(
        "UPDATE model_version SET stage = 'Archived', updated_ms = $1 WHERE name = $2 AND stage = $3 AND version <> $4 \
         RETURNING version",
    )
    .bind(now)
    .bind(name)
    .bind(stage)
    .bind(number)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok(row.try_get("version")?)).collect()
}

/// Removes a version with its tags and aliases.
pub(crate) async fn delete(tx: &mut Connection, name: &str, number: i64) -> Result<()> {
    for text in [
        "DELETE FROM model_version_tag WHERE name = $1 AND version = $2",
        "DELETE FROM model_alias WHERE name = $1 AND version = $2",
        "DELETE FROM model_version WHERE name = $1 AND version = $2",
    ] {
        sqlx::query(text).bind(name).bind(number).execute(&mut *tx).await?;
    }
    Ok(())
}

pub(crate) async fn set_tag(
    tx: &mut Connection,
    name: &str,
    number: i64,
    key: &str,
    value: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO model_version_tag (name, version, key, value) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name, version, key) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(number)
    .bind(key)
    .bind(value)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn delete_tag(tx: &mut Connection, name: &str, number: i64, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM model_version_tag WHERE name = $1 AND version = $2 AND key = $3")
        .bind(name)
        .bind(number)
        .bind(key)
        .execute(tx)
        .await?;
    Ok(())
}
