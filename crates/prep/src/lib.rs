//! Preprocessing: validate a table, divide its rows, fit transforms on the training part once
//! and apply them everywhere. A fitted pipeline is plain data with a hash; the same code applies
//! it in training, in batch scoring and in serving.

pub mod expectation;
pub mod fit;
pub mod matrix;
pub mod model;
pub mod parity;
pub mod pipeline;
pub mod row;
pub mod spec;
pub mod split;
pub mod target;
pub mod validate;

mod batch;
mod build;
mod http;
mod service;
mod statistics;
mod store;

pub use expectation::{Check, Expectation, ValidationReport};
pub use fit::fit;
pub use http::{ValidateRequest, routes};
pub use matrix::Matrix;
pub use model::{Part, Prepared, PreparedData, PreparedRows, RowCounts};
pub use parity::{ParityReport, parity};
pub use pipeline::{FittedPipeline, FittedStep, InputColumn, PIPELINE_VERSION};
pub use ropewalk_data::{Cell, ColumnKind};
pub use row::RowPlan;
pub use service::Prep;
pub use spec::{PrepSpec, Split, Step};
pub use store::MIGRATIONS;
pub use target::{Operator, Target};
