//! Runbooks: a named list of steps that mends an incident, each step journalled and shown before it is run.

use ropewalk_ledger::Cost;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a runbook run or one of its steps stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Finished well.
    Done,
    /// Would be done; a dry run stops here.
    Planned,
    /// Ended with an error or a gate that said no.
    Failed,
    /// Not needed.
    Skipped,
    /// The process that ran it ended; what was done stays done.
    Interrupted,
}

impl StepStatus {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Planned => "planned",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// One step of a runbook run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunbookStep {
    /// Short name: `export`, `commit`, `prepare`, `train`, `register`, `replay`, `deploy`, `rollout`, `alias`, `resolve`.
    pub name: String,
    /// What it does, in words.
    pub title: String,
    /// The public command that does the same by hand.
    pub command: String,
    /// Where it stands.
    pub status: StepStatus,
    /// What came out, in words.
    pub text: String,
    /// Journal references it made.
    pub outputs: Vec<String>,
    /// Figures of the step.
    #[schema(value_type = Object)]
    pub facts: serde_json::Value,
    /// Begin, milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// End, milliseconds since 1970.
    pub ended_ms: Option<i64>,
}

/// One run of a runbook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunbookRun {
    /// Unique id.
    pub id: String,
    /// Counted from 1 over all runs of the same runbook; names the branch `retrain-<number>`.
    pub number: i64,
    /// Which runbook.
    pub name: String,
    /// The incident it is for.
    pub incident: String,
    /// The endpoint it mends.
    pub endpoint: String,
    /// Where it stands as a whole.
    pub status: StepStatus,
    /// Nothing was changed.
    pub dry_run: bool,
    /// Parameters as given and completed with defaults.
    pub parameters: RetrainParameters,
    /// Its steps in order.
    pub steps: Vec<RunbookStep>,
    /// Who started it.
    pub actor: String,
    /// Begin, milliseconds since 1970.
    pub started_ms: i64,
    /// End, milliseconds since 1970.
    pub ended_ms: Option<i64>,
    /// Energy, carbon and money of its steps.
    pub cost: Cost,
}

/// Parameters of the `retrain` runbook. All have defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetrainParameters {
    /// Trials of the sweep over all recipes.
    pub trials: u32,
    /// Seed of the hold-out and of the sweep.
    pub seed: u64,
    /// Share of the captured rows kept away from training, for the replay gate (0 to 0.9).
    pub holdout: f64,
    /// The candidate's AUC on the held-out requests must exceed the champion's by this much.
    pub margin: f64,
    /// Fewer captured labelled rows than this stop the runbook.
    pub min_rows: usize,
    /// Take captured requests from this time on; default: since the drift began.
    pub since_ms: Option<i64>,
    /// Gate at registration: validation AUC at least this; default: the champion's gate, else 0.6.
    pub auc_floor: Option<f64>,
    /// How the new version is rolled out.
    pub rollout: crate::RolloutSettings,
    /// Resolve the incident when the roll-out is proven complete.
    pub resolve: bool,
}

impl Default for RetrainParameters {
    fn default() -> Self {
        Self {
            trials: 6,
            seed: 42,
            holdout: 0.25,
            margin: 0.0,
            min_rows: 200,
            since_ms: None,
            auc_floor: None,
            rollout: crate::RolloutSettings::default(),
            resolve: true,
        }
    }
}

/// Request to run a runbook for an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunbookRequest {
    /// Which: `retrain`.
    pub name: String,
    /// Show what would be done and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Parameters; what is left out takes its default.
    #[serde(default)]
    pub parameters: RetrainParameters,
}

/// Whether and how an endpoint's alerts start the `retrain` runbook by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AutoRunbook {
    /// Off unless switched on.
    pub enabled: bool,
    /// At least this long between two runs, seconds: retraining must not chase its own tail.
    pub cooldown_seconds: u64,
    /// Parameters of the automatic run.
    pub parameters: RetrainParameters,
}

impl Default for AutoRunbook {
    fn default() -> Self {
        Self { enabled: false, cooldown_seconds: 6 * 3600, parameters: RetrainParameters::default() }
    }
}
