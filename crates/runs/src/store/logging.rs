//! Metrics, parameters and tags of runs.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;

use crate::model::{Metric, Param, Tag};
use ropewalk_core::database::sql::{Argument, Sql, insert_many};

fn metric_row(owner: &str, metric: &Metric) -> Vec<Argument> {
    let is_nan = metric.value.is_nan();
    vec![
        owner.into(),
        metric.key.as_str().into(),
        metric.timestamp.into(),
        metric.step.into(),
        (if is_nan { 0.0 } else { metric.value }).into(),
        i64::from(is_nan).into(),
    ]
}

/// Adds measurements and moves the latest values. The same measurement twice counts once.
pub(crate) async fn add_metrics(tx: &mut Connection, run_id: &str, metrics: &[Metric]) -> Result<()> {
    let history = metrics.iter().map(|metric| metric_row(run_id, metric)).collect();
    insert_many(
        tx,
        "INSERT INTO run_metric (run_id, key, timestamp_ms, step, value, is_nan)",
        history,
        "ON CONFLICT DO NOTHING",
    )
    .await?;
    // One row a key: PostgreSQL refuses to touch a row twice in one statement. Keys in order, so that two writers cannot
    // wait for each other.
    let mut latest: BTreeMap<&str, &Metric> = BTreeMap::new();
    for metric in metrics {
        latest
            .entry(&metric.key)
            .and_modify(|kept| {
                if order(metric) > order(kept) {
                    *kept = metric;
                }
            })
            .or_insert(metric);
    }
    let rows = latest.values().map(|metric| metric_row(run_id, metric)).collect();
    insert_many(
        tx,
        "INSERT INTO run_latest_metric (run_id, key, timestamp_ms, step, value, is_nan)",
        rows,
        "ON CONFLICT (run_id, key) DO UPDATE SET timestamp_ms = excluded.timestamp_ms, step = excluded.step, value = excluded.value, \
         is_nan = excluded.is_nan WHERE (excluded.step, excluded.timestamp_ms, excluded.value) > \
         (run_latest_metric.step, run_latest_metric.timestamp_ms, run_latest_metric.value)",
    )
    .await
}

/// The latest is that of the highest step, then time, then value.
fn order(metric: &Metric) -> (i64, i64, Ordered) {
    (metric.step, metric.timestamp, Ordered(if metric.value.is_nan() { 0.0 } else { metric.value }))
}

#[derive(PartialEq, PartialOrd)]
struct Ordered(f64);

/// The logged values of these parameters.
pub(crate) async fn params(
    connection: &mut Connection,
    run_id: &str,
    keys: &[&str],
) -> Result<BTreeMap<String, String>> {
    let mut sql = Sql::new("SELECT key, value FROM run_param WHERE run_id = ");
    sql.bind(run_id).push(" AND key IN ").bind_list(keys.iter().copied());
    let rows = sql.fetch(connection).await?;
    rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("value")?))).collect()
}

/// Adds parameters that are not there yet.
pub(crate) async fn add_params(tx: &mut Connection, run_id: &str, params: &[Param]) -> Result<()> {
    let mut sorted: Vec<_> = params.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let rows = sorted
        .iter()
        .map(|param| vec![run_id.into(), param.key.as_str().into(), param.value.as_str().into()])
        .collect();
    insert_many(tx, "INSERT INTO run_param (run_id, key, value)", rows, "ON CONFLICT DO NOTHING").await
}

/// Sets tags; of two with the same key the later one counts.
pub(crate) async fn set_tags(tx: &mut Connection, run_id: &str, tags: &[Tag]) -> Result<()> {
    let last: BTreeMap<&str, &str> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    let rows = last.into_iter().map(|(key, value)| vec![run_id.into(), key.into(), value.into()]).collect();
    insert_many(
        tx,
        "INSERT INTO run_tag (run_id, key, value)",
        rows,
        "ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value",
    )
    .await
}

pub(crate) async fn delete_tag(tx: &mut Connection, run_id: &str, key: &str) -> Result<u64> {
    let done = sqlx::query("DELETE FROM run_tag WHERE run_id = $1 AND key = $2")
        .bind(run_id)
        .bind(key)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

/// A metric's measurements in the order of time.
pub(crate) async fn history(
    connection: &mut Connection,
    run_id: &str,
    key: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<Metric>> {
    let mut sql = Sql::new("SELECT key, timestamp_ms, step, value, is_nan FROM run_metric WHERE run_id = ");
    sql.bind(run_id).push(" AND key = ").bind(key);
    sql.push(" ORDER BY timestamp_ms, step, value, is_nan LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    sql.fetch(connection).await?.iter().map(super::metric).collect()
}

/// The distinct steps of a metric over some runs, and of each run its last step.
pub(crate) async fn steps(
    connection: &mut Connection,
    run_ids: &[String],
    key: &str,
    range: Option<(i64, i64)>,
) -> Result<BTreeMap<String, Vec<i64>>> {
    let mut sql = Sql::new("SELECT DISTINCT run_id, step FROM run_metric WHERE run_id IN ");
    sql.bind_list(run_ids.iter().map(String::as_str)).push(" AND key = ").bind(key);
    if let Some((start, end)) = range {
        sql.push(" AND step >= ").bind(start).push(" AND step <= ").bind(end);
    }
    sql.push(" ORDER BY run_id, step");
    let mut steps: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in sql.fetch(connection).await? {
        steps.entry(row.try_get("run_id")?).or_default().push(row.try_get("step")?);
    }
    Ok(steps)
}

/// Measurements of a run at these steps.
pub(crate) async fn at_steps(
    connection: &mut Connection,
    run_id: &str,
    key: &str,
    steps: &[i64],
    limit: i64,
) -> Result<Vec<Metric>> {
    let mut found = Vec::new();
    for part in steps.chunks(super::LIST_LIMIT) {
        let mut sql =
            Sql::new("SELECT key, timestamp_ms, step, value, is_nan FROM run_metric WHERE run_id = ");
        sql.bind(run_id).push(" AND key = ").bind(key).push(" AND step IN ").bind_list(part.iter().copied());
        sql.push(" ORDER BY step, timestamp_ms, value LIMIT ").bind(limit);
        for row in sql.fetch(connection).await? {
            found.push(super::metric(&row)?);
        }
    }
    Ok(found)
}
