//! Why a file is not the table it says it is: kept apart from the error, so that who knows the
//! file's name can put it in front.

use std::fmt;

use ropewalk_core::Error;

/// What is wrong with a file, on which line where lines make sense, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    line: Option<usize>,
    what: String,
    hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { line: None, what: what.into(), hint: None }
    }

    pub(crate) fn at(line: usize, what: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::new(what) }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Invalid: the table cannot be read.
    pub(crate) fn into_error(self) -> Error {
        self.named("the table cannot be read")
    }

    /// Invalid, naming the file.
    pub(crate) fn in_file(self, path: &str) -> Error {
        self.named(&format!("{path} cannot be read as a table"))
    }

    fn named(self, what: &str) -> Error {
        let error = Error::invalid(what).why(self.to_string());
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "line {line}: {}", self.what),
            None => out.write_str(&self.what),
        }
    }
}
