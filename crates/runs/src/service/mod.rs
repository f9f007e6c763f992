//! The operations of tracking.

pub(crate) mod artifacts;
pub(crate) mod bulk;
pub(crate) mod chart;
mod experiments;
mod history;
pub(crate) mod import;
pub(crate) mod leaderboard;
pub(crate) mod logged_models;
mod logging;
mod runs;
pub(crate) mod search;
pub(crate) mod table;
pub(crate) mod views;

use std::sync::{Arc, OnceLock};

use ropewalk_core::{Core, Error, Result};

pub(crate) use runs::NAME_TAG;

use crate::artifacts::Artifacts;
use crate::sink::RunSink;
use crate::state::State;

/// Experiments, runs and what they log. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    core: Core,
    pub(crate) state: Arc<State>,
    artifacts: Arc<Result<Artifacts>>,
    sink: Arc<OnceLock<Arc<dyn RunSink>>>,
}

impl Runs {
    /// Tracking on this home's database and blobs. Starts the tasks that write runs, which end with the last clone.
    pub fn new(core: Core) -> Self {
        let state = State::start(core.clone());
        let artifacts = std::env::current_dir().map_err(Error::from).and_then(|directory| {
            Artifacts::open(&core.settings, &core.blobs, &directory, &|name| std::env::var(name).ok())
        });
        Self { core, state, artifacts: Arc::new(artifacts), sink: Arc::default() }
    }

    /// Tells who must hear when runs and experiments go. The first counts.
    pub fn attach_sink(&self, sink: Arc<dyn RunSink>) {
        let _ = self.sink.set(sink);
    }

    /// Tells that runs were deleted.
    async fn tell_deleted(&self, run_ids: &[String]) -> Result<()> {
        match self.sink.get() {
            Some(sink) if !run_ids.is_empty() => sink.runs_deleted(run_ids).await,
            _ => Ok(()),
        }
    }

    /// What it stands on.
    pub fn core(&self) -> &Core {
        &self.core
    }
}

pub(crate) fn no_run(id: &str) -> Error {
    Error::not_found(format!("Run with id={id} not found")).hint("ropewalk run list")
}

pub(crate) fn no_experiment(id: impl std::fmt::Display) -> Error {
    Error::not_found(format!("No Experiment with id={id} exists")).hint("ropewalk run list")
}
