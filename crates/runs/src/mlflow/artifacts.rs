//! Artifacts: MLflow's proxied store, its listing of a run's files, and downloads for the browser.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures::{StreamExt, TryStreamExt};
use ropewalk_core::Error;

use ropewalk_mlflow::{Call, MlflowError, MlflowResult, Object, Rule, answer, done};

use super::{messages, wire};
use crate::service::Runs;
use crate::service::artifacts::proxied_path;

/// Larger files are sent in pieces of this many bytes and carry no ETag, which is a hash of the whole.
const PIECE: u64 = 4 << 20;

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow-artifacts/artifacts", get(list_proxied))
        .route("/2.0/mlflow-artifacts/artifacts/{*path}", get(download).put(upload).delete(remove))
        .route("/2.0/mlflow-artifacts/mpu/{*rest}", any(not_local))
        .route("/2.0/mlflow-artifacts/presigned/{*rest}", any(not_local))
        .route("/2.0/mlflow/artifacts/list", get(list_of_run))
}

/// The downloads that stand outside `/api`.
pub(super) fn page_routes() -> Router<Runs> {
    Router::new().route("/get-artifact", get(of_run))
}

async fn not_local() -> MlflowError {
    MlflowError::not_built("Multipart and presigned transfer of artifacts")
}

/// A path below an artifact root, refused if it could lead elsewhere.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub(super) fn safe_path(path: &str) -> MlflowResult<String> {
    let plain = path.trim_matches('/');
    let climbs =
        path.starts_with('/') || path.contains(['\\', '\0']) || path.split('/').any(|part| part == "..");
    if climbs {
        return Err(MlflowError::invalid("Invalid path"));
    }
    Ok(plain.to_owned())
}

async fn list_proxied(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::LIST_PROXIED, &[("path", &[Rule::Text])])?;
    let folder = safe_path(fields.text("path"))?;
    let files = runs.list_folder(&folder).await?;
    Ok(answer(Object::default().list("files", files.iter().map(wire::file).collect())))
}

async fn list_of_run(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::LIST_ARTIFACTS,
        &[("run_id", &[Rule::Text, Rule::Required]), ("path", &[Rule::Text]), ("page_token", &[Rule::Text])],
    )?;
    let folder = safe_path(fields.text("path"))?;
    let root = runs.run_info(fields.run_id()).await?.artifact_uri;
    let files = runs.list_below(&root, &folder).await?;
    Ok(answer(Object::default().set("root_uri", root).list("files", files.iter().map(wire::file).collect())))
}

async fn of_run(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let path = call
        .query("path")
        .filter(|path| !path.is_empty())
        .ok_or_else(|| MlflowError::invalid("Request must specify path."))?;
    let path = safe_path(path)?;
    let id = call
        .query("run_id")
        .or_else(|| call.query("run_uuid"))
        .ok_or_else(|| MlflowError::invalid("Request must specify run_id or run_uuid."))?;
    let info = runs.run_info(id).await?;
    let root = proxied_path(&info.artifact_uri)
        .ok_or_else(|| MlflowError::invalid("this run's artifacts are not kept here"))?;
    send(&runs, &format!("{root}/{path}"), &Method::GET, call.headers()).await
}

async fn upload(State(runs): State<Runs>, Path(path): Path<String>, request: Request) -> MlflowResult {
    let stream = request.into_body().into_data_stream();
    // A client that goes away mid-way leaves no half file.
    let stream = stream.map_err(|error| Error::invalid("the upload broke off").why(error.to_string()));
    runs.put_artifact(&path, stream).await?;
    Ok(done())
}

async fn remove(State(runs): State<Runs>, Path(path): Path<String>) -> MlflowResult {
    runs.delete_artifact(&path).await?;
    Ok(done())
}

