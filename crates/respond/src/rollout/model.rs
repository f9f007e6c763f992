//! Roll-outs: moving traffic to a new revision step by step, each step judged by evidence and read back.

use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::judge::Judgement;

/// Where a roll-out stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutStatus {
    /// The controller is moving or judging.
    Running,
    /// Held by a person; traffic stays as it is.
    Paused,
    /// At its last step, proven by read-back.
    Completed,
    /// Taken back, proven by read-back.
    RolledBack,
    /// Ended by a person or by an error; see the reason.
    Aborted,
    /// The process that drove it ended; traffic stays as it was last read back.
    Interrupted,
}

impl RolloutStatus {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::RolledBack => "rolled_back",
            Self::Aborted => "aborted",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the stored word.
    ///
    /// # Errors
    /// `Invalid` for any other word.
    pub fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "running" => Self::Running,
            "paused" => Self::Paused,
            "completed" => Self::Completed,
            "rolled_back" => Self::RolledBack,
            "aborted" => Self::Aborted,
            "interrupted" => Self::Interrupted,
            other => return Err(Error::invalid(format!("'{other}' is no roll-out status"))),
        })
    }

    /// Whether a controller still has work to do.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// How a roll-out moves and judges. All fields have defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RolloutSettings {
    /// Percent of traffic at each step, rising, the last one 100.
    pub steps: Vec<f64>,
    /// Labelled outcomes each arm must have before a step can pass on quality.
    pub min_outcomes: usize,
    /// Chance of calling a harmless canary harmful over the whole roll-out, however often one looks.
    pub alpha: f64,
    /// A canary whose mean Brier loss is surely less than this above the stable one's counts as not worse.
    pub tolerance: f64,
    /// A step without a verdict is judged on what there is after this long, seconds.
    pub max_wait_seconds: f64,
    /// No step passes sooner than this, seconds.
    pub min_step_seconds: f64,
    /// How often to look, seconds.
    pub poll_seconds: f64,
    /// Without labels: a Kolmogorov–Smirnov distance between the arms' scores above this is harm.
    pub max_score_distance: f64,
    /// Open an incident when the roll-out is taken back.
    pub open_incident: bool,
    /// Move this alias of the model to the new version once 100 % is proven.
    pub alias: Option<String>,
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self {
            steps: vec![10.0, 50.0, 100.0],
            min_outcomes: 30,
            alpha: 0.05,
            tolerance: 0.05,
            max_wait_seconds: 600.0,
            min_step_seconds: 1.0,
            poll_seconds: 0.25,
            max_score_distance: 0.5,
            open_incident: true,
            alias: None,
        }
    }
}

impl RolloutSettings {
    /// Checks the settings.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn check(&self) -> Result<()> {
        let rising = self.steps.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = self.steps.iter().all(|p| p.is_finite() && *p > 0.0 && *p <= 100.0);
        if self.steps.is_empty() || !rising || !in_range {
            return Err(Error::invalid(format!(
                "roll-out steps {:?} do not rise within (0, 100]",
                self.steps
            ))
            .hint("--steps 10,50,100"));
        }
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return Err(
                Error::invalid(format!("alpha {} is not between 0 and 0.5", self.alpha)).hint("--alpha 0.05")
            );
        }
        for (name, value) in [
            ("tolerance", self.tolerance),
            ("max_wait_seconds", self.max_wait_seconds),
            ("min_step_seconds", self.min_step_seconds),
            ("max_score_distance", self.max_score_distance),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::invalid(format!("roll-out setting {name} is {value}"))
                    .why("it must not be negative"));
            }
        }
        if !(self.poll_seconds.is_finite() && self.poll_seconds >= 0.01) {
            return Err(Error::invalid(format!("roll-out setting poll_seconds is {}", self.poll_seconds))
                .why("it must be at least 0.01"));
        }
        Ok(())
    }
}

/// What was served when it was read back, and whether that is what was wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReadBack {
    /// When, milliseconds since 1970.
    pub checked_ms: i64,
    /// Percent by revision as the routing table that answers requests has it.
    pub traffic: Vec<ServedShare>,
    /// Whether traffic is as ordered and every revision with traffic is loaded.
    pub proven: bool,
    /// One sentence.
    pub text: String,
}

/// One revision's share as read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServedShare {
    /// Revision number.
    pub revision: i64,
    /// Registered model.
    pub model: String,
    /// Its version.
    pub version: i64,
    /// Percent of new requests it gets.
    pub percent: f64,
    /// Whether it is in memory and answering.
    pub loaded: bool,
    /// Content hash of what is loaded.
    pub bundle_hash: String,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutStepStatus {
    /// Not reached.
    Pending,
    /// Traffic is moved; being judged.
    Judging,
    /// Passed.
    Passed,
    /// The canary harmed here.
    Harmed,
    /// Not reached any more.
    Skipped,
}

/// One step of a roll-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutStep {
    /// Percent of traffic to the new revision.
    pub percent: f64,
    /// Where it stands.
    pub status: RolloutStepStatus,
    /// When traffic was moved, milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// When it was decided, milliseconds since 1970.
    pub ended_ms: Option<i64>,
    /// What was served right after the move.
    pub read_back: Option<ReadBack>,
    /// The latest judgement.
    pub judgement: Option<Judgement>,
}

/// A roll-out of one revision of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rollout {
    /// Unique id.
    pub id: String,
    /// Endpoint name.
    pub endpoint: String,
    /// The new revision.
    pub revision: i64,
    /// The revision that served before and takes over on harm.
    pub stable_revision: i64,
    /// Registered model of the new revision.
    pub model: String,
    /// Version of the new revision.
    pub version: i64,
    /// Model of the stable revision.
    pub stable_model: String,
    /// Version of the stable revision.
    pub stable_version: i64,
    /// Where it stands.
    pub status: RolloutStatus,
    /// Steps in order.
    pub steps: Vec<RolloutStep>,
    /// Index of the current step.
    pub current: usize,
    /// How it moves and judges.
    pub settings: RolloutSettings,
    /// The incident it serves or opened.
    pub incident: Option<String>,
    /// Who started it.
    pub actor: String,
    /// Why it ended, in words.
    pub reason: Option<String>,
    /// Begin, milliseconds since 1970.
    pub started_ms: i64,
    /// End, milliseconds since 1970.
    pub ended_ms: Option<i64>,
    /// First request answered by the new revision under this roll-out, as far as seen.
    pub first_canary_ms: Option<i64>,
    /// When harm was determined.
    pub harm_ms: Option<i64>,
    /// When the read-back proved that the stable revision has all traffic again.
    pub restored_ms: Option<i64>,
    /// Seconds from harm determined to proven restored.
    pub rollback_seconds: Option<f64>,
    /// Seconds from the first canary request to proven restored.
    pub exposure_seconds: Option<f64>,
    /// Read-back after the roll-back, or after the last step.
    pub final_read_back: Option<ReadBack>,
    /// Failed requests during the roll-out, all revisions.
    pub failed_requests: i64,
}

/// Request to roll a revision out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RolloutRequest {
    /// Revision to roll out.
    pub revision: i64,
    /// Settings; what is left out takes its default.
    #[serde(default)]
    pub settings: RolloutSettings,
    /// Show what would be done and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}
