//! The operations of tracing.

mod artifacts;
mod assessing;
mod datasets;
mod deleting;
mod following;
mod ingest;
mod legacy;
mod limits;
mod links;
mod metrics;
mod reading;
mod records;
mod searching;
mod starting;
mod tagging;

use ropewalk_core::{Core, Error, Result};
use ropewalk_runs::Runs;

pub(crate) use assessing::AssessmentUpdate;
pub(crate) use datasets::DatasetSearch;
pub(crate) use deleting::DeletedTraces;
pub(crate) use ingest::Refused;
pub(crate) use legacy::ToldPart;
pub(crate) use reading::{Links, Trace};
pub(crate) use records::NewRecord;
pub(crate) use searching::TraceSearch;
pub(crate) use starting::Told;

pub(crate) use crate::store::datasets::RecordsFrom;

/// Traces, their spans and what is judged of them. Cheap to clone.
#[derive(Clone)]
pub struct Traces {
    core: Core,
    runs: Runs,
}

impl Traces {
    /// Tracing on this home's database, beside its experiments and runs.
    pub fn new(core: Core, runs: Runs) -> Self {
        Self { core, runs }
    }

    /// The runs that traces belong to.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }
}

fn no_trace(id: &str) -> Error {
    Error::not_found(format!("Trace with ID '{id}' not found."))
}

/// An experiment's identifier as a number.
///
/// # Errors
/// `invalid` when the text is no number.
fn experiment_number(id: &str) -> Result<i64> {
    id.trim().parse().map_err(|_| {
        Error::invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer."))
    })
}

/// Where the files of a trace go.
fn artifact_location(experiment: &ropewalk_runs::Experiment, trace_id: &str) -> String {
    format!("{}/traces/{trace_id}/artifacts", experiment.artifact_location.trim_end_matches('/'))
}
