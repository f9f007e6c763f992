//! Answers with files, and bodies that are one.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use ropewalk_core::{Code, Error, Result, new_id};
use ropewalk_mlflow::ranges::{self, Known, Wanted};
use ropewalk_mlflow::uri::unquote;
use ropewalk_mlflow::{ErrorCode, MlflowError, MlflowResult, media, path};
use serde_json::json;

use crate::artifacts::file::File;
use crate::service::Runs;

/// How long a client may be silent within an upload.
const SILENCE: Duration = Duration::from_secs(120);

/// How the stock server sends a file: streaming or not, which differs in what it makes of ranges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Streamed,
    Plain,
}

/// Answers with a file, or with the part of it that was asked for. It is always a download: a logged file must not act in
/// the server's name.
pub(super) fn send(manner: Manner, file: &File, path: &str, method: &Method, asked: &HeaderMap) -> Response {
    let known = Known { size: file.size, etag: &file.etag, modified: file.modified };
    let wanted = match manner {
        Manner::Streamed => ranges::streamed(asked, known),
        Manner::Plain => ranges::plain(method, asked, known),
    };
    let kind = media::media_type(path);
    let name = match manner {
        Manner::Streamed => path.to_owned(),
        Manner::Plain => path::normal(path),
    };
    let mut answer = Response::new(Body::empty());
    let head = answer.headers_mut();
    set(head, header::CONTENT_DISPOSITION, &media::attachment(path::folder_and_name(&name).1));
    set(head, header::ACCEPT_RANGES, "bytes");
    set(head, header::ETAG, &file.etag);
    set(head, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if manner == Manner::Plain {
        set(head, header::CACHE_CONTROL, "no-cache");
    }
    if wanted == Wanted::Unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    set(head, header::CONTENT_TYPE, kind);
    set(head, header::LAST_MODIFIED, &ranges::http_date(file.modified));
    let (status, length, body) = match wanted {
        Wanted::Whole | Wanted::Unchanged => (StatusCode::OK, file.size, file.read(0..file.size)),
        Wanted::Changed => (StatusCode::PRECONDITION_FAILED, 0, file.read(0..0)),
        Wanted::OutOfReach => return out_of_reach(file.size),
        Wanted::Unreadable(why) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            return (StatusCode::BAD_REQUEST, kind, why).into_response();
        }
        Wanted::Parts(parts) => match parts.as_slice() {
            [(start, end)] => {
                set(head, header::CONTENT_RANGE, &format!("bytes {start}-{}/{}", end - 1, file.size));
                (StatusCode::PARTIAL_CONTENT, end - start, file.read(*start..*end))
            }
            parts => {
                let boundary = new_id();
                set(head, header::CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
                let (length, body) = several(file, parts, &boundary, kind);
                (StatusCode::PARTIAL_CONTENT, length, body)
            }
        },
    };
    *answer.status_mut() = status;
    set(answer.headers_mut(), header::CONTENT_LENGTH, &length.to_string());
    if *method != Method::HEAD {
        *answer.body_mut() = Body::from_stream(body);
    }
    answer
}

fn set(head: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        head.insert(name, value);
    }
}

fn out_of_reach(size: u64) -> Response {
    let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::RANGE_NOT_SATISFIABLE, kind, range).into_response()
}

/// A body of several parts, and its length.
fn several(
    file: &File,
    parts: &[(u64, u64)],
    boundary: &str,
    kind: &str,
) -> (u64, futures::stream::BoxStream<'static, Result<Bytes>>) {
    let mut length = 0;
    let mut pieces = Vec::new();
    let text = |text: String| futures::stream::iter([Ok(Bytes::from(text))]).boxed();
    for (start, end) in parts {
        let before = format!(
            "--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {start}-{}/{}\r\n\r\n",
            end - 1,
            file.size
        );
        length += before.len() as u64 + (end - start) + 2;
        pieces.extend([text(before), file.read(*start..*end), text("\r\n".to_owned())]);
    }
    let last = format!("--{boundary}--");
    length += last.len() as u64;
    pieces.push(text(last));
    (length, futures::stream::iter(pieces).flatten().boxed())
}

/// A body as it comes. A client that goes away or falls silent ends it with an error, so that no half file stands.
pub(super) fn incoming(body: Body) -> impl Stream<Item = Result<Bytes>> + Send {
    let stream = body.into_data_stream();
    futures::stream::unfold(Some(stream), |stream| async {
        let mut stream = stream?;
        match tokio::time::timeout(SILENCE, stream.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(stream))),
            Ok(Some(Err(error))) => Some((Err(broken(&error)), None)),
            Err(_) => Some((Err(Error::new(Code::Unavailable, "the upload stood still for too long")), None)),
        }
    })
}

fn broken(error: &axum::Error) -> Error {
    let mut beneath: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = beneath {
        if error.is::<http_body_util::LengthLimitError>() {
            return Error::new(Code::TooLarge, "the upload is larger than this server takes")
                .hint("ropewalk config show   # max_upload_bytes");
        }
        beneath = error.source();
    }
    Error::invalid("the upload broke off").why(error.to_string())
}

/// The path in a request's address after a part of it, its percent signs decoded once.
pub(super) fn path_after(uri: &Uri, anchor: &str) -> String {
    unquote(uri.path().split_once(anchor).map_or("", |(_, path)| path))
}

/// As [`path_after`], where the stock server wants a path that begins with a name: it sends a client that wrote several
/// slashes to the address with one.
///
/// # Errors
/// The answer with the other address, or that there is none.
pub(super) fn strict_path_after(uri: &Uri, anchor: &str) -> std::result::Result<String, Box<Response>> {
    let path = path_after(uri, anchor);
    let trimmed = path.trim_start_matches('/');
    if trimmed.is_empty() {
        let missing = MlflowError::missing(format!("There is no route {}", uri.path()));
        return Err(Box::new(missing.into_response()));
    }
    if trimmed.len() == path.len() {
        return Ok(path);
    }
    let mut place = String::new();
    for part in unquote(uri.path()).split('/').filter(|part| !part.is_empty()) {
        place.push('/');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
                place.push(char::from(byte));
            } else {
                place.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if let Some(query) = uri.query() {
        place = format!("{place}?{query}");
    }
    Err(Box::new((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response()))
}

/// An error in the words of the framework that streams.
pub(super) fn detail(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(json!({"detail": text.into()}))).into_response()
}

/// Refuses what would go through the server where clients must go past it.
pub(super) fn may_pass(runs: &Runs, upload: bool) -> MlflowResult<()> {
    if !runs.artifacts()?.presigned_only {
        return Ok(());
    }
    let what = if upload { "uploaded directly to" } else { "downloaded directly from" };
    let error = MlflowError::new(
        ErrorCode::PermissionDenied,
        format!(
            "This server requires artifacts to be {what} storage. Upgrade your MLflow client to match this server (MLflow {}) or a \
             newer version with presigned-only artifact support, then retry the {}.",
            ropewalk_mlflow::VERSION,
            if upload { "upload" } else { "download" }
        ),
    );
    Err(error.with("artifacts_presigned_only", true))
}
