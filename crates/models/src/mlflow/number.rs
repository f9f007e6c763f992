//! Version numbers, which MLflow sends as texts.

use ropewalk_mlflow::python::plain_digits;
use ropewalk_mlflow::{Fields, Json, MlflowError, MlflowResult, rules};

/// A version number as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// A number.
    Known(i64),
    /// A number larger than any version's.
    Beyond(String),
}

impl Number {
    /// Reads a number as Python does.
    pub(super) fn parse(text: &str) -> MlflowResult<Self> {
        let plain = plain_digits(text);
        if let Some(number) = rules::as_whole(&Json::Text(plain.clone())) {
            return Ok(Self::Known(number));
        }
        let digits = plain.trim().trim_start_matches(['+', '-']);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Beyond(text.trim().to_owned()));
        }
        Err(MlflowError::invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
    }

    /// The number, for a model of this name.
    pub(super) fn known(self, name: &str) -> MlflowResult<i64> {
        match self {
            Self::Known(number) => Ok(number),
            Self::Beyond(text) => {
                Err(MlflowError::missing(format!("Model Version (name={name}, version={text}) not found")))
            }
        }
    }
}

/// The version that a request names.
pub(super) fn of(fields: &Fields) -> MlflowResult<i64> {
    Number::parse(fields.text("version"))?.known(fields.text("name"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [("3", 3), (" 1_0 ", 10), ("+2", 2), ("-1", -1), ("007", 7), ("١", 1)] {
            assert_eq!(Number::parse(text).unwrap(), Number::Known(number));
        }
        for wrong in ["", "x", "1.0", "1__0", "_1", "0x1", "1e3"] {
            assert!(Number::parse(wrong).is_err(), "{wrong}");
        }
        let beyond = Number::parse("99999999999999999999").unwrap();
        assert_eq!(
            beyond.known("m").unwrap_err().message(),
            "Model Version (name=m, version=99999999999999999999) not found"
        );
    }
}
