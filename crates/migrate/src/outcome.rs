//! What becomes of records where they go.

use serde::{Deserialize, Serialize};

/// What became of a record, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not there, and is now.
    Created,
    /// It was there, and something was added to it.
    Completed,
    /// It was there, with all that the record tells.
    Unchanged,
    /// It was not taken.
    Refused,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Taken {
    /// The record's identifier: of a registered model its name.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was made, by the name of its kind: `experiment`, `registered_model` or `prompt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// An experiment's number where it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// Where the files of a run or a logged model are, or will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_uri: Option<String>,
    /// Measurements of a run, or versions of a model, that were added.
    #[serde(default)]
    pub added: usize,
    /// What of the record was not taken, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Taken {
    /// A record of which this became.
    pub fn new(id: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            id: id.into(),
            outcome,
            made: None,
            becomes: None,
            artifact_uri: None,
            added: 0,
            notes: Vec::new(),
        }
    }

    /// A record that was not taken.
    pub fn refused(id: impl Into<String>, why: impl Into<String>) -> Self {
        Self { notes: vec![why.into()], ..Self::new(id, Outcome::Refused) }
    }
}

/// A file that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptFile {
    /// Its path below the folder that was asked for.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was taken, in milliseconds since 1970.
    pub modified_ms: i64,
}
