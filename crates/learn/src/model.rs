//! What training speaks of: requests, trained runs, sweeps and reproductions.

use std::collections::BTreeMap;

use ropewalk_ledger::Cost;
use serde::{Deserialize, Serialize};

/// The experiment that runs go to when none is named.
pub const DEFAULT_EXPERIMENT: &str = "default";
/// The metric by which sweeps choose.
pub const SWEEP_METRIC: &str = "val_auc";
/// The seed of a request that names none.
pub const DEFAULT_SEED: u64 = 7;
/// Most trials that one sweep may have.
pub const TRIAL_LIMIT: u32 = 1000;

fn default_experiment() -> String {
    DEFAULT_EXPERIMENT.to_owned()
}

fn default_seed() -> u64 {
    DEFAULT_SEED
}

fn default_trials() -> u32 {
    12
}

fn empty_object() -> serde_json::Value {
    serde_json::json!({})
}

/// Train one model.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrainRequest {
    /// The experiment that the run belongs to, made if new.
    #[serde(default = "default_experiment")]
    pub experiment: String,
    /// The recipe's name, e.g. `boosted-trees`.
    pub recipe: String,
    /// The recipe's parameters as an object; those left out take their defaults.
    #[serde(default = "empty_object")]
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// The prepared data to train on.
    pub prepared_id: String,
    /// Seed of all randomness in training.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The run's name; made from recipe and seed when left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Further tags of the run.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A finished training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrainedRun {
    /// The run.
    pub run_id: String,
    /// The recipe that trained it.
    pub recipe: String,
    /// All parameters, defaults included.
    #[schema(value_type = Object)]
    pub params: serde_json::Value,
    /// Final metrics: `val_auc`, `test_auc`, `val_log_loss`, `val_brier`, …
    pub metrics: BTreeMap<String, f64>,
    /// What it took.
    pub cost: Cost,
}

/// Search for a good model over recipes and parameters.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SweepRequest {
    /// The experiment that the runs belong to, made if new.
    #[serde(default = "default_experiment")]
    pub experiment: String,
    /// The prepared data to train on.
    pub prepared_id: String,
    /// How many runs.
    #[serde(default = "default_trials")]
    pub trials: u32,
    /// Seed of the search and, through it, of every trial.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The recipes to search over; all when empty.
    #[serde(default)]
    pub recipes: Vec<String>,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SweepResult {
    /// The sweep.
    pub sweep_id: String,
    /// The experiment that holds its runs.
    pub experiment: String,
    /// The prepared data.
    pub prepared_id: String,
    /// Its seed.
    pub seed: u64,
    /// The metric that decides; larger is better.
    pub metric: String,
    /// Every trial that succeeded, in the order of the search.
    pub runs: Vec<TrainedRun>,
    /// How many trials failed; their runs say why.
    pub failed: u32,
    /// The winner; among equals the earlier trial.
    pub best_run_id: String,
    /// The winner's metric.
    pub best_value: f64,
    /// What all trials took together.
    pub cost: Cost,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// Where a sweep stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Sweep {
    /// The sweep.
    pub sweep_id: String,
    /// `running`, `finished` or `failed`.
    pub status: String,
    /// Milliseconds since 1970.
    pub started_ms: i64,
    /// Milliseconds since 1970; none while it runs.
    pub ended_ms: Option<i64>,
    /// The experiment that holds its runs.
    pub experiment: String,
    /// The prepared data.
    pub prepared_id: String,
    /// How many runs it was asked for.
    pub trials: u32,
    /// Its seed.
    pub seed: u64,
    /// What it found; none until it has finished.
    pub result: Option<SweepResult>,
    /// Why it failed.
    pub error: Option<String>,
}

/// One metric of a run and of its repetition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MetricComparison {
    /// The metric.
    pub key: String,
    /// Its value in the record.
    pub original: f64,
    /// Its value when run again; none if it was not measured again.
    pub again: Option<f64>,
    /// Whether the two are the same number within 1e-9.
    pub equal: bool,
}

/// A run repeated from its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reproduction {
    /// The run that was repeated.
    pub original: String,
    /// The run that repeated it.
    pub again: String,
    /// The metrics that do not depend on the machine's speed.
    pub metrics: Vec<MetricComparison>,
    /// Whether all of them are equal.
    pub matches: bool,
    /// What differs around the two runs: code version, environment.
    pub differences: Vec<String>,
}
