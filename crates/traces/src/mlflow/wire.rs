//! Traces as MLflow's clients read them.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat};
use ropewalk_mlflow::answer::{push_integer, push_number, push_text};
use ropewalk_mlflow::json::Json;

use crate::keys::tag;
use crate::model::{Assessment, AssessmentKind, EvaluationDataset, TraceInfo};
use crate::python::{self, Letters, truncated};

/// The longest stack trace in an answer, in characters.
const LONGEST_STACK: usize = 10_000;
const CUT: &str = "[Stack trace is truncated]\n...\n";

/// JSON in the making.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// What was written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends JSON as it is.
    pub(super) fn raw(&mut self, json: &str) -> &mut Self {
        self.0.extend_from_slice(json.as_bytes());
        self
    }

    /// Begins a member, with a comma unless it is the first.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.item();
        push_text(&mut self.0, name);
        self.raw(":")
    }

    /// Begins an item, with a comma unless it is the first.
    pub(super) fn item(&mut self) -> &mut Self {
        if !matches!(self.0.last(), Some(b'{' | b'[') | None) {
            self.0.push(b',');
        }
        self
    }

    /// A member with a text.
    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        push_text(&mut self.0, value);
        self
    }

    /// A member with a text, if there is one.
    pub(super) fn maybe(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A member with a whole number.
    pub(super) fn integer(&mut self, name: &str, value: i64) -> &mut Self {
        self.name(name);
        push_integer(&mut self.0, value);
        self
    }

    /// A member with a number.
    pub(super) fn number(&mut self, name: &str, value: f64) -> &mut Self {
        self.name(name);
        push_number(&mut self.0, value);
        self
    }

    /// A value.
    pub(super) fn json(&mut self, value: &Json) -> &mut Self {
        match value {
            Json::Number(number) => push_number(&mut self.0, *number),
            Json::Text(text) => push_text(&mut self.0, text),
            Json::List(items) => {
                self.raw("[");
                for item in items {
                    self.item().json(item);
                }
                self.raw("]");
            }
            Json::Object(members) => {
                self.raw("{");
                for (name, value) in members {
                    self.name(name).json(value);
                }
                self.raw("}");
            }
            other => {
                self.raw(&python::dumps(other, Letters::Kept));
            }
        }
        self
    }

    /// A trace without its spans.
    pub(super) fn info(&mut self, info: &TraceInfo) -> &mut Self {
        self.raw("{").text("trace_id", &info.trace_id);
        self.maybe("client_request_id", info.client_request_id.as_deref());
        self.raw(
            ",\"trace_location\":{\"type\":\"MLFLOW_EXPERIMENT\",\"mlflow_experiment\":{\"experiment_id\":\"",
        );
        self.raw(&info.experiment_id.to_string()).raw("\"}}");
        self.maybe("request_preview", info.request_preview.as_deref());
        self.maybe("response_preview", info.response_preview.as_deref());
        self.text("request_time", &moment(info.request_time));
        if let Some(length) = info.execution_duration {
            self.text("execution_duration", &duration(length));
        }
        self.text("state", info.state.as_str());
        let promoted = info.promoted();
        let promoted = promoted.iter().map(|(name, value)| (*name, value.as_str()));
        self.pairs("trace_metadata", info.metadata.as_json(), promoted, TraceInfo::LONGEST_METADATA);
        let name = info.name.iter().map(|name| (tag::NAME, name.as_str()));
        self.pairs("tags", info.tags.as_json(), name, TraceInfo::LONGEST_TAG);
        if !info.assessments.is_empty() {
            self.name("assessments").raw("[");
            for assessment in &info.assessments {
                self.item().assessment(assessment);
            }
            self.raw("]");
        }
        self.raw("}")
    }

    /// An object that stands already, with further members.
    fn pairs<'a>(
        &mut self,
        name: &str,
        object: &str,
        further: impl Iterator<Item = (&'a str, &'a str)>,
        longest: usize,
    ) {
        let mut further = further.peekable();
        let open = object.strip_suffix('}').unwrap_or("{");
        if open == "{" && further.peek().is_none() {
            return;
        }
        self.name(name).raw(open);
        for (name, value) in further {
            self.text(name, truncated(value, longest));
        }
        self.raw("}");
    }

    /// An assessment.
    pub(super) fn assessment(&mut self, assessment: &Assessment) -> &mut Self {
        self.raw("{").text("assessment_id", &assessment.assessment_id);
        self.text("assessment_name", &assessment.name).text("trace_id", &assessment.trace_id);
        self.maybe("span_id", assessment.span_id.as_deref());
        self.name("source").raw("{").text("source_type", assessment.source_type);
        self.maybe("source_id", assessment.source_id.as_deref()).raw("}");
        self.text("create_time", &moment(assessment.create_time));
        self.text("last_update_time", &moment(assessment.last_update_time));
        match assessment.kind {
            AssessmentKind::Feedback => self.feedback(assessment),
            AssessmentKind::Expectation => self.expectation(&assessment.value),
            AssessmentKind::Issue => {
                self.name("issue").raw("{");
                self.text("issue_name", assessment.value.as_text().unwrap_or_default()).raw("}");
            }
        }
        self.maybe("rationale", assessment.rationale.as_deref());
        if !assessment.metadata.is_empty() {
            self.name("metadata").raw("{");
            for (name, value) in &assessment.metadata {
                self.text(name, value);
            }
            self.raw("}");
        }
        self.maybe("overrides", assessment.overrides.as_deref().filter(|id| !id.is_empty()));
        self.name("valid").raw(if assessment.valid { "true" } else { "false" });
        self.raw("}")
    }

    /// An evaluation dataset with these tags.
    pub(super) fn dataset(
        &mut self,
        dataset: &EvaluationDataset,
        tags: &Json,
        experiments: &[String],
    ) -> &mut Self {
        self.raw("{").text("dataset_id", &dataset.dataset_id).text("name", &dataset.name);
        self.text("tags", &python::dumps(tags, Letters::Escaped));
        self.maybe("schema", dataset.schema.as_deref()).maybe("profile", dataset.profile.as_deref());
        self.text("digest", &dataset.digest).integer("created_time", dataset.created_time);
        self.integer("last_update_time", dataset.last_update_time);
        self.maybe("created_by", dataset.created_by.as_deref());
        self.maybe("last_updated_by", dataset.last_updated_by.as_deref());
        if !experiments.is_empty() {
            self.name("experiment_ids").raw("[");
            for experiment in experiments {
                self.item();
                push_text(&mut self.0, experiment);
            }
            self.raw("]");
        }
        self.raw("}")
    }

    fn feedback(&mut self, assessment: &Assessment) {
        self.name("feedback").raw("{").name("value").json(&real(&assessment.value));
        if let Some(error) = &assessment.error {
            self.name("error").raw("{").text("error_code", &error.error_code);
            self.maybe("error_message", error.error_message.as_deref());
            if let Some(stack) = &error.stack_trace {
                let count = stack.chars().count();
                if count > LONGEST_STACK {
                    let kept: String = stack.chars().skip(count - (LONGEST_STACK - CUT.len())).collect();
                    self.text("stack_trace", &format!("{CUT}{kept}"));
                } else {
                    self.text("stack_trace", stack);
                }
            }
            self.raw("}");
        }
        self.raw("}");
    }

    fn expectation(&mut self, value: &Json) {
        self.name("expectation").raw("{");
        match value {
            Json::List(_) | Json::Object(_) | Json::Null => {
                self.name("serialized_value").raw("{").text("serialization_format", "JSON_FORMAT");
                self.text("value", &python::dumps(value, Letters::Escaped)).raw("}");
            }
            plain => {
                self.name("value").json(&real(plain));
            }
        }
        self.raw("}");
    }
}

/// A value whose numbers are real, as protobuf keeps them.
fn real(value: &Json) -> Json {
    match value {
        Json::Integer(number) => Json::Number(*number as f64),
        Json::List(items) => Json::List(items.iter().map(real).collect()),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), real(value))).collect())
        }
        other => other.clone(),
    }
}

/// A time as protobuf writes it: without a fraction where there is none.
pub(super) fn moment(ms: i64) -> String {
    let format = if ms.rem_euclid(1000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
    let time = DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::UNIX_EPOCH);
    time.to_rfc3339_opts(format, true)
}

/// A length of time as protobuf writes it.
pub(super) fn duration(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let (seconds, rest) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    let mut text = format!("{sign}{seconds}");
    if rest > 0 {
        let _ = write!(text, ".{rest:03}");
    }
    text + "s"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_protobuf_writes_them() {
        assert_eq!(moment(1_735_689_600_500), "2025-01-01T00:00:00.500Z");
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(-500), "1969-12-31T23:59:59.500Z");
        assert_eq!([0, 1500, -500, 61_000].map(duration), ["0s", "1.500s", "-0.500s", "61s"]);
        let _ = (moment(i64::MAX), duration(i64::MIN));
    }
}
