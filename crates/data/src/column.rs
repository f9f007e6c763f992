//! One column of a table: numbers or text.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// 64-bit floating point numbers.
    Number,
    /// UTF-8 text.
    Text,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Number => "number",
            Self::Text => "text",
        })
    }
}

/// The values of one column.
#[derive(Clone, Debug)]
pub enum Column {
    /// Numbers; NaN is a missing value.
    Number(Vec<f64>),
    /// Text; `None` is a missing value.
    Text(Vec<Option<String>>),
}

impl Column {
    /// How many values, missing ones included.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether the column has no values at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of the values.
    pub fn kind(&self) -> ColumnKind {
        match self {
            Self::Number(_) => ColumnKind::Number,
            Self::Text(_) => ColumnKind::Text,
        }
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        match self {
            Self::Number(values) => values.iter().filter(|value| value.is_nan()).count(),
            Self::Text(values) => values.iter().filter(|value| value.is_none()).count(),
        }
    }

    /// The value of row `row`; a row past the end reads as missing.
    pub fn cell(&self, row: usize) -> Cell {
        match self {
            Self::Number(values) => match values.get(row) {
                Some(value) if !value.is_nan() => Cell::Number(*value),
                _ => Cell::Missing,
            },
            Self::Text(values) => match values.get(row) {
                Some(Some(value)) => Cell::Text(value.clone()),
                _ => Cell::Missing,
            },
        }
    }

    /// The values at `rows`, in that order; a row past the end reads as missing.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Number(values) => {
                Self::Number(rows.iter().map(|&row| values.get(row).copied().unwrap_or(f64::NAN)).collect())
            }
            Self::Text(values) => {
                Self::Text(rows.iter().map(|&row| values.get(row).cloned().flatten()).collect())
            }
        }
    }

    /// `length` missing values of one kind.
    pub fn all_missing(kind: ColumnKind, length: usize) -> Self {
        match kind {
            ColumnKind::Number => Self::Number(vec![f64::NAN; length]),
            ColumnKind::Text => Self::Text(vec![None; length]),
        }
    }
}

/// Equal values in equal order, a missing number being equal to a missing number.
impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
            }
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

/// One value of one row. In JSON: a number, a string, or null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Cell {
    /// A number (never NaN).
    Number(f64),
    /// Text.
    Text(String),
    /// No value.
    Missing,
}

/// Feeds one value in a form in which no two different rows look alike: a tag, then fixed-width
/// bits or length and bytes.
pub(crate) fn hash_value(hasher: &mut blake3::Hasher, column: &Column, row: usize) {
    match column {
        Column::Number(values) => match values.get(row) {
            Some(value) if !value.is_nan() => {
                // Adding zero turns −0 into 0.
                let bits = (value + 0.0).to_bits().to_le_bytes();
                hasher.update(&[1]).update(&bits);
            }
            _ => {
                hasher.update(&[0]);
            }
        },
        Column::Text(values) => match values.get(row) {
            Some(Some(text)) => {
                let length = (text.len() as u64).to_le_bytes();
                hasher.update(&[2]).update(&length).update(text.as_bytes());
            }
            _ => {
                hasher.update(&[0]);
            }
        },
    }
}

/// The first 128 bits of what was fed.
pub(crate) fn truncated(hasher: &blake3::Hasher) -> u128 {
    let mut bits = [0_u8; 16];
    hasher.finalize_xof().fill(&mut bits);
    u128::from_le_bytes(bits)
}
