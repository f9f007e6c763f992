//! axum refuses a body, a path or a query that cannot be read with plain text: our own routes answer
//! every error as JSON of one shape.

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use http_body_util::BodyExt;
use ropewalk_core::{Code, Error};
use serde_json::json;

/// The longest text of a refusal that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Turn a refusal in plain text into the JSON of our errors, below `/api/v1/`, or into that of the Open
/// Inference Protocol below `/v2/`.
pub(crate) async fn as_json(request: Request, next: Next) -> Response {
    let ours = request.uri().path().starts_with("/api/v1/");
    let mlflow = ["/api/", "/ajax-api/"].iter().any(|prefix| request.uri().path().starts_with(prefix));
    let inference = request.uri().path().starts_with("/v2/");
    let response = next.run(request).await;
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if mlflow && !ours && plain && response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "The request body is larger than this server takes (max_upload_bytes)";
        let body = json!({"error_code": "BAD_REQUEST", "message": message});
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(body)).into_response();
    }
    if !(ours || inference) || !plain || !response.status().is_client_error() {
        return response;
    }
    let status = response.status();
    let text = match http_body_util::Limited::new(response.into_body(), LONGEST).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(_) => status.to_string(),
    };
    if inference {
        return (status, Json(json!({"error": text}))).into_response();
    }
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::NOT_FOUND => Code::NotFound,
        _ => Code::Invalid,
    };
    Error::new(code, "the request cannot be read")
        .why(text)
        .hint("see /api/v1/openapi.json for what it takes")
        .into_response()
}
