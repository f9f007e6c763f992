//! Monitoring: the prediction log, feedback, drift and realised quality against the model's reference, alerts.

mod model;
mod service;
mod sink;
pub mod statistics;

pub use model::{
    Alert, AlertKind, AlertStatus, CaptureFilter, Captured, ColumnDrift, Feedback, FeedbackReceipt, MonitorSettings,
    Outcome, Report, ReportSummary, Status, Window,
};
pub use service::{MIGRATIONS, Watch};
pub use sink::AlertSink;
