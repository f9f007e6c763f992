//! Finding the steps' constants on the training part.

use std::collections::BTreeMap;

use ropewalk_core::{Error, Result};
use ropewalk_data::{ColumnKind, Frame};

use crate::batch::{Values, Working};
use crate::pipeline::{
    Bounds, Encoding, Fill, FillText, FittedPipeline, FittedStep, InputColumn, PIPELINE_VERSION, Scaling,
};
use crate::spec::Step;
use crate::statistics::{self, Moments};

/// Fit `steps` on a training part, in order, each on what the steps before it give.
pub fn fit(steps: &[Step], training: &Frame, inputs: Vec<InputColumn>) -> Result<FittedPipeline> {
    let mut working = Working::new(training, &inputs)?;
    let mut fitted = Vec::with_capacity(steps.len());
    for step in steps {
        let one = fit_step(step, &working)?;
        working.apply(&one)?;
        if let Some(name) = repeated(&working) {
            return Err(Error::invalid(format!(
                "the step {} would make a second column “{name}”",
                step.name()
            ))
            .hint("give the other column another name in the dataset"));
        }
        fitted.push(one);
    }
    if let Some((name, _)) = working.columns.iter().find(|(_, values)| values.kind() == ColumnKind::Text) {
        return Err(Error::invalid(format!("the column “{name}” is still text after the last step"))
            .why("models take numbers")
            .hint("add {\"op\": \"one_hot\"} to the steps, or leave the column out of `columns`"));
    }
    if working.columns.is_empty() {
        return Err(Error::invalid("the steps leave no column at all"));
    }
    Ok(FittedPipeline { version: PIPELINE_VERSION, inputs, steps: fitted, outputs: working.names() })
}

fn repeated(working: &Working<'_>) -> Option<String> {
    let mut names = working.names();
    names.sort();
    names.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first().cloned())
}

fn fit_step(step: &Step, working: &Working<'_>) -> Result<FittedStep> {
    let numbers = || chosen(step, working, ColumnKind::Number);
    Ok(match step {
        Step::IndicateMissing { columns } => FittedStep::IndicateMissing {
            columns: match columns {
                Some(columns) => {
                    for column in columns {
                        working.find(column).ok_or_else(|| unknown(step, column, working))?;
                    }
                    columns.clone()
                }
                None => with_missing(working),
            },
        },
        Step::ImputeMedian { .. } => FittedStep::Impute {
            columns: each(&numbers()?, |column| {
                let value = statistics::quantile(&sorted(working, column)?, 0.5);
                Ok(Fill { column: column.to_owned(), value: usable(column, value)? })
            })?,
        },
        Step::ImputeMean { .. } => FittedStep::Impute {
            columns: each(&numbers()?, |column| {
                let value = moments(working, column)?.mean;
                Ok(Fill { column: column.to_owned(), value: usable(column, value)? })
            })?,
        },
        Step::ImputeConstant { value, .. } => FittedStep::Impute {
            columns: each(&numbers()?, |column| Ok(Fill { column: column.to_owned(), value: *value }))?,
        },
        Step::ImputeMostFrequent { .. } => FittedStep::ImputeText {
            columns: each(&chosen(step, working, ColumnKind::Text)?, |column| {
                let value = frequent(working, column)?.into_iter().next().map(|(value, _)| value);
                let value = value.ok_or_else(|| empty(column))?;
                Ok(FillText { column: column.to_owned(), value })
            })?,
        },
        Step::Clip { low, high, .. } => FittedStep::Clip {
            columns: each(&numbers()?, |column| {
                let values = sorted(working, column)?;
                Ok(Bounds {
                    column: column.to_owned(),
                    low: usable(column, statistics::quantile(&values, *low))?,
                    high: usable(column, statistics::quantile(&values, *high))?,
                })
            })?,
        },
        Step::SignedLog { .. } => FittedStep::SignedLog { columns: numbers()? },
        Step::Standardise { .. } => FittedStep::Scale {
            columns: each(&numbers()?, |column| {
                let Moments { mean, deviation } = moments(working, column)?;
                let scale = if deviation == 0.0 { 1.0 } else { usable(column, deviation)? };
                Ok(Scaling { column: column.to_owned(), shift: usable(column, mean)?, scale })
            })?,
        },
        Step::MinMax { .. } => FittedStep::Scale {
            columns: each(&numbers()?, |column| {
                let values = sorted(working, column)?;
                let (low, high) = (statistics::quantile(&values, 0.0), statistics::quantile(&values, 1.0));
                let width = usable(column, high - low)?;
                let scale = if width == 0.0 { 1.0 } else { width };
                Ok(Scaling { column: column.to_owned(), shift: usable(column, low)?, scale })
            })?,
        },
        Step::OneHot { most, .. } => FittedStep::OneHot {
            columns: each(&chosen(step, working, ColumnKind::Text)?, |column| {
                let mut categories: Vec<String> =
                    frequent(working, column)?.into_iter().take(*most).map(|(value, _)| value).collect();
                if categories.is_empty() {
                    return Err(empty(column));
                }
                categories.sort();
                Ok(Encoding { column: column.to_owned(), categories })
            })?,
        },
    })
}

