//! The rows of traces.

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::LIST_LIMIT;
use crate::model::{Pairs, TraceInfo, TraceState};

/// A trace's row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TraceRow {
    /// The trace's number, which grows with time.
    pub(crate) n: i64,
    /// What it tells, without assessments.
    pub(crate) info: TraceInfo,
    /// Whether its client has told all of it: then its spans add only what is missing.
    pub(crate) finalized: bool,
    /// How many parts its spans have.
    pub(crate) parts: i64,
    /// How often it was written after it was made.
    pub(crate) writes: i64,
}

const COLUMNS: &str = "n, id, experiment_id, timestamp_ms, execution_ms, state, name, session_id, client_request_id, \
    request_preview, response_preview, input_tokens, output_tokens, total_tokens, cache_read_tokens, cache_write_tokens, \
    cache_write_1h_tokens, input_cost, output_cost, total_cost, finalized, parts, writes, metadata, tags";

/// The columns of a row, each with the table's name before it.
pub(crate) fn columns(table: &str) -> String {
    COLUMNS.split(", ").map(|column| format!("{table}.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

pub(crate) fn read(row: &AnyRow) -> Result<TraceRow> {
    let info = TraceInfo {
        trace_id: row.try_get(1)?,
        experiment_id: row.try_get(2)?,
        request_time: row.try_get(3)?,
        execution_duration: row.try_get(4)?,
        state: TraceState::read(row.try_get(5)?),
        name: row.try_get(6)?,
        session_id: row.try_get(7)?,
        client_request_id: row.try_get(8)?,
        request_preview: row.try_get(9)?,
        response_preview: row.try_get(10)?,
        usage: [
            row.try_get(11)?,
            row.try_get(12)?,
            row.try_get(13)?,
            row.try_get(14)?,
            row.try_get(15)?,
            row.try_get(16)?,
        ],
        cost: [row.try_get(17)?, row.try_get(18)?, row.try_get(19)?],
        metadata: Pairs::stored(row.try_get(23)?),
        tags: Pairs::stored(row.try_get(24)?),
        assessments: Vec::new(),
    };
    Ok(TraceRow {
        n: row.try_get(0)?,
        info,
        finalized: row.try_get::<i64, _>(20)? != 0,
        parts: row.try_get(21)?,
        writes: row.try_get(22)?,
    })
}

/// Adds a trace, or holds the row of the one that has its identifier until the transaction ends. Answers the row as it
/// stands, and whether it is new.
pub(crate) async fn insert_or_hold(tx: &mut Connection, row: &TraceRow) -> Result<(TraceRow, bool)> {
    let info = &row.info;
    let mut sql = Sql::new(&format!("INSERT INTO trace_trace ({COLUMNS}) VALUES ("));
    sql.bind(row.n).push(", ").bind(info.trace_id.as_str()).push(", ").bind(info.experiment_id).push(", ");
    push_values(&mut sql, row, ", ", false);
    sql.push(") ON CONFLICT (id) DO UPDATE SET writes = trace_trace.writes + 1 RETURNING ").push(COLUMNS);
    let rows = sql.fetch(tx).await?;
    let stands = rows.first().map(read).transpose()?.unwrap_or_default();
    let created = stands.n == row.n;
    Ok((stands, created))
}

/// Writes all of a row that can change.
pub(crate) async fn update(tx: &mut Connection, row: &TraceRow) -> Result<()> {
    let mut sql = Sql::new("UPDATE trace_trace SET ");
    push_values(&mut sql, row, ", ", true);
    sql.push(" WHERE n = ").bind(row.n);
    sql.execute(tx).await?;
    Ok(())
}

/// The values of the columns from `timestamp_ms` on, with or without their names.
fn push_values(sql: &mut Sql, row: &TraceRow, between: &str, named: bool) {
    let info = &row.info;
    let [input, output, total, cache_read, cache_write, cache_write_1h] = info.usage;
    let [input_cost, output_cost, total_cost] = info.cost;
    let mut first = true;
    let mut name = |sql: &mut Sql, column: &str| {
        if !first {
            sql.push(between);
        }
        first = false;
        if named {
            sql.push(column).push(" = ");
        }
    };
    name(sql, "timestamp_ms");
    sql.bind(info.request_time);
    name(sql, "execution_ms");
    sql.bind(info.execution_duration);
    name(sql, "state");
    sql.bind(info.state.as_str());
    let texts = [
        ("name", &info.name),
        ("session_id", &info.session_id),
        ("client_request_id", &info.client_request_id),
        ("request_preview", &info.request_preview),
        ("response_preview", &info.response_preview),
    ];
    for (column, text) in texts {
        name(sql, column);
        sql.bind(text.clone());
    }
    let counts = [
        ("input_tokens", input),
        ("output_tokens", output),
        ("total_tokens", total),
        ("cache_read_tokens", cache_read),
        ("cache_write_tokens", cache_write),
        ("cache_write_1h_tokens", cache_write_1h),
    ];
    for (column, count) in counts {
        name(sql, column);
        sql.bind(count);
    }
    for (column, cost) in
        [("input_cost", input_cost), ("output_cost", output_cost), ("total_cost", total_cost)]
    {
        name(sql, column);
        super::bind_real(sql, cost);
    }
    name(sql, "finalized");
    sql.bind(i64::from(row.finalized));
    name(sql, "parts");
    sql.bind(row.parts);
    name(sql, "writes");
    sql.bind(row.writes);
    name(sql, "metadata");
    sql.bind(info.metadata.as_json());
    name(sql, "tags");
    sql.bind(info.tags.as_json());
}

/// A trace by its identifier.
pub(crate) async fn by_id(connection: &mut Connection, id: &str) -> Result<Option<TraceRow>> {
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM trace_trace WHERE id = "));
    sql.bind(id);
    sql.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// A trace by its identifier, held until the transaction ends.
pub(crate) async fn hold(tx: &mut Connection, id: &str) -> Result<Option<TraceRow>> {
    let mut sql = Sql::new("UPDATE trace_trace SET writes = writes + 1 WHERE id = ");
    sql.bind(id).push(" RETURNING ").push(COLUMNS);
    sql.fetch_optional(tx).await?.as_ref().map(read).transpose()
}

/// Traces by their identifiers, in no particular order; only those of certain experiments, if any are named.
pub(crate) async fn by_ids(
    connection: &mut Connection,
    ids: &[String],
    experiments: Option<&[i64]>,
) -> Result<Vec<TraceRow>> {
    let mut found = Vec::new();
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM trace_trace WHERE id IN "));
        sql.bind_list(part.iter().map(String::as_str));
        for row in sql.fetch(connection).await? {
            let row = read(&row)?;
            if experiments.is_none_or(|experiments| experiments.contains(&row.info.experiment_id)) {
                found.push(row);
            }
        }
    }
    Ok(found)
}

/// Which of these identifiers belong to no trace.
pub(crate) async fn missing(connection: &mut Connection, ids: &[String]) -> Result<Vec<String>> {
    let mut left = ids.to_vec();
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT id FROM trace_trace WHERE id IN ");
        sql.bind_list(part.iter().map(String::as_str));
        for row in sql.fetch(connection).await? {
            let id: String = row.try_get(0)?;
            left.retain(|wanted| *wanted != id);
        }
    }
    Ok(left)
}

/// Which traces of an experiment are meant for deletion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doomed {
    pub(crate) experiment_id: i64,
    pub(crate) until_ms: Option<i64>,
    pub(crate) most: Option<i64>,
    pub(crate) ids: Vec<String>,
}

/// The numbers and identifiers of traces that are meant for deletion, the oldest first.
pub(crate) async fn doomed(tx: &mut Connection, doomed: &Doomed) -> Result<Vec<(i64, String)>> {
    let mut found = Vec::new();
    let parts: Vec<&[String]> =
        if doomed.ids.is_empty() { vec![&[]] } else { doomed.ids.chunks(LIST_LIMIT).collect() };
    for part in parts {
        let mut sql = Sql::new("SELECT n, id FROM trace_trace WHERE experiment_id = ");
        sql.bind(doomed.experiment_id);
        if let Some(until) = doomed.until_ms {
            sql.push(" AND timestamp_ms <= ").bind(until);
        }
        if !part.is_empty() {
            sql.push(" AND id IN ").bind_list(part.iter().map(String::as_str));
        }
        sql.push(" ORDER BY timestamp_ms, id");
        if let Some(most) = doomed.most {
            sql.push(" LIMIT ").bind(most);
        }
        for row in sql.fetch(tx).await? {
            found.push((row.try_get(0)?, row.try_get(1)?));
        }
    }
    Ok(found)
}

/// Deletes traces with all that belongs to them.
pub(crate) async fn delete(tx: &mut Connection, traces: &[(i64, String)]) -> Result<()> {
    for part in traces.chunks(LIST_LIMIT) {
        for (table, column) in [
            ("trace_entry", "trace"),
            ("trace_spans", "trace"),
            ("trace_assessment", "trace"),
            ("trace_trace", "n"),
        ] {
            let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE {column} IN "));
            sql.bind_list(part.iter().map(|(n, _)| *n));
            sql.execute(tx).await?;
        }
        for table in ["trace_run", "trace_prompt"] {
            let mut sql = Sql::new(&format!("DELETE FROM {table} WHERE trace_id IN "));
            sql.bind_list(part.iter().map(|(_, id)| id.as_str()));
            sql.execute(tx).await?;
        }
    }
    Ok(())
}

/// Sets a trace's name.
pub(crate) async fn set_name(tx: &mut Connection, n: i64, name: Option<String>) -> Result<()> {
    let mut sql = Sql::new("UPDATE trace_trace SET name = ");
    sql.bind(name).push(" WHERE n = ").bind(n);
    sql.execute(tx).await?;
    Ok(())
}

/// Sets a trace's tags, as answers show them.
pub(crate) async fn set_tags(tx: &mut Connection, n: i64, tags: &Pairs) -> Result<()> {
    let mut sql = Sql::new("UPDATE trace_trace SET tags = ");
    sql.bind(tags.as_json()).push(" WHERE n = ").bind(n);
    sql.execute(tx).await?;
    Ok(())
}
