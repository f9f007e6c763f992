//! Blobs: bytes by path, on the local disk or in an object store.

use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use url::Url;

use crate::{Code, Error, Result};

/// A place for bytes, addressed by slash-separated paths.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder behind a local store: its files are forced to the disk before a write counts.
    local: Option<Arc<FilePath>>,
}

/// What a listing tells of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// The path, relative to the store.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change, in milliseconds since the Unix epoch.
    pub modified_ms: i64,
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
            return Ok(Self { store: Arc::new(store), prefix: Path::default(), local: Some(folder.into()) });
        }
        let parsed = Url::parse(url).map_err(|source| refuse(source.to_string()))?;
        let options = std::env::vars()
            .filter(|(key, _)| key.starts_with("AWS_"))
            .map(|(key, value)| (key.to_lowercase(), value));
        let (store, prefix) =
            object_store::parse_url_opts(&parsed, options).map_err(|source| refuse(source.to_string()))?;
        Ok(Self { store: Arc::from(store), prefix, local: None })
    }

    /// Write a blob whole: either all of it stands afterwards, or nothing changed.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let location = self.location(path)?;
        self.store.put(&location, PutPayload::from_bytes(bytes)).await?;
        self.force(&location).await
    }

    /// Write a blob from a stream without holding it in memory; the number of bytes written.
    /// A stream that fails leaves nothing behind.
    pub async fn put_stream(
        &self,
        path: &str,
        stream: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<u64> {
        let location = self.location(path)?;
        let upload = self.store.put_multipart(&location).await?;
        let mut writer = WriteMultipart::new(upload);
        let mut stream = std::pin::pin!(stream);
        let mut written = 0;
        while let Some(part) = stream.next().await {
            let part = match part {
                Ok(part) => part,
                Err(error) => {
                    writer.abort().await?;
                    return Err(error);
                }
            };
            // At most 8 parts in flight: a slow store holds back a fast client.
            writer.wait_for_capacity(8).await?;
            written += part.len() as u64;
            writer.put(part);
        }
        writer.finish().await?;
        self.force(&location).await?;
        Ok(written)
    }

    /// Read a blob whole.
    pub async fn get(&self, path: &str) -> Result<Bytes> {
        Ok(self.store.get(&self.location(path)?).await?.bytes().await?)
    }

    /// Read a blob piece by piece.
    pub async fn get_stream(&self, path: &str) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let found = self.store.get(&self.location(path)?).await?;
        Ok(found.into_stream().map_err(Error::from))
    }

    /// Read the bytes of a range, its end excluded.
    pub async fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        Ok(self.store.get_range(&self.location(path)?, range).await?)
    }

    /// The size in bytes, or `None` when there is no such blob.
    pub async fn head(&self, path: &str) -> Result<Option<u64>> {
        match self.store.head(&self.location(path)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Every blob under a prefix of whole path segments, sorted by path.
    pub async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>> {
        let location = self.location(prefix)?;
        let found: Vec<_> = self.store.list(Some(&location)).try_collect().await?;
        let mut blobs: Vec<_> = found
            .into_iter()
            .map(|meta| BlobInfo {
                path: self.relative(&meta.location),
                size: meta.size,
                modified_ms: meta.last_modified.timestamp_millis(),
            })
            .collect();
        blobs.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(blobs)
    }

    /// Remove a blob; removing what is not there is no error.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.location(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
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
        assert_eq!(blobs.put_stream("a/c d", parts).await.unwrap(), 6);
        assert_eq!(blobs.get("a/b").await.unwrap(), "hello");
        assert_eq!(blobs.get_range("a/c d", 2..4).await.unwrap(), "et");
        assert_eq!(blobs.head("a/b").await.unwrap(), Some(5));
        assert_eq!(blobs.head("a/x").await.unwrap(), None);
        let paths: Vec<_> = blobs.list("a").await.unwrap().into_iter().map(|blob| blob.path).collect();
        assert_eq!(paths, ["a/b", "a/c d"]);
        blobs.delete("a/b").await.unwrap();
        blobs.delete("a/b").await.unwrap();
        assert_eq!(blobs.get("a/b").await.unwrap_err().code(), crate::Code::NotFound);
    }

    #[tokio::test]
    async fn a_failing_stream_leaves_nothing() {
        let (_folder, blobs) = open();
        let parts = futures::stream::iter([Ok(Bytes::from_static(b"one")), Err(Error::invalid("gone"))]);
        assert!(blobs.put_stream("a/d", parts).await.is_err());
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
