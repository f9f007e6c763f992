//! The controller of one roll-out: move traffic, read back, judge, go on or go back.

use std::time::{Duration, Instant};

use ropewalk_core::{Actor, Error, NewEntry, Progress, Reference, Result, now_ms};
use ropewalk_ledger::Meter;
use ropewalk_serve::TrafficShare;
use serde_json::json;

use super::evidence::{Evidence, first_request_ms};
use super::model::{ReadBack, Rollout, RolloutStatus, RolloutStepStatus};
use super::service::{read_back_of, rollout_reference};
use crate::judge::{Judgement, Verdict};
use crate::model::{IncidentKind, Priority};
use crate::service::{NewIncident, incident_reference};
use crate::{Respond, store};

/// A read-back that is not as ordered is tried again for so long: another process may just be reloading.
const PROOF_WAIT: Duration = Duration::from_secs(5);
/// The state is written at least so often while nothing happens; it is the sign of life, too.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between two looks at least so many times the length of a look passes.
const IDLE_SHARE: u32 = 4;
/// So many looks in a row may fail before the roll-out is called off.
const FAILED_LOOKS: u32 = 20;

/// How a step ended.
enum End {
    Passed,
    Harm(Judgement),
    /// Called off by a person: traffic goes back.
    CalledOff,
    /// Somebody else moved the traffic: it is theirs now.
    Taken(String),
}

/// Drives a roll-out to its end. Whatever goes wrong, the stable revision gets its traffic back and the roll-out has an
/// end on record.
pub(super) async fn drive(respond: &Respond, rollout: Rollout, progress: &Progress) -> Result<Rollout> {
    let baseline = respond.serve.statistics(&rollout.endpoint).await.ok();
    let mut drive = Drive {
        respond: respond.clone(),
        evidence: Evidence::new(baseline.as_ref()),
        actor: Actor::system("rollout"),
        rollout,
        written: Instant::now(),
    };
    match drive.steps(progress).await {
        Ok(()) => {}
        Err(error) => drive.call_off(&error).await?,
    }
    Ok(drive.rollout)
}

struct Drive {
    respond: Respond,
    rollout: Rollout,
    evidence: Evidence,
    actor: Actor,
    written: Instant,
}

impl Drive {
    async fn steps(&mut self, progress: &Progress) -> Result<()> {
        let total = self.rollout.steps.len() as u64;
        for index in 0..self.rollout.steps.len() {
            let percent = self.rollout.steps[index].percent;
            progress.set(index as u64, total, format!("{percent} % to revision {}", self.rollout.revision));
            self.rollout.current = index;
            self.begin_step(index).await?;
            match self.judge_step(index, progress).await? {
                End::Passed => self.pass(index).await?,
                End::Harm(judgement) => return self.harm(index, judgement).await,
                End::CalledOff => return self.go_back("called off", RolloutStatus::Aborted).await,
                End::Taken(how) => return self.leave(how).await,
            }
        }
        progress.set(total, total, "done");
        self.complete().await
    }

    /// Moves traffic and proves it.
    async fn begin_step(&mut self, index: usize) -> Result<()> {
        let shares = self.shares(self.rollout.steps[index].percent);
        let reason = format!("roll-out step {} of {}", index + 1, self.rollout.steps.len());
        self.respond.serve.set_traffic(&self.rollout.endpoint, shares.clone(), &reason, &self.actor).await?;
        let read = self.prove(&shares).await?;
        if !read.proven {
            let text = read.text.clone();
            self.rollout.steps[index].read_back = Some(read);
            return Err(Error::conflict("the traffic could not be moved").why(text));
        }
        let step = &mut self.rollout.steps[index];
        step.status = RolloutStepStatus::Judging;
        step.started_ms = Some(now_ms());
        step.read_back = Some(read);
        self.evidence.begin_step();
        self.write().await
    }

