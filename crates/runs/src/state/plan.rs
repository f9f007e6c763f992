//! Deciding on a group of operations: what each may do, given what is known of its run, and what is to be written.

use std::collections::HashMap;

use ropewalk_core::journal::NewEntry;
use ropewalk_core::{Code, Error, Result, now_ms};

use super::change::Change;
use super::memory::Hot;
use super::operation::{Answer, Folded, Import, Operation, RunUpdate};
use crate::model::{DatasetInput, Lifecycle, Metric, ModelLink, RunInfo, RunLineage, Tag};
use crate::service::{NAME_TAG, no_run};

/// A statement's worth of work, in the order of the operations.
pub(crate) enum Write {
    Insert {
        info: RunInfo,
        actor: String,
    },
    /// Status, end and name.
    Info(RunInfo),
    Lifecycle {
        run_id: String,
        lifecycle: Lifecycle,
        deleted_ms: Option<i64>,
    },
    ModelMetrics {
        run_id: String,
        metrics: Vec<Metric>,
    },
    Link {
        info: RunInfo,
        datasets: Vec<DatasetInput>,
        inputs: Vec<ModelLink>,
        outputs: Vec<ModelLink>,
    },
    Ended {
        info: RunInfo,
        lineage: RunLineage,
        actor: ropewalk_core::Actor,
    },
    Fold(Folded),
    /// Whatever else the journal is told.
    Tell(Box<NewEntry>),
}

/// What becomes of a run in memory, once the group stands.
pub(crate) struct Effect {
    pub(crate) run_id: String,
    pub(crate) info: RunInfo,
    pub(crate) change: Change,
    /// Bytes that were written down for the change.
    pub(crate) bytes: usize,
    pub(crate) is_new: bool,
    /// Whether nothing more is expected, so that the run may be folded.
    pub(crate) ended: bool,
}

/// The decisions on a group.
#[derive(Default)]
pub(crate) struct Plan {
    /// Changes to be written down, at most one an operation: its place in the group, the run, the packed change.
    pub(crate) changes: Vec<(usize, String, Vec<u8>)>,
    /// The rest, each with the place of its operation.
    pub(crate) writes: Vec<(usize, Write)>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) answers: Vec<Result<Answer>>,
}

/// What earlier operations of the group have done to a run.
struct Staged {
    info: RunInfo,
    is_new: bool,
    params: HashMap<String, String>,
    tags: HashMap<String, bool>,
}

/// A group's view of the runs.
struct View<'a> {
    hot: &'a HashMap<String, Hot>,
    staged: HashMap<String, Staged>,
}

impl View<'_> {
    fn of(&mut self, id: &str) -> Result<&mut Staged> {
        if !self.staged.contains_key(id) {
            let hot = self.hot.get(id).ok_or_else(|| no_run(id))?;
            let staged = Staged {
                info: hot.info.clone(),
                is_new: false,
                params: HashMap::new(),
                tags: HashMap::new(),
            };
            self.staged.insert(id.to_owned(), staged);
        }
        self.staged.get_mut(id).ok_or_else(|| no_run(id))
    }

    fn active(&mut self, id: &str) -> Result<&mut Staged> {
        let staged = self.of(id)?;
        if staged.info.lifecycle_stage == Lifecycle::Active {
            return Ok(staged);
        }
        Err(Error::invalid(format!("The run {id} must be in the 'active' state. Current state is deleted.")))
    }

    /// A parameter's value, if it was logged.
    fn param<'s>(&'s self, id: &str, key: &str) -> Option<&'s str> {
        let staged = self.staged.get(id).and_then(|staged| staged.params.get(key));
        let kept = || self.hot.get(id).and_then(|hot| hot.document.params.get(key));
        staged.or_else(kept).map(String::as_str)
    }

    fn has_tag(&self, id: &str, key: &str) -> bool {
        match self.staged.get(id).and_then(|staged| staged.tags.get(key)) {
            Some(has) => *has,
            None => self.hot.get(id).is_some_and(|hot| hot.document.tags.contains_key(key)),
        }
    }
}

/// Decides on a group, whose runs are in `hot` if they are there at all.
pub(crate) fn decide(group: Vec<Operation>, hot: &HashMap<String, Hot>) -> Plan {
    let mut plan = Plan::default();
    let mut view = View { hot, staged: HashMap::new() };
    for (place, operation) in group.into_iter().enumerate() {
        let answer = one(place, operation, &mut view, &mut plan);
        plan.answers.push(answer);
    }
    plan
}

