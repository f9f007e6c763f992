//! Training with a record: what other crates, the command line and HTTP call.

use std::collections::BTreeMap;
use std::sync::Arc;

use ropewalk_core::{Actor, Core, Error, Reference, Result, now_ms};
use ropewalk_ledger::{Cost, Ledger, Meter};
use ropewalk_models::BUNDLE_FOLDER;
use ropewalk_prep::{Prep, PreparedData};
use ropewalk_runs::{Run, RunLineage, RunStatus, Runs, Tag};
use serde_json::json;

use crate::environment::{code, environment};
use crate::model::{TrainRequest, TrainedRun};
use crate::recipes::{Recipe, RecipeInfo};
use crate::record::{self, Settings};
use crate::trial;

/// Training, sweeps and reproduction.
#[derive(Clone)]
pub struct Learn {
    pub(crate) core: Core,
    pub(crate) ledger: Ledger,
    pub(crate) prep: Prep,
    pub(crate) runs: Runs,
}

/// One run to be made.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) experiment_id: String,
    pub(crate) name: String,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Learn {
    /// Training on these services.
    #[must_use]
    pub fn new(core: Core, ledger: Ledger, prep: Prep, runs: Runs) -> Self {
        Self { core, ledger, prep, runs }
    }

    /// The recipes that there are.
    #[must_use]
    pub fn recipes(&self) -> Vec<RecipeInfo> {
        Recipe::ALL.into_iter().map(Recipe::info).collect()
    }

    /// Checks a request as far as that goes without the data.
    ///
    /// # Errors
    /// `not_found` for an unknown recipe, `invalid` for a parameter out of range.
    pub fn check(&self, request: &TrainRequest) -> Result<Settings> {
        let recipe = Recipe::parse(&request.recipe)?;
        let values = recipe.resolve(&request.params)?;
        Ok(Settings { recipe, values, seed: request.seed, prepared_id: request.prepared_id.clone() })
    }

    /// Trains one model as a tracked run: parameters, metrics by step, dataset commit, pipeline hash, code, environment,
    /// cost and the model's bundle.
    ///
    /// # Errors
    /// `not_found` for an unknown recipe or unknown prepared data, `invalid` for parameters or rows that cannot be
    /// trained on; the run, if it was begun, is then recorded as failed.
    pub async fn train(&self, request: TrainRequest, actor: &Actor) -> Result<TrainedRun> {
        let mut settings = self.check(&request)?;
        let data = self.load(&settings.prepared_id).await?;
        settings.prepared_id.clone_from(&data.prepared.id);
        let experiment = self.runs.ensure_experiment(&request.experiment).await?;
        let name = request.name.unwrap_or_else(|| format!("{}-{}", settings.recipe.name(), settings.seed));
        let plan = Plan { settings, experiment_id: experiment.experiment_id, name, tags: request.tags };
        self.carry_out(data, plan, actor).await
    }

    /// Prepared data with its rows, for one training or many.
    pub(crate) async fn load(&self, prepared_id: &str) -> Result<Arc<PreparedData>> {
        Ok(Arc::new(self.prep.load(prepared_id).await?))
    }

    /// Makes one run. Whatever goes wrong after its beginning is written into it.
    pub(crate) async fn carry_out(
        &self,
        data: Arc<PreparedData>,
        plan: Plan,
        actor: &Actor,
    ) -> Result<TrainedRun> {
        let method = self.ledger.method();
        let environment = environment(&method.processor, method.threads);
        // The first call hashes the binary, which may take a moment.
        blocking(|| Ok(code())).await?;
        let tags = record::tags(&data.prepared, &environment, plan.tags);
        let run = self.runs.create_run(&plan.experiment_id, Some(&plan.name), &tags, now_ms(), actor).await?;
        let id = run.info.run_id.clone();
        match self.fill(&id, data, &plan.settings, actor).await {
            Ok(trained) => Ok(trained),
            Err(error) => {
                let facts = json!({"recipe": plan.settings.recipe.name(), "error": error.to_string()});
                let lineage = RunLineage { facts, ..RunLineage::default() };
                if let Err(second) =
                    self.runs.finish_run(&id, RunStatus::Failed, now_ms(), lineage, actor).await
                {
                    tracing::warn!(run = %id, error = %second, "a failed run could not be ended");
                }
                Err(error)
            }
        }
    }

    async fn fill(
        &self,
        id: &str,
        data: Arc<PreparedData>,
        settings: &Settings,
        actor: &Actor,
    ) -> Result<TrainedRun> {
        self.runs.log_batch(id, &[], &settings.params(), &[]).await?;
        self.runs.log_inputs(id, vec![record::dataset_input(&data.prepared)], Vec::new()).await?;

        let meter = Meter::start();
        let (own, rows) = (settings.clone(), data.clone());
        let outcome = blocking(move || trial::run(own.recipe, &own.values, own.seed, &rows)).await?;
        let cost = self.ledger.measure(meter);
        let metrics = record::final_metrics(&outcome, &cost);

        for batch in record::metric_batches(&outcome.curve, &metrics) {
            self.runs.log_batch(id, &batch, &[], &[]).await?;
        }
        for (name, bytes) in outcome.bundle {
            self.runs.log_artifact(id, &format!("{BUNDLE_FOLDER}/{name}"), bytes).await?;
        }
        for (path, bytes) in outcome.artifacts {
            self.runs.log_artifact(id, &path, bytes).await?;
        }
        self.runs.log_batch(id, &[], &[], &[Tag::new(record::COST, json!(cost).to_string())]).await?;
        self.ledger.record(&Reference::new("run", id), "train", &cost).await?;
        let lineage = record::lineage(&data.prepared, settings, &metrics, &cost)?;
        self.runs.finish_run(id, RunStatus::Finished, now_ms(), lineage, actor).await?;
        Ok(TrainedRun {
            run_id: id.to_owned(),
            recipe: settings.recipe.name().to_owned(),
            params: settings.values.to_json(),
            metrics,
            cost,
        })
    }
}

/// The cost that a run's record holds, if it holds one.
#[must_use]
pub fn recorded_cost(run: &Run) -> Option<Cost> {
    serde_json::from_str(run.tag(record::COST)?).ok()
}

/// Computing work, off the threads that answer requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::internal("training broke off").why(error.to_string())))
}
