//! Logged models.

use std::collections::BTreeMap;

use ropewalk_core::database::Connection;
use ropewalk_core::{Error, Result};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::by_owner;
use crate::filter::{self, Comparison, Operator};
use crate::logged_model::{LoggedModel, LoggedModelStatus};
use crate::model::Metric;
use ropewalk_core::database::sql::{Argument, Dialect, Sql, insert_many};

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
    insert_many(
        tx,
        "INSERT INTO run_logged_model_param (model_id, key, value)",
        pairs(id, params),
        "ON CONFLICT DO NOTHING",
    )
    .await
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
    let done = sqlx::query(
        "UPDATE run_logged_model SET status = $1, updated_ms = $2 WHERE id = $3 AND lifecycle = 'active'",
    )
    .bind(status.as_str())
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn delete(tx: &mut Connection, id: &str, now: i64) -> Result<u64> {
    let done = sqlx::query("UPDATE run_logged_model SET lifecycle = 'deleted', updated_ms = $1 WHERE id = $2 AND lifecycle = 'active'")
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
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
        model.metrics = latest(metrics.remove(&model.model_id).unwrap_or_default());
    }
    Ok(models)
}

/// Of each metric on each dataset in each run, the one of the highest step and time.
fn latest(metrics: Vec<Metric>) -> Vec<Metric> {
    let mut last: BTreeMap<_, Metric> = BTreeMap::new();
    for metric in metrics {
        let key = (
            metric.key.clone(),
            metric.run_id.clone(),
            metric.dataset_name.clone(),
            metric.dataset_digest.clone(),
        );
        match last.get(&key) {
            Some(kept) if (kept.step, kept.timestamp) >= (metric.step, metric.timestamp) => {}
            _ => {
                last.insert(key, metric);
            }
        }
    }
    last.into_values().collect()
}

/// One order of a search for logged models.
#[derive(Debug, Clone)]
pub struct LoggedModelOrder {
    /// `creation_timestamp`, `metrics.accuracy` and the like.
    pub field: String,
    /// Smallest first.
    pub ascending: bool,
}

/// One page of logged models and, if there is one, the first of the next.
pub(crate) async fn search(
    connection: &mut Connection,
    dialect: Dialect,
    experiments: &[i64],
    comparisons: &[Comparison],
    orders: &[LoggedModelOrder],
    limit: i64,
    offset: i64,
) -> Result<Vec<LoggedModel>> {
    let mut sql = Sql::new(&format!(
        "SELECT {COLUMNS} FROM run_logged_model m WHERE m.lifecycle = 'active' AND m.experiment_id IN "
    ));
    sql.bind_list(experiments.iter().copied());
    for comparison in comparisons {
        sql.push(" AND ");
        push_comparison(&mut sql, dialect, comparison)?;
    }
    sql.push(" ORDER BY ");
    for order in orders {
        push_order(&mut sql, order)?;
        sql.push(if order.ascending { " ASC, " } else { " DESC, " });
    }
    sql.push("m.created_ms DESC, m.id LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    let mut found = Vec::new();
    for row in sql.fetch(connection).await? {
        found.push(model(&row)?);
    }
    assemble(connection, found).await
}

fn column(key: &str) -> Option<(&'static str, bool)> {
    Some(match key {
        "name" => ("m.name", false),
        "model_id" => ("m.id", false),
        "model_type" => ("m.model_type", false),
        "status" => ("m.status", false),
        "source_run_id" => ("m.source_run_id", false),
        "artifact_uri" => ("m.artifact_uri", false),
        "experiment_id" => ("m.experiment_id", true),
        "creation_timestamp" | "creation_time" | "creation_timestamp_ms" => ("m.created_ms", true),
        "last_updated_timestamp" | "last_updated_timestamp_ms" | "last_updated_time" => {
            ("m.updated_ms", true)
        }
        _ => return None,
    })
}

fn push_order(sql: &mut Sql, order: &LoggedModelOrder) -> Result<()> {
    if let Some(key) = order.field.strip_prefix("metrics.") {
        sql.push(
            "(SELECT x.value FROM run_logged_model_metric x WHERE x.model_id = m.id AND x.is_nan = 0 AND x.key = ",
        );
        sql.bind(key).push(" ORDER BY x.step DESC, x.timestamp_ms DESC LIMIT 1)");
        return Ok(());
    }
    let field = order.field.strip_prefix("attributes.").unwrap_or(&order.field);
    let (column, _) =
        column(field).ok_or_else(|| Error::invalid(format!("Invalid order_by field: {field}")))?;
    sql.push(column);
    Ok(())
}

fn push_comparison(sql: &mut Sql, dialect: Dialect, comparison: &Comparison) -> Result<()> {
    let key = comparison.identifier.key.as_str();
    let missing = comparison.operator == Operator::IsNull;
    match comparison.identifier.entity.as_deref() {
        None | Some("attribute" | "attributes" | "attr") => {
            let (column, numeric) = column(key)
                .ok_or_else(|| Error::invalid(format!("Invalid attribute key '{key}' specified.")))?;
            if numeric {
                filter::push_number(sql, column, comparison)
            } else {
                filter::push_text(sql, dialect, column, comparison)
            }
        }
        Some(entity @ ("tag" | "tags" | "param" | "params" | "parameter" | "parameters")) => {
            let table =
                if entity.starts_with("tag") { "run_logged_model_tag" } else { "run_logged_model_param" };
            sql.push(if missing { "NOT EXISTS (" } else { "EXISTS (" });
            sql.push(&format!("SELECT 1 FROM {table} k WHERE k.model_id = m.id AND k.key = ")).bind(key);
            if !matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
                sql.push(" AND ");
                filter::push_text(sql, dialect, "k.value", comparison)?;
            }
            sql.push(")");
            Ok(())
        }
        Some("metric" | "metrics") => {
            let number = filter::expect_number(comparison)?;
            sql.push("EXISTS (SELECT 1 FROM run_logged_model_metric x WHERE x.model_id = m.id AND x.is_nan = 0 AND x.key = ").bind(key);
            sql.push(" AND x.value ").push(comparison.operator.as_str()).push(" ").bind(number).push(")");
            Ok(())
        }
        Some(other) => Err(Error::invalid(format!(
            "Invalid entity type '{other}'. Valid values are ['metric', 'parameter', 'tag', 'attribute']"
        ))),
    }
}
