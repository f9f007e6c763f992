//! Tracking in MLflow's words: experiments, runs, metrics, parameters, tags, inputs and logged models.

use ropewalk_core::journal::Reference;
use ropewalk_core::{Error, Result};
use ropewalk_mlflow::python;
use serde::{Deserialize, Serialize};

/// Whether a thing is there or has been deleted (and may be restored).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// In use.
    Active,
    /// Deleted, but restorable.
    Deleted,
}

impl Lifecycle {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) fn read(text: &str) -> Self {
        if text == "deleted" { Self::Deleted } else { Self::Active }
    }
}

/// Which lifecycle stages a search looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ViewType {
    /// Only what is in use.
    #[default]
    ActiveOnly,
    /// Only what was deleted.
    DeletedOnly,
    /// Both.
    All,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    /// Still at it.
    Running,
    /// Planned for later.
    Scheduled,
    /// Came to its end.
    Finished,
    /// Ended by an error.
    Failed,
    /// Ended from outside.
    Killed,
}

impl RunStatus {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Scheduled => "SCHEDULED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }

    /// Whether nothing more is expected.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Killed)
    }

    /// Reads the word; none if it is no status.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Scheduled, Self::Finished, Self::Failed, Self::Killed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// A key and a value on a run, an experiment or a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tag {
    /// The tag's name.
    pub key: String,
    /// The tag's text.
    pub value: String,
}

impl Tag {
    /// A tag.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// An input of a run, fixed once logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Param {
    /// The parameter's name.
    pub key: String,
    /// Its value as text.
    pub value: String,
}

impl Param {
    /// A parameter.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// The value; NaN is allowed and goes over the wire as the text `NaN`.
    #[serde(with = "crate::number")]
    #[schema(value_type = f64)]
    pub value: f64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Where in the training it was taken.
    #[serde(default)]
    pub step: i64,
    /// The logged model it judges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The dataset it was computed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_name: Option<String>,
    /// That dataset's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_digest: Option<String>,
    /// The run it was logged to, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

impl Metric {
    /// A measurement of a run, of no particular model or dataset.
    pub fn new(key: impl Into<String>, value: f64, timestamp: i64, step: i64) -> Self {
        Self {
            key: key.into(),
            value,
            timestamp,
            step,
            model_id: None,
            dataset_name: None,
            dataset_digest: None,
            run_id: None,
        }
    }
}

/// A named place for runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Experiment {
    /// A number written as text.
    pub experiment_id: String,
    /// Unique, also among deleted ones.
    pub name: String,
    /// Where its runs' artifacts go.
    pub artifact_location: String,
    /// In use or deleted.
    pub lifecycle_stage: Lifecycle,
    /// Milliseconds since 1970; 0 for the experiment that is always there.
    pub creation_time: i64,
    /// Milliseconds since 1970.
    pub last_update_time: i64,
    /// Tags.
    pub tags: Vec<Tag>,
}

/// What a run is, apart from what it logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunInfo {
    /// 32 hexadecimal digits.
    pub run_id: String,
    /// The experiment it belongs to.
    pub experiment_id: String,
    /// A name for people, not unique.
    pub run_name: String,
    /// Who ran it, as the client says.
    pub user_id: String,
    /// How far it is.
    pub status: RunStatus,
    /// Milliseconds since 1970.
    pub start_time: i64,
    /// Milliseconds since 1970; none while it runs.
    pub end_time: Option<i64>,
    /// Where its artifacts lie.
    pub artifact_uri: String,
    /// In use or deleted.
    pub lifecycle_stage: Lifecycle,
}

/// What a run logged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunData {
    /// The latest value of each metric.
    pub metrics: Vec<Metric>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Tags.
    pub tags: Vec<Tag>,
}

/// A dataset as a client described it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DatasetInfo {
    /// Its name.
    pub name: String,
    /// A hash of its content.
    pub digest: String,
    /// What kind of source it has.
    pub source_type: String,
    /// Where it comes from, usually JSON.
    pub source: String,
    /// Its columns, usually JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its size and statistics, usually JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// A dataset used by a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DatasetInput {
    /// The dataset.
    pub dataset: DatasetInfo,
    /// How it was used, e.g. `mlflow.data.context` = `training`.
    pub tags: Vec<Tag>,
}

/// A logged model that a run read or wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelLink {
    /// The logged model.
    pub model_id: String,
    /// The step at which it was written; 0 for one that was read.
    #[serde(default)]
    pub step: i64,
}

/// What went into a run and what came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunLinks {
    /// Datasets read.
    pub dataset_inputs: Vec<DatasetInput>,
    /// Logged models read.
    pub model_inputs: Vec<ModelLink>,
    /// Logged models written.
    pub model_outputs: Vec<ModelLink>,
}

/// A run with all that it logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Run {
    /// What it is.
    pub info: RunInfo,
    /// What it measured.
    pub data: RunData,
    /// What it used and made.
    pub links: RunLinks,
}

impl Run {
    /// The latest value of a metric.
    pub fn metric(&self, key: &str) -> Option<f64> {
        self.data.metrics.iter().find(|metric| metric.key == key).map(|metric| metric.value)
    }

    /// A parameter's value.
    pub fn param(&self, key: &str) -> Option<&str> {
        self.data.params.iter().find(|param| param.key == key).map(|param| param.value.as_str())
    }

    /// A tag's value.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.data.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}

/// What the journal says of a finished run: what it read, what it made, and plain facts.
#[derive(Debug, Clone, Default)]
pub struct RunLineage {
    /// Datasets, prepared data, pipelines.
    pub inputs: Vec<Reference>,
    /// What it made, apart from itself.
    pub outputs: Vec<Reference>,
    /// Anything that helps a reader: metrics, recipe, cost.
    pub facts: serde_json::Value,
}

/// What a search for runs asks.
#[derive(Debug, Clone, Default)]
pub struct RunSearch {
    /// Experiments to look in; none means all.
    pub experiment_ids: Vec<String>,
    /// MLflow's filter grammar; empty means all.
    pub filter: String,
    /// Lifecycle stages.
    pub view: ViewType,
    /// E.g. `metrics.val_auc DESC`; afterwards the newest first.
    pub order_by: Vec<String>,
    /// Page size; 0 means 1,000.
    pub max_results: u32,
    /// Where to go on.
    pub page_token: Option<String>,
}

/// A file or folder among artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FileInfo {
    /// The path relative to the artifact root.
    pub path: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Bytes; none for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<i64>,
}

/// An experiment's identifier as a number.
///
/// # Errors
/// `invalid` when the text is no number.
pub(crate) fn experiment_number(id: &str) -> Result<i64> {
    python::whole(id).ok_or_else(|| {
        Error::invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer."))
    })
}
