//! A page of another site must not reach a server on loopback through the visitor's browser:
//! requests that carry a foreign `Host` (DNS rebinding) or `Origin` are refused there.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use ropewalk_core::{Code, Error};

/// Refuse what comes from another site. Health checks are exempt.
pub(crate) async fn refuse_foreign(request: Request, next: Next) -> Response {
    match foreign(&request) {
        Some(why) if request.uri().path() != "/health" => {
            Error::new(Code::Forbidden, "this server answers its own machine only")
                .why(why)
                .hint("ropewalk auth token admin --role admin, then ropewalk up --host 0.0.0.0")
                .into_response()
        }
        _ => next.run(request).await,
    }
}

/// Why a request counts as sent from another site, if it does.
fn foreign(request: &Request) -> Option<String> {
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(host) = text(header::HOST).filter(|host| !is_loopback(host)) {
        return Some(format!("the Host header names {host}"));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let origin = text(header::ORIGIN).filter(|_| !reads)?;
    let local = origin.split_once("://").is_some_and(|(_, host)| is_loopback(host));
    (!local).then(|| format!("the page comes from {origin}"))
}

/// Whether a `host[:port]` names this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_counts() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:7878", "127.9.9.9", "[::1]:7878", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "10.0.0.1"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
