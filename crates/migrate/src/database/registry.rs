//! Registered models and prompts.

use std::collections::{BTreeMap, HashMap};

use ropewalk_core::Result;
use ropewalk_core::database::Sql;
use sqlx::any::AnyRow;

use super::{Database, some_text, some_whole, text, whole};
use crate::record::{ModelRecord, VersionRecord};

/// The stage of a version that was deleted: its row stays, so that its number is not used again.
pub(crate) const DELETED: &str = "Deleted_Internal";

impl Database {
    /// All registered models of the workspace with their versions, by name.
    pub(crate) async fn models(&self) -> Result<Vec<ModelRecord>> {
        if !["registered_models", "model_versions"].iter().all(|table| self.schema.has(table)) {
            return Ok(Vec::new());
        }
        let columns = self.schema.columns(
            "registered_models",
            "m",
            &["name:text", "creation_time:whole", "last_updated_time:whole", "description:text"],
        );
        let mut found = Vec::new();
        for row in self.rows("registered_models", &columns, "m", "m.name").await? {
            found.push(ModelRecord {
                name: text(&row, "name")?,
                description: some_text(&row, "description")?,
                created_ms: whole(&row, "creation_time")?,
                updated_ms: whole(&row, "last_updated_time")?,
                ..ModelRecord::default()
            });
        }
        let places: HashMap<String, usize> =
            found.iter().enumerate().map(|(place, model)| (model.name.clone(), place)).collect();
        let tags = self.schema.columns("registered_model_tags", "t", &["name", "key", "value"]);
        for row in self.rows("registered_model_tags", &tags, "t", "t.name").await? {
            if let Some(place) = places.get(&text(&row, "name")?) {
                found[*place].tags.insert(text(&row, "key")?, text(&row, "value")?);
            }
        }
        let aliases =
            self.schema.columns("registered_model_aliases", "a", &["name", "alias", "version:whole"]);
        for row in self.rows("registered_model_aliases", &aliases, "a", "a.name").await? {
            if let Some(place) = places.get(&text(&row, "name")?) {
                found[*place].aliases.insert(text(&row, "alias")?, whole(&row, "version")?);
            }
        }
        self.add_versions(&mut found, &places).await?;
        Ok(found)
    }

    async fn add_versions(&self, models: &mut [ModelRecord], places: &HashMap<String, usize>) -> Result<()> {
        let columns =
            self.schema.columns("model_version_tags", "t", &["name", "version:whole", "key", "value"]);
        let mut tags: BTreeMap<(String, i64), BTreeMap<String, String>> = BTreeMap::new();
        for row in self.rows("model_version_tags", &columns, "t", "t.name, t.version").await? {
            let own = tags.entry((text(&row, "name")?, whole(&row, "version")?)).or_default();
            own.insert(text(&row, "key")?, text(&row, "value")?);
        }
        let columns = self.schema.columns(
            "model_versions",
            "v",
            &[
                "name:text",
                "version:whole",
                "creation_time:whole",
                "last_updated_time:whole",
                "description:text",
                "user_id:text",
                "current_stage:text",
                "source:text",
                "run_id:text",
                "status:text",
                "status_message:text",
                "run_link:text",
                "storage_location:text",
            ],
        );
        for row in self.rows("model_versions", &columns, "v", "v.name, v.version").await? {
            let name = text(&row, "name")?;
            let Some(model) = places.get(&name).and_then(|place| models.get_mut(*place)) else { continue };
            let mut version = version(&row)?;
            model.last_version = model.last_version.max(version.version);
            if version.stage != DELETED {
                version.tags = tags.remove(&(name, version.version)).unwrap_or_default();
                model.versions.push(version);
            }
        }
        Ok(())
    }

    /// Rows of a table of the registry, if it is there.
    async fn rows(&self, table: &str, columns: &str, alias: &str, order: &str) -> Result<Vec<AnyRow>> {
        if !self.schema.has(table) {
            return Ok(Vec::new());
        }
        let mut sql = Sql::new(&format!("SELECT {columns} FROM {table} {alias} WHERE 1 = 1"));
        self.push_workspace(&mut sql, table, alias);
        sql.push(" ORDER BY ").push(order);
        let mut connection = self.connection.lock().await;
        sql.fetch(&mut connection).await
    }
}

fn version(row: &AnyRow) -> Result<VersionRecord> {
    let filled =
        |column: &str| Ok::<_, ropewalk_core::Error>(some_text(row, column)?.filter(|text| !text.is_empty()));
    let source = text(row, "source")?;
    Ok(VersionRecord {
        version: whole(row, "version")?,
        created_ms: whole(row, "creation_time")?,
        updated_ms: some_whole(row, "last_updated_time")?.unwrap_or_default(),
        description: some_text(row, "description")?,
        user_id: filled("user_id")?,
        storage_location: filled("storage_location")?,
        run_id: filled("run_id")?,
        run_link: filled("run_link")?,
        model_id: logged_model(&source),
        source,
        stage: some_text(row, "current_stage")?.unwrap_or_else(|| "None".to_owned()),
        status: some_text(row, "status")?.unwrap_or_else(|| "READY".to_owned()),
        status_message: some_text(row, "status_message")?,
        tags: BTreeMap::new(),
    })
}

/// The logged model that a source names.
pub(crate) fn logged_model(source: &str) -> Option<String> {
    let id = source.strip_prefix("models:/")?;
    (id.starts_with("m-") && !id.contains(['/', '@'])).then(|| id.to_owned())
}
