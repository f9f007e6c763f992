//! Opening a bucket of S3, with what the environment says of credentials, region and endpoint. The variables are those of
//! AWS's own tools, and those that MLflow's server has for S3, so that a deployment keeps its environment.

use std::collections::BTreeMap;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use super::profile::Profile;
use crate::{Error, Result};

/// How long a request is tried again before it has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The variables of MLflow's server: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    ("MLFLOW_S3_ENDPOINT_URL", "", "address of an S3 that is not AWS's"),
    ("MLFLOW_S3_IGNORE_TLS", "false", "whether any certificate of it is taken"),
    (
        "MLFLOW_S3_UPLOAD_EXTRA_ARGS",
        "",
        "JSON object for uploads, of `ServerSideEncryption` and `SSEKMSKeyId`",
    ),
    ("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE", "path", "`virtual` puts the bucket's name before the host"),
    ("MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION", "", "`unsigned` signs nothing, for public buckets"),
];

/// A bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) s3: AmazonS3,
    /// What signatures name.
    pub(super) region: String,
    /// Nothing is signed.
    pub(super) anonymous: bool,
    /// Headers that every upload must carry, signed URLs included.
    pub(super) upload_headers: Vec<(String, String)>,
}

/// Bucket and prefix of `s3://bucket/prefix`; none for another URL.
pub(super) fn parse(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://").or_else(|| url.strip_prefix("s3a://"))?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

impl Bucket {
    /// Opens a bucket; nothing is asked of it yet.
    pub(super) fn open(name: &str, environment: &BTreeMap<String, String>) -> Result<Self> {
        let refuse = |why: String| {
            Error::invalid(format!("the bucket “{name}” cannot be opened"))
                .why(why)
                .hint("export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_REGION=… AWS_ENDPOINT_URL=…")
        };
        let text = |key: &str| environment.get(key).map(String::as_str).filter(|value| !value.is_empty());
        let mut builder = AmazonS3Builder::new().with_bucket_name(name);
        for (key, value) in environment.iter().filter(|(key, _)| key.starts_with("AWS_")) {
            if let Ok(key) = key.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        let profile = Profile::read(environment);
        // As in AWS's own tools, the files count where the environment names no credentials.
        let named =
            ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"].iter().any(|key| text(key).is_some());
        if !named && let (Some(id), Some(secret)) = (&profile.access_key_id, &profile.secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            if let Some(token) = &profile.session_token {
                builder = builder.with_token(token);
            }
        }
        let region = text("AWS_REGION")
            .or(text("AWS_DEFAULT_REGION"))
            .or(profile.region.as_deref())
            .unwrap_or("us-east-1")
            .to_owned();
        builder = builder.with_region(&region);
        let endpoint =
            text("MLFLOW_S3_ENDPOINT_URL").or(text("AWS_ENDPOINT_URL_S3")).or(text("AWS_ENDPOINT_URL"));
        let virtual_hosted = text("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE") == Some("virtual");
        if let Some(endpoint) = endpoint {
            // A virtual host has the bucket in its name; the builder takes the whole name.
            let endpoint = match endpoint.split_once("://") {
                Some((scheme, rest)) if virtual_hosted => format!("{scheme}://{name}.{rest}"),
                _ => endpoint.to_owned(),
            };
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if virtual_hosted {
            builder = builder.with_virtual_hosted_style_request(true);
        }
        let unsigned = text("MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION");
        let anonymous = unsigned.is_some_and(|word| word.eq_ignore_ascii_case("unsigned"))
            || text("AWS_SKIP_SIGNATURE").is_some_and(|word| word.eq_ignore_ascii_case("true"));
        builder = builder.with_skip_signature(anonymous);
        let mut options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_allow_http(endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")));
        if text("MLFLOW_S3_IGNORE_TLS")
            .is_some_and(|word| matches!(word.to_lowercase().as_str(), "true" | "1"))
        {
            options = options.with_allow_invalid_certificates(true);
        }
        if text("MLFLOW_S3_EXPECTED_BUCKET_OWNER").is_some() {
            return Err(refuse(
                "MLFLOW_S3_EXPECTED_BUCKET_OWNER is set, and this server cannot check a bucket's owner"
                    .into(),
            ));
        }
        let mut upload_headers = Vec::new();
        for (key, value) in extra_arguments(text("MLFLOW_S3_UPLOAD_EXTRA_ARGS")).map_err(refuse)? {
            let (setting, header) = match key.as_str() {
                "ServerSideEncryption" => ("aws_server_side_encryption", "x-amz-server-side-encryption"),
                "SSEKMSKeyId" => ("aws_sse_kms_key_id", "x-amz-server-side-encryption-aws-kms-key-id"),
                other => {
                    return Err(refuse(format!(
                        "MLFLOW_S3_UPLOAD_EXTRA_ARGS has {other}; this server knows ServerSideEncryption and SSEKMSKeyId"
                    )));
                }
            };
            let setting =
                setting.parse::<AmazonS3ConfigKey>().map_err(|source| refuse(source.to_string()))?;
            builder = builder.with_config(setting, &value);
            upload_headers.push((header.to_owned(), value));
        }
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: 3, retry_timeout: PATIENCE };
        let s3 = builder
            .with_client_options(options)
            .with_retry(retry)
            .build()
            .map_err(|source| refuse(source.to_string()))?;
        Ok(Self { s3, region, anonymous, upload_headers })
    }
}

/// What MLflow's servers give along with every upload.
fn extra_arguments(json: Option<&str>) -> Result<BTreeMap<String, String>, String> {
    let Some(json) = json else { return Ok(BTreeMap::new()) };
    serde_json::from_str(json)
        .map_err(|source| format!("MLFLOW_S3_UPLOAD_EXTRA_ARGS is no JSON object of texts: {source}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_url_names_bucket_and_prefix() {
        assert_eq!(parse("s3://b/p/q"), Some(("b", "p/q")));
        assert_eq!(parse("s3://b"), Some(("b", "")));
        assert_eq!(parse("s3a://b/p?x=1"), Some(("b", "p")));
        assert_eq!(parse("file:///p"), None);
    }

    #[test]
    fn the_variables_of_an_mlflow_server_count() {
        let bucket = Bucket::open(
            "b",
            &environment(&[
                ("AWS_ACCESS_KEY_ID", "id"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_DEFAULT_REGION", "eu-central-1"),
                ("MLFLOW_S3_ENDPOINT_URL", "http://127.0.0.1:9000"),
                ("MLFLOW_S3_UPLOAD_EXTRA_ARGS", r#"{"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k"}"#),
            ]),
        )
        .unwrap();
        assert_eq!(bucket.region, "eu-central-1");
        assert_eq!(bucket.upload_headers.len(), 2);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for (key, value, word) in [
            ("MLFLOW_S3_EXPECTED_BUCKET_OWNER", "1", "owner"),
            ("MLFLOW_S3_UPLOAD_EXTRA_ARGS", r#"{"ACL": "x"}"#, "ACL"),
            ("MLFLOW_S3_UPLOAD_EXTRA_ARGS", "nonsense", "JSON"),
        ] {
            let error = Bucket::open("b", &environment(&[(key, value)])).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
