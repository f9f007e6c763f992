//! Things done to many runs.

use std::collections::BTreeSet;

use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::{Actor, Error, Result, now_ms};

use super::Runs;
use crate::model::{RunInfo, Tag, experiment_number};
use crate::state::{Answer, Operation};
use crate::store::{experiments, logged_models, runs as store};

/// Runs in one call.
pub(crate) const MANY: usize = 10_000;

/// Something to be done to runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bulk {
    Delete,
    Restore,
    Tag(Tag),
    Untag(String),
    /// To an experiment by name or number.
    Move(String),
    /// For good, with their artifacts.
    Purge,
}

/// What a collection of garbage has removed, or would remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Purged {
    /// Runs that were deleted and are gone now.
    pub runs: usize,
    /// Logged models that were deleted and are gone now.
    pub logged_models: usize,
    /// Deleted experiments that had nothing left and are gone now.
    pub experiments: usize,
    /// Artifact files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Runs and logged models whose files lie where this server cannot remove them.
    pub left: usize,
    /// Whether nothing was removed: it was only looked.
    pub dry_run: bool,
}

impl Runs {
    /// Does something to many runs, each named by its identifier or the beginning of one; to how many it was done.
    ///
    /// # Errors
    /// `not_found` when one is not there, before anything is done; as the operation on one run otherwise.
    pub(crate) async fn bulk(&self, run_ids: &[String], bulk: Bulk, actor: &Actor) -> Result<usize> {
        if run_ids.len() > MANY {
            return Err(Error::invalid(format!("at most {MANY} runs can be changed at once"))
                .why(format!("{} were named", run_ids.len()))
                .hint("change them in parts"));
        }
        let mut ids = BTreeSet::new();
        for id in run_ids {
            ids.insert(self.expand_run_id(id).await?);
        }
        let ids: Vec<String> = ids.into_iter().collect();
        match bulk {
            Bulk::Move(experiment) => {
                let experiment = experiment_number(&self.experiment_id(&experiment).await?)?;
                let operation = Operation::Move { run_ids: ids, experiment, actor: actor.clone() };
                return self.count(operation).await;
            }
            Bulk::Purge => {
                let mut infos = Vec::with_capacity(ids.len());
                for id in &ids {
                    infos.push(self.run_info(id).await?);
                }
                self.purge(&infos, actor, &mut Purged::default()).await?;
                return Ok(ids.len());
            }
            _ => {}
        }
        // Asked together, they are written together.
        let asked = ids.iter().map(|id| {
            let bulk = bulk.clone();
            async move {
                match bulk {
                    Bulk::Delete => self.delete_run(id).await,
                    Bulk::Restore => self.restore_run(id).await,
                    Bulk::Tag(tag) => self.set_tag(id, tag).await,
                    Bulk::Untag(key) => self.delete_tag(id, &key).await,
                    Bulk::Move(_) | Bulk::Purge => Ok(()),
                }
            }
        });
        let mut done = 0;
        for outcome in futures::future::join_all(asked).await {
            outcome?;
            done += 1;
        }
        Ok(done)
    }

    async fn count(&self, operation: Operation) -> Result<usize> {
        match self.state.ask(operation).await? {
            Answer::Count(count) => Ok(count),
            other => Err(Error::internal(format!("an operation on many runs was answered with {other:?}"))),
        }
    }

    /// Removes for good what was deleted before a time: runs, logged models and experiments, with their artifacts.
    ///
    /// # Errors
    /// `unavailable` when files cannot be removed; what was removed before stays so, and a second call goes on.
    pub async fn collect_garbage(&self, older_than_ms: i64, dry_run: bool, actor: &Actor) -> Result<Purged> {
        let before = now_ms().saturating_sub(older_than_ms);
        let mut purged = Purged { dry_run, ..Purged::default() };
        loop {
            let mut connection = self.core.database.read().await?;
            let limit = if dry_run { i64::MAX } else { 500 };
            let runs = store::deleted_before(&mut connection, before, limit).await?;
            drop(connection);
            if runs.is_empty() {
                break;
            }
            self.purge(&runs, actor, &mut purged).await?;
            if dry_run {
                break;
            }
        }
        self.purge_logged_models(before, actor, &mut purged).await?;
        self.purge_experiments(before, &mut purged).await?;
        Ok(purged)
    }

    /// Removes runs for good. Their rows go first: files that nobody refers to do less harm than rows without files.
    async fn purge(&self, runs: &[RunInfo], actor: &Actor, purged: &mut Purged) -> Result<()> {
        purged.runs += runs.len();
        if !purged.dry_run {
            let run_ids: Vec<_> = runs.iter().map(|run| run.run_id.clone()).collect();
            self.tell_deleted(&run_ids).await?;
            self.count(Operation::Purge { run_ids, actor: actor.clone() }).await?;
        }
        for run in runs {
            self.purge_files(&run.artifact_uri, purged).await?;
        }
        Ok(())
    }

    async fn purge_logged_models(&self, before: i64, actor: &Actor, purged: &mut Purged) -> Result<()> {
        let mut connection = self.core.database.read().await?;
        let models = logged_models::deleted_before(&mut connection, before).await?;
        drop(connection);
        for (id, artifact_uri) in models {
            purged.logged_models += 1;
            if !purged.dry_run {
                let (journal, actor) = (self.core.journal.clone(), actor.clone());
                self.core
                    .database
                    .write(move |tx| {
                        Box::pin(async move {
                            logged_models::purge(tx, &id).await?;
                            let entry = NewEntry {
                                actor,
                                verb: "logged_model.purge",
                                subject: Reference::new("logged_model", &id),
                                inputs: Vec::new(),
                                outputs: Vec::new(),
                                facts: serde_json::json!({}),
                            };
                            journal.append_in(tx, entry).await.map(drop)
                        })
                    })
                    .await?;
            }
            self.purge_files(&artifact_uri, purged).await?;
        }
        Ok(())
    }

    /// Removes deleted experiments that have nothing left.
    async fn purge_experiments(&self, before: i64, purged: &mut Purged) -> Result<()> {
        let mut connection = self.core.database.read().await?;
        let numbers = experiments::empty_deleted_before(&mut connection, before, purged.dry_run).await?;
        drop(connection);
        purged.experiments += numbers.len();
        if purged.dry_run {
            return Ok(());
        }
        for number in numbers {
            if let Some(sink) = self.sink.get() {
                sink.experiment_purged(&number.to_string()).await?;
            }
            self.core
                .database
                .write(move |tx| Box::pin(async move { experiments::purge(tx, number).await }))
                .await?;
        }
        Ok(())
    }

    /// Removes the files below an artifact root, if this server can.
    pub(crate) async fn purge_files(&self, root: &str, purged: &mut Purged) -> Result<()> {
        match self.remove_below(root, purged.dry_run).await? {
            Some((files, bytes)) => {
                purged.files += files;
                purged.bytes += bytes;
            }
            None => purged.left += 1,
        }
        Ok(())
    }
}