    async fn judge_step(&mut self, index: usize, progress: &Progress) -> Result<End> {
        let poll = Duration::from_secs_f64(self.rollout.settings.poll_seconds);
        let percent = self.rollout.steps[index].percent;
        let mut active = Duration::ZERO;
        let mut failed = 0;
        loop {
            let started = Instant::now();
            if let Some(end) = self.wishes(index).await? {
                return Ok(end);
            }
            if self.rollout.status == RolloutStatus::Paused {
                self.beat().await?;
                tokio::time::sleep(poll).await;
                continue;
            }
            match self.look(active.as_secs_f64()).await {
                Ok(judgement) => {
                    failed = 0;
                    let verdict = self.verdict(&judgement, percent, active);
                    progress.set(
                        index as u64,
                        self.rollout.steps.len() as u64,
                        format!("{percent} %: {}", judgement.text),
                    );
                    self.rollout.steps[index].judgement = Some(judgement.clone());
                    match verdict {
                        Verdict::Harm => return Ok(End::Harm(judgement)),
                        Verdict::Pass => return Ok(End::Passed),
                        Verdict::Continue => {}
                    }
                }
                Err(error) => {
                    failed += 1;
                    tracing::warn!(rollout = self.rollout.id, %error, "a look at the evidence failed");
                    if failed >= FAILED_LOOKS {
                        return Err(error.context("the canary cannot be judged"));
                    }
                }
            }
            self.beat().await?;
            // A look grows dearer with the evidence; it must not take the processor from the requests it judges.
            tokio::time::sleep(poll.max(started.elapsed() * IDLE_SHARE)).await;
            active += started.elapsed();
        }
    }

    /// At 100 % no stable outcomes come in any more, so the last step passes when it has stood its minimum.
    fn verdict(&self, judgement: &Judgement, percent: f64, active: Duration) -> Verdict {
        let last = percent >= 100.0 && active.as_secs_f64() >= self.rollout.settings.min_step_seconds;
        if last && judgement.verdict == Verdict::Continue { Verdict::Pass } else { judgement.verdict }
    }

    async fn look(&mut self, step_seconds: f64) -> Result<Judgement> {
        let judgement = self.evidence.look(&self.respond, &self.rollout, step_seconds).await?;
        let statistics = self.respond.serve.statistics(&self.rollout.endpoint).await?;
        self.rollout.failed_requests = self.evidence.failed(&statistics);
        if self.rollout.first_canary_ms.is_none()
            && self.evidence.canary_requests(&statistics, self.rollout.revision) > 0
        {
            self.rollout.first_canary_ms =
                first_request_ms(&self.respond, &self.rollout).await?.or_else(|| Some(now_ms()));
        }
        Ok(judgement)
    }

    /// What people want, and whether the traffic is still ours.
    async fn wishes(&mut self, index: usize) -> Result<Option<End>> {
        let wish = {
            let mut connection = self.respond.core.database.read().await?;
            store::rollout_wish(&mut connection, &self.rollout.id).await?
        };
        match wish.as_str() {
            "abort" => return Ok(Some(End::CalledOff)),
            "pause" if self.rollout.status == RolloutStatus::Running => {
                self.rollout.status = RolloutStatus::Paused;
                self.write().await?;
            }
            "resume" if self.rollout.status == RolloutStatus::Paused => {
                self.rollout.status = RolloutStatus::Running;
                self.write().await?;
            }
            _ => {}
        }
        let shares = self.shares(self.rollout.steps[index].percent);
        let served = self.respond.serve.read_back(&self.rollout.endpoint).await?;
        let read = read_back_of(&served, &shares);
        Ok((!read.proven).then_some(End::Taken(read.text)))
    }

    async fn pass(&mut self, index: usize) -> Result<()> {
        let step = &mut self.rollout.steps[index];
        step.status = RolloutStepStatus::Passed;
        step.ended_ms = Some(now_ms());
        let judged = step.judgement.as_ref().map_or_else(String::new, |judgement| judgement.text.clone());
        let text = format!("step {} % of revision {} passed: {judged}", step.percent, self.rollout.revision);
        let facts = json!({"text": text, "percent": step.percent, "judgement": step.judgement, "read_back": step.read_back});
        self.tell("rollout.step", facts).await?;
        self.write().await
    }

