//! What a run's record holds, and what can be read back from it.

use std::collections::BTreeMap;

use ropewalk_core::{Error, Reference, Result, now_ms};
use ropewalk_ledger::Cost;
use ropewalk_prep::Prepared;
use ropewalk_runs::{DatasetInfo, DatasetInput, Metric, Param, Run, RunLineage, Tag};
use serde_json::{Value, json};

use crate::environment::code;
use crate::parameters::Values;
use crate::recipes::{Point, Recipe};
use crate::trial::Outcome;

/// The dataset and commit, `NAME@COMMIT`.
pub const DATASET: &str = "ropewalk.dataset";
/// The prepared data's identifier.
pub const PREPARED: &str = "ropewalk.prepared";
/// The fitted pipeline's hash.
pub const PIPELINE: &str = "ropewalk.pipeline";
/// The code's version.
pub const CODE: &str = "ropewalk.code";
/// Machine and libraries, a JSON object.
pub const ENVIRONMENT: &str = "ropewalk.environment";
/// What the run cost, a JSON object.
pub const COST: &str = "ropewalk.cost";
/// The sweep that a run belongs to.
pub const SWEEP: &str = "ropewalk.sweep";
/// The run's place in its sweep, from 1.
pub const TRIAL: &str = "ropewalk.trial";
/// The run that this one repeats.
pub const REPRODUCES: &str = "ropewalk.reproduces";
/// The commit of the checkout, in MLflow's words.
const GIT_COMMIT: &str = "mlflow.source.git.commit";
/// The parameter that names the recipe.
const RECIPE: &str = "recipe";
/// The parameter that holds the seed.
const SEED: &str = "seed";

/// Metrics that tell of the machine's day and not of the model.
pub const COST_METRICS: [&str; 5] = ["seconds", "cpu_seconds", "watt_hours", "grams_co2e", "money"];
/// Metrics in one batch, below the tracking server's limit.
const BATCH: usize = 900;

/// All that decides a training, apart from code and machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The recipe.
    pub recipe: Recipe,
    /// Its parameters.
    pub values: Values,
    /// The seed.
    pub seed: u64,
    /// The prepared data.
    pub prepared_id: String,
}

impl Settings {
    /// Reads them back from a run's record.
    ///
    /// # Errors
    /// `invalid` when the run was not trained here, so that its record does not say how.
    pub fn of_run(run: &Run) -> Result<Self> {
        let id = &run.info.run_id;
        let missing = |what: &str| {
            Error::invalid(format!("run {id} cannot be reproduced"))
                .why(format!("its record holds no {what}; only runs of `ropewalk run train` and `sweep` can be run again"))
                .hint(format!("ropewalk run show {id}"))
        };
        let recipe = Recipe::parse(run.param(RECIPE).ok_or_else(|| missing("recipe"))?)?;
        let seed = run.param(SEED).and_then(|seed| seed.parse().ok()).ok_or_else(|| missing("seed"))?;
        let prepared_id = run.tag(PREPARED).ok_or_else(|| missing("prepared data"))?.to_owned();
        let values = recipe.resolve(&Values::recorded(&recipe.parameters(), |name| run.param(name)))?;
        Ok(Self { recipe, values, seed, prepared_id })
    }

    /// As a run's parameters.
    #[must_use]
    pub fn params(&self) -> Vec<Param> {
        let own = self.values.iter().map(|(name, value)| Param::new(name, value.to_string()));
        [Param::new(RECIPE, self.recipe.name()), Param::new(SEED, self.seed.to_string())]
            .into_iter()
            .chain(own)
            .collect()
    }
}

/// The tags that every run carries, and `further` ones.
#[must_use]
pub fn tags(
    prepared: &Prepared,
    environment: &BTreeMap<&'static str, String>,
    further: BTreeMap<String, String>,
) -> Vec<Tag> {
    let code = code();
    let mut tags = vec![
        Tag::new(DATASET, dataset_id(prepared)),
        Tag::new(PREPARED, &prepared.id),
        Tag::new(PIPELINE, &prepared.pipeline_hash),
        Tag::new(CODE, &code.version),
        Tag::new(ENVIRONMENT, json!(environment).to_string()),
    ];
    tags.extend(code.commit.iter().map(|commit| Tag::new(GIT_COMMIT, commit)));
    // What the caller says stands, but cannot replace what is recorded here.
    let further =
        further.into_iter().filter(|(key, _)| !tags.iter().any(|tag| tag.key == *key)).collect::<Vec<_>>();
    tags.extend(further.into_iter().map(|(key, value)| Tag::new(key, value)));
    tags
}

