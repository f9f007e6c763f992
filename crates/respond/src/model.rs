//! Incidents: what went wrong at an endpoint, since when, who did what about it, and what it cost.

use ropewalk_core::{Code, Error, Result};
use ropewalk_ledger::Cost;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an incident stands. It moves forward only: triggered → acknowledged → resolved, where the middle may be
/// skipped. A resolved incident stays resolved; trouble that returns opens a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// Opened; nobody has taken it up.
    Triggered,
    /// A person or a runbook has taken it up.
    Acknowledged,
    /// Over.
    Resolved,
}

impl IncidentStatus {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Triggered => "triggered",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the stored word.
    ///
    /// # Errors
    /// `Invalid` for any other word.
    pub fn parse(word: &str) -> Result<Self> {
        match word {
            "triggered" => Ok(Self::Triggered),
            "acknowledged" => Ok(Self::Acknowledged),
            "resolved" => Ok(Self::Resolved),
            other => Err(Error::invalid(format!("'{other}' is no incident status"))
                .hint("use triggered, acknowledged or resolved")),
        }
    }

    /// Whether the incident may go from here to `next`.
    pub fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Triggered, Self::Acknowledged | Self::Resolved) | (Self::Acknowledged, Self::Resolved)
        )
    }

    /// Whether work is still due.
    pub fn is_open(self) -> bool {
        self != Self::Resolved
    }
}

/// What sort of trouble an incident tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// The monitors saw the inputs, the predictions or the realised quality move.
    Monitoring,
    /// A roll-out harmed and was taken back.
    BadRelease,
}

impl IncidentKind {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::BadRelease => "bad_release",
        }
    }

    /// Reads the stored word; an unknown one counts as monitoring.
    pub fn parse(word: &str) -> Self {
        if word == "bad_release" { Self::BadRelease } else { Self::Monitoring }
    }
}

/// How urgent: P1 is felt by users now, P4 can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Priority {
    /// Realised quality or availability is lost now.
    P1,
    /// Users will feel it if nothing is done.
    P2,
    /// Worth a look in working hours.
    P3,
    /// For the record.
    P4,
}

impl Priority {
    /// The word stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
        }
    }

    /// Reads the stored word; an unknown one counts as P3.
    pub fn parse(word: &str) -> Self {
        match word {
            "P1" => Self::P1,
            "P2" => Self::P2,
            "P4" => Self::P4,
            _ => Self::P3,
        }
    }
}

/// One alert taken into an incident. The same fault firing again raises `count` and adds no second row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentAlert {
    /// Id of the first alert with this key.
    pub id: String,
    /// What makes two alerts the same fault: `ENDPOINT/KIND`.
    pub key: String,
    /// Severity in the monitor's word.
    pub severity: String,
    /// One sentence.
    pub text: String,
    /// The report behind it, when there is one.
    pub report: Option<String>,
    /// First time, milliseconds since 1970.
    pub first_ms: i64,
    /// Last time, milliseconds since 1970.
    pub last_ms: i64,
    /// How often it fired.
    pub count: i64,
    /// When the monitor last found it gone; `None` while it fires.
    pub cleared_ms: Option<i64>,
}

/// An incident at one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// Unique id.
    pub id: String,
    /// Small number, counted from 1, for people.
    pub number: i64,
    /// One line.
    pub title: String,
    /// The endpoint it happened at.
    pub endpoint: String,
    /// What sort of trouble.
    pub kind: IncidentKind,
    /// Where it stands.
    pub status: IncidentStatus,
    /// How urgent.
    pub priority: Priority,
    /// When it was opened, milliseconds since 1970.
    pub opened_ms: i64,
    /// When somebody took it up.
    pub acknowledged_ms: Option<i64>,
    /// When it ended.
    pub resolved_ms: Option<i64>,
    /// Who has it: the actor that acknowledged.
    pub owner: Option<String>,
    /// Registered model that was serving.
    pub model: Option<String>,
    /// Its version.
    pub version: Option<i64>,
    /// Endpoint revision that was serving.
    pub revision: Option<i64>,
    /// Alerts grouped into this incident.
    pub alerts: Vec<IncidentAlert>,
    /// The cause in words, as `why` found it when the incident was opened or last looked at.
    pub cause: Option<String>,
    /// How it ended, in words.
    pub resolution: Option<String>,
    /// What opened it, as figures (report numbers, roll-out judgement, read-back).
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
    /// Runbook runs started for it.
    pub runbooks: Vec<String>,
    /// Roll-outs that belong to it.
    pub rollouts: Vec<String>,
    /// Energy, carbon and money of the actions taken for it.
    pub cost: Cost,
    /// Blob path of the post-mortem once written.
    pub postmortem: Option<String>,
}

