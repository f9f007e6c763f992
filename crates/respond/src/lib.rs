//! Incident response and progressive delivery.
//!
//! Alerts come in and are grouped into incidents, whose timelines are slices of the journal. [`Respond::why`] compares a
//! good slice of the record with a bad one. Runbooks mend; roll-outs move traffic step by step, judged by a sequential
//! test on labelled outcomes, and read back what is really served after every move. A resolved incident has a
//! post-mortem and a price.

mod alerts;
mod http;
pub mod judge;
pub mod model;
pub mod rollout;
pub mod runbook;
mod service;
mod store;
#[cfg(test)]
mod testing;
mod timeline;
pub mod why;
mod words;

pub mod postmortem;

pub use http::routes;
pub use judge::{Basis, Judgement, Verdict};
pub use model::{
    EventKind, Incident, IncidentAlert, IncidentDetail, IncidentFilter, IncidentKind, IncidentStatus,
    Priority, TimelineEvent,
};
pub use postmortem::Postmortem;
pub use rollout::model::{
    ReadBack, Rollout, RolloutRequest, RolloutSettings, RolloutStatus, RolloutStep, RolloutStepStatus,
    ServedShare,
};
pub use runbook::model::{
    AutoRunbook, RetrainParameters, RunbookRequest, RunbookRun, RunbookStep, StepStatus,
};
pub use service::Respond;
pub use store::MIGRATIONS;
pub use why::model::{Aspect, Difference, Slice, Why};
