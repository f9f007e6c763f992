//! Transfers that go past the server: signed URLs, and uploads in parts that a client sends itself. Only a bucket has
//! them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use url::Url;

use super::presign::{self, Signing};
use super::s3::Bucket;
use super::{BlobInfo, Blobs};
use crate::{Code, Error, Result};

/// The most parts that S3 takes.
const MOST_PARTS: usize = 10_000;

/// A URL that a client may use for a while, and the headers that it must send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedUrl {
    /// The URL.
    pub url: String,
    /// Headers by name.
    pub headers: BTreeMap<String, String>,
}

impl Blobs {
    /// Whether clients can be sent to the store itself.
    #[must_use]
    pub fn has_transfers(&self) -> bool {
        self.bucket.is_some()
    }

    /// Whether the server may speak to the bucket at all: what says who it is may be missing.
    ///
    /// # Errors
    /// `forbidden` when nobody says who the server is.
    pub async fn check_credentials(&self) -> Result<()> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        match bucket.s3.credentials().get_credential().await {
            Ok(_) => Ok(()),
            Err(_) if bucket.anonymous => Ok(()),
            Err(source) => Err(Error::new(Code::Forbidden, "this server has no credentials for S3")
                .why(source.to_string())
                .hint("export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… and start the server again")
                .source(source)),
        }
    }

    fn bucket_or_refuse(&self) -> Result<&Bucket> {
        self.bucket.as_deref().ok_or_else(|| {
            Error::new(Code::NotImplemented, "this store cannot be spoken to by clients")
                .why("it is no bucket of S3")
                .hint("ropewalk up --artifacts-destination s3://bucket/prefix")
        })
    }

    /// A URL from which a blob can be downloaded under a file name, and what is told of the blob.
    ///
    /// # Errors
    /// `not_found` when there is no such blob; `not_implemented` when the store is no bucket.
    pub async fn signed_download(
        &self,
        path: &str,
        disposition: &str,
        lifetime: Duration,
    ) -> Result<(SignedUrl, BlobInfo)> {
        let bucket = self.bucket_or_refuse()?;
        let info = self.stat(path).await?.ok_or_else(|| Error::not_found(format!("no blob at {path}")))?;
        let query = vec![
            ("response-content-disposition".to_owned(), disposition.to_owned()),
            // Ranges are those of the bytes as they are kept.
            ("response-content-encoding".to_owned(), "identity".to_owned()),
        ];
        let url = signed(bucket, "GET", &self.location(path)?, query, Vec::new(), lifetime).await?;
        Ok((SignedUrl { url: url.into(), headers: BTreeMap::new() }, info))
    }

    /// A URL to which a blob of a media type can be uploaded whole.
    ///
    /// # Errors
    /// `not_implemented` when the store is no bucket.
    pub async fn signed_upload(&self, path: &str, media_type: &str, lifetime: Duration) -> Result<SignedUrl> {
        let bucket = self.bucket_or_refuse()?;
        let mut headers = bucket.upload_headers.clone();
        headers.push(("content-type".to_owned(), media_type.to_owned()));
        let url = signed(bucket, "PUT", &self.location(path)?, Vec::new(), headers, lifetime).await?;
        let mut headers: BTreeMap<String, String> = bucket.upload_headers.iter().cloned().collect();
        headers.insert("Content-Type".to_owned(), media_type.to_owned());
        Ok(SignedUrl { url: url.into(), headers })
    }

    /// Begin an upload in parts: its identifier, and a URL for each part, the first one's number being 1.
    ///
    /// # Errors
    /// `invalid` for more parts than S3 takes; `not_implemented` when the store is no bucket.
    pub async fn begin_parts(
        &self,
        path: &str,
        parts: usize,
        lifetime: Duration,
    ) -> Result<(String, Vec<String>)> {
        let bucket = self.bucket_or_refuse()?;
        if parts > MOST_PARTS {
            return Err(Error::invalid(format!("an upload has at most {MOST_PARTS} parts, not {parts}")));
        }
        let location = self.location(path)?;
        let upload = bucket.s3.create_multipart(&location).await?;
        let mut urls = Vec::with_capacity(parts);
        for number in 1..=parts {
            let query =
                vec![("partNumber".to_owned(), number.to_string()), ("uploadId".to_owned(), upload.clone())];
            urls.push(signed(bucket, "PUT", &location, query, Vec::new(), lifetime).await?.into());
        }
        Ok((upload, urls))
    }

    /// End an upload: the blob stands, made of parts with these numbers and tags.
    ///
    /// # Errors
    /// `invalid` when the parts do not number from 1 without a gap; `not_found` for an unknown upload.
    pub async fn end_parts(&self, path: &str, upload: &str, parts: Vec<(i64, String)>) -> Result<()> {
        let bucket = self.bucket_or_refuse()?;
        let mut parts = parts;
        parts.sort();
        let in_order = parts.iter().zip(1_i64..).all(|((number, _), expected)| *number == expected);
        if parts.is_empty() || !in_order {
            return Err(Error::invalid("the parts of an upload are numbered from 1, without a gap"));
        }
        let parts = parts.into_iter().map(|(_, tag)| PartId { content_id: tag }).collect();
        bucket.s3.complete_multipart(&self.location(path)?, &upload.to_owned(), parts).await?;
        Ok(())
    }

    /// Give an upload up.
    ///
    /// # Errors
    /// `not_found` for an unknown upload; `not_implemented` when the store is no bucket.
    pub async fn drop_parts(&self, path: &str, upload: &str) -> Result<()> {
        let bucket = self.bucket_or_refuse()?;
        bucket.s3.abort_multipart(&self.location(path)?, &upload.to_owned()).await?;
        Ok(())
    }
}

async fn signed(
    bucket: &Bucket,
    method: &str,
    location: &Path,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    lifetime: Duration,
) -> Result<Url> {
    let url = address(&bucket.s3, location).await?;
    let credential = bucket.s3.credentials().get_credential().await?;
    let seconds = presign::seconds(lifetime);
    Ok(presign::sign(
        Signing { method, url, query, headers, seconds },
        &credential,
        &bucket.region,
        Utc::now(),
    ))
}

/// An object's address. Only a signed one is given away, so the signature is cut off again.
async fn address(s3: &AmazonS3, location: &Path) -> Result<Url> {
    let mut url = s3.signed_url(axum::http::Method::GET, location, Duration::from_secs(1)).await?;
    url.set_query(None);
    Ok(url)
}
