//! A request, and how its fields are got from it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use crate::error::{ErrorCode, MlflowError, MlflowResult};
use crate::fields::Fields;
use crate::json::{self, Json};
use crate::message::{Kind, Message};
use crate::rules::{self, Rule};

/// Largest body of a request that is read whole. Dataset profiles may have 16 MB, and JSON escapes make more of them.
const BODY_LIMIT: usize = 64 << 20;
/// How long a client may be silent within a body: one that has gone away must not be waited for.
const SILENCE: Duration = Duration::from_secs(30);

/// A request to one of MLflow's routes.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = MlflowError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MlflowError> {
        let (parts, body) = request.into_parts();
        let body = read_body(body).await?;
        Ok(Self::new(&parts, body))
    }
}

/// Reads a body whole, within limits of size and of silence.
///
/// # Errors
/// A refusal of a body that is too large, or that does not come.
pub async fn read_body(body: Body) -> MlflowResult<Bytes> {
    use futures::StreamExt;
    let broken =
        |why: String| MlflowError::new(ErrorCode::BadRequest, format!("The request body broke off: {why}"));
    let mut stream = body.into_data_stream();
    let mut whole: Option<Bytes> = None;
    let mut parts = Vec::new();
    loop {
        let next = tokio::time::timeout(SILENCE, stream.next()).await.map_err(|_| {
            MlflowError::new(ErrorCode::RequestTimeout, "The request body did not come within time")
        })?;
        let Some(part) = next else { break };
        let part = part.map_err(|error| broken(error.to_string()))?;
        let length = whole.as_ref().map_or(parts.len(), Bytes::len);
        if length + part.len() > BODY_LIMIT {
            return Err(MlflowError::new(
                ErrorCode::RequestTooLarge,
                format!("The request body is larger than {BODY_LIMIT} bytes"),
            ));
        }
        // A body of one part, as most are, is not copied.
        match whole.take() {
            None if parts.is_empty() => whole = Some(part),
            None => parts.extend_from_slice(&part),
            Some(first) => {
                parts.extend_from_slice(&first);
                parts.extend_from_slice(&part);
            }
        }
    }
    Ok(whole.unwrap_or_else(|| parts.into()))
}

