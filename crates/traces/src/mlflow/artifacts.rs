//! Files of traces, as MLflow's web app asks for them.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ropewalk_mlflow::{Call, ErrorCode, MlflowError, MlflowResult};

use crate::service::Traces;

/// The routes of files, which only the web app has.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/ajax-api/2.0/mlflow/get-trace-artifact", get(file))
        .route("/ajax-api/3.0/mlflow/get-trace-artifact", get(file))
}

async fn file(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let Some(id) = call.query("request_id").filter(|id| !id.is_empty()) else {
        return Err(MlflowError::new(
            ErrorCode::BadRequest,
            "Request must include the \"request_id\" query parameter.",
        ));
    };
    if let Some(path) = call.query("path").filter(|path| !path.is_empty()) {
        check(path)?;
        return Ok(download(path, "application/octet-stream", traces.attachment(id, path).await?));
    }
    let spans = traces
        .spans_json(id)
        .await?
        .ok_or_else(|| MlflowError::new(ErrorCode::NotFound, "Trace data not found for path=traces.json"))?;
    Ok(download("traces.json", "text/plain", spans))
}

fn download(name: &str, kind: &'static str, bytes: bytes::Bytes) -> Response {
    let disposition = format!("attachment; filename={name}");
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, bytes).into_response()
}

/// An attachment's name is a UUID as it is usually written.
fn check(path: &str) -> MlflowResult<()> {
    if path.contains('#') || path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(MlflowError::invalid("Invalid path"));
    }
    let dashes = [8, 13, 18, 23];
    let fits = path.len() == 36
        && path.bytes().enumerate().all(|(at, byte)| match byte {
            b'-' => dashes.contains(&at),
            b'0'..=b'9' | b'a'..=b'f' => !dashes.contains(&at),
            _ => false,
        });
    if fits {
        return Ok(());
    }
    let words = format!("Invalid attachment path: '{path}'. Attachment path must be a valid UUID.");
    Err(MlflowError::invalid(words).with("sqlstate", "KAM04").with("error_class", "ATTRIBUTE_NOT_FOUND"))
}
