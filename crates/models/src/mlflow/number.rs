//! Version numbers, which MLflow sends as texts.

use ropewalk_mlflow::python::{self, Integer};
use ropewalk_mlflow::{Fields, MlflowError, MlflowResult};

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
        match python::integer(text) {
            Integer::Some(number) => Ok(Self::Known(number)),
            Integer::TooLarge => Ok(Self::Beyond(text.trim().to_owned())),
            Integer::None => {
                Err(MlflowError::invalid(format!("Parameter 'version' must be an integer, got '{text}'.")))
            }
        }
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
