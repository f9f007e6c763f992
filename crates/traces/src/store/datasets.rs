//! Evaluation datasets, their tags, experiments and records.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_core::database::sql::{insert_many, text_order};
use ropewalk_core::database::{Argument, Connection, Dialect, Sql};
use ropewalk_mlflow::MlflowResult;
use ropewalk_mlflow::filter::{Comparison, Entity, Operator, Order, TextTest};
use ropewalk_mlflow::json::{Json, parse};
use ropewalk_mlflow::sql::{push, push_keyed};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::LIST_LIMIT;
use crate::model::{DatasetRecord, EvaluationDataset};
use crate::python::{Letters, dumps};

const COLUMNS: &str = "d.id, d.name, d.digest, d.created_ms, d.updated_ms, d.created_by, d.updated_by, d.schema_text, \
    d.profile";
const RECORD_COLUMNS: &str = "id, dataset_id, inputs, outputs, expectations, tags, source, source_id, source_type, \
    created_ms, updated_ms, created_by, updated_by";

fn read(row: &AnyRow) -> Result<EvaluationDataset> {
    Ok(EvaluationDataset {
        dataset_id: row.try_get(0)?,
        name: row.try_get(1)?,
        digest: row.try_get(2)?,
        created_time: row.try_get(3)?,
        last_update_time: row.try_get(4)?,
        created_by: row.try_get(5)?,
        last_updated_by: row.try_get(6)?,
        schema: row.try_get(7)?,
        profile: row.try_get(8)?,
        tags: Vec::new(),
    })
}

/// Adds a dataset with its tags.
pub(crate) async fn insert(tx: &mut Connection, dataset: &EvaluationDataset) -> Result<()> {
    let mut sql = Sql::new(
        "INSERT INTO trace_dataset (id, name, digest, created_ms, updated_ms, created_by, updated_by) VALUES (",
    );
    sql.bind(dataset.dataset_id.as_str()).push(", ").bind(dataset.name.as_str()).push(", ");
    sql.bind(dataset.digest.as_str()).push(", ").bind(dataset.created_time).push(", ");
    sql.bind(dataset.last_update_time).push(", ").bind(dataset.created_by.clone()).push(", ");
    sql.bind(dataset.last_updated_by.clone()).push(")");
    sql.execute(tx).await?;
    set_tags(tx, &dataset.dataset_id, &dataset.tags).await
}

/// Sets tags of a dataset. No key may come twice.
pub(crate) async fn set_tags(
    tx: &mut Connection,
    dataset: &str,
    tags: &[(String, Option<String>)],
) -> Result<()> {
    let rows = tags.iter().map(|(key, value)| {
        vec![Argument::from(dataset), Argument::from(key.as_str()), Argument::from(value.clone())]
    });
    let tail = "ON CONFLICT (dataset_id, key) DO UPDATE SET value = excluded.value";
    insert_many(tx, "INSERT INTO trace_dataset_tag (dataset_id, key, value)", rows.collect(), tail).await
}

/// Removes a tag.
pub(crate) async fn delete_tag(tx: &mut Connection, dataset: &str, key: &str) -> Result<()> {
    let mut sql = Sql::new("DELETE FROM trace_dataset_tag WHERE dataset_id = ");
    sql.bind(dataset).push(" AND key = ").bind(key);
    sql.execute(tx).await?;
    Ok(())
}

/// A dataset with its tags.
pub(crate) async fn by_id(connection: &mut Connection, id: &str) -> Result<Option<EvaluationDataset>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM trace_dataset d WHERE d.id = "));
    sql.bind(id);
    let mut found = page(connection, sql).await?;
    Ok(found.pop())
}

/// The datasets that a query finds, with their tags.
async fn page(connection: &mut Connection, sql: Sql) -> Result<Vec<EvaluationDataset>> {
    let rows = sql.fetch(connection).await?;
    let found = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    with_tags(connection, found).await
}

