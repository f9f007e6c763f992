//! Answers in MLflow's protobuf JSON: what has no value is left out, an empty list too.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An object that leaves out what is absent.
#[derive(Default)]
pub struct Object(Map<String, Value>);

impl Object {
    /// Adds a member.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a member if it is there.
    pub fn maybe<T: Into<Value>>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Adds a text unless it is empty.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.maybe(name, Some(value).filter(|value| !value.is_empty()))
    }

    /// Adds a list unless it is empty.
    pub fn list(self, name: &str, values: Vec<Value>) -> Self {
        if values.is_empty() { self } else { self.set(name, values) }
    }

    /// Adds the token of the next page, if there is one.
    pub fn next(self, token: Option<String>) -> Self {
        self.maybe("next_page_token", token)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object.0)
    }
}

/// An answer's JSON.
pub fn answer(value: impl Into<Value>) -> Response {
    Json(value.into()).into_response()
}

/// The answer of what only does something.
pub fn done() -> Response {
    Json(json!({})).into_response()
}

/// An answer whose JSON stands already.
pub fn written(json: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], Bytes::from(json)).into_response()
}

/// Appends a JSON text, quotes and all.
pub fn push_text(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => &[],
            _ => continue,
        };
        json.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        if escape.is_empty() {
            json.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            json.extend_from_slice(escape);
        }
    }
    json.extend_from_slice(&text.as_bytes()[plain..]);
    json.push(b'"');
}

/// Appends a whole number.
pub fn push_integer(json: &mut Vec<u8>, number: i64) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(json, &number);
}

/// Appends a number; NaN and the infinities as the texts that protobuf's JSON form has for them.
pub fn push_number(json: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        let _ = serde_json::to_writer(json, &number);
    } else {
        json.extend_from_slice(match (number.is_nan(), number > 0.0) {
            (true, _) => b"\"NaN\"".as_slice(),
            (_, true) => b"\"Infinity\"",
            _ => b"\"-Infinity\"",
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_reads_back(text in ".*") {
            let mut json = Vec::new();
            push_text(&mut json, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }

        #[test]
        fn a_number_reads_back(number in any::<f64>(), whole in any::<i64>()) {
            let mut json = Vec::new();
            push_number(&mut json, number);
            if number.is_finite() {
                prop_assert_eq!(serde_json::from_slice::<f64>(&json).unwrap(), number);
            }
            json.clear();
            push_integer(&mut json, whole);
            prop_assert_eq!(serde_json::from_slice::<i64>(&json).unwrap(), whole);
        }
    }
}
