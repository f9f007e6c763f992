//! What a preparation leaves behind.

use ropewalk_core::Reference;
use ropewalk_data::{Cell, Frame};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::matrix::Matrix;
use crate::pipeline::FittedPipeline;
use crate::spec::PrepSpec;

/// Where the source's rows went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowCounts {
    /// Rows of the source.
    pub source: u64,
    /// Rows left out because an earlier row equals them.
    pub duplicates_dropped: u64,
    /// Rows left out because their target is missing.
    pub unlabelled_dropped: u64,
    /// Rows to train on.
    pub train: u64,
    /// Rows to choose by.
    pub validation: u64,
    /// Rows for the last word.
    pub test: u64,
}

/// A dataset made ready for training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prepared {
    /// The hash of all that decides the outcome: dataset commit, spec and code format, in hex.
    pub id: String,
    /// Whether it stood already, so that no work was done.
    pub cached: bool,
    /// The dataset's name.
    pub dataset: String,
    /// The commit it was read from, in hex.
    pub commit: String,
    /// The journal reference of that commit, `dataset:NAME@COMMIT`.
    pub reference: String,
    /// How it was prepared.
    pub spec: PrepSpec,
    /// What was fitted on the training part.
    pub pipeline: FittedPipeline,
    /// The hash of `pipeline`.
    pub pipeline_hash: String,
    /// Where the rows went.
    pub rows: RowCounts,
    /// The share of positive rows over all parts, 0 to 1.
    pub positive_share: f64,
    /// How long the preparation took when it was made, in seconds.
    pub seconds: f64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
}

impl Prepared {
    /// Its name in the journal, `prepared:ID`.
    #[must_use]
    pub fn journal_reference(&self) -> Reference {
        Reference::new("prepared", &self.id)
    }
}

/// One part of a prepared dataset.
#[derive(Debug, Clone)]
pub struct Part {
    /// The raw input columns in the pipeline's order, then the raw target column.
    pub frame: Frame,
    /// What the pipeline makes of the inputs.
    pub features: Matrix,
    /// 1 for a positive row, 0 for another.
    pub labels: Vec<f32>,
}

/// A prepared dataset with its rows.
#[derive(Debug, Clone)]
pub struct PreparedData {
    /// What it is.
    pub prepared: Prepared,
    /// To train on.
    pub train: Part,
    /// To choose between models by.
    pub validation: Part,
    /// Held out for the last word.
    pub test: Part,
}

/// Some raw rows of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreparedRows {
    /// `train`, `validation` or `test`.
    pub part: String,
    /// How many rows the part has.
    pub total: u64,
    /// The place of the first row given.
    pub offset: u64,
    /// The columns: the inputs in the pipeline's order, then the target.
    pub columns: Vec<String>,
    /// The rows, a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// The rows' labels: 1 for positive, 0 for not.
    pub labels: Vec<f32>,
}
