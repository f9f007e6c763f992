//! Starting, pausing, ending and recovering roll-outs.

use ropewalk_core::{
    Actor, Error, Job, NewEntry, Page, Paged, Progress, Reference, Result, lease, new_id, now_ms,
};
use ropewalk_serve::ServedState;
use serde_json::json;

use super::model::{
    ReadBack, Rollout, RolloutRequest, RolloutStatus, RolloutStep, RolloutStepStatus, ServedShare,
};
use crate::{Respond, store};

/// The journal's name of a roll-out.
pub(crate) fn rollout_reference(id: &str) -> Reference {
    Reference::new("rollout", id)
}

impl Respond {
    /// What a roll-out would do, step by step. Changes nothing.
    ///
    /// # Errors
    /// `NotFound` for the endpoint or revision, `Invalid` for settings that make no sense, `Conflict` when there is no
    /// other revision that serves.
    pub async fn plan_rollout(
        &self,
        endpoint: &str,
        request: &RolloutRequest,
        actor: &Actor,
    ) -> Result<Rollout> {
        request.settings.check()?;
        let found = self.serve.get(endpoint).await?;
        let new = found.revisions.iter().find(|revision| revision.revision == request.revision).ok_or_else(
            || {
                Error::not_found(format!("endpoint '{endpoint}' has no revision {}", request.revision))
                    .hint(format!("ropewalk endpoint show {endpoint}"))
            },
        )?;
        let stable = found
            .revisions
            .iter()
            .filter(|revision| revision.revision != new.revision && revision.percent > 0.0)
            .max_by(|a, b| a.percent.total_cmp(&b.percent))
            .ok_or_else(|| {
                Error::conflict(format!("no other revision of '{endpoint}' serves"))
                    .why(format!("revision {} has all the traffic already", new.revision))
                    .hint(format!("ropewalk endpoint served {endpoint}"))
            })?;
        let step = |percent: &f64| RolloutStep {
            percent: *percent,
            status: RolloutStepStatus::Pending,
            started_ms: None,
            ended_ms: None,
            read_back: None,
            judgement: None,
        };
        Ok(Rollout {
            id: new_id(),
            endpoint: endpoint.to_owned(),
            revision: new.revision,
            stable_revision: stable.revision,
            model: new.model.clone(),
            version: new.version,
            stable_model: stable.model.clone(),
            stable_version: stable.version,
            status: RolloutStatus::Running,
            steps: request.settings.steps.iter().map(step).collect(),
            current: 0,
            settings: request.settings.clone(),
            incident: None,
            actor: actor.to_string(),
            reason: None,
            started_ms: now_ms(),
            ended_ms: None,
            first_canary_ms: None,
            harm_ms: None,
            restored_ms: None,
            rollback_seconds: None,
            exposure_seconds: None,
            final_read_back: None,
            failed_requests: 0,
        })
    }

    /// Starts a roll-out in the background of this process, which must be the one that serves. The job's subject is
    /// `rollout:ID`, its result the ended [`Rollout`].
    ///
    /// # Errors
    /// As [`Respond::plan_rollout`], and `Conflict` when one is under way at the endpoint.
    pub async fn start_rollout(
        &self,
        endpoint: &str,
        request: &RolloutRequest,
        actor: &Actor,
    ) -> Result<Job> {
        if request.dry_run {
            let plan = serde_json::to_value(self.plan_rollout(endpoint, request, actor).await?)?;
            let subject = Reference::new("endpoint", endpoint);
            return self.core.jobs.start("rollout", Some(subject), actor, |_| async move { Ok(plan) }).await;
        }
        let rollout = self.begin_rollout(endpoint, request, None, actor).await?;
        let respond = self.clone();
        let subject = rollout_reference(&rollout.id);
        self.core
            .jobs
            .start("rollout", Some(subject), actor, move |progress| async move {
                let ended = respond.drive_rollout(rollout, progress).await?;
                Ok(serde_json::to_value(ended)?)
            })
            .await
    }

