//! Experiments.

use super::{Files, META, folders, meta, texts};
use crate::record::{ExperimentRecord, Leftover, Problem};

impl Files {
    /// What is there and is not read.
    pub(crate) fn leftovers(&self) -> Vec<Leftover> {
        let experiments = self.experiment_folders().into_iter();
        let count = experiments.map(|(_, folder, _)| folders(&folder.join("traces")).len() as u64).sum();
        let why = "they are not read from stores yet; the folder keeps them".to_owned();
        let traces = Leftover { what: "traces".to_owned(), count, why, names: Vec::new() };
        Some(traces).filter(|traces| traces.count > 0).into_iter().collect()
    }

    /// All experiments by their numbers, and those that cannot be read.
    pub(crate) fn experiments(&self) -> (Vec<ExperimentRecord>, Vec<Problem>) {
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for (number, folder, deleted) in self.experiment_folders() {
            if !folder.join(META).exists() {
                // Where the runs are in a database, their artifacts may lie in such folders.
                if folders(&folder).iter().any(|(_, run)| run.join(META).exists()) {
                    problems.push(Problem::new(
                        "experiment",
                        number.to_string(),
                        "it has runs, but no meta.yaml",
                    ));
                }
                continue;
            }
            let read = || {
                let told = meta(&folder.join(META))?;
                let name = told.text("name").ok_or("its meta.yaml has no name")?;
                let stage = told.text("lifecycle_stage");
                Ok::<_, String>(ExperimentRecord {
                    experiment_id: number.to_string(),
                    name,
                    artifact_location: told.text("artifact_location").filter(|location| !location.is_empty()),
                    deleted: deleted || stage.as_deref() == Some("deleted"),
                    created_ms: told.whole("creation_time").unwrap_or_default(),
                    updated_ms: told.whole("last_update_time").unwrap_or_default(),
                    tags: texts(&folder.join("tags"))?,
                })
            };
            match read() {
                Ok(experiment) => found.push(experiment),
                Err(why) => problems.push(Problem::new("experiment", number.to_string(), why)),
            }
        }
        (found, problems)
    }
}
