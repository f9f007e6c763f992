//! Where artifacts are kept: the place of those that go through this server, and what this server can reach of the
//! places that clients write to themselves.

pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod place;
pub mod uri;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ropewalk_core::{Blobs, Code, Error, Result, Settings};
use ropewalk_mlflow::hosts::{HostPolicy, SCHEMES};
use ropewalk_mlflow::uri::{Uri, unquote_wholly};

use folder::Folder;
use place::Place;
use uri::Target;

/// Where they lie in the blob store, unless another place is named.
const BLOB_FOLDER: &str = "artifacts";
/// Where new experiments' artifacts go, unless another place is named.
pub(crate) const DEFAULT_ROOT: &str = "mlflow-artifacts:/";
/// The same where nothing goes through the server.
const LOCAL_ROOT: &str = "./mlruns";
/// Buckets that are kept open; clients may name as many as they like.
const BUCKETS: usize = 64;
/// Longest place of an experiment's artifacts, in characters.
const LONGEST: usize = 2048;
const HINT: &str = "ropewalk up --artifacts-destination s3://bucket/prefix   # or a folder";

/// The variables of MLflow's server: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (
        "MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH",
        "2048",
        "longest place of an experiment's artifacts, in characters",
    ),
    (
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD",
        "false",
        "whether clients are told to upload in parts to S3, past the server",
    ),
    (
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD",
        "false",
        "whether clients are told to download from S3, past the server",
    ),
    ("MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS", "300", "how long a signed URL for a download is good"),
    ("MLFLOW_ARTIFACTS_PRESIGNED_ONLY", "false", "whether bytes of artifacts go past the server only"),
];

/// A path in a place.
#[derive(Clone)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) path: String,
    /// Whether it is among the artifacts that go through this server.
    pub(crate) proxied: bool,
}

/// The places of artifacts, as the settings and the environment have them.
pub(crate) struct Artifacts {
    destination: Place,
    /// Whether artifacts go through the server at all.
    pub(crate) served: bool,
    /// Where new experiments' artifacts go.
    pub(crate) root: String,
    /// The hosts that clients may name.
    hosts: HostPolicy,
    /// Folders of which files are read by their own URIs.
    folders: Vec<Folder>,
    buckets: Mutex<BTreeMap<String, Blobs>>,
    longest_location: usize,
    /// Clients are told to upload in parts, past the server.
    pub(crate) multipart_uploads: bool,
    /// Clients are told to download past the server.
    pub(crate) multipart_downloads: bool,
    /// Nothing goes through the server, only past it.
    pub(crate) presigned_only: bool,
    /// For how long a signed URL for a download is good.
    pub(crate) download_lifetime: Duration,
}

impl Artifacts {
    /// The places, with relative paths resolved in `directory`. `variable` reads the environment.
    ///
    /// # Errors
    /// `invalid` for a destination that this server cannot keep artifacts in.
    pub(crate) fn open(
        settings: &Settings,
        blobs: &Blobs,
        directory: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let truth = |name: &str| {
            variable(name).is_some_and(|word| matches!(word.to_lowercase().as_str(), "true" | "1"))
        };
        let named = settings.text("artifacts_destination");
        let destination = match named {
            Some(uri) => destination(&uri::resolved(uri, directory)?)?,
            None => match blobs.folder() {
                Some(folder) => Place::Folder(Folder::new(folder.join(BLOB_FOLDER))),
                None => Place::Bucket(blobs.below(BLOB_FOLDER)?),
            },
        };
        let served = settings.truth("serve_artifacts");
        let usual = if served { DEFAULT_ROOT } else { LOCAL_ROOT };
        let root = uri::resolved(settings.text("default_artifact_root").unwrap_or(usual), directory)?;
        let mut folders = Vec::new();
        if let Place::Folder(folder) = &destination {
            folders.push(folder.clone());
        }
        if let Target::Disk(path) = uri::target(&root)? {
            folders.push(Folder::new(path));
        }
        let own: Vec<&str> = named.into_iter().chain([root.as_str()]).collect();
        let artifacts = Self {
            destination,
            served,
            hosts: HostPolicy::new(&variable(SCHEMES).unwrap_or_default(), &own),
            root,
            folders,
            buckets: Mutex::default(),
            longest_location: variable("MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH")
                .and_then(|number| number.parse().ok())
                .unwrap_or(LONGEST),
            multipart_uploads: truth("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"),
            multipart_downloads: truth("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"),
            presigned_only: truth("MLFLOW_ARTIFACTS_PRESIGNED_ONLY"),
            download_lifetime: Duration::from_secs(
                variable("MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS")
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(300),
            ),
        };
        if artifacts.presigned_only && !(served && artifacts.transfers().is_some()) {
            return Err(Error::invalid("MLFLOW_ARTIFACTS_PRESIGNED_ONLY cannot be kept")
                .why("clients can be sent past the server only where artifacts are served and kept in S3")
                .hint(HINT));
        }
        Ok(artifacts)
    }

