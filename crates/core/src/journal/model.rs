//! What an entry is, and how its hash is made.

use serde::{Deserialize, Serialize};

use crate::{Actor, Error, Result};

/// What an entry speaks of, as `kind:identifier`: `dataset:wine@1f3a…`, `prepared:…`,
/// `pipeline:…`, `run:…`, `sweep:…`, `model:wine-quality/2`, `endpoint:wine`,
/// `revision:wine/3`, `report:…`, `alert:…`, `incident:…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// The reference of an identifier of a kind.
    #[must_use]
    pub fn new(kind: &str, id: impl std::fmt::Display) -> Self {
        Self(format!("{kind}:{id}"))
    }

    /// Read the text form.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(Error::invalid(format!("“{text}” does not name a thing"))
                .why("a name is a kind, a colon and an identifier")
                .hint("ropewalk why model:wine-quality/2   # or run:ID, dataset:wine@main, endpoint:wine, incident:1")),
        }
    }

    /// The kind, such as `run`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once(':').map_or("", |(kind, _)| kind)
    }

    /// The identifier within the kind.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(_, id)| id)
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An entry to be appended.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Who did it.
    pub actor: Actor,
    /// What was done: one word such as `commit`, `prepare`, `register`, `deploy`.
    pub verb: &'static str,
    /// What it was done to.
    pub subject: Reference,
    /// What it was made from.
    pub inputs: Vec<Reference>,
    /// What it made; where this is empty, lineage leads to the subject.
    pub outputs: Vec<Reference>,
    /// Figures and words that explain it.
    pub facts: serde_json::Value,
}

/// An entry as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub verb: String,
    /// What it was done to.
    pub subject: Reference,
    /// What it was made from.
    pub inputs: Vec<Reference>,
    /// What it made.
    pub outputs: Vec<Reference>,
    /// Figures and words that explain it.
    pub facts: serde_json::Value,
    /// The hash of the entry before; empty for the first.
    pub previous: String,
    /// BLAKE3 over the canonical JSON of all the above, as 64 hexadecimal digits.
    pub hash: String,
}

impl Entry {
    /// The hash that the entry must have.
    pub(super) fn expected_hash(&self) -> Result<String> {
        // serde_json writes the keys of maps in sorted order, so that equal entries give equal
        // bytes whichever database kept them.
        let canonical = serde_json::to_vec(&(
            self.seq,
            self.time_ms,
            &self.actor,
            &self.verb,
            &self.subject,
            &self.inputs,
            &self.outputs,
            &self.facts,
            &self.previous,
        ))?;
        Ok(blake3::hash(&canonical).to_hex().to_string())
    }
}

/// Which entries are asked for; unset members do not restrict.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Entries whose subject, inputs or outputs hold this reference.
    pub about: Option<String>,
    /// Entries whose subject is this reference.
    pub subject: Option<String>,
    /// Entries of this verb.
    pub verb: Option<String>,
    /// Entries after this place in the chain.
    pub since_seq: Option<i64>,
    /// Entries at or after this time (milliseconds since the Unix epoch).
    pub since_ms: Option<i64>,
    /// Entries before this time.
    pub until_ms: Option<i64>,
    /// Newest first instead of oldest first.
    #[serde(default)]
    pub newest_first: bool,
}

/// A part of the chain about one thing and what lies below it: `model:wine` has `model:wine/3` below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The thing.
    pub subject: Reference,
    /// Entries after this place in the chain.
    pub after_seq: i64,
    /// Entries before this place in the chain.
    pub before_seq: i64,
}

impl Line {
    /// All that the chain has of a thing and what lies below it.
    #[must_use]
    pub fn whole(subject: Reference) -> Self {
        Self { subject, after_seq: 0, before_seq: i64::MAX }
    }
}
