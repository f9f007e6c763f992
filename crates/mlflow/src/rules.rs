//! What a request's fields must be, checked in MLflow's order and with its words.

use crate::error::{MlflowError, MlflowResult};
use crate::json::{Json, dumps};
use crate::python;

/// A rule for one field.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// It must be sent and not be an empty text.
    Required,
    /// A text.
    Text,
    /// A whole number or a text that is one.
    Whole,
    /// A number or a text that is one.
    Real,
    /// A truth value.
    Truth,
    /// A list.
    Array,
    /// All items are texts.
    TextItems,
    /// An object.
    Object,
    /// A whole number of at most this.
    AtMost(i64),
    /// A rule of its own; the error is the message, or the usual one.
    Check(fn(&Json) -> Result<(), Option<String>>),
}

const SEE: &str = " See the API docs for more information about request parameters.";

/// The words for a value that a parameter must not have.
pub fn invalid_value(path: &str, value: &Json, why: &str) -> String {
    if why.is_empty() {
        return format!("Invalid value {} for parameter '{path}' supplied.", dumps(value));
    }
    format!("Invalid value {} for parameter '{path}' supplied: {why}", dumps(value))
}

/// The words for a parameter that is not there.
pub fn missing_value(path: &str) -> String {
    format!("Missing value for required parameter '{path}'.")
}

impl Rule {
    /// Whether the rule is about the kind alone; such rules are not looked at when the whole request could be read.
    fn is_about_kind(self) -> bool {
        matches!(self, Self::Text | Self::Whole | Self::Real | Self::Truth | Self::Array | Self::TextItems)
    }

    fn check(self, value: &Json) -> Result<(), Option<String>> {
        let holds = match self {
            Self::Required => !matches!(value, Json::Null) && value.as_text() != Some(""),
            Self::Text => value.as_text().is_some(),
            Self::Whole => as_whole(value).is_some(),
            Self::Real => match value {
                Json::Integer(_) | Json::Huge(_) | Json::Number(_) | Json::Truth(_) => true,
                Json::Text(text) => python::float(text).is_some(),
                _ => false,
            },
            Self::Truth => matches!(value, Json::Truth(_)),
            Self::Array => matches!(value, Json::List(_)),
            Self::TextItems => {
                matches!(value, Json::List(items) if items.iter().all(|item| item.as_text().is_some()))
            }
            Self::Object => matches!(value, Json::Object(_)),
            Self::AtMost(most) => as_whole(value).is_some_and(|number| number <= most),
            Self::Check(check) => return check(value),
        };
        if holds { Ok(()) } else { Err(None) }
    }
}

/// Python's `int` of a JSON value.
pub fn as_whole(value: &Json) -> Option<i64> {
    match value {
        Json::Integer(number) => Some(*number),
        Json::Number(number) if number.is_finite() => Some(*number as i64),
        Json::Truth(truth) => Some(i64::from(*truth)),
        Json::Text(text) => python::whole(text),
        // Python's numbers have no end; beyond 64 bits it only matters on which side.
        Json::Huge(digits) => Some(if digits.starts_with('-') { i64::MIN } else { i64::MAX }),
        _ => None,
    }
}

/// Checks a request's members. `whole` says whether all of it could be read as its message.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` with the words that MLflow's clients know.
pub fn check(request: &Json, rules: &[(&str, &[Rule])], whole: bool) -> MlflowResult<()> {
    for (name, rules) in rules {
        let required = rules.iter().any(|rule| matches!(rule, Rule::Required));
        let sent = request.get(name);
        if sent.is_none() && !required {
            continue;
        }
        let mut value = sent.unwrap_or(&Json::Null);
        if *name == "run_id" && matches!(value, Json::Null) {
            value = request.get("run_uuid").unwrap_or(&Json::Null);
        }
        for rule in *rules {
            if whole && rule.is_about_kind() {
                continue;
            }
            if let Err(words) = rule.check(value) {
                let words = words.unwrap_or_else(|| match rule {
                    Rule::Required => missing_value(name),
                    _ => invalid_value(
                        name,
                        value,
                        &format!(" Hint: Value was of type '{}'.", value.python_type()),
                    ),
                });
                return Err(MlflowError::invalid(words + SEE));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::json::parse;

    fn words(json: &str, rules: &[(&str, &[Rule])], whole: bool) -> String {
        check(&parse(json).unwrap(), rules, whole).unwrap_err().message().to_owned()
    }

    #[test]
    fn the_words_are_those_that_clients_know() {
        let rules: &[(&str, &[Rule])] =
            &[("run_id", &[Rule::Required, Rule::Text]), ("step", &[Rule::Whole])];
        assert_eq!(
            words("{}", rules, true),
            "Missing value for required parameter 'run_id'. See the API docs for more information about request parameters."
        );
        assert_eq!(
            words(r#"{"run_id": {"b": 1, "a": null}}"#, rules, false),
            "Invalid value {\"a\":null,\"b\":1} for parameter 'run_id' supplied:  Hint: Value was of type 'dict'. See the API docs \
             for more information about request parameters."
        );
        assert!(words(r#"{"run_id": "r", "step": "x"}"#, rules, false).contains("'step'"));
        check(&parse(r#"{"run_uuid": "r"}"#).unwrap(), rules, true).unwrap();
        check(&parse(r#"{"run_id": "r", "step": "5"}"#).unwrap(), rules, false).unwrap();
    }

    #[test]
    fn kinds_are_not_looked_at_when_all_was_read() {
        check(&parse(r#"{"step": []}"#).unwrap(), &[("step", &[Rule::Whole])], true).unwrap();
        assert!(
            check(&parse(r#"{"n": 7}"#).unwrap(), &[("n", &[Rule::Whole, Rule::AtMost(5)])], true).is_err()
        );
    }
}
