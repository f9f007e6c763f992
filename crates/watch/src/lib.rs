//! Monitoring: every prediction logged before its answer leaves, truths joined as they come, drift and realised
//! quality against what the model was trained on, alerts that fire once and resolve.
//!
//! ```text
//! prediction ─ log/       durable buffer (writer, segment, codec), rolled into Parquet by endpoint and hour
//! truth ────── store.rs   feedback by prediction id
//! monitors.rs ─ evaluate.rs ─┬─ drift.rs    columns and scores, with statistics/
//!                            ├─ quality.rs  AUC with its interval, Brier score
//!                            └─ verdict.rs  which alert's condition holds; sink.rs takes what changed
//! ```

mod activity;
pub mod drift;
mod evaluate;
mod http;
mod log;
mod migrations;
mod model;
mod monitors;
mod picture;
pub mod quality;
mod reference;
mod service;
mod settings;
mod sink;
pub mod statistics;
mod store;
mod verdict;

pub use http::{FeedbackRequest, LoggedPrediction, Predictions, routes};
pub use migrations::MIGRATIONS;
pub use model::{
    Alert, AlertKind, AlertStatus, CaptureFilter, Captured, ColumnDrift, Feedback, FeedbackReceipt, Outcome,
    Report, ReportSummary, Status, Window,
};
pub use reference::{Reference, ReferenceSource};
pub use service::Watch;
pub use settings::MonitorSettings;
pub use sink::AlertSink;

#[cfg(test)]
mod tests;
