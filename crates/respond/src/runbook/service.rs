//! Starting runbook runs, by hand and by themselves.

use ropewalk_core::{Actor, Error, Job, Reference, Result, lease, new_id, now_ms};
use ropewalk_ledger::{Cost, SummaryFilter};
use serde_json::json;

use super::model::{AutoRunbook, RetrainParameters, RunbookRequest, RunbookRun, StepStatus};
use super::{plan, retrain};
use crate::model::Incident;
use crate::{Respond, store};

/// The runbook there is.
const RETRAIN: &str = "retrain";

impl Respond {
    /// Runs a runbook for an incident in the background of this process. The job's subject is the incident, its result
    /// the ended [`RunbookRun`].
    ///
    /// # Errors
    /// `NotFound` for the incident or the runbook, `Invalid` for parameters that make no sense, `Conflict` when the
    /// incident is resolved or another run is under way at the endpoint.
    pub async fn run_runbook(&self, incident: &str, request: RunbookRequest, actor: &Actor) -> Result<Job> {
        if request.name != RETRAIN {
            return Err(Error::not_found(format!("there is no runbook '{}'", request.name))
                .why("the one there is, is called retrain")
                .hint(format!("ropewalk incident runbook {incident} --dry-run")));
        }
        check(&request.parameters)?;
        self.recover().await?;
        let incident = self.incident(incident).await?;
        if !incident.status.is_open() {
            return Err(Error::conflict(format!("incident {} is resolved", incident.number))
                .why("a runbook mends an open incident")
                .hint("ropewalk incident list --open"));
        }
        let number = self.number(request.dry_run).await?;
        let plan = self.plan_retrain(&incident, number, &request.parameters).await?;
        let run = RunbookRun {
            id: new_id(),
            number,
            name: request.name,
            incident: incident.id.clone(),
            endpoint: incident.endpoint.clone(),
            status: StepStatus::Running,
            dry_run: request.dry_run,
            steps: plan.steps(&incident, &request.parameters),
            parameters: request.parameters,
            actor: actor.to_string(),
            started_ms: now_ms(),
            ended_ms: None,
            cost: Cost::default(),
        };
        let row = run.clone();
        self.core
            .database
            .write(move |tx| Box::pin(async move { store::insert_runbook(tx, &row, lease::owner()).await }))
            .await?;
        if !run.dry_run {
            let own = run.id.clone();
            self.change(&incident.id, move |incident| incident.runbooks.push(own)).await?;
        }
        self.launch(incident, run, plan, actor).await
    }

    async fn launch(
        &self,
        incident: Incident,
        run: RunbookRun,
        plan: plan::Plan,
        actor: &Actor,
    ) -> Result<Job> {
        let (respond, by) = (self.clone(), actor.clone());
        let subject = Reference::new("incident", &incident.id);
        self.core
            .jobs
            .start("runbook", Some(subject), actor, move |progress| async move {
                let run = retrain::drive(&respond, incident, run, plan, &by, progress).await?;
                Ok(serde_json::to_value(run)?)
            })
            .await
    }

    /// The next number; a dry run only looks.
    async fn number(&self, dry_run: bool) -> Result<i64> {
        let name = format!("runbook:{RETRAIN}");
        if dry_run {
            let mut connection = self.core.database.read().await?;
            return Ok(store::peek_number(&mut connection, &name).await? + 1);
        }
        self.core.database.write(move |tx| Box::pin(async move { store::next_number(tx, &name).await })).await
    }

