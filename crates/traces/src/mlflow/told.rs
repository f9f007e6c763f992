//! Traces and assessments as they come over the wire.

use ropewalk_core::now_ms;
use ropewalk_mlflow::json::{Json, parse};
use ropewalk_mlflow::{Fields, MlflowError, MlflowResult};

use crate::keys::{self, tag};
use crate::model::{Assessment, AssessmentError, AssessmentKind, TraceInfo, TraceState};
use crate::service::Told;

/// Nanoseconds as whole milliseconds, down.
fn milliseconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds.div_euclid(1_000_000)).unwrap_or_default()
}

/// A length of time in milliseconds, towards zero.
fn length(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds / 1_000_000).unwrap_or_default()
}

/// The experiment of a trace's location; none if it has none.
pub(super) fn experiment(info: &Fields) -> MlflowResult<Option<String>> {
    let Some(location) = info.part("trace_location") else { return Ok(None) };
    let kind = location.word("type").unwrap_or("TRACE_LOCATION_TYPE_UNSPECIFIED");
    let (wanted, shown) = if let Some(experiment) = location.part("mlflow_experiment") {
        let id = experiment.text("experiment_id");
        ("MLFLOW_EXPERIMENT", format!("MlflowExperimentLocation(experiment_id='{id}')"))
    } else if let Some(table) = location.part("inference_table") {
        let name = table.text("full_table_name");
        ("INFERENCE_TABLE", format!("InferenceTableLocation(full_table_name='{name}')"))
    } else {
        return Ok(None);
    };
    if kind != wanted {
        return Err(MlflowError::invalid(format!(
            "Trace location type TraceLocationType.{kind} does not match the provided location {shown}."
        )));
    }
    let experiment = location.part("mlflow_experiment").map(|place| place.text("experiment_id").to_owned());
    Ok(experiment.filter(|id| !id.is_empty()))
}

/// What a client tells of a trace.
pub(super) fn trace(info: &Fields) -> MlflowResult<Told> {
    let text = |name: &str| info.sent_text(name).map(str::to_owned);
    let trace_id = info.text("trace_id").to_owned();
    let assessments = info.parts("assessments").map(|sent| assessment(sent, &trace_id));
    let assessments = assessments.collect::<MlflowResult<Vec<_>>>()?;
    let tags = info.map("tags").iter().filter(|(key, _)| !tag::BLOCKED.contains(&key.as_str()));
    Ok(Told {
        info: TraceInfo {
            trace_id,
            request_time: info.moment("request_time").map(milliseconds).unwrap_or_default(),
            execution_duration: info.duration("execution_duration").map(length),
            state: TraceState::read(info.word("state").unwrap_or_default()),
            client_request_id: text("client_request_id"),
            request_preview: text("request_preview"),
            response_preview: text("response_preview"),
            assessments,
            ..TraceInfo::default()
        },
        metadata: info.map("trace_metadata").to_vec(),
        tags: tags.cloned().collect(),
    })
}

/// An assessment that is to be made.
pub(super) fn assessment(sent: &Fields, trace_id: &str) -> MlflowResult<Assessment> {
    let text = |name: &str| sent.some_text(name).map(str::to_owned);
    let nothing = Fields::default();
    let part = |name: &str| sent.part(name).unwrap_or(&nothing);
    // Where several are sent, the first counts.
    let (kind, value, error) = match sent.first_of(&["feedback", "expectation", "issue"]) {
        Some("feedback") => {
            let (value, error) = judged(part("feedback"))?;
            (AssessmentKind::Feedback, value, error)
        }
        Some("expectation") => (AssessmentKind::Expectation, expected(part("expectation"))?, None),
        Some(_) => (AssessmentKind::Issue, Json::Text(part("issue").text("issue_name").to_owned()), None),
        None => return Err(MlflowError::invalid("Unknown assessment type: None")),
    };
    let source = sent.part("source");
    let now = now_ms();
    let time = |name: &str| sent.moment(name).map(milliseconds).filter(|time| *time != 0).unwrap_or(now);
    let metadata = sent.map("metadata").to_vec();
    let run =
        metadata.iter().find(|(key, _)| key == keys::assessment::SOURCE_RUN).map(|(_, run)| run.clone());
    Ok(Assessment {
        assessment_id: text("assessment_id").unwrap_or_else(new_id),
        name: sent.text("assessment_name").to_owned(),
        trace_id: trace_id.to_owned(),
        span_id: text("span_id"),
        kind,
        value,
        error,
        source_type: source
            .and_then(|source| source.word("source_type"))
            .unwrap_or("SOURCE_TYPE_UNSPECIFIED"),
        source_id: source.and_then(|source| source.some_text("source_id")).map(str::to_owned),
        run_id: run,
        rationale: text("rationale").filter(|_| kind != AssessmentKind::Expectation),
        metadata,
        overrides: text("overrides").filter(|_| kind == AssessmentKind::Feedback),
        valid: true,
        create_time: time("create_time"),
        last_update_time: time("last_update_time"),
    })
}

