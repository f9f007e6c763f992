//! Runs: a new one is written as a whole, of one that is here what it lacks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::join_all;
use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::{Error, Result};
use ropewalk_migrate::{DatasetRecord, LinkRecord, Outcome, RunRecord, Taken};
use serde_json::json;

use super::{Importing, check_id, points, told};
use crate::limits::check_length;
use crate::model::{
    DatasetInfo, DatasetInput, Experiment, Lifecycle, ModelLink, RunInfo, RunLinks, RunStatus, Tag,
};
use crate::names::run_name;
use crate::service::{NAME_TAG, Runs, no_experiment};
use crate::state::change::Change;
use crate::state::document::Document;
use crate::state::points::SeriesMap;
use crate::state::{Import, Operation, RunUpdate};
use crate::store::inputs;

/// Longest name of a parameter, tag or metric that is taken, in characters.
const KEY_LENGTH: usize = 1000;

/// What is here of the runs that come.
struct Here {
    experiments: HashMap<String, Experiment>,
    runs: HashMap<String, (RunInfo, Document)>,
    links: BTreeMap<String, RunLinks>,
    points: BTreeMap<String, SeriesMap>,
}

/// What is to be done with a run.
struct Decided {
    taken: Taken,
    import: Option<Import>,
}

impl Runs {
    /// Takes in runs, or parts of runs. Each stands whole or not at all.
    ///
    /// # Errors
    /// As the database's; what is wrong with a run is told with it.
    pub(crate) async fn import_runs(
        &self,
        mut records: Vec<RunRecord>,
        importing: &Importing,
    ) -> Result<Vec<Taken>> {
        let mut all = Vec::with_capacity(records.len());
        while !records.is_empty() {
            // Two parts of one run are taken one after the other.
            let mut seen = BTreeSet::new();
            let end = records.iter().position(|record| !seen.insert(record.run_id.clone()));
            let rest = records.split_off(end.unwrap_or(records.len()));
            all.extend(self.import_batch(records, importing).await?);
            records = rest;
        }
        Ok(all)
    }

    async fn import_batch(&self, records: Vec<RunRecord>, importing: &Importing) -> Result<Vec<Taken>> {
        let here = self.here(&records).await?;
        let decided = records.into_iter().map(|record| {
            let id = record.run_id.clone();
            let decided = self.decide(record, &here, importing);
            async move {
                let Decided { mut taken, import } = match decided {
                    Ok(decided) => decided,
                    Err(error) => return told(&id, Err(error)),
                };
                if let Some(import) = import.filter(|_| !importing.dry_run)
                    && let Err(error) = self.state.ask(Operation::Import(Box::new(import))).await
                {
                    taken = told(&id, Err(error))?;
                }
                Ok(taken)
            }
        });
        // Asked together, they are written together.
        join_all(decided).await.into_iter().collect()
    }

    /// Looks up what is here of these runs.
    async fn here(&self, records: &[RunRecord]) -> Result<Here> {
        let mut experiments = HashMap::new();
        for record in records {
            if !experiments.contains_key(&record.experiment_id)
                && let Ok(found) = self.get_experiment(&record.experiment_id).await
            {
                experiments.insert(record.experiment_id.clone(), found);
            }
        }
        let ids: Vec<String> = records.iter().map(|record| record.run_id.clone()).collect();
        let runs = self.state.runs(&ids).await?;
        let linked: Vec<String> =
            runs.iter().filter(|(_, (_, document))| document.linked).map(|(id, _)| id.clone()).collect();
        let mut connection = self.core.database.read().await?;
        let links = inputs::links(&mut connection, &linked).await?;
        drop(connection);
        let measured: Vec<String> = records
            .iter()
            .filter(|record| !record.fresh && !record.series.is_empty() && runs.contains_key(&record.run_id))
            .map(|record| record.run_id.clone())
            .collect();
        let points = self.all_points(&measured).await?;
        Ok(Here { experiments, runs, links, points })
    }

    fn decide(&self, mut record: RunRecord, here: &Here, importing: &Importing) -> Result<Decided> {
        check_id(&record.run_id)?;
        let keys = record.params.keys().chain(record.tags.keys());
        for key in keys.chain(record.series.iter().map(|series| &series.key)) {
            check_length("key", KEY_LENGTH, key)?;
        }
        let status = RunStatus::parse(&record.status)
            .ok_or_else(|| Error::invalid(format!("“{}” is no status of a run", record.status)))?;
        let mut new =
            Change { series: points::read(std::mem::take(&mut record.series))?, ..Change::default() };
        new.params = std::mem::take(&mut record.params).into_iter().collect();
        new.tags = std::mem::take(&mut record.tags).into_iter().map(|(key, tag)| (key, Some(tag))).collect();
        let links = RunLinks {
            dataset_inputs: std::mem::take(&mut record.datasets).into_iter().map(dataset).collect(),
            model_inputs: std::mem::take(&mut record.model_inputs).into_iter().map(link).collect(),
            model_outputs: std::mem::take(&mut record.model_outputs).into_iter().map(link).collect(),
        };
        match here.runs.get(&record.run_id) {
            Some((info, document)) => {
                complete(&record, status, new, links, (info, document, here), importing)
            }
            None => self.create(record, status, new, links, here, importing),
        }
    }

