//! Models that clients log, before any registration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Metric, Param, Tag};

/// A model that a client logged, before any registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoggedModel {
    /// `m-` and 32 hexadecimal digits.
    pub model_id: String,
    /// The experiment it belongs to.
    pub experiment_id: String,
    /// A name for people.
    pub name: String,
    /// Where its files lie.
    pub artifact_uri: String,
    /// `PENDING`, `READY` or `UPLOAD_FAILED`, with MLflow's prefix on the wire.
    pub status: LoggedModelStatus,
    /// Words about the status.
    pub status_message: Option<String>,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970.
    pub updated_ms: i64,
    /// What kind of model the client says it is.
    pub model_type: Option<String>,
    /// The run that logged it; empty if the client named none.
    pub source_run_id: Option<String>,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The measurements that judge it.
    pub metrics: Vec<Metric>,
}

/// How far a logged model's upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LoggedModelStatus {
    /// Files are coming.
    Pending,
    /// Complete.
    Ready,
    /// The upload broke off.
    UploadFailed,
    /// A client would not say.
    StatusUnspecified,
}

impl LoggedModelStatus {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::UploadFailed => "UPLOAD_FAILED",
            Self::StatusUnspecified => "STATUS_UNSPECIFIED",
        }
    }

    /// The word on MLflow's wire.
    pub fn wire(self) -> String {
        format!("LOGGED_MODEL_{}", self.as_str())
    }

    /// Reads the stored word or the wire's.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.strip_prefix("LOGGED_MODEL_").unwrap_or(text);
        [Self::Pending, Self::Ready, Self::UploadFailed, Self::StatusUnspecified]
            .into_iter()
            .find(|status| status.as_str() == plain)
    }
}

/// What creates a logged model.
#[derive(Debug, Clone, Default)]
pub struct NewLoggedModel {
    /// The experiment.
    pub experiment_id: String,
    /// A name; one is made up if empty.
    pub name: Option<String>,
    /// What kind of model it is.
    pub model_type: Option<String>,
    /// The run that logs it.
    pub source_run_id: Option<String>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Tags.
    pub tags: Vec<Tag>,
}
