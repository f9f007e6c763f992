//! Spans as OpenTelemetry's messages, which MLflow's clients read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_mlflow::json::{Json, parse};

use super::wire::Writer;
use crate::python;
use crate::service::Trace;
use crate::span::KINDS;

impl Writer {
    /// A trace with its spans.
    pub(super) fn trace(&mut self, trace: &Trace) -> &mut Self {
        self.raw("{\"trace_info\":").info(&trace.info);
        if !trace.spans.is_empty() {
            self.name("spans").raw("[");
            for span in &trace.spans {
                self.item().span(&span.content);
            }
            self.raw("]");
        }
        self.raw("}")
    }

    /// A span from its stored JSON. As everywhere in protobuf's JSON, what is empty or zero is left out.
    fn span(&mut self, content: &str) {
        let span = parse(content).unwrap_or(Json::Null);
        let text = |name: &str| span.get(name).and_then(Json::as_text).filter(|text| !text.is_empty());
        self.raw("{");
        self.maybe("trace_id", text("trace_id")).maybe("span_id", text("span_id"));
        self.maybe("parent_span_id", text("parent_span_id")).maybe("name", text("name"));
        self.text("kind", text("kind").filter(|kind| KINDS.contains(kind)).unwrap_or(KINDS[1]));
        self.time(&span, "start_time_unix_nano").time(&span, "end_time_unix_nano");
        if let Some(Json::Object(attributes)) = span.get("attributes") {
            let decoded = attributes.iter().map(|(name, value)| match value {
                Json::Text(text) if text.is_empty() => (name, Json::Null),
                Json::Text(text) => (name, python::loads_or_text(text)),
                other => (name, other.clone()),
            });
            self.attributes(decoded);
        }
        if let Some(Json::List(events)) = span.get("events")
            && !events.is_empty()
        {
            self.name("events").raw("[");
            for event in events {
                self.item().event(event);
            }
            self.raw("]");
        }
        if let Some(Json::List(links)) = span.get("links") {
            self.links(links);
        }
        self.name("status").raw("{");
        if let Some(status) = span.get("status") {
            let text = |name: &str| status.get(name).and_then(Json::as_text).filter(|text| !text.is_empty());
            self.maybe("message", text("message"));
            self.maybe("code", text("code").filter(|code| *code != "STATUS_CODE_UNSET"));
        }
        self.raw("}}");
    }

    fn time(&mut self, owner: &Json, name: &str) -> &mut Self {
        match owner.get(name) {
            Some(Json::Integer(time)) if *time != 0 => self.integer(name, *time),
            _ => self,
        }
    }

    fn event(&mut self, event: &Json) {
        self.raw("{").time(event, "time_unix_nano");
        self.maybe("name", event.get("name").and_then(Json::as_text).filter(|name| !name.is_empty()));
        if let Some(Json::Object(attributes)) = event.get("attributes") {
            self.attributes(attributes.iter().map(|(name, value)| (name, value.clone())));
        }
        self.raw("}");
    }

    fn links(&mut self, links: &[Json]) {
        let number = |link: &Json, name: &str| {
            let text = link.get(name)?.as_text()?;
            let digits = text.strip_prefix("tr-").unwrap_or(text).trim_start_matches('0');
            u128::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).ok()
        };
        // Some producers make identifiers that OpenTelemetry has no place for; such links are left out.
        let usable = links.iter().filter_map(|link| {
            Some((link, number(link, "trace_id")?, u64::try_from(number(link, "span_id")?).ok()?))
        });
        let usable: Vec<_> = usable.collect();
        if usable.is_empty() {
            return;
        }
        self.name("links").raw("[");
        for (link, trace, span) in usable {
            self.item().raw("{").text("trace_id", &STANDARD.encode(trace.to_be_bytes()));
            self.text("span_id", &STANDARD.encode(span.to_be_bytes()));
            if let Some(Json::Object(attributes)) = link.get("attributes") {
                self.attributes(attributes.iter().map(|(name, value)| (name, value.clone())));
            }
            self.raw("}");
        }
        self.raw("]");
    }

    fn attributes<'a>(&mut self, attributes: impl Iterator<Item = (&'a String, Json)>) {
        let mut attributes = attributes.peekable();
        if attributes.peek().is_none() {
            return;
        }
        self.name("attributes").raw("[");
        for (name, value) in attributes {
            self.item().key_value(name, &value);
        }
        self.raw("]");
    }

    fn key_value(&mut self, name: &str, value: &Json) {
        self.raw("{");
        self.maybe("key", Some(name).filter(|name| !name.is_empty()));
        if *value != Json::Null {
            self.name("value").any_value(value);
        }
        self.raw("}");
    }

    /// OpenTelemetry's `AnyValue`.
    fn any_value(&mut self, value: &Json) {
        self.raw("{");
        match value {
            Json::Null => {}
            Json::Truth(_) => {
                self.name("bool_value").json(value);
            }
            Json::Integer(number) => {
                self.integer("int_value", *number);
            }
            Json::Huge(digits) => {
                self.text("string_value", digits);
            }
            Json::Number(_) => {
                self.name("double_value").json(value);
            }
            Json::Text(text) => {
                self.text("string_value", text);
            }
            Json::List(items) => {
                self.name("array_value").raw("{");
                if !items.is_empty() {
                    self.name("values").raw("[");
                    for item in items {
                        self.item().any_value(item);
                    }
                    self.raw("]");
                }
                self.raw("}");
            }
            Json::Object(members) => {
                self.name("kvlist_value").raw("{");
                if !members.is_empty() {
                    self.name("values").raw("[");
                    for (name, value) in members {
                        self.item().key_value(name, value);
                    }
                    self.raw("]");
                }
                self.raw("}");
            }
        }
        self.raw("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_becomes_opentelemetry_s_message() {
        let mut writer = Writer::default();
        writer.span(concat!(
            r#"{"trace_id": "AA==", "span_id": "AQ==", "parent_span_id": null, "name": "n", "kind": "SPAN_KIND_SERVER", "#,
            r#""start_time_unix_nano": 5, "end_time_unix_nano": 0, "events": [{"name": "e", "time_unix_nano": 7, "#,
            r#""attributes": {"k": 1.0}}], "status": {"code": "STATUS_CODE_ERROR", "message": "m"}, "attributes": "#,
            r#"{"a": "{\"x\": [1, null]}", "b": "", "c": "raw"}, "#,
            r#""links": [{"trace_id": "tr-0a", "span_id": "0b", "attributes": null}, {"trace_id": "tr-x", "span_id": ""}]}"#
        ));
        assert_eq!(
            String::from_utf8_lossy(&writer.into_bytes()),
            concat!(
                r#"{"trace_id":"AA==","span_id":"AQ==","name":"n","kind":"SPAN_KIND_SERVER","start_time_unix_nano":5,"#,
                r#""attributes":[{"key":"a","value":{"kvlist_value":{"values":[{"key":"x","value":{"array_value":{"values":["#,
                r#"{"int_value":1},{}]}}}]}}},{"key":"b"},{"key":"c","value":{"string_value":"raw"}}],"#,
                r#""events":[{"time_unix_nano":7,"name":"e","attributes":[{"key":"k","value":{"double_value":1.0}}]}],"#,
                r#""links":[{"trace_id":"AAAAAAAAAAAAAAAAAAAACg==","span_id":"AAAAAAAAAAs="}],"#,
                r#""status":{"message":"m","code":"STATUS_CODE_ERROR"}}"#
            )
        );
    }
}
