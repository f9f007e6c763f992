//! Sweeps: a seeded random search over recipes and parameters, each trial a tracked run.

use std::time::Instant;

use ropewalk_core::{Actor, Error, Job, NewEntry, Progress, Reference, Result, new_id, now_ms};
use ropewalk_ledger::Cost;
use ropewalk_nets::Random;
use serde_json::json;

use crate::model::{SWEEP_METRIC, Sweep, SweepRequest, SweepResult, TRIAL_LIMIT, TrainedRun};
use crate::parameters::Values;
use crate::recipes::Recipe;
use crate::record::{SWEEP, Settings, TRIAL};
use crate::service::{Learn, Plan};
use crate::store;

impl Learn {
    /// Searches: the recipes take turns, each first with its defaults and then with parameters drawn at random. A trial
    /// that fails is recorded and passed over. Trials run one after another, so that each one's cost is its own.
    ///
    /// # Errors
    /// `invalid` or `not_found` for a request that cannot be met, before anything is recorded; the last trial's error
    /// when none succeeds.
    pub async fn sweep(
        &self,
        mut request: SweepRequest,
        actor: &Actor,
        progress: Progress,
    ) -> Result<SweepResult> {
        self.settle(&mut request).await?;
        let sweep = self.begin(new_id(), &request, progress.job_id()).await?;
        self.search(sweep, &request, actor, &progress).await
    }

    /// Starts a sweep in the background; the job's subject is the sweep.
    ///
    /// # Errors
    /// As [`sweep`](Self::sweep), at once for what can be known at once.
    pub async fn start_sweep(&self, mut request: SweepRequest, actor: &Actor) -> Result<Job> {
        let sweep_id = new_id();
        self.settle(&mut request).await?;
        let (learn, by, id) = (self.clone(), actor.clone(), sweep_id.clone());
        let work = move |progress: Progress| async move {
            let sweep = learn.begin(id, &request, progress.job_id()).await?;
            Ok(json!(learn.search(sweep, &request, &by, &progress).await?))
        };
        self.core.jobs.start("sweep", Some(Reference::new("sweep", &sweep_id)), actor, work).await
    }

