//! The second schema step: rows of parameters, tags and metrics become documents and segments.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::{Argument, insert_many};
use sqlx::{Executor, Row};

use crate::state::document::{Document, Summary};
use crate::state::points::{Point, SeriesMap};
use crate::state::segment;

/// Packs every run, then drops the rows.
pub(super) async fn pack_rows(connection: &mut Connection) -> Result<()> {
    let mut after = String::new();
    loop {
        let rows = sqlx::query("SELECT id FROM run_run WHERE id > $1 ORDER BY id LIMIT 200")
            .bind(after.as_str())
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            after = row.try_get("id")?;
            pack_run(connection, &after).await?;
        }
        if rows.is_empty() {
            break;
        }
    }
    for table in ["run_param", "run_tag", "run_metric", "run_latest_metric"] {
        connection.execute(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).await?;
    }
    Ok(())
}

async fn pack_run(connection: &mut Connection, id: &str) -> Result<()> {
    let mut document = Document::default();
    for (table, pairs) in [("run_param", &mut document.params), ("run_tag", &mut document.tags)] {
        let text = sqlx::AssertSqlSafe(format!("SELECT key, value FROM {table} WHERE run_id = $1"));
        for row in sqlx::query(text).bind(id).fetch_all(&mut *connection).await? {
            pairs.insert(row.try_get("key")?, row.try_get("value")?);
        }
    }
    let linked = sqlx::query(
        "SELECT run_id FROM run_input WHERE run_id = $1 UNION SELECT run_id FROM run_model_link WHERE run_id = $1",
    );
    document.linked = !linked.bind(id).fetch_all(&mut *connection).await?.is_empty();
    let mut series = SeriesMap::new();
    let metrics = sqlx::query(
        "SELECT key, timestamp_ms, step, value, is_nan FROM run_metric WHERE run_id = $1 \
         ORDER BY key, timestamp_ms, step, value, is_nan",
    );
    for row in metrics.bind(id).fetch_all(&mut *connection).await? {
        let nan = row.try_get::<i64, _>("is_nan")? != 0;
        let value = if nan { f64::NAN } else { row.try_get("value")? };
        let point = Point { timestamp: row.try_get("timestamp_ms")?, step: row.try_get("step")?, value };
        let key: String = row.try_get("key")?;
        document
            .metrics
            .entry(key.clone())
            .and_modify(|summary| summary.take(point))
            .or_insert(Summary::of(point));
        series.entry(key).or_default().push(point);
    }
    sqlx::query("UPDATE run_run SET document = $1 WHERE id = $2")
        .bind(document.pack())
        .bind(id)
        .execute(&mut *connection)
        .await?;
    let rows = segment::cut(&series)
        .into_iter()
        .enumerate()
        .map(|(part, segment)| {
            vec![
                id.into(),
                0_i64.into(),
                (part as i64).into(),
                1_i64.into(),
                Argument::Bytes(segment.keys.0.into_bytes()),
                Argument::Bytes(segment.keys.1.into_bytes()),
                Argument::Bytes(segment.data),
            ]
        })
        .collect();
    insert_many(
        connection,
        "INSERT INTO run_segment (run_id, number, part, level, first_key, last_key, data)",
        rows,
        "",
    )
    .await
}
