//! Requests as MLflow's server reads them: JSON bodies in the protobuf manner (snake or camel case, whole numbers as
//! numbers or text, unknown fields ignored), and query strings for GET.

use axum::extract::{FromRequest, Request};
use axum::http::Method;
use serde_json::{Map, Value};

use super::error::{MlflowError, MlflowResult};
use crate::model::{Metric, Param, Tag};
use crate::number;

/// Largest JSON body: dataset profiles may be 16 MB.
const BODY_LIMIT: usize = 40 << 20;

/// A request's fields.
#[derive(Debug, Clone, Default)]
pub struct Fields(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = MlflowError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MlflowError> {
        if request.method() == Method::GET && request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Ok(Self::from_query(request.uri().query().unwrap_or_default()));
        }
        let body = axum::body::to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| {
            MlflowError::invalid(format!("The request body is larger than {BODY_LIMIT} bytes"))
        })?;
        // What is no JSON object is read as an empty one: the stock server then misses the required fields.
        let value = serde_json::from_slice(&body).unwrap_or_default();
        Ok(match value {
            Value::Object(fields) => Self(fields),
            // Some clients send JSON inside a JSON text.
            Value::String(text) => match serde_json::from_str(&text) {
                Ok(Value::Object(fields)) => Self(fields),
                _ => Self::default(),
            },
            _ => Self::default(),
        })
    }
}