    /// A sweep's state.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn get_sweep(&self, id: &str) -> Result<Sweep> {
        let found = {
            let mut connection = self.core.database.read().await?;
            store::get(&mut connection, id).await?
        };
        let (mut sweep, job) =
            found.ok_or_else(|| Error::not_found(format!("no sweep {id}")).hint("ropewalk run ls"))?;
        // A process that died did not write the end of its sweep; its job knows.
        if sweep.status == store::RUNNING
            && !job.is_empty()
            && let Ok(job) = self.core.jobs.get(&job).await
            && let Some(error) = job.error
        {
            sweep.status = store::FAILED.to_owned();
            sweep.ended_ms = job.ended_ms;
            sweep.error = Some(error.what);
        }
        Ok(sweep)
    }

    /// Refuses what cannot be met, and puts the whole identifier where its beginning was given.
    async fn settle(&self, request: &mut SweepRequest) -> Result<()> {
        check(request)?;
        request.prepared_id = self.prep.get(&request.prepared_id).await?.id;
        Ok(())
    }

    async fn begin(&self, sweep_id: String, request: &SweepRequest, job: &str) -> Result<Sweep> {
        let sweep = Sweep {
            sweep_id,
            status: store::RUNNING.to_owned(),
            started_ms: now_ms(),
            ended_ms: None,
            experiment: request.experiment.clone(),
            prepared_id: request.prepared_id.clone(),
            trials: request.trials,
            seed: request.seed,
            result: None,
            error: None,
        };
        let (stored, job) = (sweep.clone(), job.to_owned());
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::insert(tx, &stored, &job).await }))
            .await?;
        Ok(sweep)
    }

    async fn search(
        &self,
        mut sweep: Sweep,
        request: &SweepRequest,
        actor: &Actor,
        progress: &Progress,
    ) -> Result<SweepResult> {
        let outcome = self.trials(&sweep.sweep_id, request, actor, progress).await;
        sweep.ended_ms = Some(now_ms());
        match &outcome {
            Ok(result) => {
                sweep.status = store::FINISHED.to_owned();
                sweep.result = Some(result.clone());
            }
            Err(error) => {
                sweep.status = store::FAILED.to_owned();
                sweep.error = Some(error.to_string());
            }
        }
        let entry = outcome.as_ref().ok().map(|result| journal_entry(result, actor));
        let journal = self.core.journal.clone();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::end(tx, &sweep).await?;
                    if let Some(entry) = entry {
                        journal.append_in(tx, entry).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        outcome
    }

    async fn trials(
        &self,
        sweep_id: &str,
        request: &SweepRequest,
        actor: &Actor,
        progress: &Progress,
    ) -> Result<SweepResult> {
        let started = Instant::now();
        let recipes = check(request)?;
        let data = self.load(&request.prepared_id).await?;
        let experiment = self.runs.ensure_experiment(&request.experiment).await?;
        let mut runs: Vec<TrainedRun> = Vec::new();
        let mut failed = 0;
        let mut last_error = None;
        for trial in 0..request.trials {
            let settings = draw(request, &recipes, trial)?;
            let best = best(&runs)
                .map_or_else(String::new, |(_, value)| format!(", best {SWEEP_METRIC} {value:.4}"));
            let name = settings.recipe.name();
            progress.set(
                u64::from(trial),
                u64::from(request.trials),
                format!("trial {} of {}: {name}{best}", trial + 1, request.trials),
            );
            let plan = Plan {
                name: format!("{name}-{:02}", trial + 1),
                settings,
                experiment_id: experiment.experiment_id.clone(),
                tags: [(SWEEP.to_owned(), sweep_id.to_owned()), (TRIAL.to_owned(), (trial + 1).to_string())]
                    .into(),
            };
            match self.carry_out(data.clone(), plan, actor).await {
                Ok(run) => runs.push(run),
                Err(error) => {
                    tracing::warn!(sweep = sweep_id, trial, %error, "a trial failed");
                    failed += 1;
                    last_error = Some(error);
                }
            }
        }
        let Some((best_run_id, best_value)) = best(&runs).map(|(run, value)| (run.run_id.clone(), value))
        else {
            return Err(
                last_error.unwrap_or_else(|| Error::internal(format!("no trial measured {SWEEP_METRIC}")))
            );
        };
        let total = u64::from(request.trials);
        progress.set(total, total, format!("best {SWEEP_METRIC} {best_value:.4}"));
        Ok(SweepResult {
            sweep_id: sweep_id.to_owned(),
            experiment: request.experiment.clone(),
            prepared_id: request.prepared_id.clone(),
            seed: request.seed,
            metric: SWEEP_METRIC.to_owned(),
            cost: runs.iter().map(|run| run.cost.clone()).sum::<Cost>(),
            runs,
            failed,
            best_run_id,
            best_value,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// The recipes of a request that can be met.
fn check(request: &SweepRequest) -> Result<Vec<Recipe>> {
    if request.trials == 0 || request.trials > TRIAL_LIMIT {
        return Err(Error::invalid(format!("a sweep has 1 to {TRIAL_LIMIT} trials, not {}", request.trials))
            .hint("ropewalk run sweep PREPARED --trials 12"));
    }
    if request.recipes.is_empty() {
        return Ok(Recipe::ALL.to_vec());
    }
    request.recipes.iter().map(|name| Recipe::parse(name)).collect()
}

/// The settings of one trial. They depend on the request's seed and the trial's number alone, so that a longer sweep
/// begins like a shorter one.
fn draw(request: &SweepRequest, recipes: &[Recipe], trial: u32) -> Result<Settings> {
    let turn = trial as usize;
    let recipe = recipes[turn % recipes.len()];
    let drawn = if turn < recipes.len() {
        json!({})
    } else {
        Values::draw(&recipe.parameters(), &mut Random::for_purpose(request.seed, u64::from(trial)))
    };
    Ok(Settings {
        recipe,
        values: recipe.resolve(&drawn)?,
        seed: request.seed.wrapping_add(u64::from(trial)),
        prepared_id: request.prepared_id.clone(),
    })
}

/// The run with the largest metric; among equals the first.
fn best(runs: &[TrainedRun]) -> Option<(&TrainedRun, f64)> {
    let measured = runs.iter().filter_map(|run| Some((run, *run.metrics.get(SWEEP_METRIC)?)));
    measured.fold(None, |best, next| match best {
        Some((_, value)) if value >= next.1 => best,
        _ => Some(next),
    })
}

fn journal_entry(result: &SweepResult, actor: &Actor) -> NewEntry {
    NewEntry {
        actor: actor.clone(),
        verb: "sweep.finish",
        subject: Reference::new("sweep", &result.sweep_id),
        inputs: result.runs.iter().map(|run| Reference::new("run", &run.run_id)).collect(),
        outputs: Vec::new(),
        facts: json!({
            "trials": result.runs.len(),
            "failed": result.failed,
            "best_run_id": result.best_run_id,
            "metric": result.metric,
            "best_value": result.best_value,
            "seed": result.seed,
            "seconds": result.seconds,
            "cost": result.cost,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn request(trials: u32) -> SweepRequest {
        SweepRequest { experiment: "e".into(), prepared_id: "p".into(), trials, seed: 3, recipes: Vec::new() }
    }

    #[test]
    fn recipes_take_turns_and_start_from_their_defaults() {
        let recipes = check(&request(6)).unwrap();
        let drawn: Vec<Settings> = (0..6).map(|trial| draw(&request(6), &recipes, trial).unwrap()).collect();
        assert_eq!(drawn[0].values, Recipe::BoostedTrees.resolve(&json!({})).unwrap());
        assert_eq!(drawn[1].values, Recipe::Mlp.resolve(&json!({})).unwrap());
        assert!(drawn.iter().step_by(2).all(|settings| settings.recipe == Recipe::BoostedTrees));
        assert_ne!(drawn[2].values, drawn[4].values);
        let longer = draw(&request(100), &recipes, 4).unwrap();
        assert_eq!(drawn[4], longer);
    }

    #[test]
    fn the_best_is_the_first_of_the_largest() {
        let run = |id: &str, value: Option<f64>| TrainedRun {
            run_id: id.into(),
            recipe: "mlp".into(),
            params: json!({}),
            metrics: value.map(|value| (SWEEP_METRIC.to_owned(), value)).into_iter().collect(),
            cost: Cost::default(),
        };
        let runs = [run("a", Some(0.7)), run("b", None), run("c", Some(0.9)), run("d", Some(0.9))];
        assert_eq!(best(&runs).unwrap().0.run_id, "c");
        assert!(best(&runs[1..2]).is_none());
    }

    #[test]
    fn impossible_sweeps_are_refused() {
        assert!(check(&request(0)).is_err());
        assert!(check(&request(TRIAL_LIMIT + 1)).is_err());
        assert!(check(&SweepRequest { recipes: vec!["mlq".into()], ..request(2) }).is_err());
    }

    #[tokio::test]
    async fn a_sweep_whose_job_broke_off_is_not_shown_as_running() {
        let migrations = [
            ropewalk_ledger::MIGRATIONS,
            ropewalk_data::MIGRATIONS,
            ropewalk_prep::MIGRATIONS,
            ropewalk_runs::MIGRATIONS,
            crate::MIGRATIONS,
        ]
        .concat();
        let (_home, core) = ropewalk_core::testing::fresh_home(&migrations).await;
        let data = ropewalk_data::Data::new(core.clone());
        let ledger = ropewalk_ledger::Ledger::new(core.clone());
        let prep = ropewalk_prep::Prep::new(core.clone(), data, ledger.clone());
        let learn = Learn::new(core.clone(), ledger, prep, ropewalk_runs::Runs::new(core.clone()));
        let broken = |_: Progress| async { Err(Error::internal("the machine went away")) };
        let job = core.jobs.start("sweep", None, &Actor::user("ann"), broken).await.unwrap();
        learn.begin("s".to_owned(), &request(2), &job.id).await.unwrap();
        for _ in 0..100 {
            let sweep = learn.get_sweep("s").await.unwrap();
            if sweep.status == store::FAILED {
                assert_eq!(sweep.error.as_deref(), Some("the machine went away"));
                assert!(sweep.ended_ms.is_some());
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("still shown as running");
    }
}