    /// A runbook run by id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn runbook(&self, id: &str) -> Result<RunbookRun> {
        let mut connection = self.core.database.read().await?;
        store::runbook(&mut connection, id).await?.ok_or_else(|| {
            Error::not_found(format!("no runbook run '{id}'")).hint("ropewalk incident show ID")
        })
    }

    /// Runbook runs of an incident (by its id), oldest first.
    ///
    /// # Errors
    /// From the database.
    pub async fn incident_runbooks(&self, incident: &str) -> Result<Vec<RunbookRun>> {
        let mut connection = self.core.database.read().await?;
        store::runbooks(&mut connection, incident).await
    }

    /// Whether and how an endpoint's alerts start the runbook.
    ///
    /// # Errors
    /// From the database.
    pub async fn automatic(&self, endpoint: &str) -> Result<AutoRunbook> {
        let mut connection = self.core.database.read().await?;
        Ok(store::automatic(&mut connection, endpoint).await?.unwrap_or_default())
    }

    /// Sets whether and how an endpoint's alerts start the runbook.
    ///
    /// # Errors
    /// `NotFound` for the endpoint, `Invalid` for parameters that make no sense.
    pub async fn set_automatic(
        &self,
        endpoint: &str,
        setting: AutoRunbook,
        actor: &Actor,
    ) -> Result<AutoRunbook> {
        self.serve.get(endpoint).await?;
        check(&setting.parameters)?;
        let (name, row, journal, actor) =
            (endpoint.to_owned(), setting.clone(), self.core.journal.clone(), actor.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::set_automatic(tx, &name, &row).await?;
                    let word = if row.enabled { "on" } else { "off" };
                    let entry = ropewalk_core::NewEntry {
                        actor,
                        verb: "runbook.automatic",
                        subject: Reference::new("endpoint", &name),
                        inputs: Vec::new(),
                        outputs: Vec::new(),
                        facts: json!({"text": format!("automatic retraining of {name} switched {word}"), "setting": row}),
                    };
                    journal.append_in(tx, entry).await.map(|_| ())
                })
            })
            .await?;
        Ok(setting)
    }

    /// Starts the runbook if the endpoint is set so, none is under way and the cooldown is over.
    pub(crate) async fn run_automatically(&self, incident: &Incident) -> Result<()> {
        let setting = self.automatic(&incident.endpoint).await?;
        if !setting.enabled || !incident.status.is_open() {
            return Ok(());
        }
        let last = {
            let mut connection = self.core.database.read().await?;
            store::last_runbook_ms(&mut connection, &incident.endpoint).await?
        };
        let cooldown_ms = i64::try_from(setting.cooldown_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        if let Some(last) = last.filter(|last| now_ms() - last < cooldown_ms) {
            tracing::info!(
                incident = incident.number,
                last,
                "the runbook ran within its cooldown and is not started"
            );
            return Ok(());
        }
        let request =
            RunbookRequest { name: RETRAIN.to_owned(), dry_run: false, parameters: setting.parameters };
        match self.run_runbook(&incident.id, request, &Actor::system("runbook")).await {
            Err(error) if error.code() == ropewalk_core::Code::Conflict => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Marks a run whose process is gone.
    pub(crate) async fn interrupt_runbook(&self, mut run: RunbookRun, now: i64) -> Result<()> {
        run.status = StepStatus::Interrupted;
        run.ended_ms = Some(now);
        for step in &mut run.steps {
            match step.status {
                StepStatus::Running => {
                    step.status = StepStatus::Interrupted;
                    step.ended_ms = Some(now);
                    step.text = "the process that ran it ended".to_owned();
                }
                StepStatus::Pending => step.status = StepStatus::Skipped,
                _ => {}
            }
        }
        let (incident, number) = (run.incident.clone(), run.number);
        let written = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::update_runbook(tx, &run, now).await }))
            .await?;
        if written {
            let text = format!(
                "runbook {RETRAIN} {number} was interrupted: the process that ran it ended; what it had done stays done"
            );
            self.tell(&incident, "interrupted", &text, json!({}), Vec::new(), &Actor::system("recovery"))
                .await?;
        }
        Ok(())
    }

    /// The ledger's sum over several subjects, from a time on.
    pub(crate) async fn ledger_sum(&self, subjects: &[String], since_ms: i64) -> Result<Cost> {
        let mut sum = Cost::default();
        let unique: std::collections::BTreeSet<&String> = subjects.iter().collect();
        for subject in unique {
            let filter = SummaryFilter {
                subject: Some(subject.clone()),
                since_ms: Some(since_ms),
                ..SummaryFilter::default()
            };
            sum += self.ledger.summary(filter).await?.total;
        }
        Ok(sum)
    }
}

/// Refuses parameters that make no sense.
fn check(parameters: &RetrainParameters) -> Result<()> {
    parameters.rollout.check()?;
    if !(0.05..=0.9).contains(&parameters.holdout) {
        return Err(Error::invalid(format!("`holdout` cannot be {}", parameters.holdout))
            .why("it is the share of requests kept for the replay gate, from 0.05 to 0.9"));
    }
    if !parameters.margin.is_finite() || parameters.trials == 0 {
        return Err(Error::invalid("`margin` must be a number and `trials` at least 1"));
    }
    Ok(())
}
