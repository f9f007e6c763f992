//! What a table holds, column by column.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::column::{Column, ColumnKind};
use crate::frame::Frame;

/// The quantiles that a summary gives.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// How many of the most frequent texts a summary names.
const FREQUENT: usize = 10;

/// Longer texts are cut in a summary.
const LONGEST_TEXT: usize = 80;

/// A table's schema, size and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TableSummary {
    /// How many rows.
    pub rows: u64,
    /// The columns, in the table's order.
    pub columns: Vec<ColumnSummary>,
}

/// The statistics of one column, over the values that are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnSummary {
    /// The column's name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// How many values are missing.
    pub missing: u64,
    /// How many different values there are, exactly.
    pub distinct: u64,
    /// The smallest finite number.
    pub min: Option<f64>,
    /// The largest finite number.
    pub max: Option<f64>,
    /// The mean of the finite numbers.
    pub mean: Option<f64>,
    /// The sample standard deviation of the finite numbers (divisor n − 1).
    pub std: Option<f64>,
    /// Quantiles of the finite numbers, by linear interpolation between order statistics (type 7
    /// of Hyndman & Fan, "Sample quantiles in statistical packages", 1996: the one of NumPy and R).
    pub quantiles: Vec<Quantile>,
    /// The most frequent texts, most frequent first; empty for numbers.
    pub frequent: Vec<Frequent>,
}

/// The value below which a share of the values lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quantile {
    /// The share, from 0 to 1.
    pub share: f64,
    /// The value.
    pub value: f64,
}

/// A text and how often it comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Frequent {
    /// The text, cut if it is long.
    pub value: String,
    /// How many rows have it.
    pub rows: u64,
}

impl TableSummary {
    /// Looks at every value once.
    pub fn of(frame: &Frame) -> Self {
        Self {
            rows: frame.rows() as u64,
            columns: frame.iter().map(|(name, column)| ColumnSummary::of(name, column)).collect(),
        }
    }
}

impl ColumnSummary {
    /// The statistics of one column.
    pub fn of(name: &str, column: &Column) -> Self {
        let empty = Self {
            name: name.to_owned(),
            kind: column.kind(),
            missing: column.missing() as u64,
            distinct: 0,
            min: None,
            max: None,
            mean: None,
            std: None,
            quantiles: Vec::new(),
            frequent: Vec::new(),
        };
        match column {
            Column::Number(values) => empty.with_numbers(values),
            Column::Text(values) => empty.with_texts(values),
        }
    }

    fn with_numbers(mut self, values: &[f64]) -> Self {
        // Adding zero turns −0 into 0, which counts as the same value.
        let mut sorted: Vec<f64> =
            values.iter().filter(|value| !value.is_nan()).map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        self.distinct = sorted.chunk_by(|a, b| a == b).count() as u64;
        sorted.retain(|value| value.is_finite());
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return self };
        (self.min, self.max) = (Some(min), Some(max));
        let (mean, std) = mean_and_std(&sorted);
        (self.mean, self.std) = (mean, std);
        self.quantiles = QUANTILES
            .iter()
            .map(|&share| Quantile { share, value: quantile(&sorted, share) })
            .filter(|quantile| quantile.value.is_finite())
            .collect();
        self
    }

    fn with_texts(mut self, values: &[Option<String>]) -> Self {
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for value in values.iter().flatten() {
            *counts.entry(value).or_default() += 1;
        }
        self.distinct = counts.len() as u64;
        let mut ranked: Vec<(&str, u64)> = counts.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        self.frequent = ranked
            .into_iter()
            .take(FREQUENT)
            .map(|(value, rows)| Frequent { value: value.chars().take(LONGEST_TEXT).collect(), rows })
            .collect();
        self
    }
}

/// Welford's updating formulas ("Note on a method for calculating corrected sums of squares and
/// products", 1962), which lose no digits where the mean is large against the spread. Nothing where
/// the figure would overflow, and no deviation for a single value.
fn mean_and_std(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let (mut mean, mut squares) = (0.0_f64, 0.0_f64);
    for (seen, value) in values.iter().enumerate() {
        let delta = value - mean;
        mean += delta / (seen + 1) as f64;
        squares += delta * (value - mean);
    }
    let std = (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt());
    (Some(mean).filter(|mean| mean.is_finite()), std.filter(|std| std.is_finite()))
}

/// The quantile of sorted values, type 7; NaN if there are none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = share * last as f64;
    let below = position.floor();
    let at = |index: usize| sorted.get(index.min(last)).copied().unwrap_or(f64::NAN);
    let (low, high) = (at(below as usize), at(below as usize + 1));
    let weight = position - below;
    if weight == 0.0 { low } else { low + (high - low) * weight }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn numbers_as_numpy_gives_them() {
        // numpy.quantile([1, 2, 4, 8], q) and numpy.std(ddof=1).
        let column = Column::Number(vec![8.0, 1.0, f64::NAN, 4.0, 2.0]);
        let summary = ColumnSummary::of("x", &column);
        assert_eq!((summary.missing, summary.distinct), (1, 4));
        assert_eq!((summary.min, summary.max, summary.mean), (Some(1.0), Some(8.0), Some(3.75)));
        assert!((summary.std.unwrap() - 3.095_695_936_834_452).abs() < 1e-12);
        let values: Vec<f64> = summary.quantiles.iter().map(|quantile| quantile.value).collect();
        for (value, expected) in values.iter().zip([1.15, 1.75, 3.0, 5.0, 7.4]) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
    }

    #[test]
    fn extremes_never_become_unwritable() {
        let column = Column::Number(vec![f64::MAX, f64::MIN, f64::INFINITY, -0.0, 0.0]);
        let summary = ColumnSummary::of("x", &column);
        assert_eq!(summary.distinct, 4);
        assert_eq!(summary.max, Some(f64::MAX));
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<ColumnSummary>(&text).unwrap(), summary);
        let missing = ColumnSummary::of("x", &Column::Number(vec![f64::NAN]));
        assert_eq!((missing.missing, missing.distinct, missing.mean), (1, 0, None));
        assert_eq!(ColumnSummary::of("x", &Column::Number(vec![2.0])).std, None);
    }

    #[test]
    fn texts_by_frequency() {
        let values = ["b", "a", "b", "c"].map(|text| Some(text.to_owned()));
        let summary = ColumnSummary::of("x", &Column::Text([&values[..], &[None]].concat()));
        assert_eq!((summary.missing, summary.distinct), (1, 3));
        assert_eq!((summary.frequent[0].value.as_str(), summary.frequent[0].rows), ("b", 2));
        assert_eq!(summary.frequent[1].value, "a");
    }
}
