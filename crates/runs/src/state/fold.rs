//! Folding: changes that were written down go into their run's document and segments, and segments of many changes become
//! few. Nothing of it can be seen from outside but its speed.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ropewalk_core::Result;
use tokio::sync::mpsc;

use super::change::Change;
use super::document::Document;
use super::index::Content;
use super::operation::{Folded, Operation};
use super::points::{self, SeriesMap};
use super::{State, segment};
use crate::store::segments::{self, Segment};
use crate::store::{changes, documents};

/// How often runs are looked for that nobody writes to any more.
const ROUND: Duration = Duration::from_secs(1);
/// A run that has not been written to for so long is folded.
const IDLE: Duration = Duration::from_secs(5);
/// Runs that are kept in memory though nothing of them waits: they may be written to again.
const KEPT: usize = 1024;
/// Of those that were not written to for [`QUIET`], fewer: most have ended. One that goes on is read again in no time.
const KEPT_QUIET: usize = 64;
/// See [`KEPT_QUIET`].
const QUIET: Duration = Duration::from_secs(10);
/// Runs folded at a time.
const BATCH: usize = 64;
/// Segments of so many changes are merged.
const MERGE: i64 = 16;

/// Folds what is asked for, and every second what has waited long enough.
pub(super) async fn run(state: Weak<State>, mut to_fold: mpsc::Receiver<String>) {
    let mut ids = Vec::with_capacity(BATCH);
    let mut leftovers = Some(Instant::now() + Duration::from_secs(20));
    loop {
        let received = tokio::time::timeout(ROUND, to_fold.recv_many(&mut ids, BATCH)).await;
        if matches!(received, Ok(0)) {
            return;
        }
        let Some(state) = state.upgrade() else { return };
        if received.is_err() {
            ids.extend(state.idle_runs().await);
            if leftovers.is_some_and(|due| due <= Instant::now()) {
                leftovers = state.leftovers(&mut ids).await;
            }
        }
        for batch in ids.chunks(BATCH) {
            if let Err(error) = state.fold(batch).await {
                tracing::warn!(%error, "changes of runs could not be folded; they stay as they were written");
            }
        }
        ids.clear();
    }
}

impl State {
    /// Runs that have not been written to for a while; of those of which nothing waits, the oldest are let go of.
    async fn idle_runs(&self) -> Vec<String> {
        // No run is let go of while a group is being written that knows it.
        let _turn = self.turn.lock().await;
        let mut memory = self.memory();
        let mut idle = Vec::new();
        for (id, hot) in &mut memory.hot {
            if hot.waiting.0 > 0 && !hot.folding && hot.touched.elapsed() > IDLE {
                hot.folding = true;
                idle.push(id.clone());
            }
        }
        if memory.hot.len() > KEPT_QUIET {
            let mut clean: Vec<_> = memory
                .hot
                .iter()
                .filter(|(_, hot)| hot.waiting.0 == 0)
                .map(|(id, hot)| (hot.touched, id.clone()))
                .collect();
            clean.sort();
            let quiet = clean.iter().take_while(|(touched, _)| touched.elapsed() > QUIET).count();
            let surplus = quiet.min(memory.hot.len() - KEPT_QUIET).max(memory.hot.len().saturating_sub(KEPT));
            for (_, id) in clean.into_iter().take(surplus) {
                memory.hot.remove(&id);
            }
        }
        idle
    }

    /// Runs whose changes a server before this one has left behind; when to look again.
    async fn leftovers(&self, ids: &mut Vec<String>) -> Option<Instant> {
        const MANY: i64 = 500;
        let found = async {
            let mut connection = self.core.database.read().await?;
            let last = changes::last_number(&mut connection).await?;
            changes::waiting(&mut connection, last, MANY).await
        };
        match found.await {
            Ok(found) => {
                let memory = self.memory();
                let again = (found.len() as i64 == MANY).then(Instant::now);
                ids.extend(found.into_iter().filter(|id| !memory.hot.contains_key(id)));
                again
            }
            Err(error) => {
                tracing::warn!(%error, "changes that wait to be folded could not be looked for");
                Some(Instant::now() + Duration::from_secs(60))
            }
        }
    }