    async fn complete(&mut self) -> Result<()> {
        let last = self.rollout.steps.last().map_or(100.0, |step| step.percent);
        let read = self.prove(&self.shares(last)).await?;
        let proven = read.proven;
        let text = read.text.clone();
        self.rollout.final_read_back = Some(read);
        if !proven {
            return self.leave(text).await;
        }
        if let Some(alias) = self.rollout.settings.alias.clone().filter(|_| last >= 100.0) {
            self.respond
                .models
                .set_alias(&self.rollout.model, &alias, self.rollout.version, &self.actor)
                .await?;
        }
        self.rollout.status = RolloutStatus::Completed;
        self.end(text).await
    }

    /// The canary harms: take it back at once, then tell.
    async fn harm(&mut self, index: usize, judgement: Judgement) -> Result<()> {
        let (determined, meter) = (Instant::now(), Meter::start());
        self.rollout.harm_ms = Some(now_ms());
        let reason = format!("revision {} harms: {}", self.rollout.revision, judgement.text);
        let read = self.restore(&reason).await?;
        self.rollout.rollback_seconds = read.proven.then(|| determined.elapsed().as_secs_f64());
        self.rollout.restored_ms = read.proven.then(now_ms);
        // The log knows the first request to the millisecond; the counters only knew it by the next look.
        if let Some(first) = first_request_ms(&self.respond, &self.rollout).await? {
            self.rollout.first_canary_ms = Some(first);
        }
        self.rollout.exposure_seconds = match (self.rollout.first_canary_ms, self.rollout.restored_ms) {
            (Some(first), Some(restored)) => Some((restored - first).max(0) as f64 / 1000.0),
            _ => None,
        };
        if let Ok(statistics) = self.respond.serve.statistics(&self.rollout.endpoint).await {
            self.rollout.failed_requests = self.evidence.failed(&statistics);
        }
        self.rollout.final_read_back = Some(read.clone());
        for (at, step) in self.rollout.steps.iter_mut().enumerate().skip(index) {
            step.status = if at == index { RolloutStepStatus::Harmed } else { RolloutStepStatus::Skipped };
            step.ended_ms = Some(now_ms());
        }
        self.rollout.status = RolloutStatus::RolledBack;
        let incident = if self.rollout.settings.open_incident && self.rollout.incident.is_none() {
            Some(self.open_incident(&judgement, &read).await?)
        } else {
            None
        };
        let took = self
            .rollout
            .rollback_seconds
            .map_or_else(|| "not proven".to_owned(), |s| format!("proven after {s:.2} s"));
        self.end(format!("{}; taken back, {took}", judgement.text)).await?;
        if let Some(id) = incident {
            let cost = self.respond.ledger.measure(meter);
            self.respond.ledger.record(&incident_reference(&id), "rollback", &cost).await?;
            self.finish_incident(&id, &read).await?;
        }
        Ok(())
    }

    async fn open_incident(&mut self, judgement: &Judgement, read: &ReadBack) -> Result<String> {
        let rollout = &self.rollout;
        let new = NewIncident {
            title: format!(
                "{}/{} harms endpoint {} as a canary",
                rollout.model, rollout.version, rollout.endpoint
            ),
            endpoint: rollout.endpoint.clone(),
            kind: IncidentKind::BadRelease,
            // While the rollback is not proven, users may still be served by it.
            priority: if read.proven { Priority::P2 } else { Priority::P1 },
            opened_ms: rollout.harm_ms,
            model: Some(rollout.model.clone()),
            version: Some(rollout.version),
            revision: Some(rollout.revision),
            alerts: Vec::new(),
            rollouts: vec![rollout.id.clone()],
            cause: None,
            evidence: json!({
                "judgement": judgement,
                "read_back": read,
                "rollback_seconds": rollout.rollback_seconds,
                "exposure_seconds": rollout.exposure_seconds,
                "failed_requests": rollout.failed_requests,
            }),
            inputs: vec![
                rollout_reference(&rollout.id),
                Reference::new("revision", format!("{}/{}", rollout.endpoint, rollout.revision)),
            ],
        };
        let incident = self.respond.open(new, &self.actor).await?;
        self.rollout.incident = Some(incident.id.clone());
        Ok(incident.id)
    }

