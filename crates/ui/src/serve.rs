//! Answering requests for the web app: files by name, the first page for every address that the app routes itself.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use std::borrow::Cow;

/// What the pages may load: only what this server carries. `data:` images are the little marks in style sheets, `data:` media a run's sounds.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' data:; style-src 'self'; \
     script-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// The prefixes under which the server speaks protocols. An unknown address there is an error, not a page.
const PROTOCOLS: [&str; 4] = ["api", "ajax-api", "v2", "v1"];

/// A router that answers every address with the web app; give it to the server as its fallback.
pub fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    axum::Router::new().fallback(|method: Method, uri: Uri| async move { serve(&method, &uri) })
}

/// The answer to a request for the web app.
///
/// A file by its path; `index.html` for any other address without a file extension, because the app routes by
/// history paths; 404 for the rest and under the protocols' prefixes; 405 for anything but GET and HEAD.
#[must_use]
pub fn serve(method: &Method, uri: &Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return answer(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain; charset=utf-8",
            Cow::Borrowed(b"GET only\n"),
            false,
        );
    }
    let path = uri.path().trim_matches('/');
    if let Some((mime, content)) = crate::asset(path) {
        // Vite puts a hash of the content into every name under assets/.
        return answer(StatusCode::OK, mime, content, path.starts_with("assets/"));
    }
    let first = path.split('/').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_file = path.starts_with("assets/") || crate::mime::of(last) != "application/octet-stream";
    match crate::asset("index.html") {
        Some((mime, content)) if !is_file && !PROTOCOLS.contains(&first) => {
            answer(StatusCode::OK, mime, content, false)
        }
        _ => answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", Cow::Borrowed(b"not found\n"), false),
    }
}

fn answer(status: StatusCode, mime: &'static str, content: Cow<'static, [u8]>, forever: bool) -> Response {
    let body = match content {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let caching = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
    for (name, value) in [
        (header::CONTENT_TYPE, mime),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn get(path: &str) -> Response {
        serve(&Method::GET, &path.parse().unwrap())
    }

    #[test]
    fn pages_of_the_app_get_its_first_page() {
        for path in
            ["/", "/runs", "/runs/0192", "/datasets/wine", "/models/wine-quality/2", "/endpoints/wine.v2"]
        {
            let response = get(path);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache", "{path}");
            assert_eq!(
                response.headers()[header::CONTENT_SECURITY_POLICY],
                CONTENT_SECURITY_POLICY,
                "{path}"
            );
        }
    }

    #[test]
    fn unknown_calls_and_files_are_not_found() {
        for path in ["/api/v1/nothing", "/ajax-api/2.0/x", "/v2/models", "/assets/gone.js", "/favicon.ico"] {
            let response = get(path);
            if crate::asset(path).is_none() {
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            }
        }
        assert_eq!(serve(&Method::POST, &"/runs".parse().unwrap()).status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn hashed_files_are_kept_by_browsers() {
        for (name, _) in crate::FILES.iter().filter(|(name, _)| name.starts_with("assets/")) {
            let response = get(&format!("/{name}"));
            assert!(
                response.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"),
                "{name}"
            );
        }
    }
}
