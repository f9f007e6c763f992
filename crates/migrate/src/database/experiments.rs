//! Experiments.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::database::Sql;

use super::{Database, some_text, text, whole};
use crate::record::ExperimentRecord;

impl Database {
    /// All experiments of the workspace, by their numbers.
    pub(crate) async fn experiments(&self) -> Result<Vec<ExperimentRecord>> {
        let mut connection = self.connection.lock().await;
        let columns = self.schema.columns(
            "experiments",
            "e",
            &[
                "experiment_id:text",
                "name:text",
                "artifact_location:text",
                "lifecycle_stage:text",
                "creation_time:whole",
                "last_update_time:whole",
            ],
        );
        let mut sql = Sql::new(&format!("SELECT {columns} FROM experiments e WHERE 1 = 1"));
        self.push_workspace(&mut sql, "experiments", "e");
        sql.push(" ORDER BY e.experiment_id");
        let mut found = Vec::new();
        for row in sql.fetch(&mut connection).await? {
            found.push(ExperimentRecord {
                experiment_id: text(&row, "experiment_id")?,
                name: text(&row, "name")?,
                artifact_location: some_text(&row, "artifact_location")?
                    .filter(|location| !location.is_empty()),
                deleted: text(&row, "lifecycle_stage")? == "deleted",
                created_ms: whole(&row, "creation_time")?,
                updated_ms: whole(&row, "last_update_time")?,
                tags: BTreeMap::new(),
            });
        }
        if self.schema.has("experiment_tags") {
            let columns = self.schema.columns(
                "experiment_tags",
                "t",
                &["experiment_id:text", "key:text", "value:text"],
            );
            let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
            for row in
                Sql::new(&format!("SELECT {columns} FROM experiment_tags t")).fetch(&mut connection).await?
            {
                let own = tags.entry(text(&row, "experiment_id")?).or_default();
                own.insert(text(&row, "key")?, text(&row, "value")?);
            }
            for experiment in &mut found {
                experiment.tags = tags.remove(&experiment.experiment_id).unwrap_or_default();
            }
        }
        Ok(found)
    }

    /// Narrows a search to the workspace, where the table knows workspaces.
    pub(super) fn push_workspace(&self, sql: &mut Sql, table: &str, alias: &str) {
        if self.schema.has_column(table, "workspace") {
            sql.push(&format!(" AND {alias}.workspace = ")).bind(self.workspace.as_str());
        }
    }

    /// As [`Database::push_workspace`], of a table whose rows belong to experiments.
    pub(super) fn push_experiment_workspace(&self, sql: &mut Sql, alias: &str) {
        if self.schema.has_column("experiments", "workspace") {
            sql.push(&format!(
                " AND {alias}.experiment_id IN (SELECT w.experiment_id FROM experiments w WHERE w.workspace = "
            ));
            sql.bind(self.workspace.as_str()).push(")");
        }
    }
}
