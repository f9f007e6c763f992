//! What this process remembers of runs: those that are being written, and the search indexes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use ropewalk_core::Result;

use super::document::Document;
use super::index::{Content, Index};
use crate::model::RunInfo;
use crate::store::documents::Loaded;

/// A run that is being written: what it logged, with changes in it that are written down but not yet folded.
#[derive(Debug)]
pub(crate) struct Hot {
    pub(crate) info: RunInfo,
    pub(crate) document: Document,
    /// How many changes wait to be folded, and their bytes.
    pub(crate) waiting: (usize, usize),
    pub(crate) touched: Instant,
    /// Whether its folding has been asked for.
    pub(crate) folding: bool,
}

impl Hot {
    pub(crate) fn new(info: RunInfo, document: Document, waiting: (usize, usize)) -> Self {
        Self { info, document, waiting, touched: Instant::now(), folding: false }
    }
}

/// An index that searches and writers share.
pub(crate) type SharedIndex = Arc<RwLock<Index>>;

/// What this process remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// All changes up to this number are in what is remembered; none when nothing is certain.
    pub(crate) seen: Option<i64>,
    pub(crate) hot: HashMap<String, Hot>,
    /// Indexes by experiment, each with the time of its last use.
    pub(crate) indexes: HashMap<i64, (SharedIndex, u64)>,
    clock: u64,
}

/// Bytes that indexes may take together; beyond, the one that was not asked for the longest is dropped.
const INDEX_BYTES: usize = 768 << 20;

impl Memory {
    /// Forgets everything: the database alone is right.
    pub(crate) fn clear(&mut self) {
        self.seen = None;
        self.hot.clear();
        self.indexes.clear();
    }

    /// The index of an experiment, if it is in memory.
    pub(crate) fn index(&mut self, experiment: i64) -> Option<SharedIndex> {
        self.clock += 1;
        let (index, used) = self.indexes.get_mut(&experiment)?;
        *used = self.clock;
        Some(index.clone())
    }

    /// Keeps an index, and drops others if memory is short.
    pub(crate) fn keep(&mut self, experiment: i64, index: Index) -> SharedIndex {
        self.clock += 1;
        let shared = Arc::new(RwLock::new(index));
        self.indexes.insert(experiment, (shared.clone(), self.clock));
        let size = |index: &SharedIndex| index.read().unwrap_or_else(PoisonError::into_inner).bytes();
        while self.indexes.len() > 1
            && self.indexes.values().map(|(index, _)| size(index)).sum::<usize>() > INDEX_BYTES
        {
            let Some(oldest) =
                self.indexes.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number)
            else {
                break;
            };
            self.indexes.remove(&oldest);
        }
        shared
    }

    /// Does something to the index of a run's experiment, if it is in memory. An index that cannot follow is dropped.
    pub(crate) fn with_index(&mut self, info: &RunInfo, act: impl FnOnce(&mut Index) -> Result<()>) {
        let Ok(experiment) = info.experiment_id.parse::<i64>() else { return };
        let Some((index, _)) = self.indexes.get(&experiment) else { return };
        let done = act(&mut index.write().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = done {
            tracing::error!(%error, experiment, "a search index is built anew");
            self.indexes.remove(&experiment);
        }
    }

    /// Takes in runs as others have left them; those of `ids` that were not found are gone.
    pub(crate) fn replace(&mut self, ids: &[String], loaded: &[Loaded]) -> Result<()> {
        for id in ids {
            self.hot.remove(id);
        }
        let places: HashMap<&str, i64> = loaded
            .iter()
            .filter_map(|run| Some((run.info.run_id.as_str(), run.info.experiment_id.parse().ok()?)))
            .collect();
        for (experiment, (index, _)) in &self.indexes {
            let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
            for id in ids.iter().filter(|id| places.get(id.as_str()) != Some(experiment)) {
                index.remove(id);
            }
        }
        for run in loaded {
            let document = run.document()?;
            self.with_index(&run.info, |index| index.put(&run.info, Content::Live(&document)));
        }
        Ok(())
    }
}
