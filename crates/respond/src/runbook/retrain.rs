//! The `retrain` runbook, step by step.

use ropewalk_core::{Actor, Code, Error, Progress, Reference, Result};
use ropewalk_data::{CommitRequest, FileChange, Frame};
use ropewalk_learn::{SweepRequest, SweepResult};
use ropewalk_models::{ModelVersion, RegisterRequest};
use ropewalk_prep::Prepared;
use ropewalk_serve::{DeployRequest, ModelSource, Revision};
use ropewalk_watch::{AlertKind, CaptureFilter, Status, Window};
use serde_json::json;

use super::export::{self, Export};
use super::model::{RunbookRun, StepStatus};
use super::plan::{Plan, STEPS};
use super::record::{Outcome, Record};
use super::replay;
use crate::model::{Incident, IncidentStatus};
use crate::rollout::model::{Rollout, RolloutRequest, RolloutStatus};
use crate::{Respond, RolloutSettings};

/// Runs the steps and puts the end on record, whichever it is.
pub(super) async fn drive(
    respond: &Respond,
    incident: Incident,
    run: RunbookRun,
    plan: Plan,
    actor: &Actor,
    progress: Progress,
) -> Result<RunbookRun> {
    let record = Record::new(respond, run, actor, progress);
    let mut retrain = Retrain { respond: respond.clone(), record, plan, incident, actor: actor.clone() };
    let result = if retrain.record.run.dry_run { retrain.dry_run().await } else { retrain.run().await };
    let status = match &result {
        Ok(()) if retrain.record.run.dry_run => StepStatus::Planned,
        Ok(()) => StepStatus::Done,
        Err(_) => StepStatus::Failed,
    };
    retrain.record.end(status).await?;
    let run = retrain.record.run.clone();
    // The incident is resolved after the run has ended, so that the post-mortem tells all of it.
    if status == StepStatus::Done && run.parameters.resolve {
        retrain.resolve_incident().await?;
    }
    result.map(|()| run)
}

struct Retrain {
    respond: Respond,
    record: Record,
    plan: Plan,
    incident: Incident,
    actor: Actor,
}

impl Retrain {
    /// Counts what there is and says what would be done with it.
    async fn dry_run(&mut self) -> Result<()> {
        self.record.begin("export").await?;
        let export = self.export().await;
        self.record.finish("export", export.map(|(_, outcome)| ((), outcome.costed()))).await?;
        for name in &STEPS[1..] {
            self.record.pass(name, StepStatus::Planned, "would be done").await?;
        }
        Ok(())
    }

    async fn run(&mut self) -> Result<()> {
        // Whoever starts a runbook has taken the incident up.
        if self.respond.incident(&self.incident.id).await?.status == IncidentStatus::Triggered {
            self.respond.acknowledge(&self.incident.id, &self.actor).await?;
        }
        self.record.begin("export").await?;
        let result = self.export().await;
        let export = self.record.finish("export", result).await?;

        self.record.begin("commit").await?;
        let result = self.commit(&export.training).await;
        self.record.finish("commit", result).await?;

        self.record.begin("merge").await?;
        let result = self.merge().await;
        self.record.finish("merge", result).await?;

        self.record.begin("prepare").await?;
        let result = self.prepare().await;
        let prepared = self.record.finish("prepare", result).await?;

        self.record.begin("train").await?;
        let result = self.train(&prepared).await;
        let sweep = self.record.finish("train", result).await?;

        self.record.begin("register").await?;
        let result = self.register(&sweep).await;
        let candidate = self.record.finish("register", result).await?;

        self.record.begin("replay").await?;
        let result = self.replay(&candidate, &export.held_out).await;
        self.record.finish("replay", result).await?;

        self.record.begin("deploy").await?;
        let result = self.deploy(&candidate).await;
        let revision = self.record.finish("deploy", result).await?;

        self.record.begin("rollout").await?;
        let result = self.roll_out(&revision).await;
        self.record.finish("rollout", result).await?;

        match self.plan.alias.clone() {
            Some(alias) => {
                self.record.begin("alias").await?;
                let result = self.move_alias(&alias, &candidate, &revision).await;
                self.record.finish("alias", result).await?;
            }
            None => self.record.pass("alias", StepStatus::Skipped, "the champion carries no alias").await?,
        }

        if !self.record.run.parameters.resolve {
            return self.record.pass("resolve", StepStatus::Skipped, "left to a person").await;
        }
        self.record.begin("resolve").await?;
        let result = self.confirm(&revision).await;
        self.record.finish("resolve", result).await
    }

