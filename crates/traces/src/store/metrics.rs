//! Statistics over traces and their assessments.

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Dialect, Sql};
use ropewalk_mlflow::MlflowResult;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::search::TraceQuery;

/// What is put together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouped<'a> {
    /// Assessments that count, or else traces.
    pub(crate) assessments: bool,
    pub(crate) metric: &'a str,
    pub(crate) dimensions: &'a [String],
    /// Fields of assessments, and their values.
    pub(crate) fields: &'a [(&'static str, String)],
    /// The length of time that is put together.
    pub(crate) interval_ms: Option<i64>,
    /// Whether values are told apart.
    pub(crate) by_value: bool,
}

/// A group of values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// A moment in the length of time, in milliseconds since 1970; 0 if times are not told apart.
    pub(crate) bucket: i64,
    pub(crate) dimensions: Vec<String>,
    pub(crate) count: i64,
    pub(crate) sum: Option<f64>,
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
}

/// The groups that there are.
pub(crate) async fn groups(
    connection: &mut Connection,
    dialect: Dialect,
    traces: &TraceQuery,
    grouped: &Grouped<'_>,
) -> MlflowResult<Vec<Group>> {
    let names: Vec<_> = (0..grouped.dimensions.len()).map(|index| format!("d{index}")).collect();
    let mut group_by = names.clone();
    group_by.insert(0, "bucket".to_owned());
    if grouped.by_value {
        group_by.push("value".to_owned());
    }
    let group_by = group_by.join(", ");
    let value = measured(grouped.metric);
    // What is only counted may be a text.
    let sums = if is_number(grouped.metric) {
        "CAST(SUM(value) AS DOUBLE PRECISION), CAST(MIN(value) AS DOUBLE PRECISION), \
         CAST(MAX(value) AS DOUBLE PRECISION)"
    } else {
        "CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS DOUBLE PRECISION)"
    };
    let count = if grouped.metric == "session_count" { "COUNT(DISTINCT value)" } else { "COUNT(value)" };
    let mut sql = Sql::new(&format!("SELECT bucket, {count}, {sums}"));
    names.iter().for_each(|name| {
        sql.push(", ").push(name);
    });
    sql.push(" FROM (SELECT ");
    match grouped.interval_ms {
        None => sql.push("0"),
        Some(length) if length > 0 => {
            // The remainder of a moment before 1970 is negative.
            let (at, length) = ("t.timestamp_ms", length.to_string());
            sql.push(&format!("{at} - (({at} % {length}) + {length}) % {length}"))
        }
        Some(_) => sql.push("t.timestamp_ms"),
    };
    sql.push(" AS bucket, ").push(value).push(" AS value");
    for (name, dimension) in names.iter().zip(grouped.dimensions) {
        sql.push(", ").push(column(dimension)).push(" AS ").push(name);
    }
    traces.push_from(&mut sql, dialect, grouped.assessments)?;
    sql.push(" AND ").push(value).push(" IS NOT NULL");
    if grouped.assessments {
        sql.push(" AND a.valid = 1");
        for (field, value) in grouped.fields {
            sql.push(" AND a.").push(field).push(" = ").bind(value.as_str());
        }
    }
    for dimension in grouped.dimensions {
        sql.push(" AND ").push(column(dimension)).push(" IS NOT NULL");
    }
    sql.push(") q GROUP BY ").push(&group_by);
    let rows = sql.fetch(connection).await?;
    Ok(rows.iter().map(|row| read(row, names.len())).collect::<Result<Vec<_>>>()?)
}

fn read(row: &AnyRow, dimensions: usize) -> Result<Group> {
    let dimensions = (5..5 + dimensions).map(|place| Ok(row.try_get(place)?));
    Ok(Group {
        bucket: row.try_get(0)?,
        count: row.try_get(1)?,
        sum: row.try_get(2)?,
        minimum: row.try_get(3)?,
        maximum: row.try_get(4)?,
        dimensions: dimensions.collect::<Result<_>>()?,
    })
}

fn is_number(metric: &str) -> bool {
    !matches!(metric, "trace_count" | "session_count" | "assessment_count")
}

/// What is put together of a trace `t` or an assessment `a`.
fn measured(metric: &str) -> &'static str {
    match metric {
        "session_count" => "t.session_id",
        "latency" => "t.execution_ms",
        "input_tokens" => "t.input_tokens",
        "output_tokens" => "t.output_tokens",
        "total_tokens" => "t.total_tokens",
        "cache_read_input_tokens" => "t.cache_read_tokens",
        "cache_creation_input_tokens" => "t.cache_write_tokens",
        "assessment_count" => "a.id",
        "assessment_value" => "a.number",
        _ => "t.id",
    }
}

/// Where a dimension is kept.
fn column(dimension: &str) -> &'static str {
    match dimension {
        "trace_status" => "t.state",
        "assessment_name" => "a.name",
        "assessment_value" => "a.value",
        _ => "t.name",
    }
}