impl Incident {
    /// Checks a move of the state machine.
    ///
    /// # Errors
    /// `Conflict`, naming both states.
    pub fn check_move(&self, next: IncidentStatus) -> Result<()> {
        if self.status.may_become(next) {
            return Ok(());
        }
        Err(Error::new(Code::Conflict, format!("incident {} cannot become {}", self.number, next.as_str()))
            .why(format!("it is {}", self.status.as_str()))
            .hint(format!("ropewalk incident show {}", self.number)))
    }

    /// Age in milliseconds at `now_ms`, or total length once resolved.
    pub fn age_ms(&self, now_ms: i64) -> i64 {
        (self.resolved_ms.unwrap_or(now_ms) - self.opened_ms).max(0)
    }
}

/// What an event on the timeline is, for icons and filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Drift report or alert.
    Alert,
    /// Opened, acknowledged, resolved, noted.
    Incident,
    /// A runbook step.
    Action,
    /// Dataset commit, tag or merge.
    Data,
    /// Preparation, training, registration, gate, alias.
    Model,
    /// Deployment, traffic moved, roll-back.
    Delivery,
    /// A read-back of what is served.
    Proof,
    /// Anything else.
    Other,
}

/// One line of an incident's timeline: a journal entry put into words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEvent {
    /// Sequence number of the journal entry.
    pub seq: i64,
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// Seconds since the incident was opened (negative before).
    pub offset_seconds: f64,
    /// Who: `user:ann`, `system:rollout`.
    pub actor: String,
    /// The journal's verb.
    pub verb: String,
    /// What sort of event.
    pub kind: EventKind,
    /// What it is about, a journal reference such as `revision:wine/2`.
    pub subject: String,
    /// One sentence.
    pub text: String,
    /// The entry's facts as recorded.
    #[schema(value_type = Object)]
    pub facts: serde_json::Value,
}

/// An incident with its timeline, as a page or a post-mortem wants it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Oldest first.
    pub timeline: Vec<TimelineEvent>,
}

/// Which incidents to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only at this endpoint.
    pub endpoint: Option<String>,
    /// Only in this state.
    pub status: Option<IncidentStatus>,
    /// Only those not resolved.
    pub open_only: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn states_move_forward_only() {
        use IncidentStatus::{Acknowledged, Resolved, Triggered};
        let all = [Triggered, Acknowledged, Resolved];
        let allowed: Vec<_> = all
            .iter()
            .flat_map(|a| all.iter().map(move |b| (*a, *b)))
            .filter(|(a, b)| a.may_become(*b))
            .collect();
        assert_eq!(allowed, vec![(Triggered, Acknowledged), (Triggered, Resolved), (Acknowledged, Resolved)]);
    }

    #[test]
    fn words_round_trip() {
        for status in [IncidentStatus::Triggered, IncidentStatus::Acknowledged, IncidentStatus::Resolved] {
            assert_eq!(IncidentStatus::parse(status.as_str()).unwrap(), status);
        }
        assert!(IncidentStatus::parse("closed").is_err());
        for priority in [Priority::P1, Priority::P2, Priority::P3, Priority::P4] {
            assert_eq!(Priority::parse(priority.as_str()), priority);
        }
        for kind in [IncidentKind::Monitoring, IncidentKind::BadRelease] {
            assert_eq!(IncidentKind::parse(kind.as_str()), kind);
        }
    }
}