async fn download(
    State(runs): State<Runs>,
    Path(path): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> MlflowResult {
    send(&runs, &path, &method, &headers).await
}

async fn send(runs: &Runs, path: &str, method: &Method, headers: &HeaderMap) -> MlflowResult {
    let size = runs.artifact_size(path).await?;
    let mut answer = Response::new(Body::empty());
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    head.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let name: String = path
        .rsplit('/')
        .next()
        .unwrap_or("file")
        .chars()
        .filter(|c| c.is_ascii_graphic() && *c != '"' && *c != '\\')
        .collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        head.insert(header::CONTENT_DISPOSITION, value);
    }
    let range = match requested_range(headers, size) {
        Ok(range) => range,
        Err(()) => {
            let value = HeaderValue::from_str(&format!("bytes */{size}"))
                .unwrap_or(HeaderValue::from_static("bytes */*"));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, value)]).into_response());
        }
    };
    let whole = if range.is_none() && size <= PIECE && method == Method::GET {
        Some(runs.get_artifact(path).await?)
    } else {
        None
    };
    if let Some(bytes) = &whole {
        let tag = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32]);
        if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == tag.as_bytes()) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(answer);
        }
        if let Ok(value) = HeaderValue::from_str(&tag) {
            head.insert(header::ETAG, value);
        }
    }
    let (start, end) = range.unwrap_or((0, size));
    head.insert(header::CONTENT_LENGTH, HeaderValue::from(end - start));
    if range.is_some() {
        if let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{}/{size}", end - 1)) {
            head.insert(header::CONTENT_RANGE, value);
        }
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    *answer.body_mut() = match whole {
        Some(bytes) => Body::from(bytes),
        None => Body::from_stream(pieces(runs.clone(), path.to_owned(), start, end)),
    };
    Ok(answer)
}

fn pieces(
    runs: Runs,
    path: String,
    start: u64,
    end: u64,
) -> impl futures::Stream<Item = Result<Bytes, Error>> {
    let starts = (start..end).step_by(usize::try_from(PIECE).unwrap_or(usize::MAX));
    futures::stream::iter(starts).then(move |from| {
        let (runs, path) = (runs.clone(), path.clone());
        async move { runs.get_artifact_range(&path, from..(from + PIECE).min(end)).await }
    })
}

/// The one range that a client asks for, end excluded; none for the whole file. Several ranges count as the whole.
fn requested_range(headers: &HeaderMap, size: u64) -> Result<Option<(u64, u64)>, ()> {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let Some((from, to)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let (from, to) = (from.trim(), to.trim());
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => (from, to.saturating_add(1).min(size)),
        (Ok(from), Err(_)) if to.is_empty() => (from, size),
        (Err(_), Ok(last)) if from.is_empty() => (size.saturating_sub(last), size),
        _ => return Ok(None),
    };
    if range.0 >= range.1 { Err(()) } else { Ok(Some(range)) }
}

/// What a file's name says of its kind. HTML and scripts go as plain text, so that a logged file cannot act in the
/// server's name.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "json" => "application/json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "txt" | "log" | "csv" | "md" | "py" | "yaml" | "yml" | "toml" | "html" | "htm" | "js" | "svg"
        | "xml" | "mlmodel" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &'static str, size: u64) -> Result<Option<(u64, u64)>, ()> {
        requested_range(&HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(text))]), size)
    }

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        assert_eq!(range("bytes=0-3", 10), Ok(Some((0, 4))));
        assert_eq!(range("bytes=4-", 10), Ok(Some((4, 10))));
        assert_eq!(range("bytes=-3", 10), Ok(Some((7, 10))));
        assert_eq!(range("bytes=0-99", 10), Ok(Some((0, 10))));
        assert_eq!(range("bytes=10-", 10), Err(()));
        assert_eq!(range("bytes=5-2", 10), Ok(None));
        assert_eq!(range("lines=1-2", 10), Ok(None));
        assert_eq!(range("bytes=0-18446744073709551615", 10), Ok(Some((0, 10))));
    }
}
