//! The export request in JSON: protobuf's JSON form, but for identifiers, which OpenTelemetry writes in hexadecimal.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use ropewalk_mlflow::json::{Json, parse};

use super::{Attributes, Bytes, ExportedEvent, ExportedLink, ExportedSpan, Malformed, ResourceSpans, set};

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// Reads an `ExportTraceServiceRequest`.
pub(crate) fn read(body: &[u8]) -> Result<Vec<ResourceSpans>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed)?;
    let request = parse(text).ok_or(Malformed)?;
    let Json::Object(_) = request else { return Err(Malformed) };
    items(&request, "resourceSpans", "resource_spans")?.iter().map(resource_spans).collect()
}

fn resource_spans(value: &Json) -> Result<ResourceSpans, Malformed> {
    object(value)?;
    let mut read = ResourceSpans::default();
    if let Some(resource) = value.get("resource").filter(|value| !matches!(value, Json::Null)) {
        object(resource)?;
        read.resource = attributes(resource, Bytes::Shown)?;
    }
    for scope in items(value, "scopeSpans", "scope_spans")? {
        object(scope)?;
        for span in items(scope, "spans", "spans")? {
            read.spans.push(exported_span(span)?);
        }
    }
    Ok(read)
}

fn exported_span(value: &Json) -> Result<ExportedSpan, Malformed> {
    object(value)?;
    let mut read = ExportedSpan {
        trace_id: identifier(value, "traceId", "trace_id")?,
        span_id: identifier(value, "spanId", "span_id")?,
        parent_span_id: identifier(value, "parentSpanId", "parent_span_id")?,
        name: text(value, "name", "name")?,
        kind: word(value.get("kind"), &KINDS)?,
        start_ns: unsigned(member(value, "startTimeUnixNano", "start_time_unix_nano"))?,
        end_ns: unsigned(member(value, "endTimeUnixNano", "end_time_unix_nano"))?,
        attributes: attributes(value, Bytes::Shown)?,
        ..ExportedSpan::default()
    };
    for event in items(value, "events", "events")? {
        object(event)?;
        read.events.push(ExportedEvent {
            name: text(event, "name", "name")?,
            time_ns: unsigned(member(event, "timeUnixNano", "time_unix_nano"))?,
            attributes: attributes(event, Bytes::Shown)?,
        });
    }
    for link in items(value, "links", "links")? {
        object(link)?;
        read.links.push(ExportedLink {
            trace_id: identifier(link, "traceId", "trace_id")?,
            span_id: identifier(link, "spanId", "span_id")?,
            attributes: attributes(link, Bytes::Base64)?,
        });
    }
    if let Some(status) = value.get("status").filter(|value| !matches!(value, Json::Null)) {
        object(status)?;
        read.status_message = text(status, "message", "message")?;
        read.status_code = word(status.get("code"), &CODES)?;
    }
    Ok(read)
}

fn attributes(owner: &Json, bytes: Bytes) -> Result<Attributes, Malformed> {
    pairs(items(owner, "attributes", "attributes")?, bytes)
}

fn pairs(items: &[Json], bytes: Bytes) -> Result<Attributes, Malformed> {
    let mut read = Attributes::new();
    for pair in items {
        object(pair)?;
        let value = match pair.get("value") {
            None | Some(Json::Null) => Json::Null,
            Some(value) => any_value(value, bytes)?,
        };
        set(&mut read, text(pair, "key", "key")?, value);
    }
    Ok(read)
}

/// An `AnyValue`. Recursion is bounded by the parser's own bound.
fn any_value(value: &Json, bytes: Bytes) -> Result<Json, Malformed> {
    let Json::Object(members) = value else { return Err(Malformed) };
    let mut read = Json::Null;
    for (name, content) in members {
        if matches!(content, Json::Null) {
            continue;
        }
        read = match name.as_str() {
            "stringValue" | "string_value" => Json::Text(content.as_text().ok_or(Malformed)?.to_owned()),
            "boolValue" | "bool_value" => match content {
                Json::Truth(truth) => Json::Truth(*truth),
                _ => return Err(Malformed),
            },
            "intValue" | "int_value" => Json::Integer(signed(content)?),
            "doubleValue" | "double_value" => Json::Number(real(content)?),
            "bytesValue" | "bytes_value" => bytes.to_json(&base64(content.as_text().ok_or(Malformed)?)?),
            "arrayValue" | "array_value" => {
                object(content)?;
                let values = items(content, "values", "values")?;
                Json::List(values.iter().map(|value| any_value(value, bytes)).collect::<Result<_, _>>()?)
            }
            "kvlistValue" | "kvlist_value" => {
                object(content)?;
                Json::Object(pairs(items(content, "values", "values")?, bytes)?)
            }
            _ => continue,
        };
    }
    Ok(read)
}

