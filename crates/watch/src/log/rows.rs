//! Logged rows as one table: joining batches, and the form they have in Parquet.

use std::collections::HashSet;

use ropewalk_core::{Code, Error, Result};
use ropewalk_data::{Column, ColumnKind, Frame};
use ropewalk_serve::PredictionBatch;

use crate::Captured;

/// Columns of the log's own begin with this, so that they meet no input of a model.
const PREFIX: &str = "ropewalk.";

impl Captured {
    /// No rows.
    pub(crate) fn none() -> Self {
        Self {
            frame: Frame::default(),
            ids: Vec::new(),
            scores: Vec::new(),
            values: Vec::new(),
            revisions: Vec::new(),
            models: Vec::new(),
            versions: Vec::new(),
            times_ms: Vec::new(),
            latencies_us: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// The rows of batches, in their order.
    pub(crate) fn from_batches(batches: Vec<PredictionBatch>) -> Result<Self> {
        let mut all = Self::none();
        let mut frames = Vec::with_capacity(batches.len());
        for batch in batches {
            let rows = batch.ids.len();
            all.scores.extend(
                (0..rows).map(|row| batch.scores.get(row).map_or(f64::NAN, |score| f64::from(*score))),
            );
            all.values.extend(std::iter::repeat_n(None, rows));
            all.revisions.extend(std::iter::repeat_n(batch.revision, rows));
            all.models.extend(std::iter::repeat_n(batch.model, rows));
            all.versions.extend(std::iter::repeat_n(batch.version, rows));
            all.times_ms.extend(std::iter::repeat_n(batch.time_ms, rows));
            all.latencies_us.extend(std::iter::repeat_n(batch.latency_us, rows));
            all.errors.extend(std::iter::repeat_n(batch.error, rows));
            all.ids.extend(batch.ids);
            frames.push((batch.inputs, rows));
        }
        all.frame = union(frames)?;
        Ok(all)
    }

    /// Several tables as one, in their order.
    pub(crate) fn joined(parts: Vec<Self>) -> Result<Self> {
        let mut all = Self::none();
        let mut frames = Vec::with_capacity(parts.len());
        for part in parts {
            frames.push((part.frame, part.ids.len()));
            all.ids.extend(part.ids);
            all.scores.extend(part.scores);
            all.values.extend(part.values);
            all.revisions.extend(part.revisions);
            all.models.extend(part.models);
            all.versions.extend(part.versions);
            all.times_ms.extend(part.times_ms);
            all.latencies_us.extend(part.latencies_us);
            all.errors.extend(part.errors);
        }
        all.frame = union(frames)?;
        Ok(all)
    }

    /// The rows at these positions, in that order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|&row| values.get(row).cloned()).collect()
        }
        Self {
            frame: self.frame.select(rows),
            ids: pick(&self.ids, rows),
            scores: pick(&self.scores, rows),
            values: pick(&self.values, rows),
            revisions: pick(&self.revisions, rows),
            models: pick(&self.models, rows),
            versions: pick(&self.versions, rows),
            times_ms: pick(&self.times_ms, rows),
            latencies_us: pick(&self.latencies_us, rows),
            errors: pick(&self.errors, rows),
        }
    }

    /// Each prediction once (a row may be read both from the buffer and from Parquet while it is rolled), oldest
    /// first, the newest `limit` of them.
    pub(crate) fn newest(self, limit: usize) -> Self {
        let mut seen = HashSet::with_capacity(self.ids.len());
        let mut rows: Vec<usize> =
            (0..self.ids.len()).filter(|&row| seen.insert(self.ids[row].as_str())).collect();
        rows.sort_by(|&a, &b| (self.times_ms[a], &self.ids[a]).cmp(&(self.times_ms[b], &self.ids[b])));
        let rows = &rows[rows.len().saturating_sub(limit)..];
        if rows.len() == self.ids.len() && rows.iter().enumerate().all(|(position, &row)| position == row) {
            return self;
        }
        self.select(rows)
    }

    /// As a table for Parquet: the log's own columns, then the inputs.
    pub(crate) fn to_frame(&self) -> Result<Frame> {
        // Times and counts are far below 2^53: a double holds them exactly.
        let numbers = |name: &str, values: Vec<f64>| (format!("{PREFIX}{name}"), Column::Number(values));
        let texts =
            |name: &str, values: Vec<Option<String>>| (format!("{PREFIX}{name}"), Column::Text(values));
        let mut columns = vec![
            texts("prediction_id", self.ids.iter().cloned().map(Some).collect()),
            numbers("time_ms", self.times_ms.iter().map(|time| *time as f64).collect()),
            numbers("revision", self.revisions.iter().map(|revision| *revision as f64).collect()),
            texts("model", self.models.iter().cloned().map(Some).collect()),
            numbers("version", self.versions.iter().map(|version| *version as f64).collect()),
            numbers("latency_us", self.latencies_us.iter().map(|latency| *latency as f64).collect()),
            numbers("score", self.scores.clone()),
            texts("error", self.errors.clone()),
        ];
        columns.extend(self.frame.clone().into_columns());
        Frame::new(columns)
    }

