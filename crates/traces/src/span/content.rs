//! A span as one text of JSON, letter for letter as the stock server keeps it: people's searches look into it.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_mlflow::Json;

use super::Span;
use crate::otlp::Attributes;
use crate::python::{Letters, push, push_members, push_text};

/// The text of a span with its attributes as they were translated.
pub(crate) fn write(span: &Span, attributes: &Attributes) -> String {
    let mut text = String::with_capacity(512);
    let identifier = |text: &mut String, name: &str, bytes: &[u8]| {
        let _ = write!(text, "\"{name}\": \"{}\", ", STANDARD.encode(bytes));
    };
    text.push('{');
    identifier(&mut text, "trace_id", &span.otel_trace_id.to_be_bytes());
    identifier(&mut text, "span_id", &span.span_id.to_be_bytes());
    match span.parent_id {
        Some(parent) => identifier(&mut text, "parent_span_id", &parent.to_be_bytes()),
        None => text.push_str("\"parent_span_id\": null, "),
    }
    text.push_str("\"name\": ");
    push_text(&mut text, &span.name, Letters::Kept);
    let _ = write!(
        text,
        ", \"kind\": \"{}\", \"start_time_unix_nano\": {}, \"end_time_unix_nano\": {}, \"events\": [",
        span.kind, span.start_ns, span.end_ns
    );
    for (index, event) in span.events.iter().enumerate() {
        text.push_str(if index > 0 { ", {\"name\": " } else { "{\"name\": " });
        push_text(&mut text, &event.name, Letters::Kept);
        let _ = write!(text, ", \"time_unix_nano\": {}, \"attributes\": ", event.time_ns);
        push_members(&mut text, &event.attributes, Letters::Kept);
        text.push('}');
    }
    let _ = write!(text, "], \"status\": {{\"code\": \"{}\", \"message\": ", span.status.code());
    push_text(&mut text, &span.message, Letters::Kept);
    text.push_str("}, \"attributes\": ");
    push_members(&mut text, attributes, Letters::Kept);
    text.push_str(", \"links\": [");
    for (index, link) in span.links.iter().enumerate() {
        text.push_str(if index > 0 { ", {\"trace_id\": " } else { "{\"trace_id\": " });
        push_text(&mut text, &link.trace_id, Letters::Kept);
        text.push_str(", \"span_id\": ");
        push_text(&mut text, &link.span_id, Letters::Kept);
        text.push_str(", \"attributes\": ");
        if link.attributes.is_empty() {
            push(&mut text, &Json::Null, Letters::Kept);
        } else {
            push_members(&mut text, &link.attributes, Letters::Kept);
        }
        text.push('}');
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::otlp::read_json;

    #[test]
    fn a_span_is_written_as_the_stock_server_writes_it() {
        let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0123456789abcdef0123456789abcdef",
            "spanId":"0123456789abcdef","name":"root","kind":2,"startTimeUnixNano":"17","endTimeUnixNano":"19",
            "attributes":[{"key":"a","value":{"stringValue":"{\"x\": 1}"}},{"key":"l","value":{"arrayValue":{"values":[
            {"stringValue":"é"},{"boolValue":true},{}]}}},{"key":"b","value":{"bytesValue":"AAEC"}}],
            "status":{"code":1,"message":"m"},"events":[{"name":"e","timeUnixNano":"5","attributes":[{"key":"k","value":
            {"kvlistValue":{"values":[{"key":"z","value":{"doubleValue":1}}]}}}]}],
            "links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002"}]}]}]}]}"#;
        let mut sent = read_json(body.as_bytes()).unwrap();
        let span = Span::from_exported(sent.remove(0).spans.remove(0), None).unwrap();
        assert_eq!(
            write(&span, &span.attributes),
            concat!(
                r#"{"trace_id": "ASNFZ4mrze8BI0VniavN7w==", "span_id": "ASNFZ4mrze8=", "parent_span_id": null, "name": "root", "#,
                r#""kind": "SPAN_KIND_SERVER", "start_time_unix_nano": 17, "end_time_unix_nano": 19, "events": [{"name": "e", "#,
                r#""time_unix_nano": 5, "attributes": {"k": {"z": 1.0}}}], "status": {"code": "STATUS_CODE_OK", "message": ""}, "#,
                r#""attributes": {"a": "{\"x\": 1}", "l": "[\"é\", true, null]", "b": "\"b'\\\\x00\\\\x01\\\\x02'\"", "#,
                r#""mlflow.traceRequestId": "\"tr-0123456789abcdef0123456789abcdef\""}, "links": [{"trace_id": "#,
                r#""tr-00000000000000000000000000000001", "span_id": "0000000000000002", "attributes": null}]}"#,
            )
        );
    }
}
