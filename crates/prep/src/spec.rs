//! How a dataset is to be prepared: the part of an experiment that a person writes.

use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::expectation::Expectation;
use crate::target::Target;

/// The recipe from a dataset to the parts that training uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepSpec {
    /// The dataset: `wine`, `wine@v1` or `wine@v1/red.csv`.
    pub source: String,
    /// What to predict.
    pub target: Target,
    /// Keep only the first of rows that are equal in inputs and target, before splitting, so
    /// that no row stands on both sides. Default true.
    #[serde(default = "yes")]
    pub drop_duplicates: bool,
    /// How the rows are divided.
    #[serde(default)]
    pub split: Split,
    /// The transforms, in order; fitted on the training part only.
    #[serde(default = "default_steps")]
    pub steps: Vec<Step>,
    /// What the source must satisfy before anything is done.
    #[serde(default)]
    pub expectations: Vec<Expectation>,
    /// The input columns, in order; all but the target if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

impl PrepSpec {
    /// The usual preparation of `source` for `target`: duplicates dropped, a stratified
    /// 70/15/15 split, medians for missing numbers, text one-hot, numbers standardised.
    #[must_use]
    pub fn new(source: impl Into<String>, target: Target) -> Self {
        Self {
            source: source.into(),
            target,
            drop_duplicates: true,
            split: Split::default(),
            steps: default_steps(),
            expectations: Vec::new(),
            columns: None,
        }
    }

    /// Refuse what can never work, before any data is read.
    pub fn check(&self) -> Result<()> {
        if let Some(columns) = &self.columns {
            if columns.is_empty() {
                return Err(Error::invalid("the list of input columns is empty")
                    .hint("leave `columns` out to take all but the target"));
            }
            if columns.contains(&self.target.column) {
                return Err(Error::invalid(format!(
                    "the target column “{}” is among the input columns",
                    self.target.column
                ))
                .why("a model that is shown the answer learns nothing else")
                .hint("take it out of `columns`"));
            }
            for (place, column) in columns.iter().enumerate() {
                if columns.iter().take(place).any(|earlier| earlier == column) {
                    return Err(Error::invalid(format!("the input column “{column}” is named twice")));
                }
            }
        }
        if !self.target.value.is_finite() {
            return Err(Error::invalid("the target's threshold is not a finite number"));
        }
        for step in &self.steps {
            if let Some(named) = step.columns().filter(|columns| columns.contains(&self.target.column)) {
                return Err(Error::invalid(format!(
                    "the step {} names the target column “{}”",
                    step.name(),
                    self.target.column
                ))
                .why(format!("its columns are {}", named.join(", ")))
                .hint("steps transform inputs only"));
            }
            step.check()?;
        }
        self.split.check()
    }
}

fn yes() -> bool {
    true
}

fn default_steps() -> Vec<Step> {
    vec![
        Step::ImputeMedian { columns: None },
        Step::Standardise { columns: None },
        Step::OneHot { columns: None, most: default_most() },
    ]
}

fn default_most() -> usize {
    64
}

/// The division of the rows into training, validation and test.
///
/// A row's place follows from its inputs and the seed alone: rows are ordered by a keyed hash of
/// their inputs, within each class if stratified, and cut at the fractions. So the division does
/// not depend on the order of the rows, rows with equal inputs in a class stay together, and when
/// a later commit adds rows almost every old row keeps its side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Fraction of the rows that training sees.
    pub train: f64,
    /// Fraction of the rows that choose between models.
    pub validation: f64,
    /// Fraction of the rows kept for the last word.
    pub test: f64,
    /// Chooses one of the possible divisions.
    #[serde(default)]
    pub seed: u64,
    /// Keep the share of positive rows equal in all parts. Default true.
    #[serde(default = "yes")]
    pub stratify: bool,
}

impl Default for Split {
    fn default() -> Self {
        Self { train: 0.7, validation: 0.15, test: 0.15, seed: 0, stratify: true }
    }
}

impl Split {
    /// The fractions must be shares that add up to one, with something to train on.
    pub fn check(&self) -> Result<()> {
        let parts = [self.train, self.validation, self.test];
        let shares = parts.iter().all(|part| (0.0..=1.0).contains(part));
        if !shares || (parts.iter().sum::<f64>() - 1.0).abs() > 1e-9 || self.train <= 0.0 {
            return Err(Error::invalid("the split's fractions do not divide the rows")
                .why(format!(
                    "train {}, validation {} and test {} must each be from 0 to 1, train above 0, and add up to 1",
                    self.train, self.validation, self.test
                ))
                .hint("{\"train\": 0.7, \"validation\": 0.15, \"test\": 0.15}"));
        }
        Ok(())
    }
}