    /// Back from [`Captured::to_frame`].
    pub(crate) fn from_frame(frame: Frame) -> Result<Self> {
        let mut captured = Self::none();
        let mut inputs = Vec::new();
        let integer = |values: Vec<f64>| values.into_iter().map(|value| value as i64).collect::<Vec<_>>();
        for (name, column) in frame.into_columns() {
            match (name.strip_prefix(PREFIX), column) {
                (Some("prediction_id"), Column::Text(values)) => {
                    captured.ids = values.into_iter().flatten().collect()
                }
                (Some("time_ms"), Column::Number(values)) => captured.times_ms = integer(values),
                (Some("revision"), Column::Number(values)) => captured.revisions = integer(values),
                (Some("model"), Column::Text(values)) => {
                    captured.models = values.into_iter().flatten().collect()
                }
                (Some("version"), Column::Number(values)) => captured.versions = integer(values),
                (Some("latency_us"), Column::Number(values)) => {
                    captured.latencies_us = values.into_iter().map(|value| value as u64).collect();
                }
                (Some("score"), Column::Number(values)) => captured.scores = values,
                (Some("error"), Column::Text(values)) => captured.errors = values,
                // A column of missing texts only may come back as one of numbers.
                (Some("error"), Column::Number(values)) => captured.errors = vec![None; values.len()],
                (_, column) => inputs.push((name, column)),
            }
        }
        let rows = captured.ids.len();
        captured.values = vec![None; rows];
        captured.frame = Frame::new(inputs)?;
        let lengths = [
            captured.scores.len(),
            captured.revisions.len(),
            captured.models.len(),
            captured.versions.len(),
            captured.times_ms.len(),
            captured.latencies_us.len(),
            captured.errors.len(),
        ];
        if lengths.iter().any(|length| *length != rows) {
            return Err(Error::new(Code::Corrupt, "a file of the prediction log lacks columns"));
        }
        Ok(captured)
    }
}

/// Tables below one another, matched by column name; a column that a table lacks is missing there, and one that is
/// numbers here and text there becomes text.
fn union(parts: Vec<(Frame, usize)>) -> Result<Frame> {
    let mut kinds: Vec<(String, ColumnKind)> = Vec::new();
    for (frame, _) in &parts {
        for (name, column) in frame.iter() {
            match kinds.iter_mut().find(|(known, _)| known == name) {
                Some((_, kind)) if *kind != column.kind() => *kind = ColumnKind::Text,
                Some(_) => {}
                None => kinds.push((name.to_owned(), column.kind())),
            }
        }
    }
    let columns = kinds
        .into_iter()
        .map(|(name, kind)| {
            let column = match kind {
                ColumnKind::Number => {
                    Column::Number(gather(&parts, &name, f64::NAN, |column| match column {
                        Column::Number(values) => values.clone(),
                        Column::Text(values) => vec![f64::NAN; values.len()],
                    }))
                }
                ColumnKind::Text => Column::Text(gather(&parts, &name, None, |column| match column {
                    Column::Text(values) => values.clone(),
                    Column::Number(values) => {
                        values.iter().map(|value| (!value.is_nan()).then(|| value.to_string())).collect()
                    }
                })),
            };
            (name, column)
        })
        .collect();
    Frame::new(columns)
}

fn gather<T: Clone>(
    parts: &[(Frame, usize)],
    name: &str,
    missing: T,
    read: impl Fn(&Column) -> Vec<T>,
) -> Vec<T> {
    let mut all = Vec::with_capacity(parts.iter().map(|(_, rows)| rows).sum());
    for (frame, rows) in parts {
        let mut values = frame.column(name).map(&read).unwrap_or_default();
        // A failed request may have logged fewer inputs than identifiers.
        values.resize(*rows, missing.clone());
        all.extend(values);
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn batch(time_ms: i64, ids: &[&str], columns: Vec<(String, Column)>) -> PredictionBatch {
        PredictionBatch {
            endpoint: "e".into(),
            revision: 1,
            model: "m".into(),
            version: 1,
            time_ms,
            latency_us: 5,
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            inputs: Frame::new(columns).unwrap(),
            scores: vec![0.5; ids.len()],
            error: None,
        }
    }

    #[test]
    fn tables_of_different_models_lie_together() {
        let rows = Captured::from_batches(vec![
            batch(
                2,
                &["b"],
                vec![("x".into(), Column::Number(vec![1.5])), ("t".into(), Column::Number(vec![3.0]))],
            ),
            batch(1, &["a"], vec![("t".into(), Column::Text(vec![Some("u".into())]))]),
        ])
        .unwrap();
        assert!(rows.frame.number("x").unwrap()[1].is_nan());
        assert_eq!(rows.frame.text("t").unwrap(), [Some("3".to_owned()), Some("u".to_owned())]);
        let rows = Captured::joined(vec![rows.select(&[0]), rows]).unwrap().newest(10);
        assert_eq!(rows.ids, ["a", "b"]);
        assert_eq!(rows.newest(1).ids, ["b"]);
    }

    #[test]
    fn rows_survive_parquet() {
        let mut failed = batch(7, &["c", "d"], vec![("x".into(), Column::Number(vec![f64::NAN, 0.1 + 0.2]))]);
        failed.scores.clear();
        failed.error = Some("no".into());
        let rows = Captured::from_batches(vec![
            failed,
            batch(8, &["e"], vec![("x".into(), Column::Number(vec![2.0]))]),
        ])
        .unwrap();
        let bytes = rows.to_frame().unwrap().to_parquet().unwrap();
        let back = Captured::from_frame(Frame::from_parquet(&bytes).unwrap()).unwrap();
        assert_eq!(back.frame, rows.frame);
        assert!(back.scores[0].is_nan() && back.scores[2] == 0.5);
        assert_eq!((back.ids, back.errors, back.times_ms), (rows.ids, rows.errors, rows.times_ms));
    }
}
