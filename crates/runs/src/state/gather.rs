//! The one task that writes runs: it takes what waits, decides on it, writes it down as one, and then remembers it.
//!
//! A group takes numbers from a counter in the database, and with them holds back every other writer of runs, also those of
//! other servers, until it stands. So numbers become visible in their order, and whoever has seen a number knows all before.

use std::collections::VecDeque;
use std::sync::Arc;

use ropewalk_core::database::Connection;
use ropewalk_core::{Error, Result};
use tokio::sync::{mpsc, oneshot};

use super::operation::{Answer, Operation};
use super::plan::{self, Effect, Plan};
use super::{State, alone};
use crate::store::changes::{self, Written};
use crate::store::documents;

/// Operations that may share one transaction.
const GROUP: usize = 256;
/// How many may wait: then askers are held back.
pub(super) const WAITING: usize = 1024;

/// An operation and whom to tell.
pub(super) struct Asked {
    pub(super) operation: Operation,
    pub(super) tell: oneshot::Sender<Result<Answer>>,
}

/// Takes what waits, group by group, until nobody can ask any more.
pub(super) async fn run(state: std::sync::Weak<State>, mut waiting: mpsc::Receiver<Asked>) {
    let mut taken = Vec::with_capacity(GROUP);
    let mut queue: VecDeque<Asked> = VecDeque::new();
    loop {
        if queue.is_empty() {
            if waiting.recv_many(&mut taken, GROUP).await == 0 {
                return;
            }
            queue.extend(taken.drain(..));
        }
        let Some(state) = state.upgrade() else { return };
        // One that stands alone ends the group before it, and is a group.
        let alone = |asked: &Asked| asked.operation.stands_alone();
        let end = if queue.front().is_some_and(alone) {
            1
        } else {
            queue.iter().position(alone).unwrap_or(queue.len())
        };
        write(&state, queue.drain(..end).collect()).await;
    }
}

/// Writes one group and tells everybody in it.
async fn write(state: &Arc<State>, group: Vec<Asked>) {
    let _turn = state.turn.lock().await;
    let (operations, tellers): (Vec<_>, Vec<_>) =
        group.into_iter().map(|asked| (asked.operation, asked.tell)).unzip();
    let within = state.clone();
    let done = state
        .core
        .database
        .write(move |tx| Box::pin(async move { within.write_group(tx, operations).await }))
        .await;
    match done {
        Ok(written) => {
            state.remember(written.effects, written.last);
            for (tell, answer) in tellers.into_iter().zip(written.answers) {
                // Whoever went away does not undo the write.
                let _ = tell.send(answer);
            }
        }
        Err(error) => {
            // Whether it stands may be unknown: the database tells.
            state.memory().clear();
            let body = error.to_wire();
            for tell in tellers {
                let _ = tell.send(Err(Error::from_wire(body.clone())));
            }
        }
    }
}

/// A group that was written.
pub(super) struct GroupWritten {
    pub(super) effects: Vec<Effect>,
    pub(super) answers: Vec<Result<Answer>>,
    /// All changes up to this number are remembered once the effects are.
    pub(super) last: i64,
}

impl State {
    async fn write_group(
        self: &Arc<Self>,
        tx: &mut Connection,
        mut operations: Vec<Operation>,
    ) -> Result<GroupWritten> {
        let count = operations.len() as i64;
        let last = changes::take_numbers(tx, count).await?;
        let before = last - count;
        self.absorb(tx, before).await?;
        if operations.len() == 1 && operations[0].stands_alone() {
            let answer = alone::write(self, tx, operations.remove(0), last).await?;
            // What it did to its runs is taken in as if others had done it.
            return Ok(GroupWritten { effects: Vec::new(), answers: vec![answer], last: before });
        }
        self.know(tx, &operations).await?;
        let plan = plan::decide(operations, &self.memory().hot);
        self.write_plan(tx, plan, before, last).await
    }

    /// Makes sure that the runs of these operations are in memory, if they are there at all.
    async fn know(&self, tx: &mut Connection, operations: &[Operation]) -> Result<()> {
        let mut unknown: Vec<String> = Vec::new();
        {
            let memory = self.memory();
            for operation in operations.iter().filter(|operation| operation.needs_run()) {
                if let Some(id) = operation.run_id().filter(|id| !memory.hot.contains_key(*id)) {
                    unknown.push(id.to_owned());
                }
            }
        }
        unknown.sort();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(());
        }
        let loaded = documents::load(tx, &unknown).await?;
        let mut memory = self.memory();
        for run in loaded {
            let document = run.document()?;
            let waiting = (run.changes.len(), run.changes.iter().map(|(_, data)| data.len()).sum());
            let hot = super::memory::Hot::new(run.info, document, waiting);
            memory.hot.insert(hot.info.run_id.clone(), hot);
        }
        Ok(())
    }

    async fn write_plan(
        &self,
        tx: &mut Connection,
        plan: Plan,
        before: i64,
        last: i64,
    ) -> Result<GroupWritten> {
        let Plan { changes, writes, effects, answers } = plan;
        for (place, write) in writes {
            self.write_one(tx, write, before + 1 + place as i64).await?;
        }
        let number = |place: usize| before + 1 + place as i64;
        let written =
            changes.into_iter().map(|(place, run_id, data)| Written { number: number(place), run_id, data });
        changes::insert(tx, written.collect()).await?;
        Ok(GroupWritten { effects, answers, last })
    }
}
