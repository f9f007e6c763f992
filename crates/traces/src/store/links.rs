//! Which runs and prompts traces are linked to. Runs are not asked for: a link may come before its run.

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};
use sqlx::Row;

/// Links traces to a run.
pub(crate) async fn link_run(tx: &mut Connection, run_id: &str, traces: &[String]) -> Result<()> {
    link(
        tx,
        "INSERT INTO trace_run (run_id, trace_id) VALUES ",
        traces.iter().map(|trace| (run_id, trace.as_str())),
    )
    .await
}

/// Links prompts, given as `name/version`, to a trace.
pub(crate) async fn link_prompts(tx: &mut Connection, trace: &str, prompts: &[String]) -> Result<()> {
    link(
        tx,
        "INSERT INTO trace_prompt (prompt, trace_id) VALUES ",
        prompts.iter().map(|prompt| (prompt.as_str(), trace)),
    )
    .await
}

async fn link<'a>(
    tx: &mut Connection,
    head: &str,
    pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    if pairs.len() == 0 {
        return Ok(());
    }
    let mut sql = Sql::new(head);
    for (index, (left, right)) in pairs.enumerate() {
        sql.push(if index > 0 { ", (" } else { "(" }).bind(left).push(", ").bind(right).push(")");
    }
    sql.push(" ON CONFLICT DO NOTHING");
    sql.execute(tx).await?;
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
