//! Artifacts in a folder on the disk, laid out as the stock server lays them out: one can take over from the other.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use ropewalk_core::{Code, Error, Result, new_id};
use ropewalk_migrate::KeptFile;
use ropewalk_migrate::places::files_below;
use ropewalk_mlflow::path;

use super::file::{File, Found};
use crate::model::FileInfo;

/// How the names of files begin that are on their way; they are not shown.
pub(crate) const UPLOADING: &str = ".artifact.uploading.";
/// How much is written at once.
const PIECE: usize = 1 << 20;

/// A folder of artifacts. It need not stand before something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder(Arc<PathBuf>);

impl Folder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(path.into()))
    }

    /// The part of a path on the disk that is below this folder, if it is.
    pub(crate) fn relative(&self, path: &Path) -> Option<String> {
        let plain = PathBuf::from(path::normal(&path.to_string_lossy()));
        let root = PathBuf::from(path::normal(&self.0.to_string_lossy()));
        let below = plain.strip_prefix(&root).ok()?;
        Some(below.to_string_lossy().into_owned())
    }

    pub(crate) async fn open(&self, path: &str) -> Result<Option<Found>> {
        let folder = self.clone();
        let path = path.to_owned();
        blocking(move || {
            let place = folder.inside(&path)?;
            let metadata = match fs::metadata(&place) {
                Ok(metadata) => metadata,
                Err(error) if is_nothing(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if metadata.is_dir() {
                return Ok(Some(Found::Folder));
            }
            if !metadata.is_file() {
                return Ok(None);
            }
            let file = fs::File::open(&place)?;
            let metadata = file.metadata()?;
            Ok(Some(Found::File(File::on_disk(file, &metadata))))
        })
        .await
    }

    /// What one folder holds, by name; nothing for what is no folder.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<FileInfo>> {
        let folder = self.clone();
        let path = path.to_owned();
        blocking(move || {
            let mut found = Vec::new();
            let entries = match fs::read_dir(folder.inside(&path)?) {
                Ok(entries) => entries,
                Err(error) if is_nothing(&error) => return Ok(found),
                Err(error) => return Err(error.into()),
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                // A file that has gone meanwhile, or a link to nowhere.
                let Ok(metadata) = fs::metadata(entry.path()) else { continue };
                if name.starts_with(UPLOADING) {
                    continue;
                }
                let file_size =
                    (!metadata.is_dir()).then(|| i64::try_from(metadata.len()).unwrap_or(i64::MAX));
                found.push(FileInfo { path: name, is_dir: metadata.is_dir(), file_size });
            }
            found.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(found)
        })
        .await
    }

    /// Writes a file as it comes; the number of its bytes. It stands whole, forced to the disk, or not at all.
    pub(crate) async fn write(
        &self,
        path: &str,
        stream: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<u64> {
        let (staged, mut file) = {
            let folder = self.clone();
            let path = path.to_owned();
            blocking(move || folder.stage(&path)).await?
        };
        let mut stream = std::pin::pin!(stream);
        let mut written = 0;
        let (mut waiting, mut length) = (Vec::new(), 0);
        let mut writing: Option<tokio::task::JoinHandle<Result<fs::File>>> = None;
        loop {
            let next = stream.next().await.transpose()?;
            let ended = next.is_none();
            if let Some(bytes) = next {
                written += bytes.len() as u64;
                length += bytes.len();
                waiting.push(bytes);
            }
            if length < PIECE && !ended {
                continue;
            }
            if let Some(done) = writing.take() {
                file = Some(done.await.map_err(broken)??);
            }
            let pieces = std::mem::take(&mut waiting);
            length = 0;
            if let Some(mut file) = file.take() {
                writing = Some(tokio::task::spawn_blocking(move || {
                    for piece in pieces {
                        file.write_all(&piece)?;
                    }
                    Ok(file)
                }));
            }
            if ended {
                break;
            }
        }
        if let Some(done) = writing {
            file = Some(done.await.map_err(broken)??);
        }
        blocking(move || {
            if let Some(file) = file {
                file.sync_all()?;
            }
            staged.publish()
        })
        .await?;
        Ok(written)
    }

    /// Makes the folders that a file needs, and an empty file beside its place.
    fn stage(&self, path: &str) -> Result<(Staged, Option<fs::File>)> {
        let place = self.inside(path)?;
        if place.is_dir() {
            return Err(Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'")));
        }
        let Some(folder) = place.parent() else { return Err(outside()) };
        // What is made here must be forced to the disk as well: from the last folder that stands.
        let mut made = Vec::new();
        let mut missing = folder;
        while !missing.exists() {
            let Some(parent) = missing.parent() else { break };
            made.push(parent.to_path_buf());
            missing = parent;
        }
        fs::create_dir_all(folder).map_err(|error| unwritable(error, path))?;
        let temporary = folder.join(format!("{UPLOADING}{}", new_id()));
        let file = fs::File::create_new(&temporary).map_err(|error| unwritable(error, path))?;
        let staged = Staged { temporary, place, made, path: path.to_owned(), published: false };
        // A name that is too long shows before anything is sent.
        match fs::symlink_metadata(&staged.place) {
            Err(error) if error.kind() == ErrorKind::InvalidFilename => Err(unwritable(error, path)),
            _ => Ok((staged, Some(file))),
        }
    }

    /// Removes a file or a folder with all that it holds. What is not there is no error.
    ///
    /// # Errors
    /// `invalid` for the folder of artifacts itself.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        let folder = self.clone();
        let path = path.to_owned();
        blocking(move || {
            let place = folder.inside(&path)?;
            if place == *folder.0 {
                return Err(outside());
            }
            let removed = match fs::symlink_metadata(&place) {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&place),
                Ok(_) => fs::remove_file(&place),
                Err(error) => Err(error),
            };
            match removed {
                Err(error) if !is_nothing(&error) => Err(error.into()),
                _ => Ok(()),
            }
        })
        .await
    }

    /// All files below a path, with their paths below it.
    pub(crate) async fn below(&self, path: &str) -> Result<Vec<KeptFile>> {
        let folder = self.clone();
        let path = path.to_owned();
        blocking(move || {
            let (files, _) = files_below(&folder.inside(&path)?);
            let kept =
                files.into_iter().filter(|file| !path::folder_and_name(&file.path).1.starts_with(UPLOADING));
            Ok(kept
                .map(|file| {
                    let modified = fs::metadata(&file.file).and_then(|about| about.modified()).ok();
                    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                    let modified_ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
                    KeptFile {
                        path: file.path,
                        size: file.size,
                        modified_ms: modified_ms.unwrap_or_default(),
                    }
                })
                .collect())
        })
        .await
    }

    /// How many files are below a path, and their bytes.
    pub(crate) async fn measure(&self, path: &str) -> Result<(usize, u64)> {
        let folder = self.clone();
        let path = path.to_owned();
        blocking(move || measure(&folder.inside(&path)?)).await
    }

    /// The place of a path.
    ///
    /// # Errors
    /// `invalid` for a path that leads out of the folder, also by a link.
    fn inside(&self, path: &str) -> Result<PathBuf> {
        let plain = path::normal(path);
        if plain.starts_with('/') || plain == ".." || plain.starts_with("../") || plain.contains('\0') {
            return Err(outside());
        }
        let place = if plain == "." { self.0.to_path_buf() } else { self.0.join(&plain) };
        let Ok(root) = self.0.canonicalize() else { return Ok(place) };
        // The first of it that stands says where the rest would go.
        let mut stands = place.as_path();
        loop {
            match stands.canonicalize() {
                Ok(real) if real.starts_with(&root) => return Ok(place),
                Ok(_) => return Err(outside()),
                Err(_) => {}
            }
            // A link to nowhere might lead out.
            if fs::symlink_metadata(stands).is_ok_and(|metadata| metadata.is_symlink()) {
                return Err(outside());
            }
            match stands.parent() {
                Some(parent) if stands != *self.0 => stands = parent,
                _ => return Ok(place),
            }
        }
    }
}