fn dataset_id(prepared: &Prepared) -> String {
    prepared
        .reference
        .strip_prefix("dataset:")
        .map_or_else(|| format!("{}@{}", prepared.dataset, prepared.commit), str::to_owned)
}

/// The dataset as an input of the run.
#[must_use]
pub fn dataset_input(prepared: &Prepared) -> DatasetInput {
    DatasetInput {
        dataset: DatasetInfo {
            name: prepared.dataset.clone(),
            digest: prepared.commit.chars().take(32).collect(),
            source_type: "ropewalk".to_owned(),
            source: json!({"reference": prepared.reference, "prepared": prepared.id, "target": prepared.spec.target.to_string()}).to_string(),
            schema: None,
            profile: Some(json!({"num_rows": prepared.rows.source}).to_string()),
        },
        tags: vec![Tag::new("mlflow.data.context", "training")],
    }
}

/// Final figures: the model's and the cost's.
#[must_use]
pub fn final_metrics(outcome: &Outcome, cost: &Cost) -> BTreeMap<String, f64> {
    let spent = [cost.seconds, cost.cpu_seconds, cost.watt_hours, cost.grams_co2e, cost.money];
    let mut metrics = outcome.metrics.clone();
    metrics.extend(COST_METRICS.into_iter().map(str::to_owned).zip(spent));
    metrics.retain(|_, value| value.is_finite());
    metrics
}

/// The curve, then the final figures one step later so that they are the latest, in batches.
#[must_use]
pub fn metric_batches(curve: &[Point], metrics: &BTreeMap<String, f64>) -> Vec<Vec<Metric>> {
    let now = now_ms();
    let last = curve.iter().map(|point| point.step).max().unwrap_or_default();
    let points = curve.iter().map(|point| Metric::new(point.key, point.value, now, point.step));
    let finals = metrics.iter().map(|(key, value)| Metric::new(key, *value, now, last + 1));
    let all: Vec<Metric> = points.chain(finals).collect();
    all.chunks(BATCH).map(<[Metric]>::to_vec).collect()
}

/// What the journal says of the run.
///
/// # Errors
/// `invalid` when the prepared data name no dataset.
pub fn lineage(
    prepared: &Prepared,
    settings: &Settings,
    metrics: &BTreeMap<String, f64>,
    cost: &Cost,
) -> Result<RunLineage> {
    Ok(RunLineage {
        inputs: vec![
            Reference::parse(&prepared.reference)?,
            prepared.journal_reference(),
            Reference::new("pipeline", &prepared.pipeline_hash),
        ],
        outputs: Vec::new(),
        facts: json!({
            "recipe": settings.recipe.name(),
            "params": settings.values.to_json(),
            "seed": settings.seed,
            "code": code().version,
            "metrics": metrics,
            "cost": cost,
        }),
    })
}

/// What differs between the circumstances of two runs, in words.
#[must_use]
pub fn differences(original: &Run, again: &Run) -> Vec<String> {
    let mut found = Vec::new();
    let said = |run: &Run, tag: &str| run.tag(tag).unwrap_or("not recorded").to_owned();
    let (before, after) = (said(original, CODE), said(again, CODE));
    if before != after {
        found.push(format!("code: {before}, now {after}"));
    }
    let parts = |run: &Run| -> BTreeMap<String, Value> {
        run.tag(ENVIRONMENT).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let (before, after) = (parts(original), parts(again));
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let text = |parts: &BTreeMap<String, Value>| {
            parts.get(key).map_or_else(
                || "not recorded".to_owned(),
                |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            )
        };
        if before.get(key) != after.get(key) {
            found.push(format!("{key}: {}, now {}", text(&before), text(&after)));
        }
    }
    found
}