impl Fields {
    fn from_query(query: &str) -> Self {
        let mut fields = Map::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(key), Value::String(decode(value)));
            match fields.get_mut(&key) {
                None => {
                    fields.insert(key, value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Self(fields)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).or_else(|| self.0.get(&camel(name))).filter(|value| !value.is_null())
    }

    /// Whether the field was sent.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A text, if sent and not empty.
    pub fn text(&self, name: &str) -> MlflowResult<Option<String>> {
        Ok(self.any_text(name)?.filter(|text| !text.is_empty()))
    }

    /// A text, if sent.
    pub fn any_text(&self, name: &str) -> MlflowResult<Option<String>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(MlflowError::wrong_type(name, other)),
        }
    }

    /// A text that must be there and not be empty.
    pub fn required(&self, name: &str) -> MlflowResult<String> {
        self.text(name)?.ok_or_else(|| MlflowError::missing(name))
    }

    /// The run's identifier, under its new name or its old one.
    pub fn run_id(&self) -> MlflowResult<String> {
        match self.text("run_id")? {
            Some(id) => Ok(id),
            None => self.text("run_uuid")?.ok_or_else(|| MlflowError::missing("run_id")),
        }
    }

    /// A whole number, as a number or as text.
    pub fn integer(&self, name: &str) -> MlflowResult<Option<i64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e18).map(|n| n as i64)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| MlflowError::wrong_type(name, value))
    }

    /// A number, also `"NaN"` and the infinities; a truth value counts as 0 or 1, as it does in protobuf's JSON.
    pub fn number(&self, name: &str) -> MlflowResult<Option<f64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        if let Value::Bool(truth) = value {
            return Ok(Some(f64::from(u8::from(*truth))));
        }
        number::from_json(value).map(Some).ok_or_else(|| MlflowError::wrong_type(name, value))
    }

    /// A truth value, as one or as text.
    pub fn truth(&self, name: &str) -> MlflowResult<bool> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(MlflowError::wrong_type(name, other)),
        }
    }

    /// A word of an enumeration, sent as the word or as its number (its place in `words`, from 1).
    pub fn word<'a>(&self, name: &str, words: &[&'a str]) -> MlflowResult<Option<&'a str>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let found = match value {
            Value::String(text) => match text.parse::<usize>() {
                Ok(number) => number.checked_sub(1).and_then(|at| words.get(at)),
                Err(_) => words.iter().find(|word| *word == text),
            },
            Value::Number(number) => number
                .as_u64()
                .and_then(|n| usize::try_from(n).ok())
                .and_then(|n| n.checked_sub(1))
                .and_then(|at| words.get(at)),
            _ => None,
        };
        found.copied().map(Some).ok_or_else(|| MlflowError::wrong_type(name, value))
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn texts(&self, name: &str) -> MlflowResult<Vec<String>> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        match value {
            Value::String(text) => Ok(vec![text.clone()]),
            Value::Array(values) => values
                .iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text.clone()),
                    _ => Err(MlflowError::wrong_type(name, value)),
                })
                .collect(),
            other => Err(MlflowError::wrong_type(name, other)),
        }
    }

    /// A part of its own.
    pub fn part(&self, name: &str) -> MlflowResult<Option<Fields>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Fields(fields.clone()))),
            Some(other) => Err(MlflowError::wrong_type(name, other)),
        }
    }

    /// A list of parts.
    pub fn parts(&self, name: &str) -> MlflowResult<Vec<Fields>> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let Value::Array(values) = value else { return Err(MlflowError::wrong_type(name, value)) };
        values
            .iter()
            .map(|item| match item {
                Value::Object(fields) => Ok(Fields(fields.clone())),
                _ => Err(MlflowError::wrong_type(name, value)),
            })
            .collect()
    }

    /// A list of tags.
    pub fn tags(&self, name: &str) -> MlflowResult<Vec<Tag>> {
        self.parts(name)?
            .iter()
            .map(|tag| Ok(Tag::new(tag.required("key")?, tag.any_text("value")?.unwrap_or_default())))
            .collect()
    }

    /// A list of parameters.
    pub fn params(&self, name: &str) -> MlflowResult<Vec<Param>> {
        self.parts(name)?
            .iter()
            .map(|param| Ok(Param::new(param.required("key")?, param.any_text("value")?.unwrap_or_default())))
            .collect()
    }

    /// This request or part as a metric; `path` precedes the names of missing fields.
    pub fn metric(&self, path: &str) -> MlflowResult<Metric> {
        let missing = |name: &str| MlflowError::missing(&format!("{path}{name}"));
        let key = self.text("key")?.ok_or_else(|| missing("key"))?;
        let value = self.number("value")?.ok_or_else(|| missing("value"))?;
        let timestamp = self.integer("timestamp")?.ok_or_else(|| missing("timestamp"))?;
        let mut metric = Metric::new(key, value, timestamp, self.integer("step")?.unwrap_or(0));
        metric.model_id = self.text("model_id")?;
        metric.dataset_name = self.text("dataset_name")?;
        metric.dataset_digest = self.text("dataset_digest")?;
        Ok(metric)
    }
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for character in name.chars() {
        match character {
            '_' => raise = true,
            other if raise => {
                camel.extend(other.to_uppercase());
                raise = false;
            }
            other => camel.push(other),
        }
    }
    camel
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let pair = after
            .get(..2)
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
    use proptest::prelude::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(fields) => Fields(fields),
            _ => Fields::default(),
        }
    }

    #[test]
    fn both_cases_and_both_kinds_of_number_are_read() {
        let sent = fields(
            json!({"runId": "r", "max_results": "5", "step": 3, "status": 3, "value": "NaN", "x": null}),
        );
        assert_eq!(sent.run_id().unwrap(), "r");
        assert_eq!(sent.integer("max_results").unwrap(), Some(5));
        assert_eq!(sent.integer("step").unwrap(), Some(3));
        assert_eq!(sent.word("status", &["A", "B", "C"]).unwrap(), Some("C"));
        assert!(sent.number("value").unwrap().unwrap().is_nan());
        assert!(!sent.has("x"));
        assert!(sent.text("step").is_err());
    }

    #[test]
    fn a_query_is_read() {
        let sent = Fields::from_query("run_ids=a&run_ids=b&metric_key=val%2Floss+x&empty=&max_results=7");
        assert_eq!(sent.texts("run_ids").unwrap(), ["a", "b"]);
        assert_eq!(sent.required("metric_key").unwrap(), "val/loss x");
        assert_eq!(sent.integer("max_results").unwrap(), Some(7));
        assert!(sent.required("empty").is_err());
    }

    proptest! {
        #[test]
        fn no_query_and_no_body_panics(query in ".*", name in "[a-z_]{1,8}", body in "\\PC*") {
            let sent = Fields::from_query(&query);
            let _ = (sent.text(&name), sent.integer(&name), sent.parts(&name), sent.truth(&name));
            let sent = fields(serde_json::from_str(&body).unwrap_or_default());
            let _ = sent.metric("");
        }
    }
}
