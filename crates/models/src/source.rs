//! What a version's source may be, as whoever runs the server has it.

use regex::Regex;
use ropewalk_core::{Error, Result, Settings};
use ropewalk_mlflow::hosts::{HostPolicy, SCHEMES};

/// MLflow's variables that are honoured: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (PATTERN, "", "regular expression that the source of a new model version must match; unset: any"),
    (
        SCHEMES,
        "",
        "schemes of sources that name a host, such as `https`, though it is not the server's own; separated by commas",
    ),
];

const PATTERN: &str = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX";

/// Rules for sources.
#[derive(Debug, Clone, Default)]
pub struct SourceRules {
    pattern: Option<Regex>,
    /// The hosts that a source may name.
    pub(crate) hosts: HostPolicy,
}

impl SourceRules {
    /// What the environment and the settings say.
    ///
    /// # Errors
    /// `invalid` for a variable that cannot be used.
    pub fn from_environment(settings: &Settings) -> Result<Self> {
        let pattern = std::env::var(PATTERN).unwrap_or_default();
        Self::new(&pattern, HostPolicy::from_environment(settings))
    }

    /// Sources must match `pattern`, if it is not empty, and may name hosts as `hosts` says.
    ///
    /// # Errors
    /// `invalid` for a pattern that cannot be used.
    pub fn new(pattern: &str, hosts: HostPolicy) -> Result<Self> {
        let pattern = (!pattern.is_empty()).then(|| Regex::new(pattern)).transpose().map_err(|source| {
            Error::invalid(format!("the variable {PATTERN} is not a regular expression that can be used"))
                .why(source.to_string())
                .hint(format!("unset {PATTERN}   # or write it without looking around"))
                .source(source)
        })?;
        Ok(Self { pattern, hosts })
    }

    /// Refuses a source that the pattern does not match.
    ///
    /// # Errors
    /// `invalid`
    pub(crate) fn check_pattern(&self, source: &str) -> Result<()> {
        match &self.pattern {
            Some(pattern) if !pattern.is_match(source) => {
                Err(Error::invalid(format!("Invalid model version source: '{source}'.")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pattern_is_searched_for() {
        let strict = SourceRules::new("^mlflow-artifacts:/.*$", HostPolicy::default()).unwrap();
        strict.check_pattern("mlflow-artifacts:/1/r").unwrap();
        assert_eq!(
            strict.check_pattern("s3://b/x").unwrap_err().what(),
            "Invalid model version source: 's3://b/x'."
        );
        assert!(SourceRules::new("(", HostPolicy::default()).unwrap_err().what().contains(PATTERN));
        SourceRules::default().check_pattern("anything").unwrap();
    }
}
