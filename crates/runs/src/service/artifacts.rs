//! Files of runs and logged models, kept as blobs.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::Stream;
use ropewalk_core::blobs::BlobInfo;
use ropewalk_core::{Error, Result};

use super::Runs;
use crate::model::FileInfo;

/// The scheme of artifact URIs whose files this server keeps.
pub const PROXY_SCHEME: &str = "mlflow-artifacts:";
/// Where they lie among the blobs.
const BLOB_FOLDER: &str = "artifacts";

/// The path under this server's artifacts that a `mlflow-artifacts:` URI names; none for another scheme.
pub fn proxied_path(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix(PROXY_SCHEME)?;
    let path = match rest.strip_prefix("//") {
        // mlflow-artifacts://host:port/path
        Some(with_host) => with_host.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    };
    Some(path.trim_matches('/'))
}

impl Runs {
    /// Writes one of a run's artifacts.
    pub async fn log_artifact(&self, run_id: &str, path: &str, bytes: Bytes) -> Result<()> {
        let root = self.artifact_root(run_id).await?;
        self.core.blobs.put(&blob_path(&join(&root, path))?, bytes).await
    }

    /// Reads one of a run's artifacts.
    ///
    /// # Errors
    /// `not_found` when there is no such file; `invalid` when the run's artifacts are not kept by this server.
    pub async fn read_artifact(&self, run_id: &str, path: &str) -> Result<Bytes> {
        let root = self.artifact_root(run_id).await?;
        self.get_artifact(&join(&root, path)).await
    }

    /// Lists one folder of a run's artifacts; the paths are relative to the run's root.
    pub async fn list_artifacts(&self, run_id: &str, path: Option<&str>) -> Result<Vec<FileInfo>> {
        let root = self.run_info(run_id).await?.artifact_uri;
        self.list_below(&root, path.unwrap_or_default().trim_matches('/')).await
    }

    /// Lists one folder below an artifact root; the paths are relative to the root.
    ///
    /// # Errors
    /// `invalid` when the artifacts are not kept by this server.
    pub(crate) async fn list_below(&self, root: &str, folder: &str) -> Result<Vec<FileInfo>> {
        let root = proxied_path(root).ok_or_else(|| {
            Error::invalid("the artifacts are not kept here").why(format!("they lie at {root}"))
        })?;
        let mut files = self.list_folder(&join(root, folder)).await?;
        for file in &mut files {
            file.path = join(folder, &file.path);
        }
        Ok(files)
    }

    async fn artifact_root(&self, run_id: &str) -> Result<String> {
        let info = self.run_info(run_id).await?;
        proxied_path(&info.artifact_uri).map(str::to_owned).ok_or_else(|| {
            Error::invalid(format!("the artifacts of run {run_id} are not kept here"))
                .why(format!("they lie at {}", info.artifact_uri))
        })
    }

    /// Reads a file by its path under this server's artifacts.
    pub async fn get_artifact(&self, path: &str) -> Result<Bytes> {
        let blob = blob_path(path)?;
        self.core.blobs.get(&blob).await.map_err(|error| named(error, path))
    }

    /// A file's size in bytes.
    pub async fn artifact_size(&self, path: &str) -> Result<u64> {
        let size = self.core.blobs.head(&blob_path(path)?).await?;
        size.ok_or_else(|| no_artifact(path))
    }

    /// Reads a part of a file.
    pub async fn get_artifact_range(&self, path: &str, range: std::ops::Range<u64>) -> Result<Bytes> {
        self.core.blobs.get_range(&blob_path(path)?, range).await.map_err(|error| named(error, path))
    }

    /// Writes a file by its path under this server's artifacts, as it arrives.
    pub async fn put_artifact(
        &self,
        path: &str,
        stream: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<u64> {
        self.core.blobs.put_stream(&blob_path(path)?, stream).await
    }

    /// Removes a file, or all files of a folder.
    pub async fn delete_artifact(&self, path: &str) -> Result<()> {
        let blob = blob_path(path)?;
        if self.core.blobs.head(&blob).await?.is_some() {
            return self.core.blobs.delete(&blob).await;
        }
        for file in self.core.blobs.list(&blob).await? {
            self.core.blobs.delete(&file.path).await?;
        }
        Ok(())
    }

    /// Removes all files below a path, or only counts them; how many there are, and their bytes.
    pub(crate) async fn remove_below(&self, path: &str, dry_run: bool) -> Result<(usize, u64)> {
        let files = self.core.blobs.list(&blob_path(path)?).await?;
        let bytes = files.iter().map(|file| file.size).sum();
        if !dry_run {
            for file in &files {
                self.core.blobs.delete(&file.path).await?;
            }
        }
        Ok((files.len(), bytes))
    }

    /// All files below a folder, with their paths in it.
    pub(crate) async fn files_below(&self, path: &str) -> Result<Vec<(String, BlobInfo)>> {
        let prefix = blob_path(path)?;
        let blobs = self.core.blobs.list(&prefix).await?.into_iter();
        let below = |blob: BlobInfo| {
            let rest = blob.path.strip_prefix(&prefix)?.strip_prefix('/')?.to_owned();
            Some((rest, blob))
        };
        Ok(blobs.filter_map(below).collect())
    }

    /// Lists one folder; the paths are relative to it.
    pub async fn list_folder(&self, path: &str) -> Result<Vec<FileInfo>> {
        let mut found: BTreeMap<String, FileInfo> = BTreeMap::new();
        for (rest, blob) in self.files_below(path).await? {
            let (name, file_size) = match rest.split_once('/') {
                Some((folder, _)) => (folder, None),
                None => (rest.as_str(), i64::try_from(blob.size).ok()),
            };
            found.entry(name.to_owned()).or_insert_with(|| FileInfo {
                path: name.to_owned(),
                is_dir: file_size.is_none(),
                file_size,
            });
        }
        Ok(found.into_values().collect())
    }
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else if path.is_empty() {
        folder.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

/// The blob of a path; a path that climbs or starts at a root is refused.
fn blob_path(path: &str) -> Result<String> {
    let plain = path.trim_end_matches('/');
    let wrong = plain.starts_with('/')
        || plain.contains(['\\', '\0'])
        || plain.split('/').any(|part| part == ".." || part == "." || (part.is_empty() && !plain.is_empty()));
    if wrong {
        return Err(Error::invalid(format!("Invalid path: {path}")));
    }
    Ok(join(BLOB_FOLDER, plain))
}

fn no_artifact(path: &str) -> Error {
    Error::not_found(format!("No such artifact: '{path}'"))
}

fn named(error: Error, path: &str) -> Error {
    if error.code() == ropewalk_core::Code::NotFound { no_artifact(path) } else { error }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for wrong in ["../a", "a/../b", "/etc/passwd", "a//b", "./a", "a\\..\\b"] {
            assert!(blob_path(wrong).is_err(), "{wrong}");
        }
        assert_eq!(blob_path("1/run/artifacts/a b.txt").unwrap(), "artifacts/1/run/artifacts/a b.txt");
        assert_eq!(blob_path("").unwrap(), "artifacts");
    }

    #[test]
    fn a_proxied_uri_is_understood_in_each_form() {
        assert_eq!(proxied_path("mlflow-artifacts:/1/r/artifacts"), Some("1/r/artifacts"));
        assert_eq!(proxied_path("mlflow-artifacts://host:5000/1/r"), Some("1/r"));
        assert_eq!(proxied_path("s3://bucket/1"), None);
    }
}
