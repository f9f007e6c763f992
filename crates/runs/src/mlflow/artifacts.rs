//! Artifacts: MLflow's proxied store, its listing of a run's files, and downloads for the browser.

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequest, OriginalUri, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use ropewalk_mlflow::{Call, MlflowError, MlflowResult, Object, Rule, answer, done, path};

use super::send::{Manner, detail, incoming, may_pass, path_after, send, strict_path_after};
use super::{messages, transfers, wire};
use crate::artifacts::Spot;
use crate::artifacts::file::Found;
use crate::service::Runs;
use crate::service::artifacts::{is_folder, no_artifact};

/// What stands before the path in the address of a proxied artifact.
const ANCHOR: &str = "/mlflow-artifacts/artifacts/";
/// The largest file that the web page uploads, in bytes.
const LARGEST_UPLOAD: usize = 10 * 1024 * 1024;

pub(super) fn routes() -> Router<Runs> {
    let proxied = || get(download).put(upload).delete(remove);
    Router::new()
        .route("/2.0/mlflow-artifacts/artifacts", get(list_proxied))
        .route("/2.0/mlflow-artifacts/artifacts/", proxied())
        .route("/2.0/mlflow-artifacts/artifacts/{*path}", proxied())
        .route("/2.0/mlflow/artifacts/list", get(list_of_run))
        .merge(transfers::routes())
}

/// What is not served under both of MLflow's prefixes.
pub(super) fn page_routes() -> Router<Runs> {
    Router::new()
        .route("/get-artifact", get(of_run))
        .route("/ajax-api/2.0/mlflow/upload-artifact", post(upload_to_run))
}

async fn list_proxied(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let kept = runs.kept()?;
    let fields = call.read(&messages::LIST_PROXIED, &[])?;
    let folder = match fields.sent_text("path") {
        Some(path) => path::safe(path)?,
        None => String::new(),
    };
    let files = kept.place.list(&folder).await?;
    Ok(answer(Object::default().list("files", files.iter().map(wire::file).collect())))
}

async fn list_of_run(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::LIST_ARTIFACTS,
        &[("run_id", &[Rule::Text, Rule::Required]), ("path", &[Rule::Text]), ("page_token", &[Rule::Text])],
    )?;
    let folder = match fields.sent_text("path") {
        Some(path) => path::safe(path)?,
        None => String::new(),
    };
    let root = runs.run_info(fields.run_id()).await?.artifact_uri;
    let files = runs.spot(&root).await?.list(&folder).await?;
    Ok(answer(Object::default().set("root_uri", root).list("files", files.iter().map(wire::file).collect())))
}

/// The run that a query names.
fn named_run(call: &Call) -> Option<&str> {
    let named = |name: &str| call.query(name).filter(|id| !id.is_empty());
    named("run_id").or_else(|| named("run_uuid"))
}

async fn of_run(State(runs): State<Runs>, method: Method, call: Call) -> MlflowResult {
    may_pass(&runs, false)?;
    let Some(path) = call.query("path") else { return Ok(no_path()) };
    let path = path::safe(path)?;
    let root = runs.run_info(named_run(&call).unwrap_or("None")).await?.artifact_uri;
    file_below(&runs, &root, &path, &method, call.headers()).await
}

/// What the stock server says to a request of its web page that names no path.
pub fn no_path() -> Response {
    let page = "<!doctype html>\n<title>400 Bad Request</title>\n<p>The request names no path.</p>\n";
    (StatusCode::BAD_REQUEST, Html(page)).into_response()
}

/// Answers with the file at a path below an artifact root.
pub(crate) async fn file_below(
    runs: &Runs,
    root: &str,
    path: &str,
    method: &Method,
    asked: &HeaderMap,
) -> MlflowResult {
    let spot = runs.spot(root).await?;
    // Clients know what goes through the server by its whole path.
    let shown = if spot.proxied { path::join(&spot.path, path) } else { path.to_owned() };
    match spot.open(path).await? {
        Some(Found::File(file)) => Ok(send(Manner::Plain, &file, &shown, method, asked)),
        Some(Found::Folder) => Err(is_folder(&shown).into()),
        None => Err(no_artifact(&shown).into()),
    }
}

