//! The operations of the registry.

mod registered;
mod registering;
mod versions;

use ropewalk_core::{Core, Error};
use ropewalk_prep::Prep;
use ropewalk_runs::Runs;

pub use registering::NewVersion;

/// The model registry. Cheap to clone.
#[derive(Clone)]
pub struct Models {
    core: Core,
    runs: Runs,
    prep: Prep,
}

impl Models {
    /// The registry on this home's database and blobs.
    pub fn new(core: Core, runs: Runs, prep: Prep) -> Self {
        Self { core, runs, prep }
    }

    /// The runs that versions come from.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }
}

fn no_model(name: &str) -> Error {
    Error::not_found(format!("Registered Model with name={name} not found")).hint("ropewalk model list")
}

fn no_version(name: &str, version: i64) -> Error {
    Error::not_found(format!("Model Version (name={name}, version={version}) not found"))
        .hint(format!("ropewalk model show {name}"))
}
