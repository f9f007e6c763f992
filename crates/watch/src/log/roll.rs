//! From finished segments to Parquet.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use ropewalk_core::{Blobs, Result};
use ropewalk_serve::PredictionBatch;

use super::parquet_path::{ParquetPath, hour_of};
use super::segment::{self, Tail};
use super::{blocking, codec, damaged_path};
use crate::Captured;

/// Rolls every segment in `folder` that nobody holds locked, and returns their number.
///
/// Parquet is durable before a segment goes. One that the disk damaged is kept aside after its valid beginning was
/// rolled.
pub(super) async fn left_behind(folder: &Path, blobs: &Blobs) -> Result<usize> {
    let listed = folder.to_owned();
    let mut rolled = 0;
    let paths = blocking(move || {
        segment::remove_drafts(&listed);
        segment::list(&listed)
    })
    .await?;
    for path in paths {
        let Some(finished) = blocking(move || open(path)).await? else { continue };
        for (file, bytes) in finished.parquet {
            blobs.put(&file.path, bytes.into()).await?;
        }
        let (path, tail, folder) = (finished.path, finished.tail, folder.to_owned());
        blocking(move || {
            if tail == Tail::Damaged {
                let aside = damaged_path(&path);
                tracing::error!(path = %aside.display(), "a segment of the prediction log is damaged; its valid beginning was kept");
                std::fs::rename(&path, aside)?;
            } else {
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
            Ok(segment::sync_folder(&folder)?)
        })
        .await?;
        // Held until here, so that no other process rolled the same segment beside us.
        drop(finished.lock);
        rolled += 1;
    }
    Ok(rolled)
}

struct Finished {
    path: PathBuf,
    tail: Tail,
    parquet: Vec<(ParquetPath, Vec<u8>)>,
    lock: File,
}

/// A finished segment as Parquet files; `None` if it is in use or gone.
fn open(path: PathBuf) -> Result<Option<Finished>> {
    let lock = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    if !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path)?;
    let (frames, tail) = segment::frames(&bytes);
    let mut groups: BTreeMap<(String, i64), Vec<PredictionBatch>> = BTreeMap::new();
    for payload in frames {
        if let Some(batch) = codec::decode_if(payload, |_, _| true)? {
            groups.entry((batch.endpoint.clone(), hour_of(batch.time_ms))).or_default().push(batch);
        }
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut parquet = Vec::new();
    for ((endpoint, _), batches) in groups {
        let rows = Captured::from_batches(batches)?;
        if rows.ids.is_empty() {
            continue;
        }
        parquet.push((ParquetPath::new(&endpoint, &rows.times_ms, &name), rows.to_frame()?.to_parquet()?));
    }
    Ok(Some(Finished { path, tail, parquet, lock }))
}