impl Call {
    /// A request whose body has been read.
    pub fn new(parts: &Parts, body: Bytes) -> Self {
        Self {
            method: parts.method.clone(),
            query: parts.uri.query().map(read_query).unwrap_or_default(),
            headers: parts.headers.clone(),
            body,
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The body as it came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a query parameter.
    pub fn query_all(&self, name: &str) -> Vec<String> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// The names of the query parameters, each once.
    pub fn query_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.query {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Refuses a body that does not call itself JSON.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub fn must_be_json(&self) -> MlflowResult<()> {
        self.must_be(&["application/json"])
    }

    /// Refuses a body of another kind.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE`.
    pub fn must_be(&self, kinds: &[&str]) -> MlflowResult<()> {
        if !matches!(self.method, Method::POST | Method::PUT) {
            return Ok(());
        }
        let Some(kind) = self.headers.get(header::CONTENT_TYPE) else {
            return Err(MlflowError::invalid("Bad Request. Content-Type header is missing."));
        };
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
        if kinds.contains(&kind) {
            return Ok(());
        }
        let named: Vec<_> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
        Err(MlflowError::invalid(format!("Bad Request. Content-Type must be one of [{}].", named.join(", "))))
    }

    /// The body as JSON. What is not JSON counts as an empty object: required fields are then missing.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when the body does not call itself JSON.
    pub fn json(&self) -> MlflowResult<Json> {
        self.must_be_json()?;
        Ok(self.value().filter(is_container).unwrap_or(Json::Object(Vec::new())))
    }

    /// The body's value; none if it is not JSON.
    fn value(&self) -> Option<Json> {
        match json::parse_bytes(&self.body)? {
            // Some clients send JSON inside a JSON text.
            Json::Text(text) => Some(json::parse(&text).unwrap_or(Json::Text(text))),
            value => Some(value),
        }
    }

    /// Refuses a body that is JSON and has no members, or is nested too deeply to be read. The stock server fails at both,
    /// unless it has missed a field before.
    fn must_have_members(&self) -> MlflowResult<()> {
        let refused = match self.value() {
            Some(value) => !is_container(&value) && !matches!(value, Json::Null),
            None => json::is_too_deep(&self.body),
        };
        if refused && self.method != Method::GET {
            return Err(MlflowError::invalid("The request's body must be a JSON object."));
        }
        Ok(())
    }

    /// What was sent as an object: the query of a GET, else the body.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for a body that does not call itself JSON, and for a truth value that is none.
    fn sent(&self, message: &Message) -> MlflowResult<Json> {
        if self.method != Method::GET || self.query.is_empty() {
            return self.json();
        }
        let mut members = Vec::new();
        for field in message.0 {
            let values = self.query_all(field.name);
            let Some(first) = values.first() else { continue };
            let value = if field.many {
                Json::List(values.into_iter().map(Json::Text).collect())
            } else if matches!(field.kind, Kind::Truth) {
                match first.to_lowercase().as_str() {
                    "true" => Json::Truth(true),
                    "false" => Json::Truth(false),
                    _ => {
                        return Err(MlflowError::invalid(format!(
                            "Invalid boolean value: {first}, must be 'true' or 'false'."
                        )));
                    }
                }
            } else {
                Json::Text(first.clone())
            };
            members.push((field.name.to_owned(), value));
        }
        Ok(Json::Object(members))
    }

    /// Reads the request as a message. A field that cannot be read ends the reading without an error, unless a rule
    /// speaks against it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` when a rule is broken.
    pub fn read(&self, message: &Message, rules: &[(&str, &[Rule])]) -> MlflowResult<Fields> {
        let sent = self.sent(message)?;
        refuse_double_names(&sent, message)?;
        let mut fields = Fields::default();
        let whole = message.read(&sent, &mut fields).is_ok();
        rules::check(&sent, rules, whole)?;
        if matches!(&sent, Json::Object(members) if members.is_empty()) && !self.body.is_empty() {
            self.must_have_members()?;
        }
        Ok(fields)
    }
}

fn is_container(value: &Json) -> bool {
    matches!(value, Json::Object(_) | Json::List(_))
}

/// One field under both of its names is ambiguous: one part of a server could look at the one, another at the other.
fn refuse_double_names(value: &Json, message: &Message) -> MlflowResult<()> {
    let Json::Object(members) = value else { return Ok(()) };
    for field in message.0 {
        let camel = members
            .iter()
            .find(|(name, _)| name.as_str() != field.name && crate::message::is_camel(field.name, name));
        let snake = value.get(field.name);
        if let (Some((camel, _)), Some(_)) = (camel, snake) {
            return Err(MlflowError::invalid(format!(
                "Request specifies both '{}' and '{camel}'; provide only one of them.",
                field.name
            )));
        }
        if let Kind::Part(within) = field.kind {
            match snake.or(camel.map(|(_, value)| value)) {
                Some(Json::List(items)) => {
                    items.iter().try_for_each(|item| refuse_double_names(item, within))?;
                }
                Some(item) => refuse_double_names(item, within)?,
                None => {}
            }
        }
    }
    Ok(())
}

/// Reads a query string: pairs in their order, `+` as a blank, percent signs decoded.
fn read_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

pub(crate) fn decode(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after
            .get(..2)
            .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, pair) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, _) => {
                bytes.push(other);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::message::{integer, parts, text, texts, truth};
    use proptest::prelude::*;

    static TAG: Message = Message(&[text("key"), text("value")]);
    static ANY: Message = Message(&[
        text("run_id"),
        texts("run_ids"),
        integer("max_results"),
        truth("ascending"),
        parts("tags", &TAG),
    ]);

    fn get(query: &str) -> Call {
        Call { method: Method::GET, query: read_query(query), headers: HeaderMap::new(), body: Bytes::new() }
    }

    fn post(body: &str) -> Call {
        let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap())];
        Call {
            method: Method::POST,
            query: Vec::new(),
            headers: headers.into_iter().collect(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn a_query_is_read() {
        let fields = get("run_ids=a&run_ids=b&run_id=val%2Floss+x%zz&max_results=7&ascending=True")
            .read(&ANY, &[])
            .unwrap();
        assert_eq!(fields.texts("run_ids"), ["a", "b"]);
        assert_eq!(fields.text("run_id"), "val/loss x%zz");
        assert_eq!(fields.integer("max_results"), Some(7));
        assert_eq!(fields.truth("ascending"), Some(true));
        let wrong = get("ascending=maybe").read(&ANY, &[]).unwrap_err();
        assert_eq!(wrong.message(), "Invalid boolean value: maybe, must be 'true' or 'false'.");
    }

    #[test]
    fn what_is_no_object_misses_its_fields() {
        let required: &[(&str, &[Rule])] = &[("run_id", &[Rule::Required, Rule::Text])];
        for body in ["", "null", "5", "\"x\"", "[1]", "{", "\u{1}"] {
            assert!(post(body).read(&ANY, required).is_err(), "{body}");
        }
        let twice = r#""{\"run_id\": \"r\"}""#;
        assert_eq!(post(twice).read(&ANY, required).unwrap().text("run_id"), "r");
    }

    #[test]
    fn a_field_under_both_names_is_refused() {
        let error = post(r#"{"run_id":"a","runId":"b"}"#).read(&ANY, &[]).unwrap_err();
        assert_eq!(error.message(), "Request specifies both 'run_id' and 'runId'; provide only one of them.");
    }

    #[test]
    fn a_body_says_what_it_is() {
        let mut call = post("{}");
        call.headers.clear();
        assert_eq!(call.json().unwrap_err().message(), "Bad Request. Content-Type header is missing.");
        call.headers.insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
        assert_eq!(
            call.json().unwrap_err().message(),
            "Bad Request. Content-Type must be one of ['application/json']."
        );
    }

    proptest! {
        #[test]
        fn no_query_and_no_body_panics(query in ".*", body in "\\PC*") {
            let _ = get(&query).read(&ANY, &[("run_id", &[Rule::Required, Rule::Text])]);
            let _ = post(&body).read(&ANY, &[("tags", &[Rule::Array])]);
        }
    }
}
