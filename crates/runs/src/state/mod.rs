//! The state of runs: what they logged, packed, in the database and, as far as it is used, in memory.
//!
//! A call's additions to a run are a *change*. Changes that wait are gathered, decided on and written down as one
//! (`gather.rs`, `plan.rs`). When a run has some dozens of them, or is not written to any more, they are *folded*: its
//! parameters, tags and latest metrics into its *document*, its measurements into *segments* (`fold.rs`). A search looks at
//! an *index* of its experiment, in memory (`index/`).
//!
//! **Invariant:** what was acknowledged is in the database. What is in memory can be thrown away at any time.
//! **Invariant:** who has seen a number of the counter knows all that was written under smaller ones.

mod alone;
pub(crate) mod change;
pub(crate) mod document;
mod fold;
mod gather;
pub(crate) mod index;
mod memory;
mod operation;
pub(crate) mod packed;
mod plan;
pub(crate) mod points;
pub(crate) mod segment;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ropewalk_core::database::Connection;
use ropewalk_core::{Core, Error, Result};
use tokio::sync::{mpsc, oneshot};

use crate::model::RunInfo;
use crate::store::{changes, documents};
use document::Document;
use gather::Asked;
use index::{Content, Index};
use memory::{Hot, Memory};
use plan::Effect;

pub(crate) use memory::SharedIndex;
pub(crate) use operation::{Answer, Import, Operation, RunUpdate};

/// The state of all runs of a home.
pub(crate) struct State {
    core: Core,
    queue: mpsc::Sender<Asked>,
    folding: mpsc::Sender<String>,
    /// Held while a group is written and remembered, and while others' changes are taken in.
    turn: tokio::sync::Mutex<()>,
    memory: Mutex<Memory>,
}

/// Changes of one run that may wait before they are folded, and their bytes.
const FOLD_AFTER: (usize, usize) = (64, 192 << 10);
/// Runs loaded at a time when an index is built.
const LOAD: i64 = 2000;

/// When others have changed more runs than this, everything is forgotten rather than taken in.
const ABSORB: usize = 2000;

