//! The prediction log: a durable buffer in front of Parquet files by endpoint and hour, read together.
//!
//! A record is on the disk before its answer leaves; after a crash everything that was acknowledged is read again. A
//! finished segment becomes one Parquet file for each endpoint and hour in it, under names that depend on nothing but
//! the segment: a roll that was cut short is simply done again. Rows that are seen both in the buffer and in Parquet
//! meanwhile count once.

mod codec;
mod parquet_path;
mod roll;
mod rows;
mod segment;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ropewalk_core::{Blobs, Error, Result};
use ropewalk_data::Frame;
use ropewalk_serve::PredictionBatch;

use crate::Captured;
use parquet_path::ParquetPath;
use writer::Writer;

/// Which rows are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// At or after this time, in milliseconds since the Unix epoch.
    pub(crate) since_ms: Option<i64>,
    /// Before this time, in milliseconds since the Unix epoch.
    pub(crate) until_ms: Option<i64>,
    /// Of this revision.
    pub(crate) revision: Option<i64>,
    /// The newest so many.
    pub(crate) limit: Option<usize>,
}

impl Wanted {
    fn time(&self, time_ms: i64) -> bool {
        self.since_ms.is_none_or(|since| time_ms >= since)
            && self.until_ms.is_none_or(|until| time_ms < until)
    }

    fn row(&self, time_ms: i64, revision: i64) -> bool {
        self.time(time_ms) && self.revision.is_none_or(|wanted| wanted == revision)
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }
}

/// The log of one home. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PredictionLog {
    folder: Arc<Path>,
    blobs: Blobs,
    /// Started by the first record, so that a command that only reads makes no file.
    writer: Arc<Mutex<Option<Writer>>>,
}

impl PredictionLog {
    /// The log whose buffer lies in `home` and whose Parquet lies in `blobs`.
    pub(crate) fn new(home: &Path, blobs: Blobs) -> Self {
        Self { folder: home.join("predictions").join("buffer").into(), blobs, writer: Arc::default() }
    }

    /// Records a batch; it is on the disk when this returns `Ok`.
    pub(crate) async fn record(&self, batch: &PredictionBatch) -> Result<()> {
        let payload = codec::encode(batch);
        self.writer()?.append(payload).await
    }

    fn writer(&self) -> Result<Writer> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match &*writer {
            Some(writer) => Ok(writer.clone()),
            None => Ok(writer.insert(Writer::start(self.folder.to_path_buf())?).clone()),
        }
    }

    /// Turns every segment that nobody appends to any more into Parquet, after finishing this process's own one if it
    /// is older than `age`. Returns the number of segments rolled.
    pub(crate) async fn roll(&self, age: Duration) -> Result<usize> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(writer) = writer {
            writer.finish(age).await?;
        }
        roll::left_behind(&self.folder, &self.blobs).await
    }

    /// The rows that are wanted, oldest first.
    pub(crate) async fn read(&self, endpoint: &str, wanted: Wanted) -> Result<Captured> {
        // The buffer first: what is rolled in between is then seen twice, never not at all.
        let buffered = self.buffered(endpoint, wanted).await?;
        let mut found = buffered.newest(wanted.limit());
        for file in self.files(endpoint, wanted, found.ids.len()).await? {
            let full = found.ids.len() >= wanted.limit();
            if full && found.times_ms.first().is_some_and(|oldest| file.max_ms < *oldest) {
                break;
            }
            let bytes = match self.blobs.get(&file.path).await {
                Ok(bytes) => bytes,
                Err(error) => {
                    return Err(error.context(format!("the prediction log cannot read {}", file.path)));
                }
            };
            let rows = blocking(move || Captured::from_frame(Frame::from_parquet(&bytes)?)).await?;
            let kept: Vec<usize> = (0..rows.ids.len())
                .filter(|&row| wanted.row(rows.times_ms[row], rows.revisions[row]))
                .collect();
            if !kept.is_empty() {
                found = Captured::joined(vec![rows.select(&kept), found])?.newest(wanted.limit());
            }
        }
        Ok(found)
    }

    async fn buffered(&self, endpoint: &str, wanted: Wanted) -> Result<Captured> {
        let (folder, endpoint) = (Arc::clone(&self.folder), endpoint.to_owned());
        blocking(move || {
            let mut batches = Vec::new();
            for path in segment::list(&folder)? {
                let bytes = match std::fs::read(&path) {
                    Ok(bytes) => bytes,
                    // Rolled in the meantime.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error.into()),
                };
                for payload in segment::frames(&bytes).0 {
                    let batch =
                        codec::decode_if(payload, |name, time| name == endpoint && wanted.time(time))?;
                    batches.extend(batch.filter(|batch| wanted.row(batch.time_ms, batch.revision)));
                }
            }
            Captured::from_batches(batches)
        })
        .await
    }

    /// Parquet files that may hold wanted rows, newest first.
    async fn files(&self, endpoint: &str, wanted: Wanted, found: usize) -> Result<Vec<ParquetPath>> {
        let mut prefixes = Vec::new();
        // A store lists by prefix: the newest rows are mostly of today.
        if wanted.limit.is_some() && wanted.since_ms.is_none() && wanted.until_ms.is_none() {
            prefixes.push(parquet_path::today(endpoint));
        }
        prefixes.push(parquet_path::folder(endpoint));
        let mut files = Vec::new();
        for prefix in prefixes {
            files = self
                .blobs
                .list(&prefix)
                .await?
                .into_iter()
                .filter_map(|blob| ParquetPath::parse(&blob.path))
                .collect();
            files.retain(|file: &ParquetPath| {
                wanted.since_ms.is_none_or(|since| file.max_ms >= since)
                    && wanted.until_ms.is_none_or(|until| file.min_ms < until)
            });
            let rows: usize = files.iter().map(|file| file.rows).sum();
            if wanted.revision.is_none() && found + rows >= wanted.limit() {
                break;
            }
        }
        files.sort_by_key(|file| std::cmp::Reverse(file.max_ms));
        Ok(files)
    }

    /// Endpoints that have a record in the buffer.
    pub(crate) async fn endpoints(&self) -> Result<Vec<String>> {
        let folder = Arc::clone(&self.folder);
        let mut names = blocking(move || {
            let mut names = Vec::new();
            for path in segment::list(&folder)? {
                let Ok(bytes) = std::fs::read(&path) else { continue };
                for payload in segment::frames(&bytes).0 {
                    codec::decode_if(payload, |name, _| {
                        if !names.iter().any(|known| known == name) {
                            names.push(name.to_owned());
                        }
                        false
                    })?;
                }
            }
            Ok(names)
        })
        .await?;
        names.sort();
        Ok(names)
    }
}

/// Runs file work and decoding away from the threads that answer requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("work in the background failed").why(error.to_string()))?
}

/// Where a damaged segment is kept aside.
pub(crate) fn damaged_path(path: &Path) -> PathBuf {
    path.with_extension("damaged")
}

#[cfg(test)]
mod tests;
