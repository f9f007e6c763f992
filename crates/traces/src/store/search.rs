//! The search for traces.

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};

use super::traces::{self, TraceRow};

/// Rows in their usual order: the newest first.
pub(crate) async fn page(
    connection: &mut Connection,
    experiments: &[i64],
    limit: u32,
    offset: u64,
) -> Result<Vec<TraceRow>> {
    let mut sql =
        Sql::new(&format!("SELECT {} FROM trace_trace t WHERE t.experiment_id IN ", traces::columns("t")));
    sql.bind_list(experiments.iter().copied()).push(" ORDER BY t.timestamp_ms DESC, t.id LIMIT ");
    sql.bind(i64::from(limit)).push(" OFFSET ").bind(i64::try_from(offset).unwrap_or(i64::MAX));
    sql.fetch(connection).await?.iter().map(traces::read).collect()
}
