//! Logged models.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_core::database::Sql;
use sqlx::{AnyConnection, Row};

use super::{Database, some_text, text, whole};
use crate::number::finite;
use crate::record::{LoggedModelRecord, ModelMetricRecord};

/// Logged models read at a time.
const PAGE: i64 = 200;

/// MLflow's numbers of statuses, from 0.
const STATUSES: [&str; 4] = ["STATUS_UNSPECIFIED", "PENDING", "READY", "UPLOAD_FAILED"];

/// The word of a status that is kept as a number.
pub(crate) fn status(number: i64) -> &'static str {
    usize::try_from(number).ok().and_then(|number| STATUSES.get(number)).copied().unwrap_or(STATUSES[0])
}

impl Database {
    /// The logged models after one, by their identifiers; none at the end.
    pub(crate) async fn logged_models(&self, after: &str) -> Result<Vec<LoggedModelRecord>> {
        if !self.schema.has("logged_models") {
            return Ok(Vec::new());
        }
        let mut connection = self.connection.lock().await;
        let columns = self.schema.columns(
            "logged_models",
            "m",
            &[
                "model_id:text",
                "experiment_id:text",
                "name:text",
                "artifact_location:text",
                "creation_timestamp_ms:whole",
                "last_updated_timestamp_ms:whole",
                "status:whole",
                "lifecycle_stage:text",
                "model_type:text",
                "source_run_id:text",
                "status_message:text",
            ],
        );
        let mut sql = Sql::new(&format!("SELECT {columns} FROM logged_models m WHERE m.model_id > "));
        sql.bind(after);
        self.push_experiment_workspace(&mut sql, "m");
        sql.push(" ORDER BY m.model_id LIMIT ").bind(PAGE);
        let mut found = Vec::new();
        for row in sql.fetch(&mut connection).await? {
            found.push(LoggedModelRecord {
                model_id: text(&row, "model_id")?,
                experiment_id: text(&row, "experiment_id")?,
                name: text(&row, "name")?,
                artifact_uri: text(&row, "artifact_location")?,
                status: status(whole(&row, "status")?).to_owned(),
                status_message: some_text(&row, "status_message")?,
                created_ms: whole(&row, "creation_timestamp_ms")?,
                updated_ms: whole(&row, "last_updated_timestamp_ms")?,
                model_type: some_text(&row, "model_type")?,
                source_run_id: some_text(&row, "source_run_id")?,
                deleted: text(&row, "lifecycle_stage")? == "deleted",
                ..LoggedModelRecord::default()
            });
        }
        self.fill(&mut connection, &mut found).await?;
        Ok(found)
    }

    async fn fill(&self, connection: &mut AnyConnection, models: &mut [LoggedModelRecord]) -> Result<()> {
        if models.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = models.iter().map(|model| model.model_id.clone()).collect();
        let places: HashMap<&str, usize> =
            ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
        for (table, key, value) in [
            ("logged_model_params", "param_key", "param_value"),
            ("logged_model_tags", "tag_key", "tag_value"),
        ] {
            if !self.schema.has(table) {
                continue;
            }
            let columns = self.schema.columns(table, "p", &["model_id", key, value]);
            let mut sql = Sql::new(&format!("SELECT {columns} FROM {table} p WHERE p.model_id IN "));
            sql.bind_list(ids.iter().map(String::as_str));
            for row in sql.fetch(connection).await? {
                let Some(place) = places.get(text(&row, "model_id")?.as_str()) else { continue };
                let model = &mut models[*place];
                let pairs = if key == "tag_key" { &mut model.tags } else { &mut model.params };
                pairs.insert(text(&row, key)?, text(&row, value)?);
            }
        }
        if !self.schema.has("logged_model_metrics") {
            return Ok(());
        }
        let columns = self.schema.columns(
            "logged_model_metrics",
            "m",
            &[
                "model_id:text",
                "metric_name:text",
                "metric_timestamp_ms:whole",
                "metric_step:whole",
                "metric_value:real",
                "run_id:text",
                "dataset_name:text",
                "dataset_digest:text",
            ],
        );
        let mut sql = Sql::new(&format!("SELECT {columns} FROM logged_model_metrics m WHERE m.model_id IN "));
        sql.bind_list(ids.iter().map(String::as_str));
        for row in sql.fetch(connection).await? {
            let Some(place) = places.get(text(&row, "model_id")?.as_str()) else { continue };
            models[*place].metrics.push(ModelMetricRecord {
                key: text(&row, "metric_name")?,
                value: finite(row.try_get::<Option<f64>, _>("metric_value")?.unwrap_or(f64::NAN)),
                timestamp: whole(&row, "metric_timestamp_ms")?,
                step: whole(&row, "metric_step")?,
                run_id: text(&row, "run_id")?,
                dataset_name: some_text(&row, "dataset_name")?,
                dataset_digest: some_text(&row, "dataset_digest")?,
            });
        }
        Ok(())
    }
}
