//! What may be done to runs, one by one.

use ropewalk_core::Actor;
use ropewalk_core::journal::NewEntry;

use super::change::Change;
use crate::model::{DatasetInput, Lifecycle, Metric, ModelLink, RunInfo, RunLineage, RunStatus};

/// A change of a run that somebody asks for.
pub(crate) enum Operation {
    /// Starts a run; the change holds its tags.
    Create { info: RunInfo, change: Change, actor: String },
    /// Adds to what a run has logged.
    Log {
        run_id: String,
        change: Change,
        /// Those of its metrics that judge a logged model.
        model_metrics: Vec<Metric>,
        /// Whether it is one parameter by itself: then a conflict is told in other words.
        single: bool,
    },
    /// Takes a tag away.
    DeleteTag { run_id: String, key: String },
    /// Changes status, end or name, and tells the journal when it ends.
    Update { run_id: String, update: RunUpdate, lineage: RunLineage, actor: Actor },
    /// Deletes or restores a run.
    SetLifecycle { run_id: String, lifecycle: Lifecycle },
    /// Links datasets and logged models to a run.
    Link { run_id: String, datasets: Vec<DatasetInput>, inputs: Vec<ModelLink>, outputs: Vec<ModelLink> },
    /// Brings in a run, or more of one, from another store.
    Import(Box<Import>),
    /// Keeps the document of a run with its changes in it.
    Fold(Folded),
    /// Deletes or restores an experiment with its runs.
    SetExperimentLifecycle { number: i64, lifecycle: Lifecycle },
    /// Moves runs to another experiment.
    Move { run_ids: Vec<String>, experiment: i64, actor: Actor },
    /// Removes deleted runs for good; their files are not its matter.
    Purge { run_ids: Vec<String>, actor: Actor },
}

/// What is to become of a run's status, end and name.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunUpdate {
    pub(crate) status: Option<RunStatus>,
    pub(crate) end_ms: Option<i64>,
    pub(crate) name: Option<String>,
}

/// A run that comes from another store, or what is new of it. It stands whole or not at all.
pub(crate) struct Import {
    /// What it is, if it is not here yet: then it must not be. Otherwise only its identifier counts.
    pub(crate) info: RunInfo,
    /// Whether it is not here yet.
    pub(crate) is_new: bool,
    /// When it was deleted, if it was.
    pub(crate) deleted_ms: Option<i64>,
    /// What it logged.
    pub(crate) change: Change,
    pub(crate) datasets: Vec<DatasetInput>,
    pub(crate) inputs: Vec<ModelLink>,
    pub(crate) outputs: Vec<ModelLink>,
    /// What becomes of a run that is here already.
    pub(crate) update: RunUpdate,
    /// What the journal is told.
    pub(crate) entry: Option<NewEntry>,
    pub(crate) actor: Actor,
}

/// A run's document with changes folded into it.
pub(crate) struct Folded {
    pub(crate) run_id: String,
    /// Changes up to the first number were in it already; now those up to the second are.
    pub(crate) numbers: (i64, i64),
    pub(crate) document: Vec<u8>,
    pub(crate) segments: Vec<super::segment::Cut>,
}

impl Operation {
    /// The run that it is about, if it is about one.
    pub(crate) fn run_id(&self) -> Option<&str> {
        match self {
            Self::Create { info, .. } => Some(&info.run_id),
            Self::Log { run_id, .. }
            | Self::DeleteTag { run_id, .. }
            | Self::Update { run_id, .. }
            | Self::SetLifecycle { run_id, .. }
            | Self::Link { run_id, .. } => Some(run_id),
            Self::Import(import) => Some(&import.info.run_id),
            Self::Fold(folded) => Some(&folded.run_id),
            Self::SetExperimentLifecycle { .. } | Self::Move { .. } | Self::Purge { .. } => None,
        }
    }

    /// Whether it must be known for it if the run is there.
    pub(crate) fn needs_run(&self) -> bool {
        !matches!(self, Self::Create { .. } | Self::Fold(_)) && self.run_id().is_some()
    }

    /// Whether it must be done by itself.
    pub(crate) fn stands_alone(&self) -> bool {
        self.run_id().is_none()
    }
}

/// What an operation answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Done,
    /// The run as it is now.
    Info(RunInfo),
    /// How many runs it was done to.
    Count(usize),
}
