//! OpenTelemetry's export of spans over HTTP: its body, its two encodings, and what it says.

mod body;
mod json;
mod protobuf;
mod wire;

pub(crate) use body::{Unpackable, decompress};
pub(crate) use json::read as read_json;
pub(crate) use protobuf::read as read_protobuf;

use ropewalk_mlflow::Json;

/// Attributes in the order in which they came; of two with one name the later counts.
pub(crate) type Attributes = Vec<(String, Json)>;

/// The spans of one resource.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ResourceSpans {
    /// What describes the program that made them.
    pub(crate) resource: Attributes,
    /// The spans of all its scopes.
    pub(crate) spans: Vec<ExportedSpan>,
}

/// A span as it was sent.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ExportedSpan {
    pub(crate) trace_id: Vec<u8>,
    pub(crate) span_id: Vec<u8>,
    pub(crate) parent_span_id: Vec<u8>,
    pub(crate) name: String,
    pub(crate) kind: i32,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<ExportedEvent>,
    pub(crate) links: Vec<ExportedLink>,
    pub(crate) status_code: i32,
    pub(crate) status_message: String,
}

/// Something that happened within a span.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ExportedEvent {
    pub(crate) name: String,
    pub(crate) time_ns: u64,
    pub(crate) attributes: Attributes,
}

/// A pointer to another span.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ExportedLink {
    pub(crate) trace_id: Vec<u8>,
    pub(crate) span_id: Vec<u8>,
    pub(crate) attributes: Attributes,
}

/// That a body is not an export request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What bytes within attributes become, since JSON has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// The text that Python shows for them, as the stock server keeps them.
    Shown,
    /// Base64, as the stock server keeps those of links.
    Base64,
}

impl Bytes {
    fn to_json(self, bytes: &[u8]) -> Json {
        use base64::Engine;
        Json::Text(match self {
            Self::Shown => crate::python::bytes_shown(bytes),
            Self::Base64 => base64::engine::general_purpose::STANDARD.encode(bytes),
        })
    }
}

/// Sets an attribute, at the place of an earlier one of its name.
pub(crate) fn set(attributes: &mut Attributes, name: String, value: Json) {
    match attributes.iter_mut().find(|(known, _)| *known == name) {
        Some(kept) => kept.1 = value,
        None => attributes.push((name, value)),
    }
}