/// A file on its way. If it is dropped before it is published, nothing is left of it.
struct Staged {
    temporary: PathBuf,
    place: PathBuf,
    /// Folders in which a folder was made.
    made: Vec<PathBuf>,
    path: String,
    published: bool,
}

impl Staged {
    /// Puts the file in its place; from then on it stands.
    fn publish(mut self) -> Result<()> {
        fs::rename(&self.temporary, &self.place).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Error::conflict(format!("the folder of '{}' was removed meanwhile", self.path))
            }
            _ => unwritable(error, &self.path),
        })?;
        self.published = true;
        for folder in self.place.parent().into_iter().chain(self.made.iter().map(PathBuf::as_path)) {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // There is nobody to tell if it cannot be removed.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn measure(place: &Path) -> Result<(usize, u64)> {
    let metadata = match fs::symlink_metadata(place) {
        Ok(metadata) => metadata,
        Err(error) if is_nothing(&error) => return Ok((0, 0)),
        Err(error) => return Err(error.into()),
    };
    if !metadata.is_dir() {
        return Ok((1, metadata.len()));
    }
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(place)? {
        let (more, larger) = measure(&entry?.path())?;
        files += more;
        bytes += larger;
    }
    Ok((files, bytes))
}

/// Whether there is nothing at a path, or cannot be: below a file, or under a name that is too long.
fn is_nothing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename)
}

fn outside() -> Error {
    Error::invalid("Invalid path: resolved path is outside the artifact directory")
}

/// What a client did wrong if a file cannot be written at a path; else what went wrong.
fn unwritable(error: std::io::Error, path: &str) -> Error {
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            Error::invalid(format!("Invalid path: a file stands where '{path}' needs a folder"))
        }
        ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => {
            Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'"))
        }
        ErrorKind::InvalidFilename => Error::invalid("Invalid path: a name is too long"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::new(Code::Unavailable, "the server may not write its artifacts")
                .why(error.to_string())
                .hint("ropewalk doctor")
        }
        _ => error.into(),
    }
}

fn broken(source: tokio::task::JoinError) -> Error {
    Error::internal("writing a file broke off").source(source)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::internal("work on artifacts broke off").source(source))?
}
