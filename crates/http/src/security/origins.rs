//! Whose pages may change something here.

use axum::extract::Request;
use http::{HeaderValue, Method, header};

use super::hosts::glob;
use super::text;

/// The origins that are allowed beside this machine's own pages.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    named: Option<Vec<String>>,
    /// Whether the server is reached from this machine only.
    local: bool,
}

/// What a browser itself says of where a request comes from.
const SITE: &str = "sec-fetch-site";

impl Origins {
    pub(super) fn new(named: Option<Vec<String>>, local: bool) -> Self {
        Self { named, local }
    }

    /// Whether every origin is allowed; then none may send credentials.
    pub(super) fn are_all(&self) -> bool {
        self.named.as_ref().is_some_and(|named| named.iter().any(|origin| origin == "*"))
    }

    /// Whether a page of this origin may read answers.
    pub(super) fn may_read(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let named = self.named.as_ref().is_some_and(|named| named.iter().any(|one| one == origin));
        named || is_local_page(origin)
    }

    /// Why a request counts as sent by another site's page, if it does.
    pub(super) fn refuse(&self, request: &Request) -> Option<String> {
        let changes =
            matches!(*request.method(), Method::POST | Method::PUT | Method::DELETE | Method::PATCH);
        if !changes || !is_guarded(request.uri().path()) {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN)?;
        let shown = || format!("the page comes from {}", String::from_utf8_lossy(origin.as_bytes()));
        let Ok(origin) = origin.to_str() else { return Some(shown()) };
        if origin.is_empty() || is_of_this_machine(origin) || self.is_named(origin) {
            return None;
        }
        // Elsewhere the server has a name that it does not know, and a proxy may have changed it on the way.
        if !self.local && self.named.is_none() {
            let site = text(request.headers(), &SITE.parse().ok()?);
            return site.is_some_and(|site| site == "cross-site").then(shown);
        }
        Some(shown())
    }

    fn is_named(&self, origin: &str) -> bool {
        self.named.iter().flatten().any(|allowed| {
            if allowed.contains('*') {
                glob(allowed.as_bytes(), origin.as_bytes())
            } else {
                allowed == origin
            }
        })
    }
}

/// Some of MLflow's routes take what any page sends: they change nothing, or nothing that a page could send unasked.
fn is_guarded(path: &str) -> bool {
    !matches!(path, "/graphql" | "/v1/traces" | "/health" | "/version")
}

/// Whether an origin is a page of this machine, however it is served.
fn is_of_this_machine(origin: &str) -> bool {
    let Some((_, rest)) = origin.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit('@').next().unwrap_or_default().strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    ["localhost", "127.0.0.1", "::1"].iter().any(|local| host.eq_ignore_ascii_case(local))
}

/// Whether an origin is a plain page of this machine, to which answers are shown.
fn is_local_page(origin: &str) -> bool {
    ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|local| {
        origin.strip_prefix(local).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix(':')
                    .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_told_from_others() {
        for origin in ["http://localhost:3000", "https://LOCALHOST", "http://[::1]:1", "ftp://127.0.0.1"] {
            assert!(is_of_this_machine(origin), "{origin}");
        }
        for origin in ["null", "evil", "file://", "http://localhost.evil.example", "http://127.0.0.2", "://"]
        {
            assert!(!is_of_this_machine(origin), "{origin}");
        }
        for origin in ["http://localhost", "http://127.0.0.1:80", "http://[::1]:5000"] {
            assert!(is_local_page(origin), "{origin}");
        }
        for origin in
            ["https://localhost", "http://localhost:", "http://localhost:x", "http://localhost.evil"]
        {
            assert!(!is_local_page(origin), "{origin}");
        }
    }
}
