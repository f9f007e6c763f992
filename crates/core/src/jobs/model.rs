//! What a job is.

use serde::{Deserialize, Serialize};

use crate::error::ErrorDetail;
use crate::{Actor, Reference};

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It works.
    Running,
    /// It ended well; `result` holds what it made.
    Succeeded,
    /// It ended badly; `error` says why.
    Failed,
    /// Its process ended before it did.
    Interrupted,
}

/// A piece of long work.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    /// Its identifier.
    pub id: String,
    /// What it does, such as `sweep`.
    pub kind: String,
    /// What it works on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Reference>,
    /// Who asked for it.
    pub actor: Actor,
    /// How it stands.
    pub state: JobState,
    /// Units of work done.
    pub done: u64,
    /// Units of work in all; 0 while unknown.
    pub total: u64,
    /// What it is at.
    pub message: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// What it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}