fn object(value: &Json) -> Result<(), Malformed> {
    if matches!(value, Json::Object(_)) { Ok(()) } else { Err(Malformed) }
}

fn member<'a>(value: &'a Json, camel: &str, snake: &str) -> Option<&'a Json> {
    value.get(camel).or_else(|| value.get(snake))
}

fn items<'a>(value: &'a Json, camel: &str, snake: &str) -> Result<&'a [Json], Malformed> {
    match member(value, camel, snake) {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::List(items)) => Ok(items),
        Some(_) => Err(Malformed),
    }
}

fn text(value: &Json, camel: &str, snake: &str) -> Result<String, Malformed> {
    match member(value, camel, snake) {
        None | Some(Json::Null) => Ok(String::new()),
        Some(value) => value.as_text().map(str::to_owned).ok_or(Malformed),
    }
}

fn identifier(value: &Json, camel: &str, snake: &str) -> Result<Vec<u8>, Malformed> {
    match (value.get(camel), value.get(snake)) {
        (None | Some(Json::Null), None | Some(Json::Null)) => Ok(Vec::new()),
        (Some(hex), _) => hexadecimal(hex.as_text().ok_or(Malformed)?),
        (None, Some(encoded)) => base64(encoded.as_text().ok_or(Malformed)?),
    }
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, Malformed> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err(Malformed);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8).ok_or(Malformed);
    digits.chunks(2).map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn base64(text: &str) -> Result<Vec<u8>, Malformed> {
    STANDARD
        .decode(text)
        .or_else(|_| STANDARD_NO_PAD.decode(text))
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| Malformed)
}

fn word(value: Option<&Json>, words: &[&str]) -> Result<i32, Malformed> {
    match value {
        None | Some(Json::Null) => Ok(0),
        Some(Json::Text(word)) => {
            Ok(words.iter().position(|known| known == word).map_or(0, |place| place as i32))
        }
        Some(Json::Integer(number)) => i32::try_from(*number).map_err(|_| Malformed),
        Some(_) => Err(Malformed),
    }
}

fn unsigned(value: Option<&Json>) -> Result<u64, Malformed> {
    match value {
        None | Some(Json::Null) => Ok(0),
        Some(Json::Integer(number)) => u64::try_from(*number).map_err(|_| Malformed),
        Some(Json::Huge(digits)) => digits.parse().map_err(|_| Malformed),
        Some(Json::Text(digits)) => digits.parse().map_err(|_| Malformed),
        Some(Json::Number(number)) if number.fract() == 0.0 && (0.0..1.8e19).contains(number) => {
            Ok(*number as u64)
        }
        Some(_) => Err(Malformed),
    }
}

fn signed(value: &Json) -> Result<i64, Malformed> {
    match value {
        Json::Integer(number) => Ok(*number),
        Json::Text(digits) => digits.parse().map_err(|_| Malformed),
        Json::Number(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => Ok(*number as i64),
        _ => Err(Malformed),
    }
}

fn real(value: &Json) -> Result<f64, Malformed> {
    match value {
        Json::Integer(number) => Ok(*number as f64),
        Json::Huge(digits) => digits.parse().map_err(|_| Malformed),
        Json::Number(number) => Ok(*number),
        Json::Text(text) => match text.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            digits => digits.parse().map_err(|_| Malformed),
        },
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_read() {
        let body = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},
            "scopeSpans":[{"spans":[{"traceId":"0a0b","span_id":"AQI=","name":"n","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":"7",
            "future":1,"attributes":[{"key":"a","value":{"kvlistValue":{"values":[{"key":"b","value":{"intValue":"3"}}]}}}],
            "status":{"code":2,"message":"m"}}]}]}]}"#;
        let read = read(body.as_bytes()).unwrap();
        assert_eq!(read[0].resource, [("service.name".to_owned(), Json::Text("s".into()))]);
        let span = &read[0].spans[0];
        assert_eq!((&span.trace_id[..], &span.span_id[..], span.kind), (&[10, 11][..], &[1, 2][..], 3));
        assert_eq!((span.start_ns, span.status_code, span.status_message.as_str()), (7, 2, "m"));
        let value = Json::Object(vec![("b".into(), Json::Integer(3))]);
        assert_eq!(span.attributes, [("a".to_owned(), value)]);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for wrong in [
            "",
            "[]",
            "5",
            r#"{"resourceSpans":{}}"#,
            r#"{"resourceSpans":[5]}"#,
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}"#,
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}"#,
        ] {
            assert_eq!(read(wrong.as_bytes()), Err(Malformed), "{wrong}");
        }
        assert_eq!(read(b"{}").unwrap(), []);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = read(text.as_bytes());
            let _ = read(format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":{text}}}]}}]}}]}}"#).as_bytes());
        }
    }
}
