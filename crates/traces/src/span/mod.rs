//! A span as it is kept, and how one comes from what was sent.

pub(crate) mod aggregate;
pub(crate) mod content;
pub(crate) mod pack;
pub(crate) mod preview;
pub(crate) mod summary;

use ropewalk_mlflow::json::{Json, parse};

use crate::keys::{attribute, tag};
use crate::otlp::{Attributes, ExportedSpan, set};
use crate::python::{self, Letters};

/// The programs whose name a root span carries on: any other name could be any text.
const KNOWN_SERVICES: [&str; 5] = ["claude-code", "codex_cli_rs", "codex_vscode", "gemini-cli", "qwen-code"];

/// How a span has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpanStatus {
    Unset,
    Ok,
    Error,
}

impl SpanStatus {
    /// The short word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "UNSET",
            Self::Ok => "OK",
            Self::Error => "ERROR",
        }
    }

    /// OpenTelemetry's word.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unset => "STATUS_CODE_UNSET",
            Self::Ok => "STATUS_CODE_OK",
            Self::Error => "STATUS_CODE_ERROR",
        }
    }
}

/// The kinds of span, as OpenTelemetry names and numbers them.
pub(crate) const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

/// A span. The values of its attributes are texts of JSON, as MLflow keeps them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) otel_trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) parent_id: Option<u64>,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) status: SpanStatus,
    pub(crate) message: String,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) time_ns: i64,
    pub(crate) attributes: Attributes,
}

/// A pointer to another span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) attributes: Attributes,
}

/// Why an exported span cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It has no identifier.
    Unnamed,
    /// A number in it is larger than its place.
    TooLarge,
}

impl Span {
    /// Takes a span as it was sent.
    pub(crate) fn from_exported(sent: ExportedSpan, service: Option<&str>) -> Result<Self, Unusable> {
        if sent.trace_id.is_empty() || sent.span_id.is_empty() {
            return Err(Unusable::Unnamed);
        }
        let otel_trace_id = number(&sent.trace_id)?;
        let parent = narrow(number(&sent.parent_span_id)?)?;
        let status = match sent.status_code {
            1 => SpanStatus::Ok,
            2 => SpanStatus::Error,
            _ => SpanStatus::Unset,
        };
        let mut attributes: Attributes =
            sent.attributes.into_iter().map(|(name, value)| (name, encoded(value))).collect();
        let request_id = python::quoted(&trace_id(otel_trace_id));
        set(&mut attributes, attribute::REQUEST_ID.to_owned(), Json::Text(request_id));
        if parent == 0 {
            if let Some(service) = service {
                set(&mut attributes, attribute::SERVICE.to_owned(), Json::Text(python::quoted(service)));
            }
            attributes.retain(|(name, _)| {
                name.strip_prefix(attribute::TAG_PREFIX).is_none_or(|key| !tag::BLOCKED.contains(&key))
            });
        }
        let events = sent.events.into_iter().map(|event| {
            Ok(Event { name: event.name, time_ns: time(event.time_ns)?, attributes: event.attributes })
        });
        Ok(Self {
            otel_trace_id,
            span_id: narrow(number(&sent.span_id)?)?,
            parent_id: (parent != 0).then_some(parent),
            name: sent.name,
            kind: usize::try_from(sent.kind)
                .ok()
                .filter(|kind| *kind > 0)
                .and_then(|kind| KINDS.get(kind).copied())
                .unwrap_or(KINDS[1]),
            start_ns: time(sent.start_ns)?,
            end_ns: time(sent.end_ns)?,
            // OpenTelemetry keeps words only of failures.
            message: if status == SpanStatus::Error { sent.status_message } else { String::new() },
            status,
            attributes,
            events: events.collect::<Result<_, _>>()?,
            links: sent
                .links
                .into_iter()
                .map(|link| Link {
                    trace_id: format!("tr-{:0>32}", hexadecimal(&link.trace_id)),
                    span_id: format!("{:0>16}", hexadecimal(&link.span_id)),
                    attributes: link.attributes,
                })
                .collect(),
        })
    }

    /// MLflow's identifier of the trace.
    pub(crate) fn trace_id(&self) -> String {
        trace_id(self.otel_trace_id)
    }

    /// Whether no span is above it.
    pub(crate) fn is_root(&self) -> bool {
        self.parent_id.is_none()
    }

