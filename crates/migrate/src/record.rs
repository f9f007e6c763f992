//! What a store holds, in plain records that know neither the store they come from nor where they go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::number;

/// An experiment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExperimentRecord {
    /// A number written as text.
    pub experiment_id: String,
    /// Its name.
    pub name: String,
    /// Where its runs' artifacts go; this program keeps them if nothing is said.
    #[serde(default)]
    pub artifact_location: Option<String>,
    /// Whether it was deleted.
    #[serde(default)]
    pub deleted: bool,
    /// Milliseconds since 1970; 0 if the store does not know.
    #[serde(default)]
    pub created_ms: i64,
    /// Milliseconds since 1970; 0 if the store does not know.
    #[serde(default)]
    pub updated_ms: i64,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A run, or a part of one that has very many measurements.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunRecord {
    /// Its identifier.
    pub run_id: String,
    /// The experiment's number.
    pub experiment_id: String,
    /// Its name; empty if it has none.
    #[serde(default)]
    pub name: String,
    /// Who ran it.
    #[serde(default)]
    pub user_id: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub start_ms: i64,
    /// Milliseconds since 1970; none if it has not ended.
    #[serde(default)]
    pub end_ms: Option<i64>,
    /// Whether it was deleted.
    #[serde(default)]
    pub deleted: bool,
    /// When it was deleted, in milliseconds since 1970.
    #[serde(default)]
    pub deleted_ms: Option<i64>,
    /// Where its artifacts lie.
    pub artifact_uri: String,
    /// Parameters.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Measurements.
    #[serde(default)]
    pub series: Vec<Series>,
    /// Datasets that it read.
    #[serde(default)]
    pub datasets: Vec<DatasetRecord>,
    /// Logged models that it read.
    #[serde(default)]
    pub model_inputs: Vec<LinkRecord>,
    /// Logged models that it wrote.
    #[serde(default)]
    pub model_outputs: Vec<LinkRecord>,
    /// Whether further parts of the run come: those hold nothing but measurements.
    #[serde(default)]
    pub goes_on: bool,
    /// Whether nothing of it is known yet where it goes: it is the next part of a run that has just been made.
    #[serde(default)]
    pub fresh: bool,
    /// Where its artifacts lie if not where they should; only for whoever reads the store.
    #[serde(skip)]
    pub beside: Option<PathBuf>,
    /// Whether it is a part after the first one; only for whoever reads the store.
    #[serde(skip)]
    pub later_part: bool,
}

impl RunRecord {
    /// How many measurements it holds.
    #[must_use]
    pub fn points(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).sum()
    }

    /// The same run without anything that it logged, for its next part.
    #[must_use]
    pub(crate) fn next_part(&self) -> Self {
        Self {
            params: BTreeMap::new(),
            tags: BTreeMap::new(),
            series: Vec::new(),
            datasets: Vec::new(),
            model_inputs: Vec::new(),
            model_outputs: Vec::new(),
            goes_on: false,
            later_part: true,
            ..self.clone()
        }
    }
}

/// The measurements of one metric, in columns of equal length.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Series {
    /// The metric's name.
    pub key: String,
    /// Milliseconds since 1970.
    pub timestamps: Vec<i64>,
    /// Steps.
    pub steps: Vec<i64>,
    /// Values; NaN as the text `NaN`.
    #[serde(with = "number::many")]
    #[schema(value_type = Vec<f64>)]
    pub values: Vec<f64>,
}

/// A dataset that a run read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DatasetRecord {
    /// Its name.
    pub name: String,
    /// A hash of its content.
    pub digest: String,
    /// What kind of source it has.
    pub source_type: String,
    /// Where it comes from.
    pub source: String,
    /// Its columns.
    #[serde(default)]
    pub schema: Option<String>,
    /// Its size and statistics.
    #[serde(default)]
    pub profile: Option<String>,
    /// How it was used.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A logged model that a run read or wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkRecord {
    /// The logged model.
    pub model_id: String,
    /// The step at which it was written.
    #[serde(default)]
    pub step: i64,
}

