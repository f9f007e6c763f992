//! Logged models.

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::by_owner;
use crate::logged_model::{LoggedModel, LoggedModelStatus};
use crate::model::Metric;
use ropewalk_core::database::sql::{Argument, Dialect, Sql, insert_many, text_order};
use ropewalk_mlflow::filter::{Comparison, Entity, Value};
use ropewalk_mlflow::sql::{push, push_keyed};
use ropewalk_mlflow::{MlflowError, MlflowResult};

const COLUMNS: &str = "m.id, m.experiment_id, m.name, m.artifact_uri, m.status, m.status_message, m.created_ms, m.updated_ms, \
                       m.model_type, m.source_run_id";

fn model(row: &AnyRow) -> Result<LoggedModel> {
    Ok(LoggedModel {
        model_id: row.try_get("id")?,
        experiment_id: row.try_get::<i64, _>("experiment_id")?.to_string(),
        name: row.try_get("name")?,
        artifact_uri: row.try_get("artifact_uri")?,
        status: LoggedModelStatus::parse(row.try_get::<String, _>("status")?.as_str())
            .unwrap_or(LoggedModelStatus::Pending),
        status_message: row.try_get("status_message")?,
        created_ms: row.try_get("created_ms")?,
        updated_ms: row.try_get("updated_ms")?,
        model_type: row.try_get("model_type")?,
        source_run_id: row.try_get("source_run_id")?,
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        metrics: Vec::new(),
    })
}

pub(crate) async fn insert(tx: &mut Connection, experiment: i64, model: &LoggedModel) -> Result<()> {
    sqlx::query(
        "INSERT INTO run_logged_model (id, experiment_id, name, artifact_uri, status, status_message, created_ms, updated_ms, \
         model_type, source_run_id, lifecycle) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'active')",
    )
    .bind(model.model_id.as_str())
    .bind(experiment)
    .bind(model.name.as_str())
    .bind(model.artifact_uri.as_str())
    .bind(model.status.as_str())
    .bind(model.status_message.clone())
    .bind(model.created_ms)
    .bind(model.updated_ms)
    .bind(model.model_type.clone())
    .bind(model.source_run_id.clone())
    .execute(&mut *tx)
    .await?;
    add_params(tx, &model.model_id, &model.params).await?;
    set_tags(tx, &model.model_id, &model.tags).await
}

pub(crate) async fn add_params(
    tx: &mut Connection,
    id: &str,
    params: &BTreeMap<String, String>,
) -> Result<()> {
    insert_many(tx, "INSERT INTO run_logged_model_param (model_id, key, value)", pairs(id, params), "").await
}

/// The first of these parameters that a model has already.
pub(crate) async fn first_param(
    connection: &mut Connection,
    id: &str,
    params: &BTreeMap<String, String>,
) -> Result<Option<String>> {
    let mut sql = Sql::new("SELECT key FROM run_logged_model_param WHERE model_id = ");
    sql.bind(id).push(" AND key IN ").bind_list(params.keys().map(String::as_str));
    sql.push(" ORDER BY key LIMIT 1");
    let row = sql.fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("key")).transpose()?)
}

pub(crate) async fn set_tags(tx: &mut Connection, id: &str, tags: &BTreeMap<String, String>) -> Result<()> {
    insert_many(
        tx,
        "INSERT INTO run_logged_model_tag (model_id, key, value)",
        pairs(id, tags),
        "ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
    )
    .await
}

fn pairs(id: &str, pairs: &BTreeMap<String, String>) -> Vec<Vec<Argument>> {
    pairs.iter().map(|(key, value)| vec![id.into(), key.as_str().into(), value.as_str().into()]).collect()
}

