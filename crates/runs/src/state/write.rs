//! Writing what was decided.

use ropewalk_core::database::Connection;
use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::{Result, new_id};
use serde_json::json;

use super::State;
use super::operation::Folded;
use super::plan::Write;
use crate::model::{RunInfo, experiment_number};
use crate::store::segments::Segment;
use crate::store::{changes, documents, inputs, logged_models, runs, segments};

impl State {
    /// Does one piece of work under the number of its operation.
    pub(super) async fn write_one(&self, tx: &mut Connection, write: Write, number: i64) -> Result<()> {
        match write {
            Write::Insert { info, actor } => {
                runs::insert(tx, experiment_number(&info.experiment_id)?, &info, &actor, number).await
            }
            Write::Info(info) => runs::update(tx, &info, number).await,
            Write::Lifecycle { run_id, lifecycle, deleted_ms } => {
                runs::set_lifecycle(tx, &run_id, lifecycle, deleted_ms, number).await
            }
            Write::ModelMetrics { run_id, metrics } => {
                logged_models::add_metrics(tx, &run_id, &metrics).await
            }
            Write::Link { info, datasets, inputs: read, outputs } => {
                let experiment = experiment_number(&info.experiment_id)?;
                for input in &datasets {
                    let dataset = inputs::dataset_id(tx, experiment, &input.dataset, &new_id()).await?;
                    inputs::add_input(tx, &info.run_id, &dataset, &input.tags).await?;
                }
                for (direction, links) in [("input", &read), ("output", &outputs)] {
                    for link in links {
                        inputs::add_model(tx, &info.run_id, direction, link).await?;
                    }
                }
                Ok(())
            }
            Write::Ended { info, lineage, actor } => {
                let entry = NewEntry {
                    actor,
                    verb: "run.finish",
                    subject: Reference::new("run", &info.run_id),
                    inputs: lineage.inputs,
                    // What the run made hangs from the run, so the run is always among the outputs.
                    outputs: with_self(lineage.outputs, &info.run_id),
                    facts: facts(&info, lineage.facts),
                };
                self.core.journal.append_in(tx, entry).await.map(drop)
            }
            Write::Fold(folded) => fold(tx, folded, number).await,
            Write::Tell(entry) => self.core.journal.append_in(tx, *entry).await.map(drop),
        }
    }
}

async fn fold(tx: &mut Connection, folded: Folded, number: i64) -> Result<()> {
    let Folded { run_id, numbers, document, segments: cuts } = folded;
    if !documents::fold(tx, &run_id, document, numbers, number).await? {
        // Another server has done it.
        return Ok(());
    }
    let rows = cuts.into_iter().enumerate().map(|(part, cut)| Segment {
        run_id: run_id.clone(),
        number,
        part: part as i64,
        level: 0,
        keys: cut.keys,
        data: cut.data,
    });
    segments::insert(tx, rows.collect()).await?;
    changes::remove(tx, &run_id, numbers.1).await
}

fn with_self(mut outputs: Vec<Reference>, id: &str) -> Vec<Reference> {
    let own = Reference::new("run", id);
    if !outputs.contains(&own) {
        outputs.insert(0, own);
    }
    outputs
}

fn facts(info: &RunInfo, given: serde_json::Value) -> serde_json::Value {
    let mut facts = json!({
        "name": info.run_name, "experiment_id": info.experiment_id, "status": info.status,
        "seconds": info.end_time.map(|end| (end - info.start_time) as f64 / 1000.0),
    });
    if let (Some(facts), serde_json::Value::Object(given)) = (facts.as_object_mut(), given) {
        facts.extend(given);
    }
    facts
}
