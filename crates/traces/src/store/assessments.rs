//! Assessments of traces.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::LIST_LIMIT;
use crate::keys::metadata;
use crate::model::{Assessment, AssessmentError, AssessmentKind};

const COLUMNS: &str = "a.id, a.trace, a.name, a.kind, a.value, a.error, a.created_ms, a.updated_ms, a.source_type, \
    a.source_id, a.run_id, a.span_id, a.rationale, a.overrides, a.valid, a.metadata";

fn read(row: &AnyRow, trace_id: String) -> Result<Assessment> {
    let kind = AssessmentKind::read(row.try_get(3)?);
    let source: String = row.try_get(8)?;
    let source_types = crate::model::SOURCE_TYPES;
    Ok(Assessment {
        assessment_id: row.try_get(0)?,
        trace_id,
        name: row.try_get(2)?,
        kind,
        value: Assessment::read_value(kind, row.try_get(4)?),
        error: row.try_get::<Option<String>, _>(5)?.as_deref().and_then(AssessmentError::read),
        create_time: row.try_get(6)?,
        last_update_time: row.try_get(7)?,
        source_type: source_types.into_iter().find(|known| *known == source).unwrap_or(source_types[0]),
        source_id: row.try_get(9)?,
        run_id: row.try_get(10)?,
        span_id: row.try_get(11)?,
        rationale: row.try_get(12)?,
        overrides: row.try_get(13)?,
        valid: row.try_get::<i64, _>(14)? != 0,
        metadata: row
            .try_get::<Option<String>, _>(15)?
            .as_deref()
            .map(Assessment::read_metadata)
            .unwrap_or_default(),
    })
}

/// Adds an assessment, or overwrites the one that has its identifier if `over` says so.
pub(crate) async fn insert(
    tx: &mut Connection,
    n: i64,
    trace: i64,
    assessment: &Assessment,
    over: bool,
) -> Result<()> {
    let (number, numeric) = assessment.number();
    let of_session = assessment.metadata.iter().any(|(name, _)| name == metadata::SESSION);
    let mut sql = Sql::new(
        "INSERT INTO trace_assessment (id, n, trace, name, kind, value, error, created_ms, updated_ms, source_type, \
         source_id, run_id, span_id, rationale, overrides, valid, metadata, of_session, number, is_numeric) VALUES (",
    );
    sql.bind(assessment.assessment_id.as_str()).push(", ").bind(n).push(", ").bind(trace);
    sql.push(", ").bind(assessment.name.as_str()).push(", ").bind(assessment.kind.as_str());
    sql.push(", ").bind(assessment.stored_value());
    sql.push(", ").bind(assessment.error.as_ref().map(AssessmentError::to_json));
    sql.push(", ").bind(assessment.create_time).push(", ").bind(assessment.last_update_time);
    sql.push(", ").bind(assessment.source_type);
    for text in [
        &assessment.source_id,
        &assessment.run_id,
        &assessment.span_id,
        &assessment.rationale,
        &assessment.overrides,
    ] {
        sql.push(", ").bind(text.clone());
    }
    sql.push(", ").bind(i64::from(assessment.valid)).push(", ").bind(assessment.stored_metadata());
    sql.push(", ").bind(i64::from(of_session)).push(", ");
    super::bind_real(&mut sql, number);
    sql.push(", ").bind(i64::from(numeric)).push(")");
    if over {
        let changed = [
            "name",
            "kind",
            "value",
            "error",
            "created_ms",
            "updated_ms",
            "source_type",
            "source_id",
            "run_id",
            "span_id",
            "rationale",
            "overrides",
            "valid",
            "metadata",
            "of_session",
            "number",
            "is_numeric",
        ];
        let changed = changed.map(|column| format!("{column} = excluded.{column}")).join(", ");
        sql.push(" ON CONFLICT (id) DO UPDATE SET ").push(&changed);
    }
    sql.execute(tx).await?;
    Ok(())
}