    async fn export(&self) -> Result<(Export, Outcome)> {
        let parameters = &self.record.run.parameters;
        let filter = CaptureFilter {
            since_ms: Some(self.plan.since_ms),
            labelled_only: true,
            ..CaptureFilter::default()
        };
        let captured = self.respond.watch.captured(&self.plan.endpoint, filter).await?;
        let (target, columns) = (&self.plan.spec.target.column, self.plan.columns()?);
        let export = export::divide(&captured, target, &columns, parameters.holdout, parameters.seed)?;
        let (training, held_out) = (export.training.rows(), export.held_out.rows());
        if training + held_out < parameters.min_rows {
            return Err(Error::new(
                Code::GateFailed,
                format!("only {} labelled requests since the drift began", training + held_out),
            )
            .why(format!("`min_rows` asks for {}", parameters.min_rows))
            .hint(format!("send more feedback: POST /api/v1/endpoints/{}/feedback", self.plan.endpoint)));
        }
        if !self.record.run.dry_run {
            let path = format!("incidents/{}/held-out-{}.csv", self.incident.id, self.record.run.number);
            self.respond.core.blobs.put(&path, export.held_out.to_csv(';')?.into()).await?;
        }
        let text = format!("{training} labelled requests to train on, {held_out} held out for the replay");
        let facts = json!({"training": training, "held_out": held_out, "since_ms": self.plan.since_ms});
        Ok((export, Outcome::new(text, Vec::new(), facts)))
    }

    async fn commit(&self, training: &Frame) -> Result<((), Outcome)> {
        let dataset = &self.plan.commit.dataset;
        let request = CommitRequest {
            dataset: dataset.clone(),
            branch: self.plan.branch.clone(),
            message: format!(
                "Labelled requests of endpoint {} for incident {}",
                self.plan.endpoint, self.incident.number
            ),
            files: vec![FileChange {
                path: self.plan.file.clone(),
                content: Some(training.to_csv(';')?.into()),
            }],
            expected_head: None,
            create_branch_from: Some("main".to_owned()),
        };
        let commit = self.respond.data.commit(request, &self.actor).await?;
        let text =
            format!("{} rows as {} on {dataset}@{}", training.rows(), self.plan.file, self.plan.branch);
        let facts = json!({"rows": training.rows(), "commit": commit.id, "new_bytes": commit.new_bytes});
        Ok(((), Outcome::new(text, vec![dataset_reference(dataset, &commit.id)], facts)))
    }

    async fn merge(&self) -> Result<((), Outcome)> {
        let (dataset, branch, tag) = (&self.plan.commit.dataset, &self.plan.branch, &self.plan.tag);
        let message = format!("Merge {branch} for incident {}", self.incident.number);
        let commit = self.respond.data.merge(dataset, branch, "main", &message, &self.actor).await?;
        self.respond.data.tag(dataset, tag, &commit.id, &self.actor).await?;
        let text = format!("{branch} merged into main and tagged {tag}: {} rows", commit.rows);
        let facts = json!({"commit": commit.id, "tag": tag, "rows": commit.rows});
        Ok(((), Outcome::new(text, vec![dataset_reference(dataset, &commit.id)], facts)))
    }

    async fn prepare(&self) -> Result<(Prepared, Outcome)> {
        let prepared = self.respond.prep.prepare(&self.plan.new_spec(), &self.actor).await?;
        let rows = &prepared.rows;
        let text = format!(
            "{} rows to train on, {} to validate, {} to test; pipeline {}",
            rows.train,
            rows.validation,
            rows.test,
            prepared.pipeline_hash.chars().take(12).collect::<String>()
        );
        let facts = json!({"prepared": prepared.id, "pipeline": prepared.pipeline_hash, "rows": rows});
        let outputs = vec![prepared.journal_reference()];
        Ok((prepared, Outcome::new(text, outputs, facts).costed()))
    }

