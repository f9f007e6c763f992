//! A file among artifacts, opened: what is told of it, and its bytes.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use ropewalk_core::{BlobInfo, Blobs, Code, Error, Result};

/// How much is read from a disk at once.
const PIECE: u64 = 512 << 10;
/// How many pieces are read ahead while one is on its way to the client.
const AHEAD: usize = 2;

/// What stands at a path.
pub(crate) enum Found {
    /// A file.
    File(File),
    /// A folder.
    Folder,
}

/// A file. What is read is what was told of it, also if another one takes its place meanwhile, unless it lies in a
/// bucket.
pub(crate) struct File {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was changed, in seconds since 1970.
    pub(crate) modified: i64,
    /// What changes with its content, with quotes, as HTTP has it.
    pub(crate) etag: String,
    content: Content,
}

enum Content {
    Disk(Arc<Mutex<fs::File>>),
    Bucket(Blobs, String),
}

impl File {
    /// A file on a disk.
    pub(super) fn on_disk(file: fs::File, metadata: &fs::Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.unwrap_or_default();
        Self {
            size: metadata.len(),
            modified: i64::try_from(modified.as_secs()).unwrap_or_default(),
            etag: format!("\"{:x}-{:x}\"", modified.as_nanos(), metadata.len()),
            content: Content::Disk(Arc::new(Mutex::new(file))),
        }
    }

    /// A file in a bucket.
    pub(super) fn in_bucket(blobs: Blobs, info: BlobInfo) -> Self {
        let etag = info.etag.unwrap_or_else(|| format!("\"{:x}-{:x}\"", info.modified_ms, info.size));
        let quoted = if etag.starts_with('"') { etag } else { format!("\"{}\"", etag.trim_matches('"')) };
        Self {
            size: info.size,
            modified: info.modified_ms.div_euclid(1000),
            etag: quoted,
            content: Content::Bucket(blobs, info.path),
        }
    }

    /// The bytes of a range, its end excluded. Nothing is read before the first of them is asked for.
    pub(crate) fn read(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        if range.is_empty() {
            return futures::stream::empty().boxed();
        }
        match &self.content {
            Content::Disk(file) => {
                let file = file.clone();
                let step = usize::try_from(PIECE).unwrap_or(usize::MAX);
                let starts = range.clone().step_by(step);
                futures::stream::iter(starts)
                    .map(move |start| piece(file.clone(), start, (range.end - start).min(PIECE)))
                    .buffered(AHEAD)
                    .boxed()
            }
            Content::Bucket(blobs, path) => {
                let (blobs, path) = (blobs.clone(), path.clone());
                futures::stream::once(async move { blobs.get_stream(&path, range).await })
                    .try_flatten()
                    .boxed()
            }
        }
    }

    /// All of it.
    pub(crate) async fn read_whole(&self) -> Result<Bytes> {
        let mut parts = self.read(0..self.size);
        let mut whole = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        while let Some(part) = parts.next().await {
            let part = part?;
            if whole.is_empty() && part.len() as u64 == self.size {
                return Ok(part);
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.into())
    }
}

/// Reads on while an earlier piece is on its way.
fn piece(file: Arc<Mutex<fs::File>>, start: u64, length: u64) -> impl Future<Output = Result<Bytes>> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        (&mut *file).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            return Ok(bytes.into());
        }
        Err(Error::new(Code::Unavailable, "the file became shorter while it was read"))
    });
    async move { reading.await.map_err(|source| Error::internal("reading a file broke off").source(source))? }
}
