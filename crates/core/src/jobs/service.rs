//! Starting jobs and following them.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;

use super::model::{Job, JobState};
use super::store::{self, Kept};
use crate::{Actor, Database, Error, Reference, Result, lease, new_id, now_ms};

/// How often a running job says that it is still driven: well within [`lease::STALE_MS`].
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The jobs of this process, and the record of all.
#[derive(Clone)]
pub struct Jobs {
    database: Database,
    live: Arc<Mutex<HashMap<String, Job>>>,
}

/// A job's way to say how far it is.
#[derive(Clone)]
pub struct Progress {
    id: String,
    live: Arc<Mutex<HashMap<String, Job>>>,
}

impl Progress {
    /// `done` of `total` units are done (`total` 0: unknown), and this is what it is at.
    pub fn set(&self, done: u64, total: u64, message: impl Into<String>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = live.get_mut(&self.id) {
            (job.done, job.total, job.message) = (done, total, message.into());
        }
    }

    /// A progress that nobody follows.
    #[must_use]
    pub fn silent() -> Self {
        Self { id: String::new(), live: Arc::default() }
    }

    /// The identifier of the job.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.id
    }
}

impl Jobs {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, live: Arc::default() }
    }

    /// Start `work` in the background. It is recorded before it begins; its result or error is
    /// recorded when it ends, also when it panics.
    pub async fn start<W, F>(
        &self,
        kind: &str,
        subject: Option<Reference>,
        actor: &Actor,
        work: W,
    ) -> Result<Job>
    where
        W: FnOnce(Progress) -> F + Send + 'static,
        F: Future<Output = Result<serde_json::Value>> + Send + 'static,
    {
        let job = Job {
            id: new_id(),
            kind: kind.to_owned(),
            subject,
            actor: actor.clone(),
            state: JobState::Running,
            done: 0,
            total: 0,
            message: String::new(),
            started_ms: now_ms(),
            ended_ms: None,
            result: None,
            error: None,
        };
        let record = job.clone();
        self.database
            .write(move |transaction| {
                Box::pin(async move { store::insert(transaction, &record, lease::owner()).await })
            })
            .await?;
        self.live().insert(job.id.clone(), job.clone());
        let progress = Progress { id: job.id.clone(), live: self.live.clone() };
        let jobs = self.clone();
        tokio::spawn(async move {
            let id = progress.id.clone();
            let mut work = std::pin::pin!(AssertUnwindSafe(async { work(progress).await }).catch_unwind());
            let result = loop {
                tokio::select! {
                    ended = &mut work => break ended,
                    // Others that share the database see by this that the job is still driven.
                    () = tokio::time::sleep(HEARTBEAT) => jobs.beat(&id).await,
                }
            };
            jobs.end(&id, result.unwrap_or_else(|_| Err(Error::internal("the job panicked")))).await;
        });
        Ok(job)
    }

    async fn beat(&self, id: &str) {
        let beating = id.to_owned();
        let beaten = self
            .database
            .write(move |transaction| {
                Box::pin(async move { store::beat(transaction, &beating, now_ms()).await })
            })
            .await;
        if let Err(error) = beaten {
            tracing::warn!(job = id, %error, "a job's heartbeat could not be recorded");
        }
    }

    async fn end(&self, id: &str, result: Result<serde_json::Value>) {
        let Some(mut job) = self.live().get(id).cloned() else { return };
        job.ended_ms = Some(now_ms());
        match result {
            Ok(value) => {
                job.state = JobState::Succeeded;
                job.done = job.total;
                job.result = Some(value);
            }
            Err(error) => {
                tracing::warn!(job = id, kind = job.kind, %error, "job failed");
                job.state = JobState::Failed;
                job.error = Some(error.to_wire().error);
            }
        }
        let record = job.clone();
        let written = self
            .database
            .write(move |transaction| Box::pin(async move { store::update(transaction, &record).await }))
            .await;
        let mut live = self.live();
        match written {
            // From now on the database tells of it.
            Ok(()) => {
                live.remove(id);
            }
            Err(error) => {
                tracing::error!(job = id, %error, "a job's end could not be recorded");
                live.insert(id.to_owned(), job);
            }
        }
    }

    /// A job by its identifier.
    pub async fn get(&self, id: &str) -> Result<Job> {
        if let Some(job) = self.live().get(id) {
            return Ok(job.clone());
        }
        let mut connection = self.database.read().await?;
        let found = store::get(&mut connection, id).await?;
        found.map(settle).ok_or_else(|| Error::not_found(format!("no job {id}")).hint("ropewalk job ls"))
    }

    /// The newest jobs, newest first.
    pub async fn recent(&self, limit: u32) -> Result<Vec<Job>> {
        let mut connection = self.database.read().await?;
        let stored = store::recent(&mut connection, i64::from(limit.clamp(1, 1000))).await?;
        let live = self.live();
        Ok(stored
            .into_iter()
            .map(|kept| match live.get(&kept.job.id) {
                Some(job) => job.clone(),
                None => settle(kept),
            })
            .collect())
    }

    /// Wait until a job of this process has ended.
    pub async fn wait(&self, id: &str) -> Result<Job> {
        loop {
            let job = self.get(id).await?;
            if job.state != JobState::Running {
                return Ok(job);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<String, Job>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that the record calls running but whose driver is gone was interrupted.
fn settle(kept: Kept) -> Job {
    let Kept { mut job, owner, heartbeat_ms } = kept;
    if job.state == JobState::Running && lease::is_gone(&owner, heartbeat_ms, now_ms()) {
        job.state = JobState::Interrupted;
        job.message = "its process ended before it did".to_owned();
    }
    job
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::json;

    use super::*;
    use crate::testing::each_database;

    #[tokio::test]
    async fn a_job_ends_well_badly_or_in_a_panic_and_says_so() {
        each_database(&[], |core| async move {
            let actor = Actor::user("ann");
            let good = core
                .jobs
                .start("sum", None, &actor, |progress| async move {
                    progress.set(1, 2, "half");
                    Ok(json!({"sum": 3}))
                })
                .await
                .unwrap();
            let good = core.jobs.wait(&good.id).await.unwrap();
            assert_eq!((good.state, good.result), (JobState::Succeeded, Some(json!({"sum": 3}))));

            let bad =
                core.jobs.start("sum", None, &actor, |_| async { Err(Error::invalid("no")) }).await.unwrap();
            let bad = core.jobs.wait(&bad.id).await.unwrap();
            assert_eq!((bad.state, bad.error.unwrap().what.as_str()), (JobState::Failed, "no"));

            let broken = core.jobs.start("sum", None, &actor, |_| async { panic!("a fault") }).await.unwrap();
            assert_eq!(core.jobs.wait(&broken.id).await.unwrap().state, JobState::Failed);
            assert_eq!(core.jobs.recent(10).await.unwrap().len(), 3);
        })
        .await;
    }
}
