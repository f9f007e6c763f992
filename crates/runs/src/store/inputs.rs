//! Datasets and logged models that runs used and made.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;

use crate::model::{DatasetInfo, DatasetInput, ModelLink, RunLinks, Tag};
use crate::state::index::{ReadDataset, ReadDatasets};
use ropewalk_core::database::sql::Sql;

/// The identifier of a dataset in an experiment, added if new.
pub(crate) async fn dataset_id(
    tx: &mut Connection,
    experiment: i64,
    dataset: &DatasetInfo,
    new_id: &str,
) -> Result<String> {
    let row = sqlx::query(
        "INSERT INTO run_dataset (id, experiment_id, name, digest, source_type, source, schema_text, profile) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (experiment_id, name, digest) DO UPDATE SET name = excluded.name RETURNING id",
    )
    .bind(new_id)
    .bind(experiment)
    .bind(dataset.name.as_str())
    .bind(dataset.digest.as_str())
    .bind(dataset.source_type.as_str())
    .bind(dataset.source.as_str())
    .bind(dataset.schema.clone())
    .bind(dataset.profile.clone())
    .fetch_one(tx)
    .await?;
    Ok(row.try_get("id")?)
}

/// Notes that a run read a dataset. The tags of the first time stay, as in MLflow.
pub(crate) async fn add_input(
    tx: &mut Connection,
    run_id: &str,
    dataset_id: &str,
    tags: &[Tag],
) -> Result<()> {
    let added =
        sqlx::query("INSERT INTO run_input (run_id, dataset_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(run_id)
            .bind(dataset_id)
            .execute(&mut *tx)
            .await?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    for tag in tags {
        sqlx::query("INSERT INTO run_input_tag (run_id, dataset_id, key, value) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(run_id)
            .bind(dataset_id)
            .bind(tag.key.as_str())
            .bind(tag.value.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Notes that a run read (`input`) or wrote (`output`) a logged model.
pub(crate) async fn add_model(
    tx: &mut Connection,
    run_id: &str,
    direction: &str,
    link: &ModelLink,
) -> Result<()> {
    sqlx::query("INSERT INTO run_model_link (run_id, direction, model_id, step) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(run_id)
        .bind(direction)
        .bind(link.model_id.as_str())
        .bind(link.step)
        .execute(tx)
        .await?;
    Ok(())
}

/// The links of many runs.
pub(crate) async fn links(
    connection: &mut Connection,
    run_ids: &[String],
) -> Result<BTreeMap<String, RunLinks>> {
    let mut found: BTreeMap<String, RunLinks> = BTreeMap::new();
    for part in run_ids.chunks(super::LIST_LIMIT) {
        datasets(connection, part, &mut found).await?;
        let mut sql =
            Sql::new("SELECT run_id, direction, model_id, step FROM run_model_link WHERE run_id IN ");
        sql.bind_list(part.iter().map(String::as_str)).push(" ORDER BY run_id, direction, model_id");
        for row in sql.fetch(connection).await? {
            let links = found.entry(row.try_get("run_id")?).or_default();
            let link = ModelLink { model_id: row.try_get("model_id")?, step: row.try_get("step")? };
            if row.try_get::<String, _>("direction")? == "input" {
                links.model_inputs.push(link)
            } else {
                links.model_outputs.push(link)
            }
        }
    }
    Ok(found)
}

async fn datasets(
    connection: &mut Connection,
    run_ids: &[String],
    found: &mut BTreeMap<String, RunLinks>,
) -> Result<()> {
    let mut sql = Sql::new(
        "SELECT i.run_id, d.id, d.name, d.digest, d.source_type, d.source, d.schema_text, d.profile, t.key AS tag_key, t.value AS tag_value \
         FROM run_input i JOIN run_dataset d ON d.id = i.dataset_id \
         LEFT JOIN run_input_tag t ON t.run_id = i.run_id AND t.dataset_id = i.dataset_id WHERE i.run_id IN ",
    );
    sql.bind_list(run_ids.iter().map(String::as_str)).push(" ORDER BY i.run_id, d.id, t.key");
    let mut last = String::new();
    for row in sql.fetch(connection).await? {
        let run_id: String = row.try_get("run_id")?;
        let this = format!("{run_id} {}", row.try_get::<String, _>("id")?);
        let inputs = &mut found.entry(run_id).or_default().dataset_inputs;
        if this != last {
            inputs.push(DatasetInput {
                dataset: DatasetInfo {
                    name: row.try_get("name")?,
                    digest: row.try_get("digest")?,
                    source_type: row.try_get("source_type")?,
                    source: row.try_get("source")?,
                    schema: row.try_get("schema_text")?,
                    profile: row.try_get("profile")?,
                },
                tags: Vec::new(),
            });
            last = this;
        }
        if let (Some(key), Some(input)) = (row.try_get::<Option<String>, _>("tag_key")?, inputs.last_mut()) {
            input.tags.push(Tag::new(key, row.try_get::<String, _>("tag_value")?));
        }
    }
    Ok(())
}

/// Name, digest and context of the datasets that an experiment's active runs read, for a filter's menu.
pub(crate) async fn summaries(
    connection: &mut Connection,
    experiments: &[i64],
    limit: i64,
) -> Result<Vec<(i64, String, String, Option<String>)>> {
    let mut sql = Sql::new(
        "SELECT DISTINCT d.experiment_id, d.name, d.digest, t.value AS context FROM run_dataset d \
         JOIN run_input i ON i.dataset_id = d.id \
         LEFT JOIN run_input_tag t ON t.run_id = i.run_id AND t.dataset_id = d.id AND t.key = 'mlflow.data.context' \
         WHERE d.experiment_id IN ",
    );
    sql.bind_list(experiments.iter().copied())
        .push(" ORDER BY d.experiment_id, d.name, d.digest LIMIT ")
        .bind(limit);
    let rows = sql.fetch(connection).await?;
    rows.iter()
        .map(|row| {
            Ok((
                row.try_get("experiment_id")?,
                row.try_get("name")?,
                row.try_get("digest")?,
                row.try_get("context")?,
            ))
        })
        .collect()
}

/// The datasets that experiments' runs have read, as filters see them.
pub(crate) async fn read_datasets(connection: &mut Connection, experiments: &[i64]) -> Result<ReadDatasets> {
    let mut found = ReadDatasets::new();
    for part in experiments.chunks(super::LIST_LIMIT) {
        let mut sql = Sql::new(
            "SELECT i.run_id, d.id, d.name, d.digest, t.value AS context FROM run_input i \
             JOIN run_run r ON r.id = i.run_id JOIN run_dataset d ON d.id = i.dataset_id \
             LEFT JOIN run_input_tag t ON t.run_id = i.run_id AND t.dataset_id = d.id AND t.key = 'mlflow.data.context' \
             WHERE r.experiment_id IN ",
        );
        sql.bind_list(part.iter().copied());
        for row in sql.fetch(connection).await? {
            let context: Option<String> = row.try_get("context")?;
            found.entry(row.try_get("run_id")?).or_default().push(ReadDataset {
                name: row.try_get("name")?,
                digest: row.try_get("digest")?,
                contexts: context.into_iter().collect(),
            });
        }
    }
    Ok(found)
}