    /// Writes down that a roll-out begins.
    pub(crate) async fn begin_rollout(
        &self,
        endpoint: &str,
        request: &RolloutRequest,
        incident: Option<String>,
        actor: &Actor,
    ) -> Result<Rollout> {
        self.recover().await?;
        let mut rollout = self.plan_rollout(endpoint, request, actor).await?;
        rollout.incident = incident;
        let (row, journal, actor) = (rollout.clone(), self.core.journal.clone(), actor.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::insert_rollout(tx, &row, lease::owner()).await?;
                    let text = format!(
                        "roll-out of {}/{} as revision {} of {} begins: {}",
                        row.model,
                        row.version,
                        row.revision,
                        row.endpoint,
                        row.steps
                            .iter()
                            .map(|step| format!("{} %", step.percent))
                            .collect::<Vec<_>>()
                            .join(" → ")
                    );
                    let entry = NewEntry {
                        actor,
                        verb: "rollout.start",
                        subject: rollout_reference(&row.id),
                        inputs: vec![
                            Reference::new("endpoint", &row.endpoint),
                            Reference::new("revision", format!("{}/{}", row.endpoint, row.revision)),
                        ],
                        outputs: Vec::new(),
                        facts: json!({"text": text, "settings": row.settings}),
                    };
                    journal.append_in(tx, entry).await.map(|_| ())
                })
            })
            .await?;
        if let Some(id) = rollout.incident.clone() {
            let own = rollout.id.clone();
            self.change(&id, move |incident| incident.rollouts.push(own)).await?;
        }
        Ok(rollout)
    }

    /// A roll-out by id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn rollout(&self, id: &str) -> Result<Rollout> {
        let id = id.strip_prefix("rollout:").unwrap_or(id);
        let mut connection = self.core.database.read().await?;
        store::rollout(&mut connection, id).await?.ok_or_else(|| {
            Error::not_found(format!("no roll-out '{id}'")).hint("ropewalk endpoint rollouts NAME")
        })
    }

    /// Roll-outs of an endpoint, newest first.
    ///
    /// # Errors
    /// `Invalid` for a page token that is none.
    pub async fn rollouts(&self, endpoint: &str, page: &Page) -> Result<Paged<Rollout>> {
        let limit = page.limit.clamp(1, 1000);
        let offset = page.offset()?;
        let mut connection = self.core.database.read().await?;
        let start = i64::try_from(offset).unwrap_or(i64::MAX);
        let items = store::rollouts(&mut connection, endpoint, i64::from(limit) + 1, start).await?;
        Ok(Paged::cut(items, offset, limit))
    }

    /// Holds a roll-out where it stands; it goes on being watched for nothing until it is resumed.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has ended.
    pub async fn pause_rollout(&self, id: &str, actor: &Actor) -> Result<Rollout> {
        self.wish(id, "pause", "held", actor).await
    }

    /// Lets a held roll-out go on.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has ended.
    pub async fn resume_rollout(&self, id: &str, actor: &Actor) -> Result<Rollout> {
        self.wish(id, "resume", "resumed", actor).await
    }

    /// Ends a roll-out and gives all traffic back to the stable revision.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has ended.
    pub async fn abort_rollout(&self, id: &str, actor: &Actor) -> Result<Rollout> {
        self.wish(id, "abort", "called off", actor).await
    }

    async fn wish(&self, id: &str, wish: &'static str, word: &str, actor: &Actor) -> Result<Rollout> {
        self.recover().await?;
        let rollout = self.rollout(id).await?;
        let (id, journal, actor) = (rollout.id.clone(), self.core.journal.clone(), actor.clone());
        let text = format!("roll-out of revision {} {word} by {actor}", rollout.revision);
        let live = self
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let live = store::wish_rollout(tx, &id, wish).await?;
                    if live {
                        let entry = NewEntry {
                            actor,
                            verb: "rollout.wish",
                            subject: rollout_reference(&id),
                            inputs: Vec::new(),
                            outputs: Vec::new(),
                            facts: json!({"wish": wish, "text": text}),
                        };
                        journal.append_in(tx, entry).await?;
                    }
                    Ok(live)
                })
            })
            .await?;
        if live {
            return Ok(rollout);
        }
        Err(Error::conflict(format!("roll-out {} has ended", rollout.id))
            .why(format!("it is {}", rollout.status.as_str().replace('_', " ")))
            .hint(format!("ropewalk endpoint rollback {}", rollout.endpoint)))
    }

    /// Marks roll-outs and runbook runs whose process is gone as interrupted. Traffic stays as it was last read back.
    /// Called at start, and before anything new begins.
    ///
    /// # Errors
    /// From the database.
    pub async fn recover(&self) -> Result<()> {
        let now = now_ms();
        let (rollouts, runbooks) = {
            let mut connection = self.core.database.read().await?;
            (store::live_rollouts(&mut connection).await?, store::live_runbooks(&mut connection).await?)
        };
        for driven in
            rollouts.into_iter().filter(|driven| lease::is_gone(&driven.owner, driven.heartbeat_ms, now))
        {
            let mut rollout = driven.item;
            rollout.status = RolloutStatus::Interrupted;
            rollout.ended_ms = Some(now);
            rollout.reason =
                Some(match rollout.steps.iter().rev().find_map(|step| step.read_back.as_ref()) {
                    Some(read) => format!(
                        "the process that drove it ended; traffic stays as last read back: {}",
                        read.text
                    ),
                    None => "the process that drove it ended before traffic was moved".to_owned(),
                });
            self.end_rollout(&rollout, &Actor::system("recovery")).await?;
        }
        for driven in
            runbooks.into_iter().filter(|driven| lease::is_gone(&driven.owner, driven.heartbeat_ms, now))
        {
            self.interrupt_runbook(driven.item, now).await?;
        }
        Ok(())
    }

    /// Stores a roll-out's end and journals it, if nobody else has.
    pub(super) async fn end_rollout(&self, rollout: &Rollout, actor: &Actor) -> Result<()> {
        let (row, journal, actor) = (rollout.clone(), self.core.journal.clone(), actor.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if !store::update_rollout(tx, &row, now_ms()).await? {
                        return Ok(());
                    }
                    let word = row.status.as_str().replace('_', " ");
                    let text = format!(
                        "roll-out of revision {} {word}: {}",
                        row.revision,
                        row.reason.as_deref().unwrap_or("done")
                    );
                    let entry = NewEntry {
                        actor,
                        verb: "rollout.end",
                        subject: rollout_reference(&row.id),
                        inputs: vec![
                            Reference::new("endpoint", &row.endpoint),
                            Reference::new("revision", format!("{}/{}", row.endpoint, row.revision)),
                        ],
                        outputs: Vec::new(),
                        facts: json!({
                            "text": text,
                            "status": row.status,
                            "rollback_seconds": row.rollback_seconds,
                            "exposure_seconds": row.exposure_seconds,
                            "failed_requests": row.failed_requests,
                        }),
                    };
                    journal.append_in(tx, entry).await.map(|_| ())
                })
            })
            .await
    }

    /// Drives a roll-out to its end.
    pub(crate) async fn drive_rollout(&self, rollout: Rollout, progress: Progress) -> Result<Rollout> {
        super::controller::drive(self, rollout, &progress).await
    }
}

/// A read-back as it is kept: what was served, and whether it is what was wanted.
pub(super) fn read_back_of(served: &ServedState, shares: &[ropewalk_serve::TrafficShare]) -> ReadBack {
    let proven = served.serves(shares);
    let routed: Vec<String> = served
        .revisions
        .iter()
        .filter(|revision| revision.percent > 0.0)
        .map(|revision| {
            format!(
                "revision {} ({}/{}) {} %",
                revision.revision, revision.model, revision.version, revision.percent
            )
        })
        .collect();
    let verb = if proven { "serving as ordered" } else { "NOT serving as ordered" };
    ReadBack {
        checked_ms: served.checked_ms,
        traffic: served
            .revisions
            .iter()
            .map(|revision| ServedShare {
                revision: revision.revision,
                model: revision.model.clone(),
                version: revision.version,
                percent: revision.percent,
                loaded: revision.loaded,
                bundle_hash: revision.bundle_hash.clone(),
            })
            .collect(),
        proven,
        text: format!("{verb}: {}", routed.join(", ")),
    }
}