    fn create(
        &self,
        record: RunRecord,
        status: RunStatus,
        mut change: Change,
        links: RunLinks,
        here: &Here,
        importing: &Importing,
    ) -> Result<Decided> {
        let mut taken = Taken::new(&record.run_id, Outcome::Created);
        taken.added = points::count(&change.series);
        let Some(experiment) = here.experiments.get(&record.experiment_id) else {
            // In a rehearsal the experiment has not been made.
            return if importing.dry_run {
                Ok(Decided { taken, import: None })
            } else {
                Err(no_experiment(&record.experiment_id))
            };
        };
        let tagged = change.tags.iter().find(|(key, _)| key == NAME_TAG).and_then(|(_, name)| name.clone());
        let mut name = Some(record.name).filter(|name| !name.is_empty()).or(tagged).unwrap_or_default();
        if name.is_empty() {
            name = run_name(&record.run_id);
            change.tags.retain(|(key, _)| key != NAME_TAG);
            change.tags.push((NAME_TAG.to_owned(), Some(name.clone())));
        }
        let artifact_uri =
            self.place_of_files(&record.artifact_uri, experiment, &[&record.run_id, "artifacts"])?;
        taken.artifact_uri = Some(artifact_uri.clone());
        let lifecycle = if record.deleted { Lifecycle::Deleted } else { Lifecycle::Active };
        let info = RunInfo {
            run_id: record.run_id,
            experiment_id: experiment.experiment_id.clone(),
            run_name: name,
            user_id: record.user_id,
            status,
            start_time: record.start_ms,
            end_time: record.end_ms,
            artifact_uri,
            lifecycle_stage: lifecycle,
        };
        let entry = Some(entry(&info, taken.added, importing));
        let RunLinks { dataset_inputs, model_inputs, model_outputs } = links;
        let import = Import {
            info,
            is_new: true,
            deleted_ms: record.deleted_ms,
            change,
            datasets: dataset_inputs,
            inputs: model_inputs,
            outputs: model_outputs,
            update: RunUpdate::default(),
            entry,
            actor: importing.actor.clone(),
        };
        Ok(Decided { taken, import: Some(import) })
    }
}

/// What a run that is here lacks.
fn complete(
    record: &RunRecord,
    status: RunStatus,
    mut change: Change,
    mut links: RunLinks,
    (info, document, here): (&RunInfo, &Document, &Here),
    importing: &Importing,
) -> Result<Decided> {
    let mut taken = Taken::new(&record.run_id, Outcome::Unchanged);
    taken.artifact_uri = Some(info.artifact_uri.clone());
    if let Some(known) = here.points.get(&record.run_id) {
        points::drop_known(&mut change.series, known);
    }
    taken.added = points::count(&change.series);
    let mut update = RunUpdate::default();
    if record.fresh {
        change.params.clear();
        change.tags.clear();
    } else {
        // While a run goes on where it comes from, that side knows best; afterwards, what was changed here stays.
        let ahead = !info.status.is_terminal() || record.end_ms > info.end_time;
        change.params.retain(|(key, value)| match document.params.get(key) {
            None => true,
            Some(kept) if kept == value => false,
            Some(kept) => {
                taken.notes.push(format!("the parameter {key} is “{kept}” here and “{value}” there"));
                false
            }
        });
        change.tags.retain(|(key, value)| match document.tags.get(key) {
            None => true,
            Some(kept) => ahead && Some(kept) != value.as_ref(),
        });
        if ahead {
            update.status = Some(status).filter(|status| *status != info.status);
            update.end_ms = record.end_ms.filter(|end| Some(*end) != info.end_time);
            let name = Some(&record.name).filter(|name| !name.is_empty() && **name != info.run_name);
            update.name = name.cloned();
        }
        if let Some(known) = here.links.get(&record.run_id) {
            let same = |a: &DatasetInfo, b: &DatasetInfo| a.name == b.name && a.digest == b.digest;
            links.dataset_inputs.retain(|input| {
                !known.dataset_inputs.iter().any(|other| same(&other.dataset, &input.dataset))
            });
            let lacks = |known: &[ModelLink], link: &ModelLink| {
                !known.iter().any(|other| other.model_id == link.model_id)
            };
            links.model_inputs.retain(|link| lacks(&known.model_inputs, link));
            links.model_outputs.retain(|link| lacks(&known.model_outputs, link));
        }
    }
    let changes_info = update.status.is_some() || update.end_ms.is_some() || update.name.is_some();
    if change.is_empty() && links == RunLinks::default() && !changes_info {
        return Ok(Decided { taken, import: None });
    }
    taken.outcome = Outcome::Completed;
    let mut told = info.clone();
    told.status = update.status.unwrap_or(info.status);
    told.end_time = update.end_ms.or(info.end_time);
    let entry = update.status.map(|_| entry(&told, taken.added, importing));
    let RunLinks { dataset_inputs, model_inputs, model_outputs } = links;
    let import = Import {
        info: info.clone(),
        is_new: false,
        deleted_ms: None,
        change,
        datasets: dataset_inputs,
        inputs: model_inputs,
        outputs: model_outputs,
        update,
        entry,
        actor: importing.actor.clone(),
    };
    Ok(Decided { taken, import: Some(import) })
}

fn entry(info: &RunInfo, points: usize, importing: &Importing) -> NewEntry {
    let run = Reference::new("run", &info.run_id);
    NewEntry {
        actor: importing.actor.clone(),
        verb: "run.import",
        subject: run.clone(),
        inputs: Vec::new(),
        outputs: vec![run],
        facts: json!({
            "name": info.run_name, "experiment_id": info.experiment_id, "status": info.status, "source": importing.source,
            "measurements": points,
        }),
    }
}

fn dataset(record: DatasetRecord) -> DatasetInput {
    let DatasetRecord { name, digest, source_type, source, schema, profile, tags } = record;
    DatasetInput {
        dataset: DatasetInfo { name, digest, source_type, source, schema, profile },
        tags: tags.into_iter().map(|(key, value)| Tag { key, value }).collect(),
    }
}

fn link(record: LinkRecord) -> ModelLink {
    ModelLink { model_id: record.model_id, step: record.step }
}