/// Writes what an update may change.
pub(crate) async fn update(tx: &mut Connection, assessment: &Assessment) -> Result<()> {
    let (number, numeric) = assessment.number();
    let of_session = assessment.metadata.iter().any(|(name, _)| name == metadata::SESSION);
    let mut sql = Sql::new("UPDATE trace_assessment SET name = ");
    sql.bind(assessment.name.as_str()).push(", value = ").bind(assessment.stored_value());
    sql.push(", error = ").bind(assessment.error.as_ref().map(AssessmentError::to_json));
    sql.push(", updated_ms = ").bind(assessment.last_update_time);
    sql.push(", rationale = ").bind(assessment.rationale.clone());
    sql.push(", metadata = ").bind(assessment.stored_metadata());
    sql.push(", of_session = ").bind(i64::from(of_session));
    sql.push(", number = ");
    super::bind_real(&mut sql, number);
    sql.push(", is_numeric = ").bind(i64::from(numeric));
    sql.push(" WHERE id = ").bind(assessment.assessment_id.as_str());
    sql.execute(tx).await?;
    Ok(())
}

/// An assessment of a trace.
pub(crate) async fn by_id(
    connection: &mut Connection,
    trace_id: &str,
    id: &str,
) -> Result<Option<Assessment>> {
    let mut sql = Sql::new(&format!(
        "SELECT {COLUMNS} FROM trace_assessment a JOIN trace_trace t ON t.n = a.trace WHERE a.id = "
    ));
    sql.bind(id).push(" AND t.id = ").bind(trace_id);
    sql.fetch_optional(connection).await?.map(|row| read(&row, trace_id.to_owned())).transpose()
}

/// The assessments of traces by their numbers, the oldest first. `ids` are the traces' numbers and identifiers.
pub(crate) async fn of_traces(
    connection: &mut Connection,
    ids: &[(i64, &str)],
) -> Result<HashMap<i64, Vec<Assessment>>> {
    let mut found: HashMap<i64, Vec<Assessment>> = HashMap::new();
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM trace_assessment a WHERE a.trace IN "));
        sql.bind_list(part.iter().map(|(n, _)| *n)).push(" ORDER BY a.trace, a.created_ms, a.n");
        for row in sql.fetch(connection).await? {
            let n: i64 = row.try_get(1)?;
            let trace_id = part.iter().find(|(known, _)| *known == n).map_or("", |(_, id)| *id).to_owned();
            found.entry(n).or_default().push(read(&row, trace_id)?);
        }
    }
    Ok(found)
}

/// One of these assessments that belongs to another trace.
pub(crate) async fn foreign(tx: &mut Connection, trace: i64, ids: &[&str]) -> Result<Option<String>> {
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT id FROM trace_assessment WHERE trace <> ");
        sql.bind(trace).push(" AND id IN ").bind_list(part.iter().copied()).push(" LIMIT 1");
        if let Some(row) = sql.fetch_optional(tx).await? {
            return Ok(Some(row.try_get(0)?));
        }
    }
    Ok(None)
}

/// Says of an assessment whether it counts; how many there were. Without a trace any that has the identifier.
pub(crate) async fn set_valid(tx: &mut Connection, trace: Option<i64>, id: &str, valid: bool) -> Result<u64> {
    let mut sql = Sql::new("UPDATE trace_assessment SET valid = ");
    sql.bind(i64::from(valid)).push(" WHERE id = ").bind(id);
    if let Some(trace) = trace {
        sql.push(" AND trace = ").bind(trace);
    }
    sql.execute(tx).await
}

/// Removes an assessment.
pub(crate) async fn delete(tx: &mut Connection, id: &str) -> Result<()> {
    let mut sql = Sql::new("DELETE FROM trace_assessment WHERE id = ");
    sql.bind(id);
    sql.execute(tx).await?;
    Ok(())
}

/// Removes the assessments that runs have made.
pub(crate) async fn delete_of_runs(tx: &mut Connection, runs: &[String]) -> Result<u64> {
    let mut deleted = 0;
    for part in runs.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("DELETE FROM trace_assessment WHERE run_id IN ");
        sql.bind_list(part.iter().map(String::as_str));
        deleted += sql.execute(tx).await?;
    }
    Ok(deleted)
}