fn new_id() -> String {
    format!("a-{}", ropewalk_core::new_id())
}

/// What should have come out.
pub(super) fn expected(sent: &Fields) -> MlflowResult<Json> {
    let value = match sent.part("serialized_value") {
        Some(serialized) => {
            let format = serialized.text("serialization_format");
            if format != "JSON_FORMAT" {
                return Err(MlflowError::invalid(format!(
                    "Unknown serialization format: {format}. Only JSON_FORMAT is supported."
                )));
            }
            parse(serialized.text("value"))
                .ok_or_else(|| MlflowError::invalid("The serialized value of an expectation is not JSON"))?
        }
        None => plain(sent.any("value"))?,
    };
    if value == Json::Null {
        return Err(MlflowError::invalid("The `value` field must be specified."));
    }
    Ok(value)
}

/// What was judged, and why it could not be.
pub(super) fn judged(sent: &Fields) -> MlflowResult<(Json, Option<AssessmentError>)> {
    let error = sent.part("error").map(|error| AssessmentError {
        error_code: error.text("error_code").to_owned(),
        error_message: error.some_text("error_message").map(str::to_owned),
        stack_trace: error.some_text("stack_trace").map(str::to_owned),
    });
    Ok((plain(sent.any("value"))?, error))
}

/// A value as protobuf keeps it: all numbers are real.
fn plain(value: Option<&Json>) -> MlflowResult<Json> {
    Ok(match value {
        None => Json::Null,
        Some(Json::Integer(number)) => Json::Number(*number as f64),
        Some(Json::Huge(digits)) => Json::Number(digits.parse().unwrap_or_default()),
        Some(Json::List(items)) => {
            Json::List(items.iter().map(|item| plain(Some(item))).collect::<MlflowResult<_>>()?)
        }
        Some(Json::Object(members)) => Json::Object(
            members
                .iter()
                .map(|(name, value)| Ok((name.clone(), plain(Some(value))?)))
                .collect::<MlflowResult<_>>()?,
        ),
        Some(Json::Number(number)) if !number.is_finite() => {
            return Err(MlflowError::invalid("An assessment's value cannot be NaN or infinite"));
        }
        Some(other) => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::mlflow::messages::{ASSESSMENT, INFO};
    use ropewalk_mlflow::Message;

    fn read(message: &Message, json: &str) -> Fields {
        let mut fields = Fields::default();
        message.read(&parse(json).unwrap(), &mut fields).unwrap();
        fields
    }

    #[test]
    fn an_assessment_is_of_one_kind() {
        let made = |json: &str| assessment(&read(&ASSESSMENT, json), "t");
        let feedback = made(
            r#"{"assessment_name": "n", "feedback": {"value": {"a": [1]}}, "overrides": "o",
            "metadata": {"mlflow.assessment.sourceRunId": "r"}}"#,
        )
        .unwrap();
        assert_eq!(feedback.stored_value(), r#"{"a": [1.0]}"#);
        assert_eq!((feedback.run_id.as_deref(), feedback.overrides.as_deref()), (Some("r"), Some("o")));
        assert_eq!(made("{}").unwrap_err().message(), "Unknown assessment type: None");
        assert!(made(r#"{"expectation": {}}"#).is_err());
        assert!(made(r#"{"feedback": {"value": NaN}}"#).is_err());
        let serialized = r#"{"expectation": {"serialized_value":
            {"serialization_format": "JSON_FORMAT", "value": "{\"a\":1}"}}}"#;
        assert_eq!(made(serialized).unwrap().stored_value(), r#"{"a": 1}"#);
    }

    #[test]
    fn a_location_must_be_of_its_type() {
        let of = |json: &str| experiment(&read(&INFO, json));
        assert_eq!(of("{}").unwrap(), None);
        let right = r#"{"trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "3"}}}"#;
        assert_eq!(of(right).unwrap().as_deref(), Some("3"));
        assert!(of(r#"{"trace_location": {"mlflow_experiment": {"experiment_id": "3"}}}"#).is_err());
    }
}