    /// The bucket that clients can be sent to, if artifacts are kept in one.
    pub(crate) fn transfers(&self) -> Option<&Blobs> {
        match &self.destination {
            Place::Bucket(blobs) if blobs.has_transfers() => Some(blobs),
            _ => None,
        }
    }

    /// The place of artifacts that go through this server.
    ///
    /// # Errors
    /// `unavailable` when none do.
    pub(crate) fn destination(&self) -> Result<&Place> {
        if self.served {
            return Ok(&self.destination);
        }
        Err(Error::new(Code::Unavailable, "Artifact serving is disabled.")
            .hint("ropewalk up --serve-artifacts"))
    }

    /// Where a URI leads, as far as this server can go there.
    ///
    /// # Errors
    /// `invalid` for a place that it must not read, `not_implemented` for one that it cannot.
    pub(crate) async fn find(&self, uri: &str) -> Result<Spot> {
        match uri::target(uri)? {
            Target::Proxied(path) => Ok(Spot { place: self.destination()?.clone(), path, proxied: true }),
            Target::Bucket(name, path) => {
                Ok(Spot { place: Place::Bucket(self.bucket(&name).await?), path, proxied: false })
            }
            Target::Disk(path) => {
                let below = self.folders.iter().find_map(|folder| {
                    let path = folder.relative(&path)?;
                    Some(Spot { place: Place::Folder(folder.clone()), path, proxied: false })
                });
                below.ok_or_else(|| {
                    Error::invalid(format!("the artifacts at {uri} are not read by this server"))
                        .why("of its own disk it reads its artifacts destination and its default artifact root")
                        .hint("ropewalk up --default-artifact-root DIR")
                })
            }
            Target::Other(scheme) => {
                let parts = Uri::parse(uri).map_err(Error::invalid)?;
                if let Some(why) = self.hosts.refusal(&parts) {
                    return Err(Error::invalid(format!(
                        "The tracking server does not connect to artifact location '{uri}': {why}"
                    )));
                }
                Err(Error::new(Code::NotImplemented, format!("this server cannot read artifacts at {uri}"))
                    .why(format!("it knows folders and s3://, not {scheme}:"))
                    .hint("read them with MLflow's client, which goes there itself"))
            }
        }
    }

    async fn bucket(&self, name: &str) -> Result<Blobs> {
        let open = || self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = open().get(name) {
            return Ok(bucket.clone());
        }
        if name.is_empty() {
            return Err(Error::invalid("the artifact URI names no bucket"));
        }
        let bucket = Blobs::bucket(name)?;
        bucket.check_credentials().await?;
        let mut buckets = open();
        if buckets.len() >= BUCKETS {
            buckets.clear();
        }
        buckets.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    /// Where an experiment's artifacts go that were placed by a client: a relative path begins where the server runs.
    ///
    /// # Errors
    /// `invalid` for a place that no experiment may have.
    pub(crate) fn location(&self, given: &str) -> Result<String> {
        const FIELD: &str = "artifact_location";
        let parts = Uri::parse(given).map_err(Error::invalid)?;
        if !parts.fragment.is_empty() || !parts.parameters.is_empty() {
            return Err(Error::invalid(format!("'{FIELD}' URL can't include fragments or params.")));
        }
        if unquote_wholly(&parts.query).contains("..") {
            return Err(Error::invalid("Invalid query string"));
        }
        self.hosts.check(&parts, FIELD)?;
        if given.starts_with("runs:") {
            return Err(Error::invalid(format!(
                "Artifact location cannot be a runs:/ URI. Given: '{given}'"
            )));
        }
        let directory = std::env::current_dir()?;
        let resolved = uri::resolved(given, &directory)?;
        if given.chars().count().max(resolved.chars().count()) > self.longest_location {
            return Err(Error::invalid(format!(
                "Invalid artifact path length. The length of the artifact path cannot be greater than {} characters. To configure \
                 this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.",
                self.longest_location
            )));
        }
        Ok(resolved)
    }
}

/// The place that an operator names for artifacts that go through this server.
fn destination(uri: &str) -> Result<Place> {
    match uri::target(uri)? {
        Target::Bucket(name, path) if !name.is_empty() => {
            Ok(Place::Bucket(Blobs::bucket(&name)?.below(&path)?))
        }
        Target::Disk(path) => Ok(Place::Folder(Folder::new(path))),
        _ => Err(Error::invalid(format!("artifacts cannot be kept at “{uri}”"))
            .why("this server keeps them in a folder or in a bucket of S3")
            .hint(HINT)),
    }
}

#[cfg(test)]
mod tests;
