//! The registry's words: registered models, their versions, aliases and gates.

use std::collections::BTreeMap;

use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::rules::check_model_name;

/// A check that a version must pass before it is registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "gate", rename_all = "snake_case")]
pub enum Gate {
    /// The run's latest value of `metric` is at least `minimum`.
    AucFloor {
        /// The run's metric, e.g. `val_auc`.
        metric: String,
        /// The lowest value that passes.
        minimum: f64,
    },
    /// Batch and single-row preprocessing of training rows differ by at most `tolerance`.
    Parity {
        /// The largest absolute difference that passes.
        tolerance: f64,
    },
}

/// What a gate saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GateResult {
    /// The gate.
    #[serde(flatten)]
    pub gate: Gate,
    /// Whether it let the version through.
    pub passed: bool,
    /// The number it judged; none when there was nothing to judge.
    pub observed: Option<f64>,
    /// The finding in words.
    pub message: String,
}

/// What a registration asks for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// The registered model, created if new.
    pub name: String,
    /// The run whose bundle becomes the version.
    pub run_id: String,
    /// Checks, all of which are evaluated and kept.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// Free words.
    #[serde(default)]
    pub description: String,
    /// Tags of the version.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Register even if a gate fails; the version then says so.
    #[serde(default)]
    pub force: bool,
}

/// A named line of versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RegisteredModel {
    /// Unique name.
    pub name: String,
    /// Free words.
    pub description: Option<String>,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970 of the last change to the model or a version.
    pub updated_ms: i64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Alias to version number.
    pub aliases: BTreeMap<String, i64>,
    /// The highest version, if any.
    pub latest_version: Option<i64>,
}

/// One immutable version of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelVersion {
    /// The registered model's name.
    pub name: String,
    /// Counts from 1.
    pub version: i64,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970.
    pub updated_ms: i64,
    /// Who registered it.
    pub actor: String,
    /// Free words.
    pub description: Option<String>,
    /// Where it came from, in MLflow's words.
    pub source: String,
    /// Where its files lie, when that differs from `source`.
    pub storage_location: Option<String>,
    /// The run that made it.
    pub run_id: Option<String>,
    /// A link to that run, as a client gave it.
    pub run_link: Option<String>,
    /// The logged model it was made from.
    pub model_id: Option<String>,
    /// `None`, `Staging`, `Production` or `Archived`.
    pub stage: String,
    /// `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`.
    pub status: String,
    /// Words about the status.
    pub status_message: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Aliases that point here.
    pub aliases: Vec<String>,
    /// What the gates saw at registration.
    pub gates: Vec<GateResult>,
    /// Whether it was registered in spite of a failed gate.
    pub forced: bool,
    /// The bundle's content hash; none for a version without a bundle (made through MLflow's REST).
    pub bundle_hash: Option<String>,
}

impl ModelVersion {
    /// The lineage reference's identifier, `NAME/VERSION`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// Which version someone means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSpec {
    /// `NAME@ALIAS`.
    Alias {
        /// The model.
        name: String,
        /// The alias.
        alias: String,
    },
    /// `NAME/3`.
    Number {
        /// The model.
        name: String,
        /// The version.
        version: i64,
    },
    /// `NAME/latest` or plain `NAME`.
    Latest {
        /// The model.
        name: String,
    },
}

impl VersionSpec {
    /// Reads `NAME@ALIAS`, `NAME/VERSION`, `NAME/latest` or `NAME`; a leading `models:/` is allowed.
    ///
    /// # Errors
    /// `invalid` when the text is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        let plain = text.strip_prefix("models:/").unwrap_or(text);
        let wrong = || {
            Error::invalid(format!("`{text}` names no model version"))
                .why("a version is written NAME@ALIAS, NAME/NUMBER or NAME/latest")
                .hint("ropewalk model list")
        };
        if let Some((name, version)) = plain.rsplit_once('/') {
            check_model_name(name)?;
            if version.eq_ignore_ascii_case("latest") {
                return Ok(Self::Latest { name: name.to_owned() });
            }
            let version = version.parse::<i64>().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
            return Ok(Self::Number { name: name.to_owned(), version });
        }
        if let Some((name, alias)) = plain.rsplit_once('@') {
            check_model_name(name)?;
            if alias.is_empty() {
                return Err(wrong());
            }
            return Ok(Self::Alias { name: name.to_owned(), alias: alias.to_owned() });
        }
        check_model_name(plain)?;
        Ok(Self::Latest { name: plain.to_owned() })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Alias { name, .. } | Self::Number { name, .. } | Self::Latest { name } => name,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_spec_is_read_in_each_form() {
        assert_eq!(
            VersionSpec::parse("wine@champion").unwrap(),
            VersionSpec::Alias { name: "wine".into(), alias: "champion".into() }
        );
        assert_eq!(
            VersionSpec::parse("models:/wine/3").unwrap(),
            VersionSpec::Number { name: "wine".into(), version: 3 }
        );
        assert_eq!(VersionSpec::parse("wine/latest").unwrap(), VersionSpec::Latest { name: "wine".into() });
        assert_eq!(VersionSpec::parse("wine").unwrap(), VersionSpec::Latest { name: "wine".into() });
        for wrong in ["", "wine/", "wine/x", "wine/0", "wine@", "/3", "a/b/3"] {
            assert!(VersionSpec::parse(wrong).is_err(), "{wrong}");
        }
    }
}