async fn with_tags(
    connection: &mut Connection,
    mut found: Vec<EvaluationDataset>,
) -> Result<Vec<EvaluationDataset>> {
    let places: HashMap<String, usize> =
        found.iter().enumerate().map(|(place, dataset)| (dataset.dataset_id.clone(), place)).collect();
    let ids: Vec<String> = found.iter().map(|dataset| dataset.dataset_id.clone()).collect();
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT dataset_id, key, value FROM trace_dataset_tag WHERE dataset_id IN ");
        sql.bind_list(part.iter().map(String::as_str)).push(" ORDER BY dataset_id, key");
        for row in sql.fetch(connection).await? {
            if let Some(place) = places.get(row.try_get::<&str, _>(0)?) {
                found[*place].tags.push((row.try_get(1)?, row.try_get(2)?));
            }
        }
    }
    Ok(found)
}

/// What a search for datasets asks.
pub(crate) struct DatasetQuery<'a> {
    /// Experiments that they belong to; none for all datasets.
    pub(crate) experiments: &'a [String],
    pub(crate) comparisons: &'a [Comparison],
    pub(crate) orders: &'a [Order],
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

/// The datasets that fit, in the order asked for; of those made at one moment the largest identifier first.
pub(crate) async fn search(
    connection: &mut Connection,
    dialect: Dialect,
    asked: &DatasetQuery<'_>,
) -> MlflowResult<Vec<EvaluationDataset>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM trace_dataset d WHERE 1 = 1"));
    if !asked.experiments.is_empty() {
        sql.push(" AND d.id IN (SELECT dataset_id FROM trace_dataset_experiment WHERE experiment_id IN ");
        sql.bind_list(asked.experiments.iter().map(String::as_str)).push(")");
    }
    // The databases have no regular expression in common.
    let (regular, plain): (Vec<_>, Vec<_>) =
        asked.comparisons.iter().partition(|comparison| comparison.operator == Operator::RLike);
    for comparison in plain {
        sql.push(" AND ");
        if comparison.entity == Entity::Tag {
            let tags = "SELECT 1 FROM trace_dataset_tag g WHERE g.dataset_id = d.id";
            push_keyed(&mut sql, dialect, tags, ("g.key", "g.value"), comparison)?;
        } else {
            push(&mut sql, dialect, column(&comparison.key), comparison)?;
        }
    }
    sql.push(" ORDER BY ");
    for order in asked.orders {
        let column = column(&order.key);
        sql.push(&if column == "d.name" { text_order(dialect, column) } else { column.to_owned() });
        sql.push(if order.ascending { ", " } else { " DESC, " });
    }
    if asked.orders.is_empty() {
        sql.push("d.created_ms DESC, ");
    }
    sql.push("d.id DESC");
    if regular.is_empty() {
        sql.push(" LIMIT ").bind(asked.limit).push(" OFFSET ").bind(asked.offset);
        return Ok(page(connection, sql).await?);
    }
    let tests = regular.iter().map(|one| Ok((one.key.as_str(), TextTest::new(one.operator, &one.value)?)));
    let tests = tests.collect::<MlflowResult<Vec<_>>>()?;
    let fits = |dataset: &EvaluationDataset| {
        tests.iter().all(|(field, test)| {
            test.matches(match *field {
                "created_by" => dataset.created_by.as_deref(),
                "last_updated_by" => dataset.last_updated_by.as_deref(),
                _ => Some(dataset.name.as_str()),
            })
        })
    };
    let rows = sql.fetch(connection).await?;
    let mut found = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    found.retain(fits);
    let size = |number: i64| usize::try_from(number).unwrap_or_default();
    let found = found.into_iter().skip(size(asked.offset)).take(size(asked.limit)).collect();
    Ok(with_tags(connection, found).await?)
}

/// Where a field is kept.
fn column(field: &str) -> &'static str {
    match field {
        "created_time" => "d.created_ms",
        "last_update_time" => "d.updated_ms",
        "created_by" => "d.created_by",
        "last_updated_by" => "d.updated_by",
        _ => "d.name",
    }
}

