//! A page of another site must not reach a server through a visitor's browser: requests that carry a foreign `Host` (DNS
//! rebinding) or `Origin` are refused, by the rules of MLflow's server and with its variables.

mod cors;
mod hosts;
mod origins;

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use ropewalk_core::{Code, Error};

use crate::auth::Form;
use hosts::Hosts;
use origins::Origins;

const HOSTS: &str = "MLFLOW_SERVER_ALLOWED_HOSTS";
const ORIGINS: &str = "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS";
const FRAMES: &str = "MLFLOW_SERVER_X_FRAME_OPTIONS";
const OFF: &str = "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE";

/// The variables: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (
        HOSTS,
        "",
        "names under which the server may be called, separated by commas; unset: on loopback this machine and private addresses, elsewhere any",
    ),
    (ORIGINS, "", "sites whose pages may call it, separated by commas; unset: on loopback this machine's"),
    (FRAMES, "SAMEORIGIN", "the header `X-Frame-Options` of answers; `NONE` for none"),
    (OFF, "false", "`true` lets in every host and origin, and sends no such headers"),
];

/// What browsers may bring here.
#[derive(Debug, Clone)]
pub struct Security {
    hosts: Option<Hosts>,
    origins: Option<Origins>,
    frames: Option<HeaderValue>,
}

impl Security {
    /// For a router that no browser reaches.
    #[must_use]
    pub fn none() -> Self {
        Self { hosts: None, origins: None, frames: None }
    }

    /// For a server that listens at an address, with the variables of MLflow's server.
    #[must_use]
    pub fn of_environment(address: SocketAddr) -> Self {
        Self::new(address, |name| std::env::var(name).ok())
    }

    /// For a server that listens at an address, with these variables.
    fn new(address: SocketAddr, variable: impl Fn(&str) -> Option<String>) -> Self {
        let list = |name: &str| -> Option<Vec<String>> {
            let text = variable(name).filter(|text| !text.is_empty())?;
            Some(text.split(',').map(|item| item.trim().to_owned()).collect())
        };
        if variable(OFF).as_deref() == Some("true") {
            return Self { hosts: None, origins: None, frames: None };
        }
        let loopback = address.ip().is_loopback();
        // Beyond this machine every call needs a credential, which a rebound page does not have.
        let hosts = match list(HOSTS) {
            Some(allowed) => Some(Hosts::allowed(allowed)),
            None => loopback.then(|| Hosts::local(address)),
        };
        let frames = variable(FRAMES).unwrap_or_else(|| "SAMEORIGIN".to_owned()).to_uppercase();
        Self {
            hosts: hosts.filter(|hosts| !hosts.are_all()),
            origins: Some(Origins::new(list(ORIGINS), loopback)),
            frames: Some(frames).filter(|frames| frames != "NONE").and_then(|frames| frames.parse().ok()),
        }
    }
}

