//! Links of traces to runs and prompts.

use ropewalk_core::{Error, Result};

use super::Traces;
use crate::store::{links, traces};

/// The most traces that one request may link.
const MOST_LINKS: usize = 100;

impl Traces {
    /// Links traces to a run. Neither needs to exist yet.
    pub(crate) async fn link_to_run(&self, trace_ids: &[String], run_id: &str) -> Result<()> {
        if trace_ids.len() > MOST_LINKS {
            return Err(Error::invalid(format!(
                "Cannot link more than {MOST_LINKS} traces to a run in a single request. Provided {} traces.",
                trace_ids.len()
            )));
        }
        let (trace_ids, run_id) = (trace_ids.to_vec(), run_id.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { links::link_run(tx, &run_id, &trace_ids).await }))
            .await
    }

    /// Links prompts, given as `name/version`, to a trace.
    pub(crate) async fn link_prompts(&self, trace_id: &str, prompts: Vec<String>) -> Result<()> {
        if prompts.is_empty() {
            return Ok(());
        }
        let trace_id = trace_id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if traces::by_id(tx, &trace_id).await?.is_none() {
                        return Err(Error::not_found(format!("Trace with ID '{trace_id}' not found.")));
                    }
                    links::link_prompts(tx, &trace_id, &prompts).await
                })
            })
            .await
    }
}
