//! Runs: a batch at a time, their measurements as they come.

use std::collections::HashMap;

use futures::TryStreamExt;
use ropewalk_core::database::Sql;
use ropewalk_core::{Error, Result};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use tokio::sync::mpsc;

use super::{Database, some_text, some_whole, text, whole};
use crate::batch::{Batch, RUNS};
use crate::record::{DatasetRecord, LinkRecord, RunRecord};
use crate::store::Portion;

/// Whom batches are handed to.
type Receiver = mpsc::Sender<Result<Portion>>;

impl Database {
    /// How many runs there are.
    pub(crate) async fn count_runs(&self) -> Result<u64> {
        let mut connection = self.connection.lock().await;
        let mut sql = Sql::new("SELECT COUNT(*) AS n FROM runs r WHERE 1 = 1");
        self.push_experiment_workspace(&mut sql, "r");
        let row = sql.fetch_optional(&mut connection).await?;
        Ok(row.map(|row| row.try_get::<i64, _>("n")).transpose()?.unwrap_or_default().unsigned_abs())
    }

    /// Reads all runs and hands them over, batch by batch, until nobody takes them any more.
    pub(crate) async fn read_runs(self, receiver: Receiver) {
        if let Err(error) = self.hand_over(&receiver).await {
            // Whoever went away does not want to know.
            let _ = receiver.send(Err(error)).await;
        }
    }

    async fn hand_over(&self, receiver: &Receiver) -> Result<()> {
        let mut after = String::new();
        let mut batch = Batch::default();
        loop {
            let mut connection = self.connection.lock().await;
            let mut runs = self.page(&mut connection, &after).await?;
            let Some(last) = runs.last() else { break };
            after.clone_from(&last.run_id);
            let ids: Vec<String> = runs.iter().map(|run| run.run_id.clone()).collect();
            let places: HashMap<&str, usize> =
                ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
            self.add_pairs(&mut connection, "params", &ids, |id, key, value| {
                if let Some(place) = places.get(id) {
                    runs[*place].params.insert(key, value);
                }
            })
            .await?;
            self.add_pairs(&mut connection, "tags", &ids, |id, key, value| {
                if let Some(place) = places.get(id) {
                    runs[*place].tags.insert(key, value);
                }
            })
            .await?;
            self.add_datasets(&mut connection, &ids, |id, dataset| {
                if let Some(place) = places.get(id) {
                    runs[*place].datasets.push(dataset);
                }
            })
            .await?;
            self.add_links(&mut connection, &ids, |id, output, link| {
                if let Some(place) = places.get(id) {
                    let run = &mut runs[*place];
                    if output { run.model_outputs.push(link) } else { run.model_inputs.push(link) }
                }
            })
            .await?;
            if !self.stream_points(&mut connection, runs, &mut batch, receiver).await? {
                return Ok(());
            }
        }
        give(receiver, Some(batch.finish()).filter(|rest| !rest.is_empty())).await;
        Ok(())
    }

    async fn page(&self, connection: &mut AnyConnection, after: &str) -> Result<Vec<RunRecord>> {
        let columns = self.schema.columns(
            "runs",
            "r",
            &[
                "run_uuid:text",
                "name:text",
                "user_id:text",
                "status:text",
                "start_time:whole",
                "end_time:whole",
                "deleted_time:whole",
                "lifecycle_stage:text",
                "artifact_uri:text",
                "experiment_id:text",
            ],
        );
        let mut sql = Sql::new(&format!("SELECT {columns} FROM runs r WHERE r.run_uuid > "));
        sql.bind(after);
        self.push_experiment_workspace(&mut sql, "r");
        sql.push(" ORDER BY r.run_uuid LIMIT ").bind(RUNS as i64);
        sql.fetch(connection).await?.iter().map(run).collect()
    }

    async fn add_pairs(
        &self,
        connection: &mut AnyConnection,
        table: &str,
        ids: &[String],
        mut add: impl FnMut(&str, String, String),
    ) -> Result<()> {
        let columns = self.schema.columns(table, "p", &["run_uuid:text", "key:text", "value:text"]);
        let mut sql = Sql::new(&format!("SELECT {columns} FROM {table} p WHERE p.run_uuid IN "));
        sql.bind_list(ids.iter().map(String::as_str));
        for row in sql.fetch(connection).await? {
            add(&text(&row, "run_uuid")?, text(&row, "key")?, text(&row, "value")?);
        }
        Ok(())
    }

