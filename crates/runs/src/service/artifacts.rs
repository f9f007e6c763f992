//! Files of runs and logged models.

use bytes::Bytes;
use futures::Stream;
use ropewalk_core::{Error, Result};
use ropewalk_mlflow::path;

use super::Runs;
use crate::artifacts::file::{File, Found};
use crate::artifacts::{Artifacts, Spot};
use crate::model::FileInfo;

impl Spot {
    /// A path below the spot, within its place.
    pub(crate) fn below(&self, path: &str) -> String {
        if path.is_empty() { self.path.clone() } else { path::join(&self.path, path) }
    }

    /// What stands at a path below the spot, if anything does.
    pub(crate) async fn open(&self, path: &str) -> Result<Option<Found>> {
        self.place.open(&self.below(path)).await
    }

    /// The file at a path below the spot.
    ///
    /// # Errors
    /// `not_found` when there is none, `invalid` when a folder stands there.
    pub(crate) async fn file(&self, path: &str) -> Result<File> {
        match self.open(path).await? {
            Some(Found::File(file)) => Ok(file),
            Some(Found::Folder) => Err(is_folder(path)),
            None => Err(no_artifact(path)),
        }
    }

    /// Lists a folder below the spot; the paths are relative to the spot, and begin as the folder was written.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<FileInfo>> {
        let mut files = self.place.list(&self.below(folder)).await?;
        for file in &mut files {
            file.path = if folder.is_empty() { file.path.clone() } else { path::join(folder, &file.path) };
        }
        Ok(files)
    }
}

impl Runs {
    /// The places of artifacts.
    ///
    /// # Errors
    /// As [`Runs::check_artifacts`].
    pub(crate) fn artifacts(&self) -> Result<&Artifacts> {
        self.artifacts.as_ref().as_ref().map_err(|error| Error::from_wire(error.to_wire()))
    }

    /// Whether artifacts can be kept where the settings say.
    ///
    /// # Errors
    /// `invalid` when they cannot.
    pub fn check_artifacts(&self) -> Result<()> {
        self.artifacts().map(drop)
    }

    /// Where an artifact URI leads.
    pub(crate) async fn spot(&self, uri: &str) -> Result<Spot> {
        self.artifacts()?.find(uri).await
    }

    /// Where this server's own artifacts begin.
    pub(crate) fn kept(&self) -> Result<Spot> {
        Ok(Spot { place: self.artifacts()?.destination()?.clone(), path: String::new(), proxied: true })
    }

    async fn spot_of_run(&self, run_id: &str) -> Result<Spot> {
        self.spot(&self.run_info(run_id).await?.artifact_uri).await
    }

    /// Writes one of a run's artifacts.
    pub async fn log_artifact(&self, run_id: &str, path: &str, bytes: Bytes) -> Result<()> {
        let path = path::safe(path)?;
        let spot = self.spot_of_run(run_id).await?;
        spot.place.write(&spot.below(&path), futures::stream::iter([Ok(bytes)])).await?;
        Ok(())
    }

    /// Reads one of a run's artifacts.
    ///
    /// # Errors
    /// `not_found` when there is no such file; `invalid` when the run's artifacts lie where the server must not read.
    pub async fn read_artifact(&self, run_id: &str, path: &str) -> Result<Bytes> {
        let path = path::safe(path)?;
        self.spot_of_run(run_id).await?.file(&path).await?.read_whole().await
    }

    /// One of a run's artifacts, opened.
    pub(crate) async fn open_artifact(&self, run_id: &str, path: &str) -> Result<File> {
        let path = path::safe(path)?;
        self.spot_of_run(run_id).await?.file(&path).await
    }

    /// Lists one folder of a run's artifacts; the paths are relative to the run's root.
    pub async fn list_artifacts(&self, run_id: &str, path: Option<&str>) -> Result<Vec<FileInfo>> {
        let folder = path::safe(path.unwrap_or_default().trim_matches('/'))?;
        self.spot_of_run(run_id).await?.list(&folder).await
    }

    /// Reads the file at a path below an artifact URI.
    ///
    /// # Errors
    /// `not_found` when there is no such file; `invalid` when the URI leads where the server must not read.
    pub async fn read_at(&self, uri: &str, path: &str) -> Result<Bytes> {
        let path = path::safe(path)?;
        self.spot(uri).await?.file(&path).await?.read_whole().await
    }

    /// Reads a file by its path under this server's artifacts.
    pub async fn get_artifact(&self, path: &str) -> Result<Bytes> {
        let path = path::safe(path)?;
        self.kept()?.file(&path).await?.read_whole().await
    }

    /// Lists one folder under this server's artifacts; the paths are relative to it.
    pub async fn list_folder(&self, path: &str) -> Result<Vec<FileInfo>> {
        let path = path::safe(path)?;
        self.kept()?.place.list(&path).await
    }

    /// Writes a file by its path under this server's artifacts, as it arrives.
    pub async fn put_artifact(
        &self,
        path: &str,
        stream: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<u64> {
        let path = path::safe(path)?;
        self.kept()?.place.write(&path, stream).await
    }

    /// Removes a file, or all files of a folder.
    pub async fn delete_artifact(&self, path: &str) -> Result<()> {
        let path = path::safe(path)?;
        self.kept()?.place.delete(&path).await
    }

    /// Removes all files below an artifact URI, or only counts them; how many there are, and their bytes. None if they
    /// lie where this server cannot remove them.
    pub(crate) async fn remove_below(&self, uri: &str, dry_run: bool) -> Result<Option<(usize, u64)>> {
        let spot = match self.spot(uri).await {
            Ok(spot) if !spot.path.is_empty() => spot,
            Ok(_) => return Ok(None),
            Err(error) => {
                tracing::warn!(uri, %error, "artifacts are left where they are");
                return Ok(None);
            }
        };
        let found = spot.place.measure(&spot.path).await?;
        if !dry_run {
            spot.place.delete(&spot.path).await?;
        }
        Ok(Some(found))
    }
}

pub(crate) fn no_artifact(path: &str) -> Error {
    Error::not_found(format!("No such artifact: '{path}'"))
}

pub(crate) fn is_folder(path: &str) -> Error {
    Error::invalid(format!("Artifact path refers to a directory, not a file: '{path}'"))
}
