//! Blobs: bytes by path, on the local disk or in a bucket of S3.

mod presign;
mod profile;
mod s3;
mod transfer;
mod upload;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload,
};
use url::Url;

use crate::{Code, Error, Result};
use s3::Bucket;
pub use s3::VARIABLES;
pub use transfer::SignedUrl;

/// A place for bytes, addressed by slash-separated paths.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder behind a local store: its files are forced to the disk before a write counts.
    local: Option<Arc<FilePath>>,
    /// The bucket behind a store in S3.
    bucket: Option<Arc<Bucket>>,
}

/// What is told of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// The path, relative to the store.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change, in milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// What changes with the content, if the store tells it; as it stands in an HTTP header.
    pub etag: Option<String>,
}

/// What a folder holds: the blobs in it, and the names of the folders in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// The blobs, sorted by path.
    pub blobs: Vec<BlobInfo>,
    /// The folders' names, sorted.
    pub folders: Vec<String>,
}

/// What a bucket keeps beside a blob's content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kind<'a> {
    /// Its media type.
    pub media_type: Option<&'a str>,
    /// How the content is packed, such as `gzip`.
    pub packed: Option<&'a str>,
}

impl Blobs {
    /// Open the store at a URL: `file:///folder` or `s3://bucket/prefix`. Credentials of S3 come
    /// from the usual `AWS_…` variables.
    pub fn open(url: &str) -> Result<Self> {
        let refuse = |why: String| {
            Error::invalid(format!("the blob store “{url}” cannot be opened"))
                .why(why)
                .hint("ropewalk up --blobs file:///a/folder   # or s3://bucket/prefix")
        };
        if let Some(folder) = url.strip_prefix("file://") {
            let folder = PathBuf::from(folder);
            let made = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
            let folder = made.map_err(|source| match Error::from(source) {
                full if full.code() == Code::DiskFull => full,
                other => refuse(other.what().to_owned()),
            })?;
            let store = LocalFileSystem::new_with_prefix(&folder)?.with_automatic_cleanup(false);
            let (store, prefix, local) = (Arc::new(store), Path::default(), Some(folder.into()));
            return Ok(Self { store, prefix, local, bucket: None });
        }
        if let Some((name, prefix)) = s3::parse(url) {
            if name.is_empty() {
                return Err(refuse("it names no bucket".to_owned()));
            }
            let prefix = Path::parse(prefix).map_err(|source| refuse(source.to_string()))?;
            return Ok(Self { prefix, ..Self::bucket(name)? });
        }
        let parsed = Url::parse(url).map_err(|source| refuse(source.to_string()))?;
        let (store, prefix) =
            object_store::parse_url(&parsed).map_err(|source| refuse(source.to_string()))?;
        Ok(Self { store: Arc::from(store), prefix, local: None, bucket: None })
    }

    /// Open a bucket of S3 as a whole.
    pub fn bucket(name: &str) -> Result<Self> {
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        let bucket = Bucket::open(name, &environment)?;
        let store = Arc::new(bucket.s3.clone());
        Ok(Self { store, prefix: Path::default(), local: None, bucket: Some(Arc::new(bucket)) })
    }

    /// The folder behind a local store.
    #[must_use]
    pub fn folder(&self) -> Option<&FilePath> {
        self.local.as_deref()
    }

    /// The part of the store below a path.
    pub fn below(&self, path: &str) -> Result<Self> {
        Ok(Self { prefix: self.location(path)?, local: None, ..self.clone() })
    }