/// One transform, before it is fitted. Without `columns` it takes every column of its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Step {
    /// Add, for each number column, one that is 1 where the value is missing, else 0. To be put
    /// before an imputation.
    IndicateMissing {
        /// Which columns; those with a missing value in training if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Fill missing numbers with the training median.
    ImputeMedian {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Fill missing numbers with the training mean.
    ImputeMean {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Fill missing numbers with a given one.
    ImputeConstant {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
        /// What to fill in.
        value: f64,
    },
    /// Fill missing text with the value that is most frequent in training.
    ImputeMostFrequent {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Cut numbers off at two training quantiles.
    Clip {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
        /// The lower quantile, 0 to 1. Default 0.01.
        #[serde(default = "default_low")]
        low: f64,
        /// The upper quantile, 0 to 1. Default 0.99.
        #[serde(default = "default_high")]
        high: f64,
    },
    /// sign(x) · ln(1 + |x|): tames long tails and is defined everywhere.
    SignedLog {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Subtract the training mean and divide by the training standard deviation (of the
    /// population; a constant column is only shifted).
    Standardise {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Map the training minimum to 0 and the training maximum to 1.
    MinMax {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
    },
    /// Replace a text column by one column of 0 and 1 for each of its training values; a missing
    /// or unknown value is all zeros.
    OneHot {
        /// Which columns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        columns: Option<Vec<String>>,
        /// At most so many values, the most frequent. Default 64.
        #[serde(default = "default_most")]
        most: usize,
    },
}

fn default_low() -> f64 {
    0.01
}

fn default_high() -> f64 {
    0.99
}

impl Step {
    /// The columns that it was told to take.
    #[must_use]
    pub fn columns(&self) -> Option<&Vec<String>> {
        match self {
            Self::IndicateMissing { columns }
            | Self::ImputeMedian { columns }
            | Self::ImputeMean { columns }
            | Self::ImputeConstant { columns, .. }
            | Self::ImputeMostFrequent { columns }
            | Self::Clip { columns, .. }
            | Self::SignedLog { columns }
            | Self::Standardise { columns }
            | Self::MinMax { columns }
            | Self::OneHot { columns, .. } => columns.as_ref(),
        }
    }

    /// Its name, as it stands in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::IndicateMissing { .. } => "indicate_missing",
            Self::ImputeMedian { .. } => "impute_median",
            Self::ImputeMean { .. } => "impute_mean",
            Self::ImputeConstant { .. } => "impute_constant",
            Self::ImputeMostFrequent { .. } => "impute_most_frequent",
            Self::Clip { .. } => "clip",
            Self::SignedLog { .. } => "signed_log",
            Self::Standardise { .. } => "standardise",
            Self::MinMax { .. } => "min_max",
            Self::OneHot { .. } => "one_hot",
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::Clip { low, high, .. } if !(0.0 <= *low && low < high && *high <= 1.0) => {
                Err(Error::invalid("the step clip has quantiles that do not bound anything")
                    .why(format!("low is {low} and high is {high}; 0 ≤ low < high ≤ 1 is needed")))
            }
            Self::ImputeConstant { value, .. } if !value.is_finite() => {
                Err(Error::invalid("the step impute_constant has a value that is not a finite number"))
            }
            Self::OneHot { most: 0, .. } => Err(Error::invalid("the step one_hot keeps no value at all")
                .why("`most` is 0; it must be at least 1")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spec() -> PrepSpec {
        PrepSpec::new("wine@v1/red.csv", "quality >= 6".parse().unwrap())
    }

    #[test]
    fn a_short_spec_gets_the_defaults() {
        let text =
            r#"{"source": "wine@v1/red.csv", "target": {"column": "quality", "operator": ">=", "value": 6}}"#;
        let read: PrepSpec = serde_json::from_str(text).unwrap();
        assert_eq!(read, spec());
        read.check().unwrap();
        let again: PrepSpec = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(again, read);
    }

    #[test]
    fn the_target_is_never_an_input() {
        let mut wrong = spec();
        wrong.columns = Some(vec!["pH".into(), "quality".into()]);
        assert!(wrong.check().unwrap_err().to_string().contains("target column"));
        let mut wrong = spec();
        wrong.steps = vec![Step::Standardise { columns: Some(vec!["quality".into()]) }];
        assert!(wrong.check().is_err());
    }

    #[test]
    fn impossible_numbers_are_refused() {
        let mut wrong = spec();
        wrong.split.train = 0.9;
        assert!(wrong.check().unwrap_err().to_string().contains("add up to 1"));
        let mut wrong = spec();
        wrong.steps = vec![Step::Clip { columns: None, low: 0.9, high: 0.1 }];
        assert!(wrong.check().is_err());
        let mut wrong = spec();
        wrong.columns = Some(vec!["pH".into(), "pH".into()]);
        assert!(wrong.check().is_err());
    }
}