/// Writes what changes with a dataset's records and links, and holds its row.
pub(crate) async fn update(tx: &mut Connection, dataset: &EvaluationDataset) -> Result<()> {
    let mut sql = Sql::new("UPDATE trace_dataset SET digest = ");
    sql.bind(dataset.digest.as_str()).push(", updated_ms = ").bind(dataset.last_update_time);
    sql.push(", updated_by = ").bind(dataset.last_updated_by.clone());
    sql.push(", schema_text = ").bind(dataset.schema.clone());
    sql.push(", profile = ").bind(dataset.profile.clone());
    sql.push(" WHERE id = ").bind(dataset.dataset_id.as_str());
    sql.execute(tx).await?;
    Ok(())
}

/// Holds a dataset's row until the transaction ends; whether it is there.
pub(crate) async fn hold(tx: &mut Connection, id: &str) -> Result<bool> {
    let mut sql = Sql::new("UPDATE trace_dataset SET updated_ms = updated_ms WHERE id = ");
    sql.bind(id);
    Ok(sql.execute(tx).await? > 0)
}

/// Deletes a dataset with all that belongs to it.
pub(crate) async fn delete(tx: &mut Connection, id: &str) -> Result<()> {
    for (table, column) in [
        ("trace_dataset_record", "dataset_id"),
        ("trace_dataset_experiment", "dataset_id"),
        ("trace_dataset_tag", "dataset_id"),
        ("trace_dataset", "id"),
    ] {
        let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE {column} = "));
        sql.bind(id);
        sql.execute(tx).await?;
    }
    Ok(())
}

/// The experiments that a dataset belongs to, as they were added.
pub(crate) async fn experiments(connection: &mut Connection, dataset: &str) -> Result<Vec<String>> {
    let mut sql = Sql::new("SELECT experiment_id FROM trace_dataset_experiment WHERE dataset_id = ");
    sql.bind(dataset).push(" ORDER BY n, experiment_id");
    sql.fetch(connection).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Adds a dataset to experiments; to those it belongs to already it stays added.
pub(crate) async fn add_experiments(
    tx: &mut Connection,
    dataset: &str,
    experiments: &[String],
    n: i64,
) -> Result<()> {
    let rows = experiments.iter().map(|experiment| {
        vec![Argument::from(dataset), Argument::from(experiment.as_str()), Argument::from(n)]
    });
    let head = "INSERT INTO trace_dataset_experiment (dataset_id, experiment_id, n)";
    insert_many(tx, head, rows.collect(), "ON CONFLICT DO NOTHING").await
}

/// Takes a dataset out of experiments; out of how many.
pub(crate) async fn remove_experiments(
    tx: &mut Connection,
    dataset: &str,
    experiments: &[String],
) -> Result<u64> {
    let mut removed = 0;
    for part in experiments.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("DELETE FROM trace_dataset_experiment WHERE dataset_id = ");
        sql.bind(dataset).push(" AND experiment_id IN ").bind_list(part.iter().map(String::as_str));
        removed += sql.execute(tx).await?;
    }
    Ok(removed)
}

fn read_record(row: &AnyRow) -> Result<DatasetRecord> {
    let json = |place: usize| -> Result<Option<Json>> {
        Ok(row.try_get::<Option<String>, _>(place)?.as_deref().and_then(parse))
    };
    Ok(DatasetRecord {
        dataset_record_id: row.try_get(0)?,
        dataset_id: row.try_get(1)?,
        inputs: json(2)?.unwrap_or(Json::Null),
        outputs: json(3)?,
        expectations: json(4)?,
        tags: json(5)?,
        source: json(6)?,
        source_id: row.try_get(7)?,
        source_type: row.try_get(8)?,
        created_time: row.try_get(9)?,
        last_update_time: row.try_get(10)?,
        created_by: row.try_get(11)?,
        last_updated_by: row.try_get(12)?,
    })
}