    /// Write a blob whole: either all of it stands afterwards, or nothing changed.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let location = self.location(path)?;
        self.store.put(&location, PutPayload::from_bytes(bytes)).await?;
        self.force(&location).await
    }

    /// Write a blob from a stream without holding it in memory; the number of bytes written.
    /// A stream that fails leaves nothing behind. A local store keeps no kind.
    pub async fn put_stream(
        &self,
        path: &str,
        kind: Kind<'_>,
        stream: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<u64> {
        let location = self.location(path)?;
        let mut attributes = Attributes::new();
        if self.bucket.is_some() {
            if let Some(kind) = kind.media_type {
                attributes.insert(Attribute::ContentType, kind.to_owned().into());
            }
            if let Some(packed) = kind.packed {
                attributes.insert(Attribute::ContentEncoding, packed.to_owned().into());
            }
        }
        let written = upload::put(&*self.store, &location, attributes, stream).await?;
        self.force(&location).await?;
        Ok(written)
    }

    /// Read a blob whole.
    pub async fn get(&self, path: &str) -> Result<Bytes> {
        Ok(self.store.get(&self.location(path)?).await?.bytes().await?)
    }

    /// Read a range of a blob piece by piece, its end excluded.
    pub async fn get_stream(
        &self,
        path: &str,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&self.location(path)?, options).await?;
        Ok(found.into_stream().map_err(Error::from))
    }

    /// Read the bytes of a range, its end excluded.
    pub async fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        Ok(self.store.get_range(&self.location(path)?, range).await?)
    }

    /// What is told of a blob, or `None` when there is none.
    pub async fn stat(&self, path: &str) -> Result<Option<BlobInfo>> {
        match self.store.head(&self.location(path)?).await {
            Ok(meta) => Ok(Some(self.info(meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The size in bytes, or `None` when there is no such blob.
    pub async fn head(&self, path: &str) -> Result<Option<u64>> {
        Ok(self.stat(path).await?.map(|info| info.size))
    }

    /// Every blob under a prefix of whole path segments, sorted by path.
    pub async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>> {
        let location = self.location(prefix)?;
        let found: Vec<_> = self.store.list(Some(&location)).try_collect().await?;
        let mut blobs: Vec<_> = found.into_iter().map(|meta| self.info(meta)).collect();
        blobs.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(blobs)
    }

    /// What one folder holds; nothing for a folder that is not there.
    pub async fn list_folder(&self, path: &str) -> Result<Folder> {
        let location = self.location(path)?;
        let found = self.store.list_with_delimiter(Some(&location)).await?;
        let mut folder = Folder::default();
        // An empty object may stand for the folder itself.
        let within = found.objects.into_iter().filter(|meta| meta.location != location);
        folder.blobs = within.map(|meta| self.info(meta)).collect();
        folder.blobs.sort_by(|left, right| left.path.cmp(&right.path));
        folder.folders =
            found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        folder.folders.sort();
        Ok(folder)
    }

    /// Remove a blob; removing what is not there is no error.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.location(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Remove blobs, many at a time where the store can do that.
    pub async fn delete_all(&self, paths: Vec<String>) -> Result<()> {
        let locations = paths.iter().map(|path| self.location(path)).collect::<Result<Vec<_>>>()?;
        let locations = futures::stream::iter(locations.into_iter().map(Ok)).boxed();
        let mut removed = self.store.delete_stream(locations);
        while let Some(outcome) = removed.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn info(&self, meta: ObjectMeta) -> BlobInfo {
        BlobInfo {
            path: self.relative(&meta.location),
            size: meta.size,
            modified_ms: meta.last_modified.timestamp_millis(),
            etag: meta.e_tag,
        }
    }

    /// A path is made of plain segments: `..`, empty segments and control characters are refused,
    /// so that no path leaves the store.
    fn location(&self, path: &str) -> Result<Path> {
        let parsed = Path::parse(path).map_err(|source| {
            Error::invalid(format!("“{path}” is not a usable path"))
                .why(source.to_string())
                .hint("use plain names joined by single slashes, without “..”")
        })?;
        Ok(self.prefix.parts().chain(parsed.parts()).collect())
    }

    fn relative(&self, location: &Path) -> String {
        location
            .prefix_match(&self.prefix)
            .map_or_else(|| location.to_string(), |parts| parts.collect::<Path>().to_string())
    }

    /// The object store renames a finished file into place but leaves its pages to the kernel:
    /// force the file and its folder down, so that an acknowledged write survives a power cut.
    async fn force(&self, location: &Path) -> Result<()> {
        let Some(root) = self.local.clone() else { return Ok(()) };
        let file = root.join(location.as_ref());
        tokio::task::spawn_blocking(move || {
            std::fs::File::open(&file)?.sync_all()?;
            match file.parent() {
                Some(folder) => std::fs::File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        })
        .await
        .map_err(|source| Error::internal("forcing a blob to the disk failed").source(source))??;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn open() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&format!("file://{}", folder.path().join("b").display())).unwrap();
        (folder, blobs)
    }

    #[tokio::test]
    async fn bytes_come_back() {
        let (_folder, blobs) = open();
        blobs.put("a/b", Bytes::from_static(b"hello")).await.unwrap();
        let parts = futures::stream::iter([Ok(Bytes::from_static(b"one")), Ok(Bytes::from_static(b"two"))]);
        assert_eq!(blobs.put_stream("a/c d", Kind::default(), parts).await.unwrap(), 6);
        assert_eq!(blobs.get("a/b").await.unwrap(), "hello");
        assert_eq!(blobs.get_range("a/c d", 2..4).await.unwrap(), "et");
        assert_eq!(blobs.head("a/b").await.unwrap(), Some(5));
        assert_eq!(blobs.head("a/x").await.unwrap(), None);
        let paths: Vec<_> = blobs.list("a").await.unwrap().into_iter().map(|blob| blob.path).collect();
        assert_eq!(paths, ["a/b", "a/c d"]);
        let top = blobs.list_folder("").await.unwrap();
        assert_eq!((top.folders, top.blobs.len()), (vec!["a".to_owned()], 0));
        let below = blobs.below("a").unwrap();
        assert_eq!(below.list_folder("").await.unwrap().blobs[1].path, "c d");
        assert_eq!(below.get("b").await.unwrap(), "hello");
        let parts: Vec<Bytes> = below.get_stream("c d", 1..5).await.unwrap().try_collect().await.unwrap();
        assert_eq!(parts.concat(), b"netw");
        blobs.delete("a/b").await.unwrap();
        blobs.delete("a/b").await.unwrap();
        blobs.delete_all(vec!["a/b".to_owned(), "a/c d".to_owned()]).await.unwrap();
        assert!(blobs.list("a").await.unwrap().is_empty());
        assert_eq!(blobs.get("a/b").await.unwrap_err().code(), crate::Code::NotFound);
    }

    #[tokio::test]
    async fn a_failing_stream_leaves_nothing() {
        let (_folder, blobs) = open();
        let parts = futures::stream::iter([Ok(Bytes::from_static(b"one")), Err(Error::invalid("gone"))]);
        assert!(blobs.put_stream("a/d", Kind::default(), parts).await.is_err());
        assert_eq!(blobs.head("a/d").await.unwrap(), None);
    }

    #[tokio::test]
    async fn no_path_leaves_the_store() {
        let (_folder, blobs) = open();
        for path in ["../x", "a/../../x", "a//b", "a/./b"] {
            assert_eq!(
                blobs.put(path, Bytes::new()).await.unwrap_err().code(),
                crate::Code::Invalid,
                "{path}"
            );
        }
    }
}
