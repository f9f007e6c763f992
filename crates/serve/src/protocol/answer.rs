//! From scores to the protocol's answer.

use super::wire::{InferenceOutput, InferenceResponse, OutputTensor};
use super::{PREDICTION_ID, PROBABILITY};
use ropewalk_core::Error;
use serde_json::{Map, Value};

/// Who answered.
#[derive(Clone, Copy, Debug)]
pub struct Answerer<'a> {
    /// The endpoint.
    pub endpoint: &'a str,
    /// The revision of the endpoint.
    pub revision: i64,
    /// The registered model.
    pub model: &'a str,
    /// Its version.
    pub version: i64,
}

/// The answer for rows scored as `scores` and logged as `ids`, with the outputs that were asked for.
#[must_use]
pub fn answer(
    from: Answerer<'_>,
    id: Option<String>,
    outputs: &[String],
    scores: Vec<f32>,
    ids: Vec<String>,
) -> InferenceResponse {
    let rows = i64::try_from(scores.len()).unwrap_or(i64::MAX);
    let (mut scores, mut ids) = (Some(scores), Some(ids));
    let tensor = |name: &str, datatype: &str, data| OutputTensor {
        name: name.to_owned(),
        shape: vec![rows],
        datatype: datatype.to_owned(),
        data,
    };
    let outputs = outputs
        .iter()
        .filter_map(|name| match name.as_str() {
            PROBABILITY => Some(tensor(PROBABILITY, "FP32", InferenceOutput::Numbers(scores.take()?))),
            PREDICTION_ID => Some(tensor(PREDICTION_ID, "BYTES", InferenceOutput::Text(ids.take()?))),
            _ => None,
        })
        .collect();
    let mut parameters = Map::new();
    parameters.insert("model".to_owned(), Value::from(from.model));
    parameters.insert("model_version".to_owned(), Value::from(from.version.to_string()));
    parameters.insert("revision".to_owned(), Value::from(from.revision));
    InferenceResponse {
        model_name: from.endpoint.to_owned(),
        model_version: from.revision.to_string(),
        id,
        parameters,
        outputs,
    }
}

/// An error as the protocol's one line of text: what, why, and what to do.
#[must_use]
pub fn error_text(error: &Error) -> String {
    match error.advice() {
        Some(hint) => format!("{error} (hint: {hint})"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_answer_has_the_protocols_shape() {
        let from = Answerer { endpoint: "wine", revision: 2, model: "wine-quality", version: 5 };
        let outputs = [PREDICTION_ID.to_owned(), PROBABILITY.to_owned()];
        let response =
            answer(from, Some("7".into()), &outputs, vec![0.25, 0.5], vec!["a".into(), "b".into()]);
        assert_eq!(
            (response.probabilities(), response.prediction_ids().map(<[_]>::len)),
            (Some(&[0.25, 0.5][..]), Some(2))
        );
        assert_eq!(
            serde_json::to_value(&response).unwrap(),
            json!({
                "model_name": "wine", "model_version": "2", "id": "7",
                "parameters": {"model": "wine-quality", "model_version": "5", "revision": 2},
                "outputs": [
                    {"name": "prediction_id", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
                    {"name": "probability", "datatype": "FP32", "shape": [2], "data": [0.25, 0.5]},
                ],
            })
        );
    }

    #[test]
    fn an_error_is_one_line() {
        let error = Error::invalid("no").why("because").hint("ropewalk doctor");
        assert_eq!(error_text(&error), "no: because (hint: ropewalk doctor)");
    }
}
