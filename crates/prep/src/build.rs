//! From a table and a spec to the three parts and the fitted pipeline; no storage involved.

use std::collections::HashSet;

use ropewalk_core::{Error, Result};
use ropewalk_data::{Column, Frame};

use crate::fit::fit;
use crate::model::{Part, RowCounts};
use crate::pipeline::{FittedPipeline, InputColumn};
use crate::spec::PrepSpec;
use crate::split::divide;
use crate::target::Target;

/// What building gives.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) pipeline: FittedPipeline,
    pub(crate) train: Frame,
    pub(crate) validation: Frame,
    pub(crate) test: Frame,
    pub(crate) rows: RowCounts,
    pub(crate) positive_share: f64,
}

/// Drop, divide, fit. The target column is left out of the inputs before anything else is done.
pub(crate) fn build(frame: &Frame, spec: &PrepSpec) -> Result<Built> {
    spec.check()?;
    let target = &spec.target.column;
    if !frame.has(target) {
        return Err(Error::invalid(format!("the target column “{target}” is not in {}", spec.source))
            .why(format!("its columns are: {}", frame.names().join(", ")))
            .hint("name one of them: --target 'COLUMN >= NUMBER'"));
    }
    let observed = frame.number(target).map_err(|error| {
        error.context(format!("the target column “{target}” holds text")).hint("a target compares numbers")
    })?;
    let names = input_names(frame, spec)?;
    let inputs = frame.with_only(&names)?;
    let whole = inputs.clone().with_column(target, Column::Number(observed.to_vec()))?;

    let (kept, duplicates_dropped) = without_duplicates(&whole, spec.drop_duplicates);
    let (mut labels, mut rows, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for row in &kept {
        if let Some(label) = observed.get(*row).and_then(|value| spec.target.label(*value)) {
            labels.push(label);
            rows.push(*row);
            hashes.push(inputs.row_hash(*row));
        }
    }
    if rows.is_empty() {
        return Err(Error::invalid(format!("no row of {} has a target", spec.source))
            .why(format!("the table has {} rows and “{target}” is missing in all", frame.rows())));
    }

    let parts = divide(&hashes, &labels, &spec.split);
    for (name, share, part) in [
        ("training", spec.split.train, &parts.train),
        ("validation", spec.split.validation, &parts.validation),
        ("test", spec.split.test, &parts.test),
    ] {
        if share > 0.0 && part.is_empty() {
            return Err(Error::invalid(format!("the {name} part is empty"))
                .why(format!("{share} of {} rows is less than one", rows.len()))
                .hint("take more rows, or another split"));
        }
    }
    let both = |label: f64| parts.train.iter().any(|place| labels.get(*place).copied() == Some(label));
    if !(both(0.0) && both(1.0)) {
        return Err(Error::invalid(format!("the training part has only one class of “{}”", spec.target))
            .why(format!("{} of {} rows are positive", positives(&labels), labels.len()))
            .hint("move the threshold of the target, or take more rows"));
    }

    let take = |places: &[usize]| {
        let rows: Vec<usize> = places.iter().filter_map(|place| rows.get(*place).copied()).collect();
        whole.select(&rows)
    };
    let train = take(&parts.train);
    let columns = inputs
        .iter()
        .map(|(name, column)| InputColumn { name: name.to_owned(), kind: column.kind() })
        .collect();
    let pipeline = fit(&spec.steps, &train, columns)?;
    Ok(Built {
        pipeline,
        validation: take(&parts.validation),
        test: take(&parts.test),
        train,
        rows: RowCounts {
            source: frame.rows() as u64,
            duplicates_dropped: duplicates_dropped as u64,
            unlabelled_dropped: (kept.len() - rows.len()) as u64,
            train: parts.train.len() as u64,
            validation: parts.validation.len() as u64,
            test: parts.test.len() as u64,
        },
        positive_share: share(positives(&labels), labels.len()),
    })
}

/// A part as training uses it.
pub(crate) fn part(pipeline: &FittedPipeline, target: &Target, frame: Frame) -> Result<Part> {
    let features = pipeline.apply(&frame)?;
    let labels = frame
        .number(&target.column)?
        .iter()
        .map(|value| {
            target
                .label(*value)
                .map(|label| if label > 0.5 { 1.0 } else { 0.0 })
                .ok_or_else(|| Error::internal(format!("a prepared row has no value of “{}”", target.column)))
        })
        .collect::<Result<_>>()?;
    Ok(Part { frame, features, labels })
}

fn input_names(frame: &Frame, spec: &PrepSpec) -> Result<Vec<String>> {
    let Some(columns) = &spec.columns else {
        let names: Vec<String> =
            frame.names().iter().filter(|name| **name != spec.target.column).cloned().collect();
        return if names.is_empty() {
            Err(Error::invalid(format!("{} has no column beside the target", spec.source)))
        } else {
            Ok(names)
        };
    };
    let missing: Vec<String> =
        columns.iter().filter(|name| !frame.has(name)).map(|name| format!("“{name}”")).collect();
    if missing.is_empty() {
        return Ok(columns.clone());
    }
    Err(Error::invalid(format!("{} lacks the input columns {}", spec.source, missing.join(", ")))
        .why(format!("its columns are: {}", frame.names().join(", ")))
        .hint("correct `columns`, or leave it out to take all but the target"))
}

/// The rows to keep, ascending, and how many are left out.
fn without_duplicates(frame: &Frame, drop: bool) -> (Vec<usize>, usize) {
    let all = 0..frame.rows();
    if !drop {
        return (all.collect(), 0);
    }
    let mut seen = HashSet::with_capacity(frame.rows());
    let kept: Vec<usize> = all.filter(|row| seen.insert(frame.row_hash(*row))).collect();
    let dropped = frame.rows() - kept.len();
    (kept, dropped)
}

fn positives(labels: &[f64]) -> usize {
    labels.iter().filter(|label| **label > 0.5).count()
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows in memory are far below 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
