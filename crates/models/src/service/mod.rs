//! The operations of the registry.

mod aliases;
mod history;
mod import;
mod registered;
mod registering;
mod search;
mod tags;
mod telling;
mod versions;

use futures::future::BoxFuture;
use ropewalk_core::{Connection, Core, Error, Result};
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;
use ropewalk_webhooks::Webhooks;

pub use history::HistoryEntry;
pub(crate) use import::Importing;
pub use registered::NewModel;
pub use registering::NewVersion;
pub use search::Window;
pub(crate) use versions::check_stage;

use crate::source::SourceRules;

/// The model registry. Cheap to clone.
#[derive(Clone)]
pub struct Models {
    core: Core,
    runs: Runs,
    prep: Prep,
    webhooks: Webhooks,
    pub(crate) rules: SourceRules,
}

impl Models {
    /// The registry on this home's database and blobs. `rules` say what a version's source may be.
    pub fn new(core: Core, runs: Runs, prep: Prep, webhooks: Webhooks, rules: SourceRules) -> Self {
        Self { core, runs, prep, webhooks, rules }
    }

    /// The runs that versions come from.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Makes a change, and has the webhooks that it concerns delivered.
    async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let done = self.core.database.write(change).await?;
        self.webhooks.wake();
        Ok(done)
    }
}

fn no_model(name: &str) -> Error {
    Error::not_found(format!("Registered Model with name={name} not found")).hint("ropewalk model list")
}

fn no_version(name: &str, version: i64) -> Error {
    Error::not_found(format!("Model Version (name={name}, version={version}) not found"))
        .hint(format!("ropewalk model show {name}"))
}