/// A logged model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoggedModelRecord {
    /// Its identifier.
    pub model_id: String,
    /// The experiment's number.
    pub experiment_id: String,
    /// Its name.
    pub name: String,
    /// Where its files lie.
    pub artifact_uri: String,
    /// `PENDING`, `READY`, `UPLOAD_FAILED` or `STATUS_UNSPECIFIED`.
    pub status: String,
    /// Words about the status.
    #[serde(default)]
    pub status_message: Option<String>,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub created_ms: i64,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub updated_ms: i64,
    /// What kind of model it is.
    #[serde(default)]
    pub model_type: Option<String>,
    /// The run that logged it.
    #[serde(default)]
    pub source_run_id: Option<String>,
    /// Whether it was deleted.
    #[serde(default)]
    pub deleted: bool,
    /// Parameters.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The measurements that judge it.
    #[serde(default)]
    pub metrics: Vec<ModelMetricRecord>,
    /// Where its files lie if not where they should; only for whoever reads the store.
    #[serde(skip)]
    pub beside: Option<PathBuf>,
}

/// A measurement that judges a logged model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelMetricRecord {
    /// The metric's name.
    pub key: String,
    /// The value; NaN as the text `NaN`.
    #[serde(with = "number::one")]
    #[schema(value_type = f64)]
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The step.
    #[serde(default)]
    pub step: i64,
    /// The run that it was logged to.
    pub run_id: String,
    /// The dataset that it was computed on.
    #[serde(default)]
    pub dataset_name: Option<String>,
    /// That dataset's digest.
    #[serde(default)]
    pub dataset_digest: Option<String>,
}

/// A registered model, or a prompt, with its versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelRecord {
    /// Its name.
    pub name: String,
    /// Free words.
    #[serde(default)]
    pub description: Option<String>,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub created_ms: i64,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub updated_ms: i64,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Alias to version number.
    #[serde(default)]
    pub aliases: BTreeMap<String, i64>,
    /// The highest number that was ever given to a version, also to one that was deleted since.
    #[serde(default)]
    pub last_version: i64,
    /// The versions that there are.
    #[serde(default)]
    pub versions: Vec<VersionRecord>,
}

/// A version of a registered model or of a prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VersionRecord {
    /// Its number.
    pub version: i64,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub created_ms: i64,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub updated_ms: i64,
    /// Free words.
    #[serde(default)]
    pub description: Option<String>,
    /// Who registered it.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Where it came from.
    #[serde(default)]
    pub source: String,
    /// Where its files lie, if that is known to be elsewhere.
    #[serde(default)]
    pub storage_location: Option<String>,
    /// The run that made it.
    #[serde(default)]
    pub run_id: Option<String>,
    /// A link to that run.
    #[serde(default)]
    pub run_link: Option<String>,
    /// The logged model that it was made from.
    #[serde(default)]
    pub model_id: Option<String>,
    /// `None`, `Staging`, `Production` or `Archived`.
    #[serde(default)]
    pub stage: String,
    /// `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`.
    #[serde(default)]
    pub status: String,
    /// Words about the status.
    #[serde(default)]
    pub status_message: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// Something of a store that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// What kind of thing it is: `run`, `experiment`, `model`, `artifact`.
    pub kind: String,
    /// Which one.
    pub id: String,
    /// Why it could not be read.
    pub why: String,
}

impl Problem {
    /// A problem.
    pub fn new(kind: &str, id: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.into(), why: why.into() }
    }
}

/// A kind of thing that a store holds and that is not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Leftover {
    /// In words, such as `webhooks`.
    pub what: String,
    /// How many there are.
    pub count: u64,
    /// Why it stays behind, and what to do.
    pub why: String,
    /// Which ones, if that helps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}