/// Refuse what comes from another site, and tell browsers what they may do with answers.
pub(crate) async fn guard(State(security): State<Security>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let form = Form::of(path);
    let host = text(request.headers(), &header::HOST);
    if let Some(hosts) = &security.hosts
        && !is_exempt(path)
        && !hosts.allow(host.unwrap_or_default())
    {
        let why = format!("the Host header names {}", host.unwrap_or("nothing"));
        return refuse(form, "Invalid Host header - possible DNS rebinding attack detected", why);
    }
    let mut response = match &security.origins {
        None => next.run(request).await,
        Some(origins) => {
            let origin = request.headers().get(header::ORIGIN).cloned();
            if let Some(origin) = &origin
                && let Some(answer) = cors::preflight(origins, origin, &request)
            {
                return answer;
            }
            let mut response = match origins.refuse(&request) {
                Some(why) => refuse(form, "Cross-origin request blocked", why),
                None => next.run(request).await,
            };
            if let Some(origin) = origin {
                cors::mark(origins, &origin, response.headers_mut());
            }
            response
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(frames) = &security.frames {
        headers.insert(header::X_FRAME_OPTIONS, frames.clone());
    }
    response
}

/// Load balancers ask these by whatever name they have.
fn is_exempt(path: &str) -> bool {
    matches!(path, "/health" | "/version")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn refuse(form: Form, words: &'static str, why: String) -> Response {
    match form {
        Form::Mlflow => (StatusCode::FORBIDDEN, words).into_response(),
        Form::Own => Error::new(Code::Forbidden, "this server does not answer pages of other sites")
            .why(why)
            .hint(format!("name its hosts in {HOSTS}, and the pages' origins in {ORIGINS}"))
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::body::Body;
    use axum::{Router, middleware};
    use tower::ServiceExt;

    async fn ask(security: &Security, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let router = Router::new()
            .fallback(|| async { "answered" })
            .layer(middleware::from_fn_with_state(security.clone(), guard));
        let mut request = axum::http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn local(variables: &'static [(&str, &str)]) -> Security {
        Security::new("127.0.0.1:7878".parse().unwrap(), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn open(variables: &'static [(&str, &str)]) -> Security {
        Security::new("0.0.0.0:7878".parse().unwrap(), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const MLFLOW: &str = "/api/2.0/mlflow/experiments/get";

    #[tokio::test]
    async fn a_foreign_host_is_refused_on_this_machine() {
        let security = local(&[]);
        for host in ["127.0.0.1:7878", "localhost", "10.0.0.1", "[::1]:7878"] {
            assert_eq!(ask(&security, "GET", MLFLOW, &[("Host", host)]).await.status(), 200, "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "8.8.8.8", ""] {
            for path in [MLFLOW, "/", "/api/v1/datasets"] {
                assert_eq!(ask(&security, "GET", path, &[("Host", host)]).await.status(), 403, "{host}");
            }
            for path in ["/health", "/version"] {
                assert_eq!(ask(&security, "GET", path, &[("Host", host)]).await.status(), 200, "{host}");
            }
        }
        let evil = [("Host", "evil.example")];
        assert_eq!(ask(&open(&[]), "GET", MLFLOW, &evil).await.status(), 200);
        assert_eq!(ask(&local(&[(OFF, "true")]), "GET", MLFLOW, &evil).await.status(), 200);
        assert_eq!(ask(&local(&[(HOSTS, "*")]), "GET", MLFLOW, &evil).await.status(), 200);
        let named = open(&[(HOSTS, "ml.example, *.ml.example")]);
        assert_eq!(ask(&named, "GET", MLFLOW, &evil).await.status(), 403);
        assert_eq!(ask(&named, "GET", MLFLOW, &[("Host", "a.ml.example")]).await.status(), 200);
    }

    #[tokio::test]
    async fn other_sites_change_nothing() {
        let security = local(&[]);
        let from = |origin: &'static str| [("Host", "localhost"), ("Origin", origin)];
        for (origin, status) in [
            ("http://localhost:5173", 200),
            ("https://localhost", 200),
            ("http://[::1]:5000", 200),
            ("", 200),
            ("http://evil.example", 403),
            ("http://localhost.evil.example", 403),
            ("null", 403),
            ("file://", 403),
            ("http://127.0.0.2", 403),
        ] {
            assert_eq!(ask(&security, "POST", MLFLOW, &from(origin)).await.status(), status, "{origin}");
            assert_eq!(ask(&security, "GET", MLFLOW, &from(origin)).await.status(), 200, "{origin}");
        }
        let evil = from("http://evil.example");
        for (path, status) in [("/api/v1/datasets", 403), ("/v2/models/x/infer", 403), ("/graphql", 200)] {
            assert_eq!(ask(&security, "POST", path, &evil).await.status(), status, "{path}");
        }
        let named = local(&[(ORIGINS, "https://ml.example")]);
        let ours = from("https://ml.example");
        let answer = ask(&named, "POST", MLFLOW, &ours).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://ml.example");
        assert_eq!(ask(&named, "POST", MLFLOW, &evil).await.status(), 403);
        assert_eq!(ask(&local(&[(ORIGINS, "*")]), "POST", MLFLOW, &evil).await.status(), 200);
    }

    #[tokio::test]
    async fn a_browser_tells_of_other_sites_beyond_this_machine() {
        let security = open(&[]);
        let site = |site: &'static str| {
            [("Host", "ml.example"), ("Origin", "https://evil.example"), ("Sec-Fetch-Site", site)]
        };
        assert_eq!(ask(&security, "POST", MLFLOW, &site("cross-site")).await.status(), 403);
        assert_eq!(ask(&security, "POST", MLFLOW, &site("same-origin")).await.status(), 200);
        // A proxy may have changed the host: without the browser's word nothing can be told.
        let plain = [("Host", "10.0.0.7"), ("Origin", "https://ml.example")];
        assert_eq!(ask(&security, "POST", MLFLOW, &plain).await.status(), 200);
        let named = open(&[(ORIGINS, "https://evil.example")]);
        assert_eq!(ask(&named, "POST", MLFLOW, &site("cross-site")).await.status(), 200);
    }

    #[tokio::test]
    async fn a_preflight_is_answered() {
        let security = local(&[]);
        let asks = |origin: &'static str| {
            [
                ("Host", "localhost"),
                ("Origin", origin),
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "content-type"),
            ]
        };
        let answer = ask(&security, "OPTIONS", MLFLOW, &asks("http://localhost:3000")).await;
        assert_eq!(answer.status(), 200);
        let header = |name: HeaderName| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "http://localhost:3000");
        assert_eq!(header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "true");
        assert_eq!(header(header::ACCESS_CONTROL_ALLOW_METHODS), "GET, POST, PUT, DELETE, OPTIONS, PATCH");
        assert_eq!(header(header::ACCESS_CONTROL_ALLOW_HEADERS), "content-type");
        let refused = ask(&security, "OPTIONS", MLFLOW, &asks("http://evil.example")).await;
        assert_eq!(refused.status(), 400);
        assert!(!refused.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        // Without an origin it is an ordinary request.
        assert_eq!(ask(&security, "OPTIONS", MLFLOW, &[("Host", "localhost")]).await.status(), 200);
    }

    #[tokio::test]
    async fn frames_are_refused_unless_told_otherwise() {
        let frames = |security: Security| async move {
            let answer = ask(&security, "GET", "/health", &[]).await;
            assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            answer.headers().get(header::X_FRAME_OPTIONS).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(frames(local(&[])).await.as_deref(), Some("SAMEORIGIN"));
        assert_eq!(frames(local(&[(FRAMES, "deny")])).await.as_deref(), Some("DENY"));
        assert_eq!(frames(local(&[(FRAMES, "none")])).await, None);
    }
}