/// The records of a dataset that have these inputs, by the inputs' hashes.
pub(crate) async fn records_by_inputs(
    tx: &mut Connection,
    dataset: &str,
    hashes: &[String],
) -> Result<HashMap<String, DatasetRecord>> {
    let mut found = HashMap::new();
    for part in hashes.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!(
            "SELECT {RECORD_COLUMNS}, input_hash FROM trace_dataset_record WHERE dataset_id = "
        ));
        sql.bind(dataset).push(" AND input_hash IN ").bind_list(part.iter().map(String::as_str));
        for row in sql.fetch(tx).await? {
            found.insert(row.try_get(13)?, read_record(&row)?);
        }
    }
    Ok(found)
}

/// Writes records, each with its inputs' hash: new ones, and those whose inputs are there already over the old.
pub(crate) async fn put_records(tx: &mut Connection, records: &[(String, DatasetRecord)]) -> Result<()> {
    let json = |value: &Option<Json>| value.as_ref().map(|value| dumps(value, Letters::Kept));
    let rows = records.iter().map(|(hash, record)| {
        vec![
            Argument::from(record.dataset_record_id.as_str()),
            Argument::from(record.dataset_id.as_str()),
            Argument::from(dumps(&record.inputs, Letters::Kept)),
            Argument::from(json(&record.outputs)),
            Argument::from(json(&record.expectations)),
            Argument::from(json(&record.tags)),
            Argument::from(json(&record.source)),
            Argument::from(record.source_id.clone()),
            Argument::from(record.source_type.clone()),
            Argument::from(record.created_time),
            Argument::from(record.last_update_time),
            Argument::from(record.created_by.clone()),
            Argument::from(record.last_updated_by.clone()),
            Argument::from(hash.as_str()),
        ]
    });
    let head = format!("INSERT INTO trace_dataset_record ({RECORD_COLUMNS}, input_hash)");
    let tail = "ON CONFLICT (dataset_id, input_hash) DO UPDATE SET outputs = excluded.outputs, \
        expectations = excluded.expectations, tags = excluded.tags, updated_ms = excluded.updated_ms, \
        updated_by = excluded.updated_by";
    insert_many(tx, &head, rows.collect(), tail).await
}

/// How many records a dataset has.
pub(crate) async fn count_records(connection: &mut Connection, dataset: &str) -> Result<i64> {
    let mut sql = Sql::new("SELECT COUNT(*) FROM trace_dataset_record WHERE dataset_id = ");
    sql.bind(dataset);
    Ok(sql.fetch_optional(connection).await?.map(|row| row.try_get(0)).transpose()?.unwrap_or(0))
}

/// Where a page of records begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RecordsFrom {
    /// After so many.
    Offset(i64),
    /// After the record that was made then and has this identifier.
    After(i64, String),
}

/// Records in the order in which they were made.
pub(crate) async fn records(
    connection: &mut Connection,
    dataset: &str,
    from: &RecordsFrom,
    limit: i64,
) -> Result<Vec<DatasetRecord>> {
    let mut sql = Sql::new(&format!("SELECT {RECORD_COLUMNS} FROM trace_dataset_record WHERE dataset_id = "));
    sql.bind(dataset);
    if let RecordsFrom::After(time, id) = from {
        sql.push(" AND (created_ms > ").bind(*time).push(" OR (created_ms = ").bind(*time);
        sql.push(" AND id > ").bind(id.as_str()).push("))");
    }
    sql.push(" ORDER BY created_ms, id LIMIT ").bind(limit);
    if let RecordsFrom::Offset(offset) = from {
        sql.push(" OFFSET ").bind(*offset);
    }
    sql.fetch(connection).await?.iter().map(read_record).collect()
}

/// Deletes records of a dataset; how many.
pub(crate) async fn delete_records(tx: &mut Connection, dataset: &str, ids: &[String]) -> Result<i64> {
    let mut deleted = 0;
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("DELETE FROM trace_dataset_record WHERE dataset_id = ");
        sql.bind(dataset).push(" AND id IN ").bind_list(part.iter().map(String::as_str));
        deleted += sql.execute(tx).await?;
    }
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}