    async fn train(&self, prepared: &Prepared) -> Result<(SweepResult, Outcome)> {
        let parameters = &self.record.run.parameters;
        let request = SweepRequest {
            experiment: self.plan.experiment.clone(),
            prepared_id: prepared.id.clone(),
            trials: parameters.trials,
            seed: parameters.seed,
            recipes: Vec::new(),
        };
        let sweep = self.respond.learn.sweep(request, &self.actor, Progress::silent()).await?;
        let best = sweep.runs.iter().find(|run| run.run_id == sweep.best_run_id);
        let text = format!(
            "{} runs, best {} with validation AUC {:.3}",
            sweep.runs.len(),
            best.map_or("run", |run| run.recipe.as_str()),
            sweep.best_value
        );
        let facts =
            json!({"sweep": sweep.sweep_id, "best_run": sweep.best_run_id, "val_auc": sweep.best_value});
        let mut outputs = vec![Reference::new("sweep", &sweep.sweep_id)];
        outputs.extend(sweep.runs.iter().map(|run| Reference::new("run", &run.run_id)));
        Ok((sweep, Outcome::new(text, outputs, facts).costed()))
    }

    async fn register(&self, sweep: &SweepResult) -> Result<(ModelVersion, Outcome)> {
        let request = RegisterRequest {
            name: self.plan.champion.name.clone(),
            run_id: sweep.best_run_id.clone(),
            gates: self.plan.gates.clone(),
            description: format!("Retrained for incident {}", self.incident.number),
            tags: [("incident".to_owned(), self.incident.number.to_string())].into(),
            force: false,
        };
        let version = self.respond.models.register(request, &self.actor).await?;
        let text = format!("{} registered, {} gates passed", version.id(), version.gates.len());
        let facts = json!({"version": version.version, "gates": version.gates});
        let outputs = vec![Reference::new("model", version.id())];
        Ok((version, Outcome::new(text, outputs, facts)))
    }

    /// Both models answer the held-out requests, each through its own pipeline, as they would be served.
    async fn replay(&self, candidate: &ModelVersion, held_out: &Frame) -> Result<((), Outcome)> {
        let target = &self.plan.spec.target;
        let labels: Vec<f64> =
            held_out.number(&target.column)?.iter().filter_map(|value| target.label(*value)).collect();
        let inputs = held_out.clone().without(&target.column);
        let champion = self.scores(&self.plan.champion, &inputs).await?;
        let challenger = self.scores(candidate, &inputs).await?;
        let replay = replay::judge(&champion, &challenger, &labels, self.record.run.parameters.margin)?;
        if !replay.passed {
            return Err(Error::new(
                Code::GateFailed,
                format!("{} did not pass the replay gate", candidate.id()),
            )
            .why(replay.text)
            .hint(format!("ropewalk incident show {}", self.incident.number)));
        }
        let facts = serde_json::to_value(&replay)?;
        Ok(((), Outcome::new(replay.text, Vec::new(), facts)))
    }

    async fn scores(&self, version: &ModelVersion, inputs: &Frame) -> Result<Vec<f64>> {
        let model = ModelSource::load(&self.respond.models, &version.name, version.version).await?;
        let names: Vec<String> = model.columns.iter().map(|column| column.name.clone()).collect();
        let inputs = inputs.with_only(&names)?;
        let scored = tokio::task::spawn_blocking(move || model.score(&inputs)).await;
        let scores =
            scored.map_err(|error| Error::internal("the replay broke off").why(error.to_string()))??;
        Ok(scores.into_iter().map(f64::from).collect())
    }

    async fn deploy(&self, candidate: &ModelVersion) -> Result<(Revision, Outcome)> {
        let request = DeployRequest {
            endpoint: self.plan.endpoint.clone(),
            model: candidate.id(),
            weight: Some(0.0),
            ..DeployRequest::default()
        };
        let revision = self.respond.serve.deploy(request, &self.actor).await?;
        let text = format!(
            "{} is revision {} of {}, loaded, without traffic",
            candidate.id(),
            revision.revision,
            revision.endpoint
        );
        let outputs =
            vec![Reference::new("revision", format!("{}/{}", revision.endpoint, revision.revision))];
        let facts = json!({"revision": revision.revision, "bundle_hash": revision.bundle_hash});
        Ok((revision, Outcome::new(text, outputs, facts).costed()))
    }

