//! The command line's one way to do anything: HTTP. To the server of the home if one runs, to a
//! remote one with `--server`, or else to the same router within this process, without a socket.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use ropewalk_core::jobs::JobState;
use ropewalk_core::{Code, Error, Job, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tower::ServiceExt;

use crate::output::ProgressLine;

/// How commands reach the services.
pub(crate) enum Client {
    /// A server over the network.
    Remote { http: reqwest::Client, base: String, token: Option<String> },
    /// The services in this process, and the token that they know as their home's owner's.
    Local(Router, String),
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:7878`.
    pub(crate) fn remote(base: &str, token: Option<&str>) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Error::invalid(format!("“{base}” is not the address of a server"))
                .hint("ropewalk --server http://127.0.0.1:7878 …"));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("ropewalk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .build()
            .map_err(|source| Error::internal("the HTTP client cannot start").source(source))?;
        Ok(Self::Remote { http, base, token: token.map(str::to_owned) })
    }

    /// Where requests go, for people.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Remote { base, .. } => base,
            Self::Local(..) => "this process",
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        read(self.send(Method::GET, path, None).await?)
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        read(self.send(Method::POST, path, Some(serde_json::to_vec(body)?)).await?)
    }

    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        read(self.send(Method::PUT, path, Some(serde_json::to_vec(body)?)).await?)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    /// Bytes as they are.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Bytes> {
        self.send(Method::GET, path, None).await
    }

    /// Start long work and follow it to its end, showing how far it is.
    pub(crate) async fn job<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let job: Job = self.post(path, body).await?;
        self.follow(&job.id).await
    }

    /// Follow a job to its end; what it made.
    pub(crate) async fn follow<T: DeserializeOwned>(&self, id: &str) -> Result<T> {
        let line = ProgressLine::new();
        loop {
            let job: Job = self.get(&format!("/api/v1/jobs/{id}")).await?;
            line.show(job.done, job.total, &job.message);
            match job.state {
                JobState::Running => tokio::time::sleep(Duration::from_millis(60)).await,
                JobState::Succeeded => {
                    line.clear();
                    return Ok(serde_json::from_value(job.result.unwrap_or(Value::Null))?);
                }
                JobState::Failed | JobState::Interrupted => {
                    line.clear();
                    return Err(match job.error {
                        Some(error) => Error::from_wire(ropewalk_core::error::ErrorBody { error }),
                        None => Error::new(Code::Unavailable, "the job was interrupted")
                            .why(job.message)
                            .hint("run the command again"),
                    });
                }
            }
        }
    }

    /// Send a file as it lies on the disk, whatever its size.
    pub(crate) async fn put_file(&self, path: &str, file: &Path) -> Result<()> {
        let content = Content::File(tokio::fs::File::open(file).await?);
        self.request(Method::PUT, path, content).await.map(drop)
    }

    /// Send a request; the body of a good answer, the error of a bad one.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Bytes> {
        self.request(method, path, body.map_or(Content::None, Content::Json)).await
    }

    async fn request(&self, method: Method, path: &str, content: Content) -> Result<Bytes> {
        let (status, bytes) = match self {
            Self::Local(router, token) => {
                let owner = format!("Bearer {token}");
                let mut request =
                    Request::builder().method(method).uri(path).header(header::AUTHORIZATION, owner);
                if let Some(kind) = content.kind() {
                    request = request.header(header::CONTENT_TYPE, kind);
                }
                let body = match content {
                    Content::None => Body::empty(),
                    Content::Json(body) => Body::from(body),
                    Content::File(file) => Body::from_stream(pieces(file)),
                };
                let request = request.body(body).map_err(|source| {
                    Error::internal(format!("the request {path} cannot be made")).source(source)
                })?;
                let response: Response<Body> = match router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                let status = response.status();
                let collected = response.into_body().collect().await;
                let bytes = collected
                    .map_err(|source| Error::internal("the answer broke off").why(source.to_string()))?
                    .to_bytes();
                (status, bytes)
            }
            Self::Remote { http, base, token } => {
                let mut request = http.request(method, format!("{base}{path}"));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                if let Some(kind) = content.kind() {
                    request = request.header(header::CONTENT_TYPE, kind);
                }
                request = match content {
                    Content::None => request,
                    Content::Json(body) => request.body(body),
                    Content::File(file) => request.body(reqwest::Body::wrap_stream(pieces(file))),
                };
                let response = request.send().await.map_err(|source| away(base, source))?;
                let status = response.status();
                (status, response.bytes().await.map_err(|source| away(base, source))?)
            }
        };
        if status.is_success() { Ok(bytes) } else { Err(failed(status, &bytes)) }
    }
}

/// What a request carries.
enum Content {
    None,
    Json(Vec<u8>),
    File(tokio::fs::File),
}

impl Content {
    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json(_) => Some("application/json"),
            Self::File(_) => Some("application/octet-stream"),
        }
    }
}

/// A file, piece by piece.
fn pieces(file: tokio::fs::File) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    futures::stream::try_unfold(file, |mut file| async move {
        let mut piece = bytes::BytesMut::with_capacity(256 << 10);
        let read = file.read_buf(&mut piece).await?;
        Ok((read > 0).then(|| (piece.freeze(), file)))
    })
}

fn away(base: &str, source: reqwest::Error) -> Error {
    let mut why = source.to_string();
    let mut beneath = std::error::Error::source(&source);
    while let Some(error) = beneath {
        why = error.to_string();
        beneath = error.source();
    }
    Error::new(Code::Unavailable, format!("the server {base} does not answer"))
        .why(why)
        .hint("start one: ropewalk up   # or check --server")
}

fn failed(status: StatusCode, bytes: &Bytes) -> Error {
    if let Ok(body) = serde_json::from_slice(bytes) {
        return Error::from_wire(body);
    }
    let text = match serde_json::from_slice::<Value>(bytes) {
        // The Open Inference Protocol and MLflow have error bodies of their own.
        Ok(value) => value
            .get("message")
            .or_else(|| value.get("error"))
            .and_then(Value::as_str)
            .map_or_else(|| value.to_string(), str::to_owned),
        Err(_) => String::from_utf8_lossy(bytes).trim().to_owned(),
    };
    let code = Code::ALL.iter().copied().find(|code| code.status() == status.as_u16());
    let text = if text.is_empty() { format!("the server answered {status}") } else { text };
    Error::new(code.unwrap_or(Code::Internal), text)
}

fn read<T: DeserializeOwned>(bytes: Bytes) -> Result<T> {
    // An empty answer stands for null.
    let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    serde_json::from_slice(bytes).map_err(|source| {
        Error::internal("the server's answer cannot be read")
            .why(source.to_string())
            .hint("the server may be of another version: compare ropewalk --version on both sides")
            .source(source)
    })
}

/// A path segment with everything but unreserved characters escaped (RFC 3986, section 2.3).
pub(crate) fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}

/// A path with a query; pairs without a value are left out.
pub(crate) fn query(path: &str, pairs: &[(&str, Option<String>)]) -> String {
    let parts: Vec<String> = pairs
        .iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key}={}", segment(value))))
        .collect();
    if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped() {
        assert_eq!(segment("a b/ü"), "a%20b%2F%C3%BC");
        assert_eq!(query("/x", &[("a", Some("1&2".to_owned())), ("b", None)]), "/x?a=1%262");
    }
}