/// Which of these are there, also as deleted ones.
pub(crate) async fn known(connection: &mut Connection, ids: &BTreeSet<&str>) -> Result<BTreeSet<String>> {
    let mut sql = Sql::new("SELECT id FROM run_logged_model WHERE id IN ");
    sql.bind_list(ids.iter().copied());
    sql.fetch(connection).await?.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

pub(crate) async fn delete_tag(tx: &mut Connection, id: &str, key: &str) -> Result<u64> {
    let done = sqlx::query("DELETE FROM run_logged_model_tag WHERE model_id = $1 AND key = $2")
        .bind(id)
        .bind(key)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn set_status(
    tx: &mut Connection,
    id: &str,
    status: LoggedModelStatus,
    now: i64,
) -> Result<u64> {
    let done = sqlx::query("UPDATE run_logged_model SET status = $1, updated_ms = $2 WHERE id = $3")
        .bind(status.as_str())
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn delete(tx: &mut Connection, id: &str, now: i64) -> Result<u64> {
    let done =
        sqlx::query("UPDATE run_logged_model SET lifecycle = 'deleted', updated_ms = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(tx)
            .await?;
    Ok(done.rows_affected())
}

/// Logged models deleted before a time, with their artifact roots.
pub(crate) async fn deleted_before(connection: &mut Connection, ms: i64) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT id, artifact_uri FROM run_logged_model WHERE lifecycle = 'deleted' AND updated_ms <= $1 ORDER BY id",
    )
    .bind(ms)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("artifact_uri")?))).collect()
}

