//! What browsers are told about who may read answers.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::origins::Origins;

const METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS, PATCH";
const ALL_METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/// The answer to a browser that asks before it sends; none if this is no such question.
pub(super) fn preflight(origins: &Origins, origin: &HeaderValue, request: &Request) -> Option<Response> {
    let method = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if request.method() != Method::OPTIONS {
        return None;
    }
    let all = origins.are_all();
    let methods = if all { ALL_METHODS } else { METHODS };
    let allowed = all || origins.may_read(origin);
    let known = methods.split(", ").any(|known| method.as_bytes() == known.as_bytes());
    let words = match (allowed, known) {
        (true, true) => "OK",
        (false, true) => "Disallowed CORS origin",
        (true, false) => "Disallowed CORS method",
        (false, false) => "Disallowed CORS origin, method",
    };
    let mut answer = Response::new(Body::from(words));
    if !(allowed && known) {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(asked) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    if all {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return Some(answer);
    }
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    Some(answer)
}

/// Says in an answer whose pages may read it.
pub(super) fn mark(origins: &Origins, origin: &HeaderValue, headers: &mut HeaderMap) {
    let all = origins.are_all();
    if !all && !origins.may_read(origin) {
        return;
    }
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    if all {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return;
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
