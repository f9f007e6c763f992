//! Reading traces.

use std::time::Duration;

use ropewalk_core::database::Connection;
use ropewalk_core::{Code, Error, Result};
use ropewalk_mlflow::json::{Json, parse};

use super::{Traces, no_trace};
use crate::keys::{metadata, tag};
use crate::model::TraceInfo;
use crate::store::spans::StoredSpan;
use crate::store::traces::TraceRow;
use crate::store::{assessments, links, spans, traces};

/// How long a whole trace is waited for whose spans are still on their way.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often is looked meanwhile.
const GLANCE: Duration = Duration::from_millis(100);

/// A trace with its spans.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trace {
    pub(crate) info: TraceInfo,
    /// Roots first, then by their start, then as they came.
    pub(crate) spans: Vec<StoredSpan>,
}

/// What a trace is linked to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) runs: Vec<String>,
    /// As `name/version`.
    pub(crate) prompts: Vec<String>,
}

/// That a trace's spans are not kept in the database.
fn elsewhere() -> Error {
    Error::new(Code::WrongState, "Trace data not stored in tracking store")
}

impl Traces {
    /// A trace without its spans.
    pub(crate) async fn trace_info(&self, id: &str) -> Result<TraceInfo> {
        let mut connection = self.core.database.read().await?;
        let row = traces::by_id(&mut connection, id).await?.ok_or_else(|| no_trace(id))?;
        let mut infos = with_assessments(&mut connection, vec![row]).await?;
        infos.pop().ok_or_else(|| no_trace(id))
    }

    /// Traces without their spans, in the order in which they are named; only those of certain experiments, if any are
    /// named. What does not exist is left out.
    pub(crate) async fn trace_infos(
        &self,
        ids: &[String],
        experiments: Option<&[String]>,
    ) -> Result<Vec<TraceInfo>> {
        let mut connection = self.core.database.read().await?;
        let rows = ordered_rows(&mut connection, ids, experiments).await?;
        with_assessments(&mut connection, rows).await
    }

    /// A trace with its spans. Unless a part of it will do, one whose spans have not all arrived is waited for.
    ///
    /// # Errors
    /// `wrong_state` when its spans are kept elsewhere.
    pub(crate) async fn trace(&self, id: &str, partial: bool) -> Result<Trace> {
        let started = std::time::Instant::now();
        loop {
            let mut found = {
                let mut connection = self.core.database.read().await?;
                let row = traces::by_id(&mut connection, id).await?;
                let row = row.ok_or_else(|| Error::not_found(format!("Trace with ID {id} is not found.")))?;
                read_whole(&mut connection, vec![row]).await?
            };
            let Some(trace) = found.pop() else { return Err(no_trace(id)) };
            if partial || is_complete(&trace) {
                return Ok(trace);
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::not_found(format!(
                    "Trace with ID {id} is not fully exported yet, please try again later."
                )));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// A trace with the spans that are here, and what it is linked to.
    pub(crate) async fn overview(&self, id: &str) -> Result<(Trace, Links)> {
        let mut connection = self.core.database.read().await?;
        let row = traces::by_id(&mut connection, id).await?.ok_or_else(|| no_trace(id))?;
        let runs = links::runs(&mut connection, id).await?;
        let prompts = links::prompts(&mut connection, id).await?;
        let mut found = with_spans(&mut connection, vec![row]).await?;
        Ok((found.pop().ok_or_else(|| no_trace(id))?, Links { runs, prompts }))
    }

    /// Traces with their spans, in the order in which they are named. What does not exist or has not wholly arrived is
    /// left out.
    ///
    /// # Errors
    /// `wrong_state` when the spans of one are kept elsewhere.
    pub(crate) async fn traces(&self, ids: &[String], experiments: Option<&[String]>) -> Result<Vec<Trace>> {
        let mut connection = self.core.database.read().await?;
        let rows = ordered_rows(&mut connection, ids, experiments).await?;
        let mut found = read_whole(&mut connection, rows).await?;
        found.retain(is_complete);
        Ok(found)
    }
}

/// Rows in the order in which they are named, each once.
async fn ordered_rows(
    connection: &mut Connection,
    ids: &[String],
    experiments: Option<&[String]>,
) -> Result<Vec<TraceRow>> {
    let mut unique: Vec<String> = Vec::with_capacity(ids.len());
    let mut places = std::collections::HashMap::new();
    for id in ids {
        places.entry(id.as_str()).or_insert_with(|| {
            unique.push(id.clone());
            unique.len() - 1
        });
    }
    let experiments = match experiments {
        None => None,
        Some(named) => Some(named.iter().map(|id| super::experiment_number(id)).collect::<Result<Vec<_>>>()?),
    };
    let mut rows = traces::by_ids(connection, &unique, experiments.as_deref()).await?;
    rows.sort_by_key(|row| places.get(row.info.trace_id.as_str()).copied());
    Ok(rows)
}

/// Adds what was judged.
pub(super) async fn with_assessments(
    connection: &mut Connection,
    rows: Vec<TraceRow>,
) -> Result<Vec<TraceInfo>> {
    let named: Vec<_> = rows.iter().map(|row| (row.n, row.info.trace_id.as_str())).collect();
    let mut found = assessments::of_traces(connection, &named).await?;
    let infos = rows.into_iter().map(|row| {
        let assessments = found.remove(&row.n).unwrap_or_default();
        TraceInfo { assessments, ..row.info }
    });
    Ok(infos.collect())
}

async fn read_whole(connection: &mut Connection, rows: Vec<TraceRow>) -> Result<Vec<Trace>> {
    if rows.iter().any(|row| row.info.tags.get(tag::SPANS_LOCATION).as_deref() != Some(tag::TRACKING_STORE)) {
        return Err(elsewhere());
    }
    with_spans(connection, rows).await
}

async fn with_spans(connection: &mut Connection, rows: Vec<TraceRow>) -> Result<Vec<Trace>> {
    let numbers: Vec<_> = rows.iter().map(|row| row.n).collect();
    let mut spans = spans::whole(connection, &numbers).await?;
    let infos = with_assessments(connection, rows).await?;
    let whole = infos.into_iter().zip(numbers).map(|(info, n)| {
        let mut spans = spans.remove(&n).unwrap_or_default();
        spans.sort_by_key(|span| (span.summary.parent_id.is_some(), span.summary.start_ns));
        Trace { info, spans }
    });
    Ok(whole.collect())
}

/// Whether all spans have arrived of which the client has told; at least one.
fn is_complete(trace: &Trace) -> bool {
    let told = trace.info.metadata.get(metadata::SIZE_STATS);
    let told = told.as_deref().and_then(parse);
    let expected = match told.as_ref().and_then(|stats| stats.get("num_spans")) {
        Some(Json::Integer(number)) => *number,
        _ => 0,
    };
    !trace.spans.is_empty() && i64::try_from(trace.spans.len()).is_ok_and(|there| there >= expected)
}
