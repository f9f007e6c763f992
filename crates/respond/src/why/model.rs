//! What changed between a good slice of the record and a bad one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which part of the world a difference lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Dataset commit, row counts, share of positives.
    Data,
    /// The distribution of one column.
    Column,
    /// The fitted pipeline.
    Pipeline,
    /// Recipe, parameters, seed.
    Params,
    /// Version of the code.
    Code,
    /// Machine, operating system, thread count.
    Environment,
    /// Which model version or revision serves.
    Model,
    /// Realised or validated quality.
    Quality,
}

impl Aspect {
    /// The plain word for sentences.
    pub fn word(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Column => "columns",
            Self::Pipeline => "pipeline",
            Self::Params => "parameters",
            Self::Code => "code",
            Self::Environment => "environment",
            Self::Model => "model",
            Self::Quality => "quality",
        }
    }
}

/// One side of the comparison, in words and references.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slice {
    /// One line: "wine-quality/1 as trained (wine@1f3a…)".
    pub label: String,
    /// Journal references that stand for this side.
    pub references: Vec<String>,
    /// When this side was true, milliseconds since 1970.
    pub time_ms: Option<i64>,
}

/// One difference. Column differences carry an effect size and are ranked by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Where it lies.
    pub aspect: Aspect,
    /// Name of what differs: a column, a parameter, "dataset".
    pub name: String,
    /// Value on the good side, in words.
    pub before: String,
    /// Value on the bad side, in words.
    pub after: String,
    /// How far apart, for columns: the largest gap between the two distribution functions, 0 to 1.
    pub effect_size: Option<f64>,
    /// One sentence.
    pub text: String,
}

/// The answer to "why?": what differs, what does not, and a verdict in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// What was asked about.
    pub subject: String,
    /// The side that was well.
    pub good: Slice,
    /// The side that is not.
    pub bad: Slice,
    /// What differs, the strongest first.
    pub differences: Vec<Difference>,
    /// Aspects that were compared and are the same.
    pub unchanged: Vec<Aspect>,
    /// Aspects that could not be compared, for want of a record on one side.
    pub unknown: Vec<Aspect>,
    /// Columns compared.
    pub columns_compared: usize,
    /// Columns that differ.
    pub columns_differ: usize,
    /// One or two sentences.
    pub verdict: String,
}