fn one(place: usize, operation: Operation, view: &mut View<'_>, plan: &mut Plan) -> Result<Answer> {
    match operation {
        Operation::Create { info, change, actor } => {
            let staged =
                Staged { info: info.clone(), is_new: true, params: HashMap::new(), tags: HashMap::new() };
            view.staged.insert(info.run_id.clone(), staged);
            plan.writes.push((place, Write::Insert { info: info.clone(), actor }));
            write(place, info.clone(), change, view, plan);
            Ok(Answer::Info(info))
        }
        Operation::Log { run_id, change, model_metrics, single } => {
            log(place, run_id, change, model_metrics, single, view, plan)
        }
        Operation::DeleteTag { run_id, key } => {
            let info = view.active(&run_id)?.info.clone();
            if !view.has_tag(&run_id, &key) {
                return Err(Error::not_found(format!("No tag with name: {key} in run with id {run_id}")));
            }
            write(place, info, Change::without_tag(&key), view, plan);
            Ok(Answer::Done)
        }
        Operation::Update { run_id, update, lineage, actor } => {
            change_info(place, &run_id, &update, lineage, actor, view, plan)
        }
        Operation::SetLifecycle { run_id, lifecycle } => {
            let staged = view.of(&run_id)?;
            staged.info.lifecycle_stage = lifecycle;
            let info = staged.info.clone();
            let deleted_ms = (lifecycle == Lifecycle::Deleted).then(now_ms);
            plan.writes.push((place, Write::Lifecycle { run_id, lifecycle, deleted_ms }));
            effect(info, view, plan);
            Ok(Answer::Done)
        }
        Operation::Link { run_id, datasets, inputs, outputs } => {
            let info = view.active(&run_id)?.info.clone();
            plan.writes.push((place, Write::Link { info: info.clone(), datasets, inputs, outputs }));
            write(place, info, Change::linked(), view, plan);
            Ok(Answer::Done)
        }
        Operation::Import(run) => import(place, *run, view, plan),
        Operation::Fold(folded) => {
            plan.writes.push((place, Write::Fold(folded)));
            Ok(Answer::Done)
        }
        // These come by themselves and are decided elsewhere.
        Operation::SetExperimentLifecycle { .. } | Operation::Move { .. } | Operation::Purge { .. } => {
            Err(Error::internal("an operation on many runs came in a group"))
        }
    }
}

fn log(
    place: usize,
    run_id: String,
    mut change: Change,
    model_metrics: Vec<Metric>,
    single: bool,
    view: &mut View<'_>,
    plan: &mut Plan,
) -> Result<Answer> {
    view.active(&run_id)?;
    let mut conflicts = Vec::new();
    change.params.retain(|(key, value)| match view.param(&run_id, key) {
        None => true,
        Some(logged) => {
            if logged != value {
                conflicts.push((key.clone(), logged.to_owned(), value.clone()));
            }
            false
        }
    });
    if let Some((key, old, new)) = conflicts.first() {
        return Err(Error::invalid(if single {
            format!(
                "Changing param values is not allowed. Param with key='{key}' was already logged with value='{old}' for run \
                 ID='{run_id}'. Attempted logging new value '{new}'."
            )
        } else {
            let all: Vec<_> = conflicts
                .iter()
                .map(|(key, old, new)| {
                    format!("{{'key': '{key}', 'old_value': '{old}', 'new_value': '{new}'}}")
                })
                .collect();
            format!(
                "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{run_id}'.",
                all.join(", ")
            )
        }));
    }
    if !model_metrics.is_empty() {
        plan.writes.push((place, Write::ModelMetrics { run_id: run_id.clone(), metrics: model_metrics }));
    }
    // A run is never without a name.
    change.tags.retain(|(key, value)| key != NAME_TAG || value.as_deref() != Some(""));
    if let Some((_, Some(name))) = change.tags.iter().rfind(|(key, _)| key == NAME_TAG) {
        let staged = view.of(&run_id)?;
        staged.info.run_name.clone_from(name);
        plan.writes.push((place, Write::Info(staged.info.clone())));
    }
    if !change.is_empty() {
        let info = view.of(&run_id)?.info.clone();
        write(place, info, change, view, plan);
    }
    Ok(Answer::Done)
}