    /// The cause is looked up, and with the roll-back proven the incident is over.
    async fn finish_incident(&self, id: &str, read: &ReadBack) -> Result<()> {
        let incident = self.respond.incident(id).await?;
        self.respond.explain(&incident).await;
        if !read.proven {
            return Ok(());
        }
        let note = format!(
            "rolled back to revision {} by the controller, {:.2} s after harm was determined, proven by read-back",
            self.rollout.stable_revision,
            self.rollout.rollback_seconds.unwrap_or_default(),
        );
        self.respond.resolve(id, &note, &self.actor).await.map(|_| ())
    }

    /// Gives the stable revision all traffic and proves it.
    async fn restore(&self, reason: &str) -> Result<ReadBack> {
        let shares = vec![TrafficShare::new(self.rollout.stable_revision, 100.0)];
        let mut tries = 0;
        loop {
            let done = self
                .respond
                .serve
                .rollback(&self.rollout.endpoint, Some(self.rollout.stable_revision), reason, &self.actor)
                .await;
            match done {
                Ok(_) => return self.prove(&shares).await,
                // Going back must not fail on a passing trouble.
                Err(error) if tries < 10 => {
                    tracing::warn!(rollout = self.rollout.id, %error, "the roll-back is tried again");
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100 * tries)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn go_back(&mut self, reason: &str, status: RolloutStatus) -> Result<()> {
        let read = self.restore(&format!("roll-out {reason}")).await?;
        let text = format!("{reason}; {}", read.text);
        self.rollout.final_read_back = Some(read);
        self.rollout.status = status;
        self.end(text).await
    }

    /// Somebody else moved the traffic: leave it to them.
    async fn leave(&mut self, how: String) -> Result<()> {
        self.rollout.status = RolloutStatus::Aborted;
        self.end(format!("the traffic was moved by somebody else and is left as it is; {how}")).await
    }

    /// An error of ours in the middle: go back, and say why.
    async fn call_off(&mut self, error: &Error) -> Result<()> {
        tracing::error!(rollout = self.rollout.id, %error, "the roll-out is called off");
        match self.go_back(&format!("called off by an error: {error}"), RolloutStatus::Aborted).await {
            Ok(()) => Ok(()),
            Err(second) => {
                self.rollout.status = RolloutStatus::Aborted;
                self.end(format!("{error}; and the traffic could not be given back: {second}")).await
            }
        }
    }

    /// Reads back what is served until it is as ordered or the wait is over.
    async fn prove(&self, shares: &[TrafficShare]) -> Result<ReadBack> {
        let started = Instant::now();
        loop {
            let read = read_back_of(&self.respond.serve.read_back(&self.rollout.endpoint).await?, shares);
            if read.proven || started.elapsed() > PROOF_WAIT {
                return Ok(read);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn shares(&self, percent: f64) -> Vec<TrafficShare> {
        let mut shares = vec![TrafficShare::new(self.rollout.revision, percent)];
        if percent < 100.0 {
            shares.push(TrafficShare::new(self.rollout.stable_revision, 100.0 - percent));
        }
        shares
    }

    async fn end(&mut self, reason: String) -> Result<()> {
        self.rollout.reason = Some(reason);
        self.rollout.ended_ms = Some(now_ms());
        for step in self
            .rollout
            .steps
            .iter_mut()
            .filter(|step| matches!(step.status, RolloutStepStatus::Pending | RolloutStepStatus::Judging))
        {
            step.status = RolloutStepStatus::Skipped;
        }
        self.respond.end_rollout(&self.rollout, &self.actor).await
    }

    async fn beat(&mut self) -> Result<()> {
        if self.written.elapsed() >= HEARTBEAT { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<()> {
        self.written = Instant::now();
        let row = self.rollout.clone();
        self.respond
            .core
            .database
            .write(move |tx| Box::pin(async move { store::update_rollout(tx, &row, now_ms()).await }))
            .await
            .map(|_| ())
    }

    async fn tell(&self, verb: &'static str, facts: serde_json::Value) -> Result<()> {
        let entry = NewEntry {
            actor: self.actor.clone(),
            verb,
            subject: rollout_reference(&self.rollout.id),
            inputs: vec![Reference::new("endpoint", &self.rollout.endpoint)],
            outputs: Vec::new(),
            facts,
        };
        self.respond.core.journal.append(entry).await.map(|_| ())
    }
}
