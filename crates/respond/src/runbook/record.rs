//! Keeps a runbook run's record while its steps go by: in the database for people who look, in the journal for the
//! timeline, in the ledger for what it cost.

use std::time::Duration;

use ropewalk_core::{Actor, Progress, Reference, Result, now_ms};
use ropewalk_ledger::Meter;
use serde_json::{Value, json};

use super::model::{RunbookRun, RunbookStep, StepStatus};
use crate::service::incident_reference;
use crate::{Respond, store};

/// What a step leaves on the record.
pub(super) struct Outcome {
    /// One sentence.
    pub text: String,
    /// What it made.
    pub outputs: Vec<Reference>,
    /// Figures.
    pub facts: Value,
    /// Whether the services below have already written down what it cost.
    pub costed: bool,
}

impl Outcome {
    /// A step whose cost nobody below has written down.
    pub fn new(text: String, outputs: Vec<Reference>, facts: Value) -> Self {
        Self { text, outputs, facts, costed: false }
    }

    /// A step whose cost stands in the ledger under what it made.
    pub fn costed(mut self) -> Self {
        self.costed = true;
        self
    }
}

/// A runbook run under way. A task gives signs of life until this is dropped.
pub(super) struct Record {
    pub respond: Respond,
    pub run: RunbookRun,
    pub actor: Actor,
    progress: Progress,
    meter: Option<Meter>,
    beating: tokio::task::JoinHandle<()>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

impl Record {
    pub fn new(respond: &Respond, run: RunbookRun, actor: &Actor, progress: Progress) -> Self {
        let (beating, id) = (respond.clone(), run.id.clone());
        let beating = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                let id = id.clone();
                let touched = beating
                    .core
                    .database
                    .write(move |tx| Box::pin(async move { store::touch_runbook(tx, &id, now_ms()).await }))
                    .await;
                if let Err(error) = touched {
                    tracing::warn!(%error, "a runbook's sign of life could not be written");
                }
            }
        });
        Self { respond: respond.clone(), run, actor: actor.clone(), progress, meter: None, beating }
    }

    /// A step begins.
    pub async fn begin(&mut self, name: &str) -> Result<()> {
        let total = self.run.steps.len() as u64;
        if let Some((index, step)) = self.step(name) {
            step.status = StepStatus::Running;
            step.started_ms = Some(now_ms());
            let title = step.title.clone();
            self.progress.set(index as u64, total, title);
        }
        self.meter = Some(Meter::start());
        self.write().await
    }

    /// A step ends: its outcome goes on record, and its value on to the next step.
    pub async fn finish<T>(&mut self, name: &str, result: Result<(T, Outcome)>) -> Result<T> {
        let meter = self.meter.take();
        match result {
            Ok((value, outcome)) => {
                if let Some(meter) = meter.filter(|_| !outcome.costed) {
                    let cost = self.respond.ledger.measure(meter);
                    let incident = incident_reference(&self.run.incident);
                    self.respond.ledger.record(&incident, &format!("runbook.{name}"), &cost).await?;
                }
                self.close(name, StepStatus::Done, &outcome).await?;
                Ok(value)
            }
            Err(error) => {
                let outcome =
                    Outcome::new(error.to_string(), Vec::new(), json!({"code": error.code().name()}));
                self.close(name, StepStatus::Failed, &outcome).await?;
                Err(error)
            }
        }
    }

    /// A step that is not needed, or in a dry run would be done.
    pub async fn pass(&mut self, name: &str, status: StepStatus, text: &str) -> Result<()> {
        if let Some((_, step)) = self.step(name) {
            step.status = status;
            step.text = text.to_owned();
        }
        self.write().await
    }

    async fn close(&mut self, name: &str, status: StepStatus, outcome: &Outcome) -> Result<()> {
        if let Some((_, step)) = self.step(name) {
            step.status = status;
            step.text.clone_from(&outcome.text);
            step.outputs = outcome.outputs.iter().map(ToString::to_string).collect();
            step.facts = outcome.facts.clone();
            step.ended_ms = Some(now_ms());
        }
        if !self.run.dry_run {
            let word = if status == StepStatus::Failed { " failed" } else { "" };
            let text = format!("runbook {}, {name}{word}: {}", self.run.name, outcome.text);
            let facts = json!({"runbook": self.run.id, "figures": outcome.facts});
            self.respond
                .tell(&self.run.incident, name, &text, facts, outcome.outputs.clone(), &self.actor)
                .await?;
        }
        self.write().await
    }

    /// The run ends.
    pub async fn end(&mut self, status: StepStatus) -> Result<()> {
        self.run.ended_ms = Some(now_ms());
        let mut subjects: Vec<String> = self.run.steps.iter().flat_map(|step| step.outputs.clone()).collect();
        subjects.push(incident_reference(&self.run.incident).to_string());
        self.run.cost = self.respond.ledger_sum(&subjects, self.run.started_ms).await?;
        for step in self.run.steps.iter_mut().filter(|step| step.status == StepStatus::Pending) {
            step.status = StepStatus::Skipped;
        }
        // The row takes changes only while it is running, so the end is written last and once.
        self.run.status = status;
        self.write().await
    }

    fn step(&mut self, name: &str) -> Option<(usize, &mut RunbookStep)> {
        self.run.steps.iter_mut().enumerate().find(|(_, step)| step.name == name)
    }

    async fn write(&self) -> Result<()> {
        let row = self.run.clone();
        self.respond
            .core
            .database
            .write(move |tx| Box::pin(async move { store::update_runbook(tx, &row, now_ms()).await }))
            .await
            .map(|_| ())
    }
}