fn each<T>(columns: &[String], fit: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    columns.iter().map(|column| fit(column)).collect()
}

/// The columns a step was told to take, checked, or all of the kind it can take.
fn chosen(step: &Step, working: &Working<'_>, kind: ColumnKind) -> Result<Vec<String>> {
    let Some(told) = step.columns() else {
        let suited = working.columns.iter().filter(|(_, values)| values.kind() == kind);
        return Ok(suited.map(|(name, _)| name.clone()).collect());
    };
    for column in told {
        let values = working.find(column).ok_or_else(|| unknown(step, column, working))?;
        if values.kind() != kind {
            return Err(Error::invalid(format!(
                "the step {} takes {kind} columns, but “{column}” holds {}",
                step.name(),
                match values.kind() {
                    ColumnKind::Number => "numbers",
                    ColumnKind::Text => "text",
                }
            ))
            .hint("name other columns, or none to take all that suit"));
        }
    }
    Ok(told.clone())
}

fn with_missing(working: &Working<'_>) -> Vec<String> {
    let lacks = |values: &Values<'_>| match values {
        Values::Number(numbers) => numbers.iter().any(|number| number.is_nan()),
        Values::Text(texts) => texts.iter().any(Option::is_none),
    };
    let columns = working.columns.iter().filter(|(_, values)| lacks(values));
    columns.map(|(name, _)| name.clone()).collect()
}

fn unknown(step: &Step, column: &str, working: &Working<'_>) -> Error {
    Error::invalid(format!("the step {} names a column “{column}” that is not there", step.name()))
        .why(format!("at that step there are: {}", working.names().join(", ")))
}

fn empty(column: &str) -> Error {
    Error::invalid(format!("the column “{column}” has no value at all in the training part"))
        .hint("leave it out of `columns`, or give impute_constant a value for it")
}

fn usable(column: &str, constant: f64) -> Result<f64> {
    if constant.is_finite() {
        return Ok(constant);
    }
    Err(Error::invalid(format!("the column “{column}” holds numbers too large to compute with"))
        .why("a mean, quantile or deviation of it is not finite")
        .hint("clip it, or correct the infinite values in the dataset"))
}

/// The present values, ascending.
fn sorted(working: &Working<'_>, column: &str) -> Result<Vec<f64>> {
    let mut values: Vec<f64> =
        working.numbers(column)?.iter().copied().filter(|value| !value.is_nan()).collect();
    if values.is_empty() {
        return Err(empty(column));
    }
    values.sort_by(f64::total_cmp);
    Ok(values)
}

fn moments(working: &Working<'_>, column: &str) -> Result<Moments> {
    statistics::moments(working.numbers(column)?).ok_or_else(|| empty(column))
}

/// The values with their counts, the most frequent first; equal counts in the order of the text.
fn frequent(working: &Working<'_>, column: &str) -> Result<Vec<(String, usize)>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in working.texts(column)?.iter().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(text, count)| (text.to_owned(), count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(counts)
}