    /// Folds runs.
    pub(super) async fn fold(self: &Arc<Self>, ids: &[String]) -> Result<()> {
        let mut connection = self.core.database.read().await?;
        let loaded = documents::load(&mut connection, ids).await?;
        drop(connection);
        let mut asked = Vec::new();
        for run in &loaded {
            let id = run.info.run_id.as_str();
            let Some((last, _)) = run.changes.last() else {
                self.folded(id, None).await;
                continue;
            };
            let mut document = Document::unpack(&run.packed)?;
            let mut series = SeriesMap::new();
            for (_, data) in &run.changes {
                let mut change = Change::unpack(data)?;
                document.apply(&change);
                for (key, points) in std::mem::take(&mut change.series) {
                    series.entry(key).or_default().extend(points);
                }
            }
            let packed = document.pack();
            let folded = Folded {
                run_id: id.to_owned(),
                numbers: (run.folded, *last),
                document: packed.clone(),
                segments: segment::cut(&series),
            };
            asked.push(async move {
                self.ask(Operation::Fold(folded)).await?;
                self.folded(id, Some((run.changes.len(), packed.into()))).await;
                self.merge(id).await
            });
        }
        let done = futures::future::join_all(asked).await;
        for id in ids {
            if let Some(hot) = self.memory().hot.get_mut(id) {
                hot.folding = false;
            }
        }
        done.into_iter().collect()
    }

    /// Remembers that changes of a run are in its document now.
    async fn folded(&self, id: &str, done: Option<(usize, bytes::Bytes)>) {
        let _turn = self.turn.lock().await;
        let mut memory = self.memory();
        let Some(hot) = memory.hot.get_mut(id) else { return };
        let (count, packed) = done.map_or((hot.waiting.0, None), |(count, packed)| (count, Some(packed)));
        hot.waiting.0 = hot.waiting.0.saturating_sub(count);
        if hot.waiting.0 > 0 {
            // Written to meanwhile.
            hot.waiting.1 = 0;
            return;
        }
        hot.waiting.1 = 0;
        let info = hot.info.clone();
        if let Some(packed) = packed {
            memory.with_index(&info, |index| index.put(&info, Content::Packed(&packed)));
        }
        if info.status.is_terminal() {
            memory.hot.remove(id);
        }
    }

    /// Merges segments of a level, once they are of many changes, into fewer of the next.
    async fn merge(&self, id: &str) -> Result<()> {
        let mut connection = self.core.database.read().await?;
        let counts = segments::counts(&mut connection, id).await?;
        let Some((level, _)) = counts.into_iter().find(|(_, count)| *count >= MERGE) else { return Ok(()) };
        let found = segments::of_level(&mut connection, id, level).await?;
        drop(connection);
        let (Some((last, _)), count) = (found.last().cloned(), found.len() as u64) else { return Ok(()) };
        let mut series = SeriesMap::new();
        for (_, data) in &found {
            points::read_all(data, &mut series)?;
        }
        let rows: Vec<Segment> = segment::cut(&series)
            .into_iter()
            .enumerate()
            .map(|(part, cut)| Segment {
                run_id: id.to_owned(),
                number: last,
                // Beyond the parts that the change itself has made.
                part: (level + 1) * 1_000_000 + part as i64,
                level: level + 1,
                keys: cut.keys,
                data: cut.data,
            })
            .collect();
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    if segments::remove(tx, &id, level, last).await? == count {
                        segments::insert(tx, rows).await
                    } else {
                        // Another server has merged them: its rows stand, ours are not written.
                        Err(ropewalk_core::Error::conflict("the segments were merged elsewhere"))
                    }
                })
            })
            .await
            .or_else(|error| match error.code() {
                ropewalk_core::Code::Conflict => Ok(()),
                _ => Err(error),
            })
    }
}
