//! Taking in what another store holds: experiments, runs and logged models keep their identifiers.
//!
//! What is there already is completed with what it lacks, and otherwise left as it is; so the same import can be made again,
//! whether the first broke off or the other store has gone on.

mod experiments;
mod logged_models;
mod points;
mod runs;
#[cfg(test)]
mod tests;

use ropewalk_core::{Actor, Error, Result};
use ropewalk_migrate::places::{Place, place};
use ropewalk_migrate::{KeptFile, Taken};
use ropewalk_mlflow::path;

use super::Runs;
use crate::artifacts::DEFAULT_ROOT;
use crate::artifacts::uri::{append, proxied_path};
use crate::model::Experiment;

/// How an import is made.
#[derive(Debug, Clone)]
pub(crate) struct Importing {
    /// Where it comes from, in words.
    pub(crate) source: String,
    /// Whether it is only looked what would become of it.
    pub(crate) dry_run: bool,
    /// Who imports.
    pub(crate) actor: Actor,
}

impl Runs {
    /// The files below a folder of this server's artifacts, with their paths in it.
    ///
    /// # Errors
    /// `invalid` for a path that could lead elsewhere.
    pub(crate) async fn kept_files(&self, folder: &str) -> Result<Vec<KeptFile>> {
        let folder = path::safe(folder)?;
        self.kept()?.place.below(&folder).await
    }

    /// Where the files of something that comes from elsewhere go: they stay if they are with another system, and come here
    /// otherwise.
    fn place_of_files(&self, told: &str, experiment: &Experiment, below: &[&str]) -> Result<String> {
        let artifacts = self.artifacts()?;
        if !told.is_empty() && place(told) == Place::Remote {
            return artifacts.location(told);
        }
        if artifacts.served && proxied_path(&experiment.artifact_location).is_none() {
            let root = append(DEFAULT_ROOT, &[&experiment.experiment_id]);
            return Ok(append(&root, below));
        }
        Ok(append(&experiment.artifact_location, below))
    }
}

/// Refuses an identifier that could not be one of MLflow's.
fn check_id(id: &str) -> Result<()> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain && !id.is_empty() && id.len() <= 256 && !id.starts_with(['-', '_']) {
        return Ok(());
    }
    Err(Error::invalid(format!("“{id}” is no identifier"))
        .why("letters, digits, - and _ are expected, 256 at most"))
}

/// What became of a record; an error is told with it.
fn told(id: &str, done: Result<Taken>) -> Result<Taken> {
    match done {
        Ok(taken) => Ok(taken),
        Err(error) if error.code().status() < 500 => {
            let why = error.reason().map(|why| format!(": {why}")).unwrap_or_default();
            Ok(Taken::refused(id, format!("{}{why}", error.what())))
        }
        Err(error) => Err(error),
    }
}
