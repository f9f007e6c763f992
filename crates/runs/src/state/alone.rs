//! Operations on many runs at once. What refuses them is looked at before anything is written.

use std::collections::BTreeSet;

use ropewalk_core::database::Connection;
use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::{Actor, Error, Result, now_ms};
use serde_json::json;

use super::State;
use super::operation::{Answer, Operation};
use crate::model::Lifecycle;
use crate::service::{no_experiment, no_run};
use crate::store::{documents, experiments, runs};

/// Does it under a number.
pub(super) async fn write(
    state: &State,
    tx: &mut Connection,
    operation: Operation,
    number: i64,
) -> Result<Result<Answer>> {
    match operation {
        Operation::SetExperimentLifecycle { number: experiment, lifecycle } => {
            set_experiment_lifecycle(tx, experiment, lifecycle, number).await
        }
        Operation::Move { run_ids, experiment, actor } => {
            move_runs(state, tx, run_ids, experiment, actor, number).await
        }
        Operation::Purge { run_ids, actor } => purge(state, tx, run_ids, actor, number).await,
        _ => Err(Error::internal("an operation on one run came alone")),
    }
}

async fn set_experiment_lifecycle(
    tx: &mut Connection,
    experiment: i64,
    lifecycle: Lifecycle,
    number: i64,
) -> Result<Result<Answer>> {
    let id = experiment.to_string();
    let Some(found) = experiments::by_number(tx, experiment).await? else {
        return Ok(Err(no_experiment(&id)));
    };
    if found.lifecycle_stage == lifecycle {
        return Ok(Err(no_experiment(&id)));
    }
    let now = now_ms();
    experiments::update(tx, experiment, &found.name, lifecycle, now).await?;
    experiments::set_runs_lifecycle(tx, experiment, lifecycle, now, number).await?;
    Ok(Ok(Answer::Done))
}

async fn move_runs(
    state: &State,
    tx: &mut Connection,
    run_ids: Vec<String>,
    experiment: i64,
    actor: Actor,
    number: i64,
) -> Result<Result<Answer>> {
    let id = experiment.to_string();
    let Some(target) = experiments::by_number(tx, experiment).await? else {
        return Ok(Err(no_experiment(&id)));
    };
    if target.lifecycle_stage != Lifecycle::Active {
        return Ok(Err(Error::invalid(format!("experiment {id} is deleted"))
            .why("runs cannot be moved into a deleted experiment")
            .hint("ropewalk run list")));
    }
    let found = documents::load(tx, &run_ids).await?;
    let known: BTreeSet<&str> = found.iter().map(|run| run.info.run_id.as_str()).collect();
    if let Some(missing) = run_ids.iter().find(|id| !known.contains(id.as_str())) {
        return Ok(Err(no_run(missing)));
    }
    for run in &found {
        let from = &run.info.experiment_id;
        if *from == id {
            continue;
        }
        runs::set_experiment(tx, &run.info.run_id, experiment, number).await?;
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "run.move",
            subject: Reference::new("run", &run.info.run_id),
            inputs: Vec::new(),
            outputs: Vec::new(),
            facts: json!({"from": from, "to": id}),
        };
        state.core.journal.append_in(tx, entry).await?;
    }
    Ok(Ok(Answer::Count(found.len())))
}

async fn purge(
    state: &State,
    tx: &mut Connection,
    run_ids: Vec<String>,
    actor: Actor,
    number: i64,
) -> Result<Result<Answer>> {
    let found = documents::load(tx, &run_ids).await?;
    if let Some(active) = found.iter().find(|run| run.info.lifecycle_stage == Lifecycle::Active) {
        let id = &active.info.run_id;
        return Ok(Err(Error::invalid(format!("run {id} is not deleted"))
            .why("only deleted runs are removed for good")
            .hint(format!("ropewalk run rm {id}"))));
    }
    for run in &found {
        runs::purge(tx, &run.info.run_id).await?;
        let entry = NewEntry {
            actor: actor.clone(),
            verb: "run.purge",
            subject: Reference::new("run", &run.info.run_id),
            inputs: Vec::new(),
            outputs: Vec::new(),
            facts: json!({"name": run.info.run_name, "experiment_id": run.info.experiment_id}),
        };
        state.core.journal.append_in(tx, entry).await?;
    }
    runs::note_purged(tx, number, &run_ids).await?;
    Ok(Ok(Answer::Count(found.len())))
}
