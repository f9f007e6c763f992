//! Deleting traces.

use ropewalk_core::{Error, Result};

use super::{Traces, experiment_number};
use crate::store::traces::{self, Doomed};

/// Which traces of an experiment are to be deleted: those named, or the oldest.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeletedTraces {
    pub(crate) experiment_id: String,
    /// Those that began up to then, in milliseconds since 1970.
    pub(crate) until_ms: Option<i64>,
    /// At most so many of them, the oldest first.
    pub(crate) most: Option<i64>,
    pub(crate) ids: Vec<String>,
}

impl Traces {
    /// Deletes traces with all that belongs to them; how many.
    ///
    /// # Errors
    /// `invalid` when neither a time nor traces are named, or both are.
    pub(crate) async fn delete_traces(&self, asked: DeletedTraces) -> Result<i64> {
        if asked.until_ms.is_none() && asked.ids.is_empty() {
            return Err(Error::invalid("Either `max_timestamp_millis` or `trace_ids` must be specified."));
        }
        if asked.until_ms.is_some() && !asked.ids.is_empty() {
            return Err(Error::invalid(
                "Only one of `max_timestamp_millis` and `trace_ids` can be specified.",
            ));
        }
        if !asked.ids.is_empty() && asked.most.is_some() {
            return Err(Error::invalid("`max_traces` can't be specified if `trace_ids` is specified."));
        }
        if let Some(most) = asked.most.filter(|most| *most <= 0) {
            return Err(Error::invalid(format!("`max_traces` must be a positive integer, received {most}.")));
        }
        let doomed = Doomed {
            experiment_id: experiment_number(&asked.experiment_id)?,
            until_ms: asked.until_ms,
            most: asked.most,
            ids: asked.ids,
        };
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let found = traces::doomed(tx, &doomed).await?;
                    traces::delete(tx, &found).await?;
                    Ok(i64::try_from(found.len()).unwrap_or(i64::MAX))
                })
            })
            .await
    }
}
