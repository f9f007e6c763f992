//! Judgements of traces: feedback, expectations, and references to issues.

use ropewalk_mlflow::json::{Json, parse};

use crate::python::{self, Letters};

/// What kind of judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssessmentKind {
    /// How good something was.
    Feedback,
    /// What should have come out.
    Expectation,
    /// A known issue that shows in the trace.
    Issue,
}

impl AssessmentKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Expectation => "expectation",
            Self::Issue => "issue",
        }
    }

    pub(crate) fn read(text: &str) -> Self {
        match text {
            "expectation" => Self::Expectation,
            "issue" => Self::Issue,
            _ => Self::Feedback,
        }
    }
}

/// Why a judgement could not be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssessmentError {
    /// A word for it.
    pub error_code: String,
    /// What happened.
    pub error_message: Option<String>,
    /// Where it happened.
    pub stack_trace: Option<String>,
}

impl AssessmentError {
    /// As it is stored.
    pub(crate) fn to_json(&self) -> String {
        let text = |text: &Option<String>| text.clone().map_or(Json::Null, Json::Text);
        let members = vec![
            ("error_code".to_owned(), Json::Text(self.error_code.clone())),
            ("error_message".to_owned(), text(&self.error_message)),
            ("stack_trace".to_owned(), text(&self.stack_trace)),
        ];
        python::dumps(&Json::Object(members), Letters::Escaped)
    }

    pub(crate) fn read(json: &str) -> Option<Self> {
        let read = parse(json)?;
        let text = |name: &str| read.get(name).and_then(Json::as_text).map(str::to_owned);
        Some(Self {
            error_code: text("error_code").unwrap_or_default(),
            error_message: text("error_message"),
            stack_trace: text("stack_trace"),
        })
    }
}

/// A judgement of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// `a-` and 32 hexadecimal digits.
    pub assessment_id: String,
    /// What was judged, such as `correctness`; an issue's identifier.
    pub name: String,
    /// The trace.
    pub trace_id: String,
    /// The span, if it is about one.
    pub span_id: Option<String>,
    /// Which kind it is.
    pub kind: AssessmentKind,
    /// The value: of a feedback or an expectation any JSON, of an issue its name.
    pub value: Json,
    /// Why there is no value.
    pub error: Option<AssessmentError>,
    /// `HUMAN`, `LLM_JUDGE`, `CODE` or `SOURCE_TYPE_UNSPECIFIED`.
    pub source_type: &'static str,
    /// Who or what judged.
    pub source_id: Option<String>,
    /// The run that made it.
    pub run_id: Option<String>,
    /// Why.
    pub rationale: Option<String>,
    /// Free facts.
    pub metadata: Vec<(String, String)>,
    /// The assessment that this one replaces.
    pub overrides: Option<String>,
    /// Whether it has not been replaced.
    pub valid: bool,
    /// Milliseconds since 1970.
    pub create_time: i64,
    /// Milliseconds since 1970.
    pub last_update_time: i64,
}

/// The words for where a judgement comes from.
pub(crate) const SOURCE_TYPES: [&str; 4] = ["SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE"];

impl Assessment {
    /// The value as it is stored and searched.
    pub(crate) fn stored_value(&self) -> String {
        let value = match (&self.value, self.kind) {
            (Json::Text(name), AssessmentKind::Issue) => {
                &Json::Object(vec![("issue_name".to_owned(), Json::Text(name.clone()))])
            }
            (value, _) => value,
        };
        python::dumps(value, Letters::Escaped)
    }

    /// The value that was stored.
    pub(crate) fn read_value(kind: AssessmentKind, stored: &str) -> Json {
        let value = parse(stored).unwrap_or(Json::Null);
        match kind {
            AssessmentKind::Issue => value.get("issue_name").cloned().unwrap_or(Json::Null),
            _ => value,
        }
    }

    /// The number that statistics use, and whether the value is a number itself.
    pub(crate) fn number(&self) -> (Option<f64>, bool) {
        if self.kind == AssessmentKind::Issue {
            return (None, false);
        }
        let truth = |truth: bool| (Some(f64::from(u8::from(truth))), false);
        match &self.value {
            Json::Truth(value) => truth(*value),
            Json::Integer(number) => (Some(*number as f64), true),
            Json::Number(number) if number.is_finite() => (Some(*number), true),
            Json::Text(text) => match text.trim().to_lowercase().as_str() {
                "yes" => truth(true),
                "no" => truth(false),
                _ => (None, false),
            },
            _ => (None, false),
        }
    }

    /// Metadata as it is stored.
    pub(crate) fn stored_metadata(&self) -> Option<String> {
        let members = self
            .metadata
            .iter()
            .map(|(name, value)| (name.clone(), Json::Text(value.clone())))
            .collect::<Vec<_>>();
        (!members.is_empty()).then(|| python::dumps(&Json::Object(members), Letters::Escaped))
    }

    /// The metadata that was stored.
    pub(crate) fn read_metadata(stored: &str) -> Vec<(String, String)> {
        let Some(Json::Object(members)) = parse(stored) else { return Vec::new() };
        let texts = members.into_iter().map(|(name, value)| match value {
            Json::Text(text) => (name, text),
            other => (name, python::dumps(&other, Letters::Escaped)),
        });
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn feedback(value: Json) -> Assessment {
        Assessment {
            assessment_id: "a".into(),
            name: "n".into(),
            trace_id: "t".into(),
            span_id: None,
            kind: AssessmentKind::Feedback,
            value,
            error: None,
            source_type: SOURCE_TYPES[1],
            source_id: None,
            run_id: None,
            rationale: None,
            metadata: Vec::new(),
            overrides: None,
            valid: true,
            create_time: 0,
            last_update_time: 0,
        }
    }

    #[test]
    fn numbers_for_statistics() {
        let number = |value: Json| feedback(value).number();
        assert_eq!(number(Json::Truth(true)), (Some(1.0), false));
        assert_eq!(number(Json::Number(2.5)), (Some(2.5), true));
        assert_eq!(number(Json::Text(" Yes ".into())), (Some(1.0), false));
        assert_eq!(number(Json::Text("maybe".into())), (None, false));
        assert_eq!(number(Json::Null), (None, false));
    }

    #[test]
    fn an_issue_keeps_its_name() {
        let issue = Assessment { kind: AssessmentKind::Issue, ..feedback(Json::Text("slow".into())) };
        assert_eq!(issue.stored_value(), r#"{"issue_name": "slow"}"#);
        assert_eq!(Assessment::read_value(AssessmentKind::Issue, &issue.stored_value()), issue.value);
    }

    #[test]
    fn an_error_comes_back() {
        let error =
            AssessmentError { error_code: "E".into(), error_message: Some("m".into()), stack_trace: None };
        assert_eq!(AssessmentError::read(&error.to_json()).unwrap(), error);
    }
}