    async fn roll_out(&self, revision: &Revision) -> Result<(Rollout, Outcome)> {
        let settings = RolloutSettings { alias: None, ..self.record.run.parameters.rollout.clone() };
        let request = RolloutRequest { revision: revision.revision, settings, dry_run: false };
        let incident = Some(self.incident.id.clone());
        let rollout =
            self.respond.begin_rollout(&self.plan.endpoint, &request, incident, &self.actor).await?;
        let outputs = vec![Reference::new("rollout", &rollout.id)];
        let rollout = self.respond.drive_rollout(rollout, Progress::silent()).await?;
        let reason = rollout.reason.clone().unwrap_or_default();
        if rollout.status != RolloutStatus::Completed {
            let word = rollout.status.as_str().replace('_', " ");
            return Err(Error::new(
                Code::GateFailed,
                format!("the roll-out of revision {} was {word}", revision.revision),
            )
            .why(reason)
            .hint(format!("ropewalk endpoint rollouts {}", self.plan.endpoint)));
        }
        let facts = json!({"rollout": rollout.id, "failed_requests": rollout.failed_requests});
        // Waiting for outcomes costs nothing of its own.
        Ok((rollout, Outcome::new(reason, outputs, facts).costed()))
    }

    /// The alias says what serves, so it moves only after what serves has been read back once more.
    async fn move_alias(
        &self,
        alias: &str,
        candidate: &ModelVersion,
        revision: &Revision,
    ) -> Result<((), Outcome)> {
        let served = self.respond.serve.read_back(&self.plan.endpoint).await?;
        if served.sole_revision() != Some(revision.revision) {
            return Err(Error::conflict(format!("the alias {alias} stays where it is"))
                .why(format!("the read-back does not show revision {} with all traffic", revision.revision))
                .hint(format!("ropewalk endpoint served {}", self.plan.endpoint)));
        }
        self.respond.models.set_alias(&candidate.name, alias, candidate.version, &self.actor).await?;
        let text = format!("{alias} points to {}", candidate.id());
        let outputs = vec![Reference::new("model", candidate.id())];
        Ok(((), Outcome::new(text, outputs, json!({"alias": alias, "version": candidate.version}))))
    }

    /// Asks the monitor about the new revision. It may have too few requests yet; then the roll-out's judgement stands.
    /// While the new training data still hold the old world, inputs may go on differing from them: that is told and
    /// does not keep the incident open. Quality that is still down does.
    async fn confirm(&self, revision: &Revision) -> Result<((), Outcome)> {
        let window = Window::default().of_revision(revision.revision);
        let number = revision.revision;
        let text = match self.respond.watch.evaluate(&self.plan.endpoint, window, &self.actor).await {
            Ok(report) if report.status == Status::TooFew => {
                format!(
                    "revision {number} has had too few requests for the monitor to judge ({})",
                    report.rows
                )
            }
            Ok(report) => {
                if let Some(alert) = report.alerts.iter().find(|alert| alert.kind == AlertKind::QualityDrop) {
                    return Err(Error::new(Code::GateFailed, "the incident stays open")
                        .why(format!("{}: {}", alert.title, alert.text))
                        .hint(format!("ropewalk why endpoint:{}", self.plan.endpoint)));
                }
                let auc =
                    report.realised_auc.map_or_else(String::new, |auc| format!(", realised AUC {auc:.3}"));
                let still: Vec<&str> = report.alerts.iter().map(|alert| alert.title.as_str()).collect();
                let still = if still.is_empty() {
                    String::new()
                } else {
                    format!("; still shown: {}", still.join(", "))
                };
                format!("the monitor confirms the quality of revision {number}{auc}{still}")
            }
            Err(error) => format!("the monitor could not look at revision {number} yet: {error}"),
        };
        Ok(((), Outcome::new(text, Vec::new(), json!({}))))
    }

    async fn resolve_incident(&self) -> Result<()> {
        let step = |name: &str| {
            self.record.run.steps.iter().find(|step| step.name == name).map_or("", |step| step.text.as_str())
        };
        let note = format!("retrained: {}; {}; {}", step("register"), step("replay"), step("resolve"));
        match self.respond.resolve(&self.incident.id, &note, &self.actor).await {
            // The monitor may have resolved it meanwhile.
            Err(error) if error.code() == Code::Conflict => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

fn dataset_reference(dataset: &str, commit: &str) -> Reference {
    Reference::new("dataset", format!("{dataset}@{commit}"))
}