/// Removes all that is kept of a logged model.
pub(crate) async fn purge(tx: &mut Connection, id: &str) -> Result<()> {
    for text in [
        "DELETE FROM run_logged_model_param WHERE model_id = $1",
        "DELETE FROM run_logged_model_tag WHERE model_id = $1",
        "DELETE FROM run_logged_model_metric WHERE model_id = $1",
        "DELETE FROM run_logged_model WHERE id = $1",
    ] {
        sqlx::query(text).bind(id).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Adds measurements that judge logged models.
pub(crate) async fn add_metrics(tx: &mut Connection, run_id: &str, metrics: &[Metric]) -> Result<()> {
    let rows = metrics.iter().filter_map(|metric| {
        let model = metric.model_id.as_deref()?;
        let is_nan = metric.value.is_nan();
        Some(vec![
            model.into(),
            run_id.into(),
            metric.key.as_str().into(),
            metric.timestamp.into(),
            metric.step.into(),
            (if is_nan { 0.0 } else { metric.value }).into(),
            i64::from(is_nan).into(),
            metric.dataset_name.clone().into(),
            metric.dataset_digest.clone().into(),
        ])
    });
    insert_many(
        tx,
        "INSERT INTO run_logged_model_metric (model_id, run_id, key, timestamp_ms, step, value, is_nan, dataset_name, dataset_digest)",
        rows.collect(),
        "ON CONFLICT DO NOTHING",
    )
    .await
}

pub(crate) async fn get(connection: &mut Connection, id: &str) -> Result<Option<LoggedModel>> {
    let mut sql = Sql::new(&format!(
        "SELECT {COLUMNS} FROM run_logged_model m WHERE m.lifecycle = 'active' AND m.id = "
    ));
    sql.bind(id);
    let Some(row) = sql.fetch_optional(connection).await? else { return Ok(None) };
    Ok(assemble(connection, vec![model(&row)?]).await?.pop())
}

/// As [`get`], also a deleted one.
pub(crate) async fn get_any(connection: &mut Connection, id: &str) -> Result<Option<LoggedModel>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_logged_model m WHERE m.id = "));
    sql.bind(id);
    let Some(row) = sql.fetch_optional(connection).await? else { return Ok(None) };
    Ok(assemble(connection, vec![model(&row)?]).await?.pop())
}

async fn assemble(connection: &mut Connection, mut models: Vec<LoggedModel>) -> Result<Vec<LoggedModel>> {
    let ids: Vec<String> = models.iter().map(|model| model.model_id.clone()).collect();
    let pair = |row: &AnyRow| Ok((row.try_get("key")?, row.try_get("value")?));
    let mut params =
        by_owner(connection, "run_logged_model_param", "model_id", "key, value", &ids, pair).await?;
    let mut tags = by_owner(connection, "run_logged_model_tag", "model_id", "key, value", &ids, pair).await?;
    let columns = "key, value, is_nan, timestamp_ms, step, run_id, model_id, dataset_name, dataset_digest";
    let mut metrics = by_owner(connection, "run_logged_model_metric", "model_id", columns, &ids, |row| {
        let mut metric = super::metric(row)?;
        metric.run_id = row.try_get("run_id")?;
        metric.model_id = row.try_get("model_id")?;
        metric.dataset_name = row.try_get("dataset_name")?;
        metric.dataset_digest = row.try_get("dataset_digest")?;
        Ok(metric)
    })
    .await?;
    for model in &mut models {
        model.params = params.remove(&model.model_id).unwrap_or_default().into_iter().collect();
        model.tags = tags.remove(&model.model_id).unwrap_or_default().into_iter().collect();
        model.metrics = metrics.remove(&model.model_id).unwrap_or_default();
        model.metrics.sort_by(|a, b| (&a.key, a.step, a.timestamp).cmp(&(&b.key, b.step, b.timestamp)));
    }
    Ok(models)
}

/// A search for logged models.
#[derive(Debug, Clone)]
pub(crate) struct LoggedModelQuery {
    pub(crate) experiments: Vec<i64>,
    pub(crate) comparisons: Vec<Comparison>,
    /// Datasets on which metrics count, by name and digest; all, if none is named.
    pub(crate) datasets: Vec<(String, Option<String>)>,
    pub(crate) orders: Vec<LoggedModelOrder>,
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

/// One order of a search for logged models.
#[derive(Debug, Clone)]
pub(crate) struct LoggedModelOrder {
    /// `creation_timestamp`, `metrics.accuracy` and the like.
    pub(crate) field: String,
    /// Smallest first.
    pub(crate) ascending: bool,
    /// The dataset on which the metric counts.
    pub(crate) dataset: (Option<String>, Option<String>),
}

/// One page of logged models and, if there is one, the first of the next.
pub(crate) async fn search(
    connection: &mut Connection,
    dialect: Dialect,
    query: &LoggedModelQuery,
) -> MlflowResult<Vec<LoggedModel>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_logged_model m"));
    let mut order_by = String::new();
    let (mut by_time, mut by_id) = (false, false);
    for (index, order) in query.orders.iter().enumerate() {
        let way = if order.ascending { "ASC" } else { "DESC" };
        let column = if order.field.contains('.') {
            push_metric_join(&mut sql, index, query, order)?;
            format!("o{index}.value")
        } else {
            let (column, text) = column(&order.field).ok_or_else(|| {
                MlflowError::invalid(format!("Invalid order by field name: {}", order.field))
                    .with("sqlstate", "KAM04")
                    .with("error_class", "ATTRIBUTE_NOT_FOUND")
            })?;
            by_time |= column == "m.created_ms";
            by_id |= column == "m.id";
            if text { text_order(dialect, column) } else { column.to_owned() }
        };
        order_by.push_str(&format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END, {column} {way}, "));
    }
    sql.push(" WHERE m.lifecycle = 'active' AND m.experiment_id IN ")
        .bind_list(query.experiments.iter().copied());
    for comparison in &query.comparisons {
        sql.push(" AND ");
        push_comparison(&mut sql, dialect, query, comparison)?;
    }
    let by_metric = query.comparisons.iter().any(|comparison| comparison.entity == Entity::Metric);
    if !query.datasets.is_empty() && !by_metric {
        sql.push(" AND EXISTS (SELECT 1 FROM run_logged_model_metric x WHERE x.model_id = m.id");
        push_datasets(&mut sql, &query.datasets);
        sql.push(")");
    }
    sql.push(" ORDER BY ").push(&order_by);
    if !by_time {
        sql.push("m.created_ms DESC, ");
    }
    sql.push(if by_id { "m.updated_ms" } else { "m.id" });
    sql.push(" LIMIT ").bind(query.limit).push(" OFFSET ").bind(query.offset);
    let mut found = Vec::new();
    for row in sql.fetch(connection).await? {
        found.push(model(&row)?);
    }
    Ok(assemble(connection, found).await?)
}

/// The column of an attribute, under any of its names, and whether it is text.
fn column(key: &str) -> Option<(&'static str, bool)> {
    Some(match key {
        "name" => ("m.name", true),
        "model_id" => ("m.id", true),
        "model_type" => ("m.model_type", true),
        "status" => ("m.status", true),
        "source_run_id" => ("m.source_run_id", true),
        "artifact_location" | "artifact_uri" => ("m.artifact_uri", true),
        "experiment_id" => ("m.experiment_id", false),
        "lifecycle_stage" => ("m.lifecycle", true),
        "status_message" => ("m.status_message", true),
        "creation_timestamp" | "creation_time" | "creation_timestamp_ms" => ("m.created_ms", false),
        "last_updated_timestamp" | "last_updated_timestamp_ms" | "last_updated_time" => {
            ("m.updated_ms", false)
        }
        _ => return None,
    })
}

fn push_datasets(sql: &mut Sql, datasets: &[(String, Option<String>)]) {
    for (index, (name, digest)) in datasets.iter().enumerate() {
        sql.push(if index == 0 { " AND (" } else { " OR " });
        sql.push("x.dataset_name = ").bind(name.as_str());
        match digest {
            Some(digest) => sql.push(" AND x.dataset_digest = ").bind(digest.as_str()),
            // As the stock server has it: a digest that was not named is one that is not there.
            None => sql.push(" AND x.dataset_digest IS NULL"),
        };
    }
    if !datasets.is_empty() {
        sql.push(")");
    }
}

/// Appends the latest value of a metric by model, of those datasets that count.
fn push_latest(sql: &mut Sql, key: &str, query: &LoggedModelQuery, own: &(Option<String>, Option<String>)) {
    sql.push(
        "SELECT model_id, value FROM (SELECT x.model_id, x.value, ROW_NUMBER() OVER (PARTITION BY x.model_id \
         ORDER BY x.step DESC, x.timestamp_ms DESC, x.value DESC) AS place FROM run_logged_model_metric x WHERE x.key = ",
    );
    sql.bind(key).push(" AND x.model_id IN (SELECT l.id FROM run_logged_model l WHERE l.experiment_id IN ");
    sql.bind_list(query.experiments.iter().copied()).push(")");
    push_datasets(sql, &query.datasets);
    for (column, value) in [("x.dataset_name", &own.0), ("x.dataset_digest", &own.1)] {
        if let Some(value) = value {
            sql.push(&format!(" AND {column} = ")).bind(value.as_str());
        }
    }
    sql.push(") ranked WHERE place = 1");
}

fn push_metric_join(
    sql: &mut Sql,
    index: usize,
    query: &LoggedModelQuery,
    order: &LoggedModelOrder,
) -> MlflowResult<()> {
    let Some(("metrics", key)) = order.field.split_once('.') else {
        return Err(MlflowError::invalid(format!(
            "Invalid order by field name: {}. Only metrics are supported.",
            order.field
        )));
    };
    sql.push(" LEFT JOIN (");
    push_latest(sql, key, query, &order.dataset);
    sql.push(&format!(") o{index} ON o{index}.model_id = m.id"));
    Ok(())
}

fn push_comparison(
    sql: &mut Sql,
    dialect: Dialect,
    query: &LoggedModelQuery,
    comparison: &Comparison,
) -> MlflowResult<()> {
    match comparison.entity {
        Entity::Metric => {
            sql.push("m.id IN (SELECT model_id FROM (");
            push_latest(sql, &comparison.key, query, &(None, None));
            sql.push(") latest WHERE ");
            push(sql, dialect, "latest.value", comparison)?;
            sql.push(")");
            Ok(())
        }
        Entity::Tag | Entity::Parameter => {
            let table = if comparison.entity == Entity::Tag {
                "run_logged_model_tag"
            } else {
                "run_logged_model_param"
            };
            let from = format!("SELECT 1 FROM {table} k WHERE k.model_id = m.id");
            push_keyed(sql, dialect, &from, ("k.key", "k.value"), comparison)
        }
        _ => {
            let (column, _) = column(&comparison.key)
                .ok_or_else(|| MlflowError::invalid(format!("Invalid attribute key '{}'", comparison.key)))?;
            if column == "m.status" {
                return push(sql, dialect, column, &with_stored_status(comparison));
            }
            push(sql, dialect, column, comparison)
        }
    }
}

/// A comparison of a status, whose words differ from those that are stored.
fn with_stored_status(comparison: &Comparison) -> Comparison {
    let stored = |word: &String| if word == "FAILED" { "UPLOAD_FAILED".to_owned() } else { word.clone() };
    let value = match &comparison.value {
        Value::Text(word) => Value::Text(stored(word)),
        Value::List(words) => Value::List(words.iter().map(stored).collect()),
        other => other.clone(),
    };
    Comparison { value, ..comparison.clone() }
}
