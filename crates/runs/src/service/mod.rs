//! The operations of tracking.

pub(crate) mod artifacts;
mod experiments;
pub(crate) mod logged_models;
mod logging;
mod runs;

use ropewalk_core::{Core, Error, Result};

/// Experiments, runs and what they log. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    core: Core,
}

impl Runs {
    /// Tracking on this home's database and blobs.
    pub fn new(core: Core) -> Self {
        Self { core }
    }

    /// What it stands on.
    pub fn core(&self) -> &Core {
        &self.core
    }
}

fn no_run(id: &str) -> Error {
    Error::not_found(format!("Run with id={id} not found")).hint("ropewalk run list")
}

fn no_experiment(id: &str) -> Error {
    Error::not_found(format!("No Experiment with id={id} exists")).hint("ropewalk run list")
}

/// The limit of a page: a number asked for, within bounds; `default` if none.
pub(crate) fn page_limit(asked: Option<i64>, default: u32, most: u32) -> Result<u32> {
    match asked {
        None => Ok(default),
        Some(number) if number < 1 => Err(Error::invalid(format!(
            "Invalid value {number} for parameter 'max_results' supplied. It must be a positive integer"
        ))),
        Some(number) if number > i64::from(most) => Err(Error::invalid(format!(
            "Invalid value {number} for parameter 'max_results' supplied. It must be at most {most}"
        ))),
        Some(number) => Ok(u32::try_from(number).unwrap_or(most)),
    }
}
