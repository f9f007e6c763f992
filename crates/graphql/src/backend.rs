//! MLflow's own routes, asked within this process: a query tells what they tell.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tower::ServiceExt;

/// MLflow's routes.
#[derive(Clone)]
pub(crate) struct Backend(Router);

impl Backend {
    pub(crate) fn new(routes: Router) -> Self {
        Self(routes)
    }

    /// What a route answers to a question, or the words with which it refuses.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Json, String> {
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        self.ask(Method::GET, &format!("/ajax-api/2.0/mlflow/{path}?{}", pairs.join("&")), None).await
    }

    /// What a route answers to a body, or the words with which it refuses.
    pub(crate) async fn post(&self, path: &str, body: &Json) -> Result<Json, String> {
        self.ask(Method::POST, &format!("/ajax-api/2.0/mlflow/{path}"), Some(body.to_string())).await
    }

    async fn ask(&self, method: Method, target: &str, body: Option<String>) -> Result<Json, String> {
        let mut request = Request::builder().method(method).uri(target);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let request = request.body(body).map_err(|error| error.to_string())?;
        let answer = match self.0.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status();
        let bytes = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let told: Option<Json> = serde_json::from_slice(&bytes).ok();
        if status.is_success() {
            return told.ok_or_else(|| "the answer is no JSON".to_owned());
        }
        let words = told.as_ref().and_then(|told| told.get("message")).and_then(Json::as_str);
        Err(words.map_or_else(|| format!("the route answered {status}"), str::to_owned))
    }
}

/// A value of a query with everything but unreserved characters escaped (RFC 3986, section 2.3).
fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped
    })
}
