//! What a search asks of a trace's spans: one span must fulfil all of it.

use std::collections::HashSet;

use ropewalk_core::Result;
use ropewalk_mlflow::MlflowResult;
use ropewalk_mlflow::filter::{Operator, TextTest, Value};

use crate::span::pack;
use crate::span::summary::{self, Summary};
use crate::store::spans::Packed;

/// How much earlier than its trace a span may start, in milliseconds: clocks differ.
const TOLERANCE_MS: i128 = 10_000;

/// What one span must fulfil.
#[derive(Debug, Clone)]
pub(crate) struct SpanFilter {
    /// The earliest start, in nanoseconds since 1970.
    from_ns: Option<i128>,
    tests: Vec<(Part, Test)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    Type,
    Status,
    Content,
}

#[derive(Debug, Clone)]
enum Test {
    /// A text stands somewhere within.
    Within(String),
    Text(TextTest),
}

impl SpanFilter {
    /// A filter for spans of traces that start at this moment or later.
    pub(crate) fn new(from_ms: Option<i128>) -> Self {
        Self { from_ns: from_ms.map(|ms| (ms - TOLERANCE_MS) * 1_000_000), tests: Vec::new() }
    }

    /// Adds a comparison.
    pub(crate) fn add(&mut self, key: &str, operator: Operator, value: &Value) -> MlflowResult<()> {
        let part = match key {
            "name" => Part::Name,
            "type" => Part::Type,
            "status" => Part::Status,
            _ => Part::Content,
        };
        let value = match (key.strip_prefix("attributes."), value) {
            (Some(name), Value::Text(text)) => Value::Text(attribute(name.trim_matches('`'), operator, text)),
            _ => value.clone(),
        };
        self.tests.push((part, Test::new(operator, &value)?));
        Ok(())
    }

    /// Whether the spans' whole content must be looked at.
    pub(crate) fn needs_content(&self) -> bool {
        self.tests.iter().any(|(part, _)| *part == Part::Content)
    }

    /// The traces that have such a span, out of all parts of some traces' spans, a trace's own in their order.
    pub(crate) fn found(&self, parts: &[Packed]) -> Result<HashSet<i64>> {
        let mut found = HashSet::new();
        let mut seen = HashSet::new();
        let mut trace = None;
        // From the end, as of a span that came twice the later counts.
        for part in parts.iter().rev() {
            if trace != Some(part.trace) {
                trace = Some(part.trace);
                seen.clear();
            }
            if found.contains(&part.trace) {
                continue;
            }
            let summaries = summary::unpack(&part.summaries)?;
            let plain = if self.needs_content() { pack::plain(&part.contents)? } else { Vec::new() };
            let contents = pack::split(&plain)?;
            for (place, span) in summaries.iter().enumerate().rev() {
                let content = contents.get(place).copied().unwrap_or_default();
                if seen.insert(span.span_id) && self.matches(span, content) {
                    found.insert(part.trace);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Whether a span fulfils it; where content is not needed, it may be empty.
    pub(crate) fn matches(&self, span: &Summary, content: &str) -> bool {
        self.from_ns.is_none_or(|from| i128::from(span.start_ns) >= from)
            && self.tests.iter().all(|(part, test)| {
                test.matches(match part {
                    Part::Name => Some(&span.name),
                    Part::Type => span.span_type.as_deref(),
                    Part::Status => Some(span.status.as_str()),
                    Part::Content => Some(content),
                })
            })
    }
}

impl Test {
    fn new(operator: Operator, value: &Value) -> MlflowResult<Self> {
        if let (Operator::Like, Value::Text(pattern)) = (operator, value)
            && let Some(within) = pattern.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'))
            && !within.contains(['%', '_'])
        {
            return Ok(Self::Within(within.to_owned()));
        }
        Ok(Self::Text(TextTest::new(operator, value)?))
    }

    fn matches(&self, text: Option<&str>) -> bool {
        match self {
            Self::Within(within) => text.is_some_and(|text| text.contains(within)),
            Self::Text(test) => test.matches(text),
        }
    }
}

/// What to look for in a span's JSON, where an attribute is a text of JSON by its name.
fn attribute(name: &str, operator: Operator, value: &str) -> String {
    if operator != Operator::RLike {
        return format!("%\"{name}\"{value}%");
    }
    let (value, before) = match value.strip_prefix('^') {
        Some(rest) => (rest, r#""\\""#),
        None => (value, r#""\\".*"#),
    };
    let (value, after) = match value.strip_suffix('$') {
        Some(rest) => (rest, r#"\\""#),
        None => (value, ""),
    };
    format!(r#""{name}": {before}{value}{after}"#)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::span::SpanStatus;

    fn span(name: &str, start_ms: i64) -> Summary {
        Summary {
            span_id: 1,
            parent_id: None,
            name: name.into(),
            span_type: None,
            status: SpanStatus::Ok,
            start_ns: start_ms * 1_000_000,
            end_ns: 0,
            model: None,
            provider: None,
            usage: None,
            cost: None,
        }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn all_is_asked_of_one_span() {
        let mut filter = SpanFilter::new(Some(20_000));
        filter.add("name", Operator::Equal, &text("a")).unwrap();
        filter.add("status", Operator::NotEqual, &text("ERROR")).unwrap();
        assert!(!filter.needs_content());
        assert!(filter.matches(&span("a", 10_000), ""));
        assert!(!filter.matches(&span("a", 9_999), ""), "it starts too early");
        assert!(!filter.matches(&span("b", 10_000), ""));
        filter.add("type", Operator::NotEqual, &text("LLM")).unwrap();
        assert!(!filter.matches(&span("a", 10_000), ""), "a type that is missing differs from none");
    }

    #[test]
    fn of_a_span_that_came_twice_the_later_counts() {
        let part = |trace: i64, span: Summary, content: &str| Packed {
            trace,
            summaries: summary::pack(&[span]),
            contents: pack::contents([content]).unwrap(),
        };
        let parts =
            [part(1, span("old", 0), "x"), part(1, span("new", 0), "y"), part(2, span("old", 0), "x")];
        let found = |key: &str, operator, value: &str| {
            let mut filter = SpanFilter::new(None);
            filter.add(key, operator, &text(value)).unwrap();
            filter.found(&parts).unwrap().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(found("name", Operator::Equal, "old"), [2]);
        assert_eq!(found("name", Operator::Equal, "new"), [1]);
        assert_eq!(found("content", Operator::Like, "%x%"), [2]);
    }

    #[test]
    fn attributes_are_looked_for_in_the_content() {
        let content = r#"{"attributes": {"colour": "\"dark red\""}}"#;
        let found = |operator, value: &str| {
            let mut filter = SpanFilter::new(None);
            filter.add("attributes.colour", operator, &text(value)).unwrap();
            assert!(filter.needs_content());
            filter.matches(&span("a", 0), content)
        };
        assert!(found(Operator::Like, "%red%") && !found(Operator::Like, "%RED%"));
        assert!(found(Operator::ILike, "%RED%"));
        assert!(
            found(Operator::RLike, "r.d")
                && found(Operator::RLike, "^dark")
                && found(Operator::RLike, "red$")
        );
        assert!(!found(Operator::RLike, "^red") && !found(Operator::RLike, "dark$"));
        assert!(!found(Operator::Equal, "dark red"), "the stock server finds nothing so");
        assert!(found(Operator::NotEqual, "dark red"));
    }
}