impl State {
    /// Starts the tasks that write and fold. They end when the state is dropped.
    pub(crate) fn start(core: Core) -> Arc<Self> {
        let (queue, waiting) = mpsc::channel(gather::WAITING);
        let (folding, to_fold) = mpsc::channel(4096);
        let state = Arc::new(Self {
            core,
            queue,
            folding,
            turn: tokio::sync::Mutex::default(),
            memory: Mutex::default(),
        });
        tokio::spawn(gather::run(Arc::downgrade(&state), waiting));
        tokio::spawn(fold::run(Arc::downgrade(&state), to_fold));
        state
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an operation done; it stands when this returns `Ok`.
    pub(crate) async fn ask(&self, operation: Operation) -> Result<Answer> {
        let stopped = || Error::internal("the writer of runs has stopped");
        let (tell, told) = oneshot::channel();
        self.queue.send(Asked { operation, tell }).await.map_err(|_| stopped())?;
        told.await.map_err(|_| stopped())?
    }

    /// Takes in what others have written before a number.
    async fn absorb(&self, connection: &mut Connection, until: i64) -> Result<()> {
        let seen = self.memory().seen;
        if seen == Some(until) {
            return Ok(());
        }
        let Some(seen) = seen else {
            // Nothing is remembered: there is nothing to correct.
            let mut memory = self.memory();
            memory.clear();
            memory.seen = Some(until);
            return Ok(());
        };
        let ids = changes::runs_since(connection, seen).await?;
        if ids.len() > ABSORB {
            let mut memory = self.memory();
            memory.clear();
            memory.seen = Some(until);
            return Ok(());
        }
        let loaded = documents::load(connection, &ids).await?;
        let mut memory = self.memory();
        let replaced = memory.replace(&ids, &loaded);
        if replaced.is_err() {
            memory.clear();
        }
        memory.seen = Some(until);
        replaced
    }

    /// Makes sure that what is remembered is not older than this call.
    async fn catch_up(&self) -> Result<()> {
        let mut connection = self.core.database.read().await?;
        let last = changes::last_number(&mut connection).await?;
        if self.memory().seen == Some(last) {
            return Ok(());
        }
        // A group of our own may be between its commit and our memory: it is waited for.
        let _turn = self.turn.lock().await;
        let last = changes::last_number(&mut connection).await?;
        self.absorb(&mut connection, last).await
    }

    /// Remembers a group that stands.
    fn remember(&self, effects: Vec<Effect>, last: i64) {
        let mut to_fold = Vec::new();
        let mut memory = self.memory();
        for effect in effects {
            let Effect { run_id, info, change, bytes, is_new, ended } = effect;
            if is_new {
                memory.hot.insert(run_id.clone(), Hot::new(info.clone(), Default::default(), (0, 0)));
            }
            // Runs are let go of only between groups.
            let Some(mut hot) = memory.hot.remove(&run_id) else { continue };
            hot.document.apply(&change);
            hot.info = info;
            hot.touched = std::time::Instant::now();
            if bytes > 0 {
                hot.waiting = (hot.waiting.0 + 1, hot.waiting.1 + bytes);
            }
            memory.with_index(&hot.info, |index| index.touch(&hot.info, &hot.document, &change));
            let full = hot.waiting.0 >= FOLD_AFTER.0 || hot.waiting.1 >= FOLD_AFTER.1;
            if (full || ended) && !hot.folding {
                hot.folding = true;
                to_fold.push(run_id.clone());
            }
            memory.hot.insert(run_id, hot);
        }
        memory.seen = Some(last);
        for run_id in to_fold {
            if self.folding.try_send(run_id.clone()).is_err()
                && let Some(hot) = memory.hot.get_mut(&run_id)
            {
                // The folder is behind; it looks for what waits by itself.
                hot.folding = false;
            }
        }
    }

    /// A run as it stands; none if there is none.
    pub(crate) async fn run(&self, id: &str) -> Result<Option<(RunInfo, Document)>> {
        self.catch_up().await?;
        if let Some(hot) = self.memory().hot.get(id) {
            return Ok(Some((hot.info.clone(), hot.document.clone())));
        }
        let mut connection = self.core.database.read().await?;
        let Some(loaded) = documents::load(&mut connection, &[id.to_owned()]).await?.pop() else {
            return Ok(None);
        };
        let document = loaded.document()?;
        Ok(Some((loaded.info, document)))
    }

    /// Runs as they stand, by their identifiers; those that there are.
    pub(crate) async fn runs(&self, ids: &[String]) -> Result<HashMap<String, (RunInfo, Document)>> {
        self.catch_up().await?;
        let mut found = HashMap::new();
        let mut cold = Vec::new();
        {
            let memory = self.memory();
            for id in ids {
                match memory.hot.get(id) {
                    Some(hot) => drop(found.insert(id.clone(), (hot.info.clone(), hot.document.clone()))),
                    None => cold.push(id.clone()),
                }
            }
        }
        if !cold.is_empty() {
            let mut connection = self.core.database.read().await?;
            for run in documents::load(&mut connection, &cold).await? {
                let document = run.document()?;
                found.insert(run.info.run_id.clone(), (run.info, document));
            }
        }
        Ok(found)
    }

    /// The search index of an experiment, up to date.
    pub(crate) async fn index(&self, experiment: i64) -> Result<SharedIndex> {
        self.catch_up().await?;
        if let Some(index) = self.memory().index(experiment) {
            return Ok(index);
        }
        let mut connection = self.core.database.read().await?;
        let from = changes::last_number(&mut connection).await?;
        let mut index = Index::new(experiment);
        let mut after = String::new();
        loop {
            let runs = documents::of_experiment(&mut connection, experiment, &after, LOAD).await?;
            for run in &runs {
                put(&mut index, run)?;
            }
            match runs.last() {
                Some(last) if runs.len() as i64 == LOAD => after.clone_from(&last.info.run_id),
                _ => break,
            }
        }
        // What was written while it was built is taken in before anybody else may write.
        let _turn = self.turn.lock().await;
        let now = changes::last_number(&mut connection).await?;
        self.absorb(&mut connection, now).await?;
        if now != from {
            let ids = changes::runs_since(&mut connection, from).await?;
            let loaded = documents::load(&mut connection, &ids).await?;
            for id in &ids {
                index.remove(id);
            }
            for run in loaded.iter().filter(|run| run.info.experiment_id == experiment.to_string()) {
                put(&mut index, run)?;
            }
        }
        Ok(self.memory().keep(experiment, index))
    }

    /// The documents of these runs, those that are being written first of all from memory.
    pub(crate) async fn documents(&self, ids: &[String]) -> Result<Vec<(String, Document)>> {
        let mut found = Vec::with_capacity(ids.len());
        let mut cold = Vec::new();
        {
            let memory = self.memory();
            for id in ids {
                match memory.hot.get(id) {
                    Some(hot) => found.push((id.clone(), hot.document.clone())),
                    None => cold.push(id.clone()),
                }
            }
        }
        if !cold.is_empty() {
            let mut connection = self.core.database.read().await?;
            for run in documents::load(&mut connection, &cold).await? {
                let document = run.document()?;
                found.push((run.info.run_id, document));
            }
        }
        Ok(found)
    }
}

fn put(index: &mut Index, run: &documents::Loaded) -> Result<()> {
    if run.changes.is_empty() {
        return index.put(&run.info, Content::Packed(&run.packed.clone().into()));
    }
    index.put(&run.info, Content::Live(&run.document()?))
}