fn import(place: usize, import: Import, view: &mut View<'_>, plan: &mut Plan) -> Result<Answer> {
    let Import { info, is_new, deleted_ms, mut change, datasets, inputs, outputs, update, entry, actor } =
        import;
    let run_id = info.run_id.clone();
    if is_new == view.of(&run_id).is_ok() {
        let why = if is_new { "is here already" } else { "is not here any more" };
        return Err(Error::new(Code::Conflict, format!("the run {run_id} {why}")));
    }
    let info = if is_new {
        let staged =
            Staged { info: info.clone(), is_new: true, params: HashMap::new(), tags: HashMap::new() };
        view.staged.insert(run_id.clone(), staged);
        plan.writes.push((place, Write::Insert { info: info.clone(), actor: actor.as_str().to_owned() }));
        if info.lifecycle_stage == Lifecycle::Deleted {
            let (lifecycle, deleted_ms) = (info.lifecycle_stage, Some(deleted_ms.unwrap_or_else(now_ms)));
            plan.writes.push((place, Write::Lifecycle { run_id: run_id.clone(), lifecycle, deleted_ms }));
        }
        info
    } else {
        let staged = view.of(&run_id)?;
        staged.info.status = update.status.unwrap_or(staged.info.status);
        staged.info.end_time = update.end_ms.or(staged.info.end_time);
        if let Some(name) = update.name {
            staged.info.run_name = name;
        }
        let info = staged.info.clone();
        plan.writes.push((place, Write::Info(info.clone())));
        info
    };
    if !(datasets.is_empty() && inputs.is_empty() && outputs.is_empty()) {
        change.linked = true;
        plan.writes.push((place, Write::Link { info: info.clone(), datasets, inputs, outputs }));
    }
    plan.writes.extend(entry.map(|entry| (place, Write::Tell(Box::new(entry)))));
    if is_new || !change.is_empty() {
        write(place, info.clone(), change, view, plan);
    } else {
        effect(info.clone(), view, plan);
    }
    Ok(Answer::Info(info))
}

fn change_info(
    place: usize,
    run_id: &str,
    update: &RunUpdate,
    lineage: RunLineage,
    actor: ropewalk_core::Actor,
    view: &mut View<'_>,
    plan: &mut Plan,
) -> Result<Answer> {
    let staged = view.active(run_id)?;
    let was = staged.info.status;
    staged.info.status = update.status.unwrap_or(was);
    staged.info.end_time = update.end_ms.or(staged.info.end_time);
    if let Some(name) = &update.name {
        staged.info.run_name.clone_from(name);
    }
    let info = staged.info.clone();
    plan.writes.push((place, Write::Info(info.clone())));
    if info.status.is_terminal() && info.status != was {
        plan.writes.push((place, Write::Ended { info: info.clone(), lineage, actor }));
    }
    match &update.name {
        Some(name) => {
            let change = Change::new(&[], &[], &[Tag::new(NAME_TAG, name.as_str())]);
            write(place, info.clone(), change, view, plan);
        }
        None => effect(info.clone(), view, plan),
    }
    Ok(Answer::Info(info))
}

/// Writes a change down.
fn write(place: usize, info: RunInfo, change: Change, view: &mut View<'_>, plan: &mut Plan) {
    let run_id = info.run_id.clone();
    if let Some(staged) = view.staged.get_mut(&run_id) {
        staged.params.extend(change.params.iter().cloned());
        staged.tags.extend(change.tags.iter().map(|(key, value)| (key.clone(), value.is_some())));
    }
    let packed = change.pack();
    let bytes = packed.len();
    plan.changes.push((place, run_id, packed));
    push_effect(info, change, bytes, view, plan);
}

fn effect(info: RunInfo, view: &mut View<'_>, plan: &mut Plan) {
    push_effect(info, Change::default(), 0, view, plan);
}

fn push_effect(info: RunInfo, change: Change, bytes: usize, view: &mut View<'_>, plan: &mut Plan) {
    let is_new = view.staged.get_mut(&info.run_id).is_some_and(|staged| std::mem::take(&mut staged.is_new));
    let ended = info.status.is_terminal() || info.lifecycle_stage == Lifecycle::Deleted;
    plan.effects.push(Effect { run_id: info.run_id.clone(), info, change, bytes, is_new, ended });
}
