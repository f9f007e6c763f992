//! Searching traces.

use ropewalk_core::page::Paged;
use ropewalk_core::{Error, Result};

use super::Traces;
use super::reading::with_assessments;
use crate::model::TraceInfo;
use crate::store::search;

/// What a search for traces asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceSearch {
    /// Experiments to look in; none finds nothing.
    pub(crate) experiment_ids: Vec<String>,
    /// MLflow's filter grammar; empty means all.
    pub(crate) filter: String,
    /// E.g. `timestamp_ms DESC`; afterwards the newest first.
    pub(crate) order_by: Vec<String>,
    /// Page size.
    pub(crate) max_results: u32,
    /// How many to pass over.
    pub(crate) offset: u64,
}

impl Traces {
    /// A page of traces without their spans.
    pub(crate) async fn search_traces(&self, asked: &TraceSearch) -> Result<Paged<TraceInfo>> {
        let experiments = locations(&asked.experiment_ids)?;
        let mut connection = self.core.database.read().await?;
        let rows = search::page(&mut connection, &experiments, asked.max_results + 1, asked.offset).await?;
        let page = Paged::cut(rows, asked.offset, asked.max_results);
        Ok(Paged { items: with_assessments(&mut connection, page.items).await?, next_token: page.next_token })
    }
}

/// Experiments by their numbers.
fn locations(ids: &[String]) -> Result<Vec<i64>> {
    let wrong: Vec<_> = ids.iter().filter(|id| id.contains('.')).map(String::as_str).collect();
    if !wrong.is_empty() {
        let mut shown = wrong.join(", ");
        if shown.chars().count() > 20 {
            shown = format!("{}...", crate::python::truncated(&shown, 20));
        }
        return Err(Error::invalid(format!(
            "Locations must be a list of experiment IDs. Found invalid experiment IDs: {shown}."
        )));
    }
    ids.iter().map(|id| super::experiment_number(id)).collect()
}
