//! Experiments.

use ropewalk_core::{Connection, Error, Result, now_ms};
use ropewalk_migrate::places::{Place, place};
use ropewalk_migrate::{ExperimentRecord, Outcome, Taken};

use super::{Importing, told};
use crate::artifacts::uri::append;
use crate::experiment_tag::{check_experiment_tag, check_views};
use crate::limits::check_experiment_name;
use crate::model::{Experiment, Lifecycle, Tag, experiment_number};
use crate::service::Runs;
use crate::store::experiments as store;

impl Runs {
    /// Takes in experiments. One of a name that is here becomes that one; another keeps its number if that is free.
    pub(crate) async fn import_experiments(
        &self,
        records: Vec<ExperimentRecord>,
        importing: &Importing,
    ) -> Result<Vec<Taken>> {
        // First those whose numbers are free, so that none of these is given to another.
        let (mut free, mut other) = (Vec::new(), Vec::new());
        for (place, record) in records.into_iter().enumerate() {
            let taken = match self.get_experiment(&record.experiment_id).await {
                Ok(found) => found.name != record.name,
                Err(_) => false,
            };
            if taken { other.push((place, record)) } else { free.push((place, record)) }
        }
        let mut all = Vec::with_capacity(free.len() + other.len());
        for (place, record) in free.into_iter().chain(other) {
            let id = record.experiment_id.clone();
            let done = self.import_experiment(record, importing.dry_run).await;
            all.push((place, told(&id, done)?));
        }
        all.sort_by_key(|(place, _)| *place);
        Ok(all.into_iter().map(|(_, taken)| taken).collect())
    }

    async fn import_experiment(&self, mut record: ExperimentRecord, dry_run: bool) -> Result<Taken> {
        check_experiment_name(&record.name)?;
        let number = experiment_number(&record.experiment_id)?;
        if number < 0 {
            return Err(Error::invalid(format!("“{number}” is no number of an experiment")));
        }
        // What another program has kept here, or on a disk, this one keeps itself.
        record.artifact_location = match record.artifact_location {
            Some(told) if place(&told) == Place::Remote => Some(self.artifacts()?.location(&told)?),
            _ => None,
        };
        let root = self.artifacts()?.root.clone();
        let database = &self.core.database;
        if dry_run {
            let taken = database
                .rehearse(move |tx| Box::pin(async move { take(tx, number, record, &root).await }))
                .await?;
            Ok(Taken { made: None, ..taken })
        } else {
            database.write(move |tx| Box::pin(async move { take(tx, number, record, &root).await })).await
        }
    }
}

async fn take(tx: &mut Connection, number: i64, record: ExperimentRecord, root: &str) -> Result<Taken> {
    let mut taken = Taken::new(&record.experiment_id, Outcome::Unchanged);
    let found = match store::by_name(tx, &record.name).await? {
        Some(found) => found,
        None => {
            taken.outcome = Outcome::Created;
            taken.made = Some("experiment".to_owned());
            create(tx, number, &record, root, &mut taken).await?
        }
    };
    if found.lifecycle_stage == Lifecycle::Deleted && !record.deleted {
        taken.notes.push(format!("the experiment “{}” is deleted here", record.name));
    }
    taken.becomes = Some(found.experiment_id.clone());
    let number = experiment_number(&found.experiment_id)?;
    let mut keys: Vec<String> = found.tags.into_iter().map(|tag| tag.key).collect();
    for (key, value) in record.tags {
        if keys.contains(&key) {
            continue;
        }
        let tag = Tag { key, value };
        let all = keys.iter().map(String::as_str).chain([tag.key.as_str()]);
        if let Err(error) = check_experiment_tag(&tag).and_then(|()| check_views(all, None)) {
            taken.notes.push(format!("tag {}: {}", tag.key, error.what()));
            continue;
        }
        store::set_tag(tx, number, &tag).await?;
        keys.push(tag.key);
        if taken.outcome == Outcome::Unchanged {
            taken.outcome = Outcome::Completed;
        }
    }
    Ok(taken)
}

async fn create(
    tx: &mut Connection,
    number: i64,
    record: &ExperimentRecord,
    root: &str,
    taken: &mut Taken,
) -> Result<Experiment> {
    let number = if store::hold_and_ask(tx, number).await? {
        let other = store::next_number(tx).await?;
        taken.notes.push(format!("the number {number} is another experiment's here; it became {other}"));
        other
    } else {
        number
    };
    let (created, updated) = match (record.created_ms, record.updated_ms) {
        (0, 0) => (now_ms(), now_ms()),
        (created, 0) => (created, created),
        both => both,
    };
    let experiment = Experiment {
        experiment_id: number.to_string(),
        name: record.name.clone(),
        artifact_location: record
            .artifact_location
            .clone()
            .unwrap_or_else(|| append(root, &[&number.to_string()])),
        lifecycle_stage: if record.deleted { Lifecycle::Deleted } else { Lifecycle::Active },
        creation_time: created,
        last_update_time: updated,
        tags: Vec::new(),
    };
    store::insert(tx, number, &experiment).await?;
    Ok(experiment)
}
