//! Traces in MLflow's words: what a trace is, what people and programs judge of it, and datasets to evaluate on.

mod assessment;
mod dataset;
mod metrics;
mod pairs;
mod trace;

pub(crate) use assessment::SOURCE_TYPES;
pub use assessment::{Assessment, AssessmentError, AssessmentKind};
pub use dataset::{DatasetRecord, EvaluationDataset};
pub(crate) use metrics::{Aggregation, Correlation, DataPoint, MetricQuery, View};
pub use pairs::Pairs;
pub use trace::{COST_NAMES, TraceInfo, TraceState, USAGE_NAMES};
pub(crate) use trace::{count, dollars};
