//! What a table must satisfy, and the report that says whether it does.

use ropewalk_data::ColumnKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One rule that a table must satisfy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "expect", rename_all = "snake_case")]
pub enum Expectation {
    /// The column is there.
    Present {
        /// The column.
        column: String,
    },
    /// The column is there and holds numbers, or text.
    Kind {
        /// The column.
        column: String,
        /// What it must hold.
        kind: ColumnKind,
    },
    /// Every present number lies between two bounds, both included.
    Range {
        /// The column.
        column: String,
        /// The least value allowed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The greatest value allowed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    /// At most a share of the column's values is missing.
    Missing {
        /// The column; every column if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        column: Option<String>,
        /// The greatest share allowed, 0 to 1.
        max_share: f64,
    },
    /// Every present text is one of these.
    OneOf {
        /// The column.
        column: String,
        /// The values allowed.
        values: Vec<String>,
    },
    /// At most a share of the rows repeats an earlier row.
    Duplicates {
        /// The greatest share allowed, 0 to 1.
        max_share: f64,
    },
    /// The number of rows lies between two bounds, both included.
    Rows {
        /// The least number allowed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<u64>,
        /// The greatest number allowed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<u64>,
    },
}

/// The outcome of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// The rule: `present`, `kind`, `range`, `missing`, `one_of`, `duplicates`, `rows`, `values`,
    /// `finite`.
    pub name: String,
    /// The column that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Whether the table satisfies it.
    pub passed: bool,
    /// What was found.
    pub observed: String,
    /// What was wanted.
    pub expected: String,
    /// One sentence for a person.
    pub message: String,
}

/// What a validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ValidationReport {
    /// The table with its commit, as `wine@1f3a…/red.csv`.
    pub source: String,
    /// How many rows.
    pub rows: u64,
    /// How many columns.
    pub columns: u64,
    /// Rows that repeat an earlier row in every column.
    pub duplicates: u64,
    /// Values that are missing, over all columns.
    pub missing: u64,
    /// Whether every check passed.
    pub passed: bool,
    /// The checks: first those made on any table, then the expectations in order.
    pub checks: Vec<Check>,
}