async fn upload_to_run(State(runs): State<Runs>, request: Request) -> MlflowResult {
    may_pass(&runs, true)?;
    let (parts, body) = request.into_parts();
    let call = Call::from_request(Request::from_parts(parts, Body::empty()), &()).await?;
    let Some(id) = named_run(&call) else {
        return Err(MlflowError::invalid("Request must specify run_id or run_uuid."));
    };
    let Some(path) = call.query("path").filter(|path| !path.is_empty()) else {
        return Err(MlflowError::invalid("Request must specify path."));
    };
    let path = path::safe(path)?;
    let bytes = read_upload(call.headers(), body).await?;
    let root = runs.run_info(id).await?.artifact_uri;
    let spot = runs.spot(&root).await?;
    spot.place.write(&spot.below(&path), futures::stream::iter([Ok(bytes.into())])).await?;
    Ok([(header::CONTENT_TYPE, "application/json")].into_response())
}

/// The body of an upload from the web page.
async fn read_upload(headers: &HeaderMap, body: Body) -> MlflowResult<Vec<u8>> {
    let too_large = || MlflowError::invalid("Artifact size is too large. Max size is 10MB.");
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let length: Option<usize> = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > LARGEST_UPLOAD) {
        return Err(too_large());
    }
    let mut stream = std::pin::pin!(incoming(body));
    let mut bytes = Vec::with_capacity(length.unwrap_or_default());
    while let Some(part) = stream.next().await {
        let part = part?;
        if bytes.len() + part.len() > LARGEST_UPLOAD {
            return Err(too_large());
        }
        bytes.extend_from_slice(&part);
    }
    // A form's fields are no file.
    let kind = text(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    let form = matches!(kind.trim(), "application/x-www-form-urlencoded" | "multipart/form-data");
    if bytes.is_empty() || form {
        return Err(MlflowError::invalid("Request must specify data."));
    }
    Ok(bytes)
}

async fn upload(State(runs): State<Runs>, OriginalUri(uri): OriginalUri, request: Request) -> MlflowResult {
    may_pass(&runs, true)?;
    let kept = runs.kept()?;
    let given = path_after(&uri, ANCHOR);
    if given.contains('\n') {
        return Ok(no_such_route());
    }
    let path = path::safe(&given)?;
    if path::folder_and_name(&path).1.is_empty() {
        return Ok(detail(
            StatusCode::BAD_REQUEST,
            "Artifact path must include a filename (cannot end with '/').",
        ));
    }
    kept.place.write(&path, incoming(request.into_body())).await?;
    Ok(StatusCode::OK.into_response())
}

/// The stock server's routes have no lines in them.
fn no_such_route() -> Response {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

async fn remove(State(runs): State<Runs>, OriginalUri(uri): OriginalUri) -> MlflowResult {
    let kept = runs.kept()?;
    match strict_path_after(&uri, ANCHOR) {
        Ok(path) => {
            kept.place.delete(&path::safe(&path)?).await?;
            Ok(done())
        }
        Err(answer) => Ok(*answer),
    }
}

async fn download(
    State(runs): State<Runs>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> MlflowResult {
    may_pass(&runs, false)?;
    let kept = runs.kept()?;
    // The stock server answers these from another framework than GET.
    let head = method == Method::HEAD;
    let given = if head {
        match strict_path_after(&uri, ANCHOR) {
            Ok(path) => path,
            Err(answer) => return Ok(*answer),
        }
    } else {
        path_after(&uri, ANCHOR)
    };
    if given.contains('\n') {
        return Ok(no_such_route());
    }
    let path = path::safe(&given)?;
    match kept.open(&path).await? {
        Some(Found::File(file)) => {
            let manner = if head { Manner::Plain } else { Manner::Streamed };
            Ok(send(manner, &file, &path, &method, &headers))
        }
        Some(Found::Folder) if head => Err(is_folder(&path).into()),
        Some(Found::Folder) => Ok(detail(StatusCode::BAD_REQUEST, is_folder(&path).what())),
        None => Err(no_artifact(&path).into()),
    }
}

/// Answers with a file of a logged model or of a model version, or with a signed URL for it if the query asks for one.
pub(crate) async fn file_or_url(
    runs: &Runs,
    root: &str,
    path: &str,
    method: &Method,
    call: &Call,
) -> MlflowResult {
    if call.query("presigned") == Some("true") {
        let spot: Spot = runs.spot(root).await?;
        return transfers::presigned(runs, &spot, path).await;
    }
    may_pass(runs, false)?;
    file_below(runs, root, path, method, call.headers()).await
}

/// As [`file_or_url`], for the features that keep artifact URIs of their own.
pub async fn send_file(runs: &Runs, root: &str, path: &str, method: &Method, call: &Call) -> Response {
    file_or_url(runs, root, path, method, call).await.unwrap_or_else(IntoResponse::into_response)
}
