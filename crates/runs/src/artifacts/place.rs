//! A place where artifacts are kept: a folder or a bucket.

use bytes::Bytes;
use futures::Stream;
use ropewalk_core::blobs::{BlobInfo, Kind};
use ropewalk_core::{Blobs, Error, Result};
use ropewalk_migrate::KeptFile;
use ropewalk_mlflow::{media, path};

use super::file::{File, Found};
use super::folder::{Folder, UPLOADING};
use crate::model::FileInfo;

/// A place. Paths in it may have empty segments and dots, which stand for nothing.
#[derive(Clone)]
pub(crate) enum Place {
    Folder(Folder),
    Bucket(Blobs),
}

impl Place {
    /// What stands at a path, if anything does.
    pub(crate) async fn open(&self, path: &str) -> Result<Option<Found>> {
        match self {
            Self::Folder(folder) => folder.open(path).await,
            Self::Bucket(blobs) => {
                let plain = plain(path);
                if !plain.is_empty()
                    && let Some(info) = blobs.stat(&plain).await?
                {
                    return Ok(Some(Found::File(File::in_bucket(blobs.clone(), info))));
                }
                let folder = blobs.list_folder(&plain).await?;
                let stands = !folder.blobs.is_empty() || !folder.folders.is_empty();
                Ok(stands.then_some(Found::Folder))
            }
        }
    }

    /// What one folder holds, by name.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<FileInfo>> {
        let blobs = match self {
            Self::Folder(folder) => return folder.list(path).await,
            Self::Bucket(blobs) => blobs,
        };
        let found = blobs.list_folder(&plain(path)).await?;
        let folders =
            found.folders.into_iter().map(|name| FileInfo { path: name, is_dir: true, file_size: None });
        let files = found.blobs.into_iter().map(|blob| FileInfo {
            path: path::folder_and_name(&blob.path).1.to_owned(),
            is_dir: false,
            file_size: Some(i64::try_from(blob.size).unwrap_or(i64::MAX)),
        });
        let mut all: Vec<FileInfo> = folders.chain(files).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    /// Writes a file as it comes; the number of its bytes. It stands whole or not at all.
    ///
    /// # Errors
    /// `invalid` for a path under which no file can stand.
    pub(crate) async fn write(
        &self,
        path: &str,
        stream: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<u64> {
        let name = file_name(path)?;
        match self {
            Self::Folder(folder) => folder.write(path, stream).await,
            Self::Bucket(blobs) => {
                let (media_type, packed) = media::guess(name);
                blobs.put_stream(&plain(path), Kind { media_type, packed }, stream).await
            }
        }
    }

    /// Removes a file, or a folder with all that it holds. What is not there is no error.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        if path::folder_and_name(path).1 == "." {
            return Err(Error::invalid("Invalid path"));
        }
        let blobs = match self {
            Self::Folder(folder) => return folder.delete(path).await,
            Self::Bucket(blobs) => blobs,
        };
        let plain = plain(path);
        if plain.is_empty() {
            return Err(Error::invalid("Invalid path"));
        }
        let mut paths: Vec<String> = blobs.list(&plain).await?.into_iter().map(|blob| blob.path).collect();
        paths.push(plain);
        blobs.delete_all(paths).await
    }

    /// All files below a path, with their paths below it.
    pub(crate) async fn below(&self, path: &str) -> Result<Vec<KeptFile>> {
        let blobs = match self {
            Self::Folder(folder) => return folder.below(path).await,
            Self::Bucket(blobs) => blobs,
        };
        let folder = plain(path);
        let below = |blob: BlobInfo| {
            let path = blob.path.strip_prefix(&folder)?.strip_prefix('/')?.to_owned();
            Some(KeptFile { path, size: blob.size, modified_ms: blob.modified_ms })
        };
        Ok(blobs.list(&folder).await?.into_iter().filter_map(below).collect())
    }

    /// How many files are below a path, and their bytes.
    pub(crate) async fn measure(&self, path: &str) -> Result<(usize, u64)> {
        match self {
            Self::Folder(folder) => folder.measure(path).await,
            Self::Bucket(blobs) => {
                let found = blobs.list(&plain(path)).await?;
                Ok((found.len(), found.iter().map(|blob| blob.size).sum()))
            }
        }
    }
}

/// The path as a bucket has it.
pub(crate) fn plain(path: &str) -> String {
    let normal = path::normal(path);
    if normal == "." { String::new() } else { normal }
}

/// The name of the file at a path.
///
/// # Errors
/// `invalid` for a path under which no file can stand, in the words that clients know.
pub(crate) fn file_name(path: &str) -> Result<&str> {
    let (folder, name) = path::folder_and_name(path);
    if let Some(words) = path::ambiguity(folder) {
        return Err(Error::invalid(words));
    }
    if name.starts_with(UPLOADING) {
        return Err(Error::invalid(format!(
            "Invalid artifact file name: '{name}'. Artifact names starting with '{UPLOADING}' are reserved."
        )));
    }
    if matches!(name, "" | "." | "..") {
        return Err(Error::invalid("Invalid path"));
    }
    Ok(name)
}