    /// An attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Json> {
        get(&self.attributes, name)
    }

    /// The type that the client gave it.
    pub(crate) fn span_type(&self) -> Option<String> {
        match self.attribute(attribute::SPAN_TYPE)? {
            Json::Text(text) if text.is_empty() => None,
            Json::Text(text) => match python::loads_or_text(text) {
                Json::Text(name) => Some(name),
                Json::Null => None,
                other => Some(python::dumps(&other, Letters::Kept)),
            },
            _ => None,
        }
    }
}

/// An attribute by its name.
pub(crate) fn get<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a Json> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// An attribute's text, decoded if it is a JSON text; otherwise as it stands.
pub(crate) fn plain_text(value: &Json) -> Option<String> {
    let Json::Text(text) = value else { return None };
    match parse(text) {
        Some(Json::Text(inner)) => Some(inner),
        _ => Some(text.clone()),
    }
}

/// The service that a resource names, if it is one that is carried on.
pub(crate) fn known_service(resource: &Attributes) -> Option<&'static str> {
    let Json::Text(name) = get(resource, attribute::SERVICE)? else { return None };
    KNOWN_SERVICES.into_iter().find(|known| known == name)
}

/// MLflow's identifier of OpenTelemetry's trace.
pub(crate) fn trace_id(otel: u128) -> String {
    format!("tr-{otel:032x}")
}

/// A value as its JSON. What was JSON of a text, list or object already stays: MLflow's clients encode values themselves.
fn encoded(value: Json) -> Json {
    if let Json::Text(text) = &value {
        let opens = text.trim_start().starts_with(['"', '[', '{']);
        if opens && matches!(parse(text), Some(Json::Text(_) | Json::List(_) | Json::Object(_))) {
            return value;
        }
    }
    Json::Text(python::dumps(&value, Letters::Kept))
}

/// Bytes as one number, the highest first.
fn number(bytes: &[u8]) -> Result<u128, Unusable> {
    let significant = bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &bytes[first..]);
    if significant.len() > 16 {
        return Err(Unusable::TooLarge);
    }
    Ok(significant.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
}

fn narrow(number: u128) -> Result<u64, Unusable> {
    u64::try_from(number).map_err(|_| Unusable::TooLarge)
}

fn time(nanoseconds: u64) -> Result<i64, Unusable> {
    i64::try_from(nanoseconds).map_err(|_| Unusable::TooLarge)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn exported() -> ExportedSpan {
        ExportedSpan { trace_id: vec![1; 16], span_id: vec![2; 8], ..ExportedSpan::default() }
    }

    #[test]
    fn values_are_encoded_once() {
        let text = |text: &str| Json::Text(text.to_owned());
        for (sent, kept) in [
            (text("plain"), "\"plain\""),
            (text("1"), "\"1\""),
            (text("{\"a\": 1}"), "{\"a\": 1}"),
            (text("\"x\""), "\"x\""),
            (text("[1"), "\"[1\""),
            (Json::Integer(5), "5"),
            (Json::Null, "null"),
            (Json::List(vec![text("é")]), "[\"é\"]"),
        ] {
            assert_eq!(encoded(sent), text(kept));
        }
    }

    #[test]
    fn a_span_without_identifier_or_with_too_large_a_number_is_refused() {
        assert_eq!(Span::from_exported(ExportedSpan::default(), None), Err(Unusable::Unnamed));
        let long = ExportedSpan { trace_id: vec![1; 17], ..exported() };
        assert_eq!(Span::from_exported(long, None), Err(Unusable::TooLarge));
        let late = ExportedSpan { start_ns: u64::MAX, ..exported() };
        assert_eq!(Span::from_exported(late, None), Err(Unusable::TooLarge));
        assert!(Span::from_exported(exported(), None).unwrap().is_root());
    }

    #[test]
    fn a_root_drops_the_tags_that_are_the_server_s_and_carries_its_service() {
        let tags = [("mlflow.traceTag.mlflow.artifactLocation", "x"), ("mlflow.traceTag.mine", "y")];
        let attributes = tags.map(|(name, value)| (name.to_owned(), Json::Text(value.to_owned()))).into();
        let span =
            Span::from_exported(ExportedSpan { attributes, ..exported() }, Some("codex_vscode")).unwrap();
        let names: Vec<_> = span.attributes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["mlflow.traceTag.mine", attribute::REQUEST_ID, attribute::SERVICE]);
    }
}