    async fn add_datasets(
        &self,
        connection: &mut AnyConnection,
        ids: &[String],
        mut add: impl FnMut(&str, DatasetRecord),
    ) -> Result<()> {
        if !["inputs", "datasets", "input_tags"].iter().all(|table| self.schema.has(table)) {
            return Ok(());
        }
        let inputs = self.schema.columns("inputs", "i", &["destination_id:text", "input_uuid:text"]);
        let datasets = self.schema.columns(
            "datasets",
            "d",
            &[
                "name:text",
                "digest:text",
                "dataset_source_type:text",
                "dataset_source:text",
                "dataset_schema:text",
                "dataset_profile:text",
            ],
        );
        let mut sql = Sql::new(&format!(
            "SELECT {inputs}, {datasets}, CAST(t.\"name\" AS TEXT) AS tag_key, CAST(t.\"value\" AS TEXT) AS tag_value \
             FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid \
             WHERE i.destination_type = 'RUN' AND i.source_type = 'DATASET' AND i.destination_id IN "
        ));
        sql.bind_list(ids.iter().map(String::as_str)).push(" ORDER BY i.destination_id, i.input_uuid");
        let mut current: Option<(String, String, DatasetRecord)> = None;
        for row in sql.fetch(connection).await? {
            let (run_id, input) = (text(&row, "destination_id")?, text(&row, "input_uuid")?);
            if current.as_ref().is_none_or(|(_, known, _)| *known != input) {
                if let Some((run_id, _, dataset)) = current.take() {
                    add(&run_id, dataset);
                }
                let dataset = DatasetRecord {
                    name: text(&row, "name")?,
                    digest: text(&row, "digest")?,
                    source_type: text(&row, "dataset_source_type")?,
                    source: text(&row, "dataset_source")?,
                    schema: some_text(&row, "dataset_schema")?,
                    profile: some_text(&row, "dataset_profile")?,
                    tags: Default::default(),
                };
                current = Some((run_id, input, dataset));
            }
            if let (Some(key), Some((_, _, dataset))) = (some_text(&row, "tag_key")?, current.as_mut()) {
                dataset.tags.insert(key, text(&row, "tag_value")?);
            }
        }
        if let Some((run_id, _, dataset)) = current {
            add(&run_id, dataset);
        }
        Ok(())
    }

    async fn add_links(
        &self,
        connection: &mut AnyConnection,
        ids: &[String],
        mut add: impl FnMut(&str, bool, LinkRecord),
    ) -> Result<()> {
        if !self.schema.has("inputs") {
            return Ok(());
        }
        let columns = self.schema.columns(
            "inputs",
            "i",
            &["source_id:text", "source_type:text", "destination_id:text", "step:whole"],
        );
        let mut sql = Sql::new(&format!(
            "SELECT {columns} FROM inputs i WHERE i.source_type IN ('RUN_INPUT', 'RUN_OUTPUT') \
             AND i.destination_type IN ('MODEL_INPUT', 'MODEL_OUTPUT') AND i.source_id IN "
        ));
        sql.bind_list(ids.iter().map(String::as_str)).push(" ORDER BY i.source_id, i.destination_id");
        for row in sql.fetch(connection).await? {
            let output = text(&row, "source_type")? == "RUN_OUTPUT";
            let link = LinkRecord { model_id: text(&row, "destination_id")?, step: whole(&row, "step")? };
            add(&text(&row, "source_id")?, output, link);
        }
        Ok(())
    }

    /// Reads the measurements of runs and hands over what is full; false when nobody takes them any more.
    async fn stream_points(
        &self,
        connection: &mut AnyConnection,
        runs: Vec<RunRecord>,
        batch: &mut Batch,
        receiver: &Receiver,
    ) -> Result<bool> {
        let columns = self.schema.columns(
            "metrics",
            "m",
            &["run_uuid:text", "key:text", "timestamp:whole", "step:whole", "value:real", "is_nan:truth"],
        );
        let places: Vec<String> = (1..=runs.len()).map(|place| format!("${place}")).collect();
        let text = format!(
            "SELECT {columns} FROM metrics m WHERE m.run_uuid IN ({}) ORDER BY m.run_uuid",
            places.join(", ")
        );
        let ids: Vec<String> = runs.iter().map(|run| run.run_id.clone()).collect();
        let mut query = sqlx::query(AssertSqlSafe(text));
        for id in &ids {
            query = query.bind(id.as_str());
        }
        let mut rows = query.fetch(connection);
        let mut runs = runs.into_iter();
        let mut current = String::new();
        let mut key = String::new();
        while let Some(row) = rows.try_next().await? {
            let run_id: &str = row.try_get("run_uuid")?;
            while current != run_id {
                let run = runs.next().ok_or_else(|| Error::internal("the database sorts in two ways"))?;
                current.clone_from(&run.run_id);
                if !give(receiver, batch.begin(run)).await {
                    return Ok(false);
                }
            }
            let name: &str = row.try_get("key")?;
            if key != name {
                name.clone_into(&mut key);
            }
            let is_nan = whole(&row, "is_nan")? != 0;
            // SQLite keeps no NaN: what is nothing was one.
            let value = row.try_get::<Option<f64>, _>("value")?.filter(|_| !is_nan).unwrap_or(f64::NAN);
            let (timestamp, step) = (whole(&row, "timestamp")?, whole(&row, "step")?);
            if !give(receiver, batch.point(&key, timestamp, step, value)).await {
                return Ok(false);
            }
        }
        for run in runs {
            if !give(receiver, batch.begin(run)).await {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Hands over a batch that is full; false when nobody takes it any more.
async fn give(receiver: &Receiver, full: Option<Vec<RunRecord>>) -> bool {
    match full {
        Some(runs) => receiver.send(Ok(Portion { runs, problems: Vec::new() })).await.is_ok(),
        None => true,
    }
}

fn run(row: &AnyRow) -> Result<RunRecord> {
    let deleted = text(row, "lifecycle_stage")? == "deleted";
    Ok(RunRecord {
        run_id: text(row, "run_uuid")?,
        experiment_id: text(row, "experiment_id")?,
        name: text(row, "name")?,
        user_id: text(row, "user_id")?,
        status: text(row, "status")?,
        start_ms: whole(row, "start_time")?,
        end_ms: some_whole(row, "end_time")?,
        deleted,
        deleted_ms: some_whole(row, "deleted_time")?.filter(|_| deleted),
        artifact_uri: text(row, "artifact_uri")?,
        ..RunRecord::default()
    })
}
