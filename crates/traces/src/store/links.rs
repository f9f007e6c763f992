//! Which runs and prompts traces are linked to. Runs are not asked for: a link may come before its run.

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};
use sqlx::Row;

use super::LIST_LIMIT;

/// Links traces to a run; a link that stands already stays.
///
/// # Errors
/// `already_exists` when a trace is named twice.
pub(crate) async fn link_run(tx: &mut Connection, run_id: &str, traces: &[String]) -> Result<()> {
    link(tx, ("trace_run", "run_id", "trace_id"), run_id, traces).await
}

/// Links prompts, given as `name/version`, to a trace, in the same manner.
pub(crate) async fn link_prompts(tx: &mut Connection, trace: &str, prompts: &[String]) -> Result<()> {
    link(tx, ("trace_prompt", "trace_id", "prompt"), trace, prompts).await
}

async fn link(
    tx: &mut Connection,
    (table, one, other): (&str, &str, &str),
    from: &str,
    to: &[String],
) -> Result<()> {
    for part in to.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!("SELECT {other} FROM {table} WHERE {one} = "));
        sql.bind(from).push(&format!(" AND {other} IN ")).bind_list(part.iter().map(String::as_str));
        let linked: Vec<String> =
            sql.fetch(tx).await?.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_>>()?;
        let fresh: Vec<_> = part.iter().filter(|to| !linked.contains(to)).collect();
        if fresh.is_empty() {
            continue;
        }
        let mut sql = Sql::new(&format!("INSERT INTO {table} ({one}, {other}) VALUES "));
        for (index, to) in fresh.into_iter().enumerate() {
            sql.push(if index > 0 { ", (" } else { "(" }).bind(from).push(", ").bind(to.as_str()).push(")");
        }
        sql.execute(tx).await?;
    }
    Ok(())
}

/// The prompts that a trace is linked to, as `name/version`.
pub(crate) async fn prompts(connection: &mut Connection, trace: &str) -> Result<Vec<String>> {
    let mut sql = Sql::new("SELECT prompt FROM trace_prompt WHERE trace_id = ");
    sql.bind(trace).push(" ORDER BY prompt");
    sql.fetch(connection).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The runs that a trace is linked to.
pub(crate) async fn runs(connection: &mut Connection, trace: &str) -> Result<Vec<String>> {
    let mut sql = Sql::new("SELECT run_id FROM trace_run WHERE trace_id = ");
    sql.bind(trace).push(" ORDER BY run_id");
    sql.fetch(connection).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
