//! Putting runs together into batches that are worth a request and small enough for one.

use crate::number::finite;
use crate::record::{RunRecord, Series};

/// Runs in a batch at most.
pub(crate) const RUNS: usize = 500;
/// Measurements in a batch, about.
const POINTS: usize = 40_000;

/// Collects runs, one after the other.
#[derive(Default)]
pub(crate) struct Batch {
    done: Vec<RunRecord>,
    current: Option<RunRecord>,
    points: usize,
}

impl Batch {
    /// Begins a run; a batch that is full.
    pub(crate) fn begin(&mut self, run: RunRecord) -> Option<Vec<RunRecord>> {
        self.end();
        let full = (self.done.len() >= RUNS || self.points >= POINTS).then(|| self.take());
        self.current = Some(run);
        full
    }

    /// Adds a measurement to the run that was begun; a batch that is full.
    pub(crate) fn point(
        &mut self,
        key: &str,
        timestamp: i64,
        step: i64,
        value: f64,
    ) -> Option<Vec<RunRecord>> {
        let run = self.current.as_mut()?;
        // Measurements of one metric mostly come together.
        if run.series.last().is_none_or(|series| series.key != key) {
            let known = run.series.iter().position(|series| series.key == key);
            match known {
                Some(place) => {
                    let last = run.series.len() - 1;
                    run.series.swap(place, last);
                }
                None => run.series.push(Series { key: key.to_owned(), ..Series::default() }),
            }
        }
        if let Some(series) = run.series.last_mut() {
            series.timestamps.push(timestamp);
            series.steps.push(step);
            series.values.push(finite(value));
        }
        self.points += 1;
        if self.points < POINTS {
            return None;
        }
        let next = run.next_part();
        run.goes_on = true;
        self.end();
        let full = self.take();
        self.current = Some(next);
        Some(full)
    }

    /// What is left.
    pub(crate) fn finish(&mut self) -> Vec<RunRecord> {
        self.end();
        self.take()
    }

    fn end(&mut self) {
        self.done.extend(self.current.take());
    }

    fn take(&mut self) -> Vec<RunRecord> {
        self.points = 0;
        std::mem::take(&mut self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_many_measurements_comes_in_parts() {
        let mut batch = Batch::default();
        let mut parts = Vec::new();
        for run in ["a", "b", "c"] {
            parts.extend(batch.begin(RunRecord {
                run_id: run.to_owned(),
                name: run.to_owned(),
                ..RunRecord::default()
            }));
            let points = if run == "b" { 2 * POINTS + 10 } else { 10 };
            for step in 0..points {
                let key = if step % 2 == 0 { "even" } else { "odd" };
                parts.extend(batch.point(key, 1, step as i64, f64::INFINITY));
            }
        }
        parts.push(batch.finish());
        let shape: Vec<Vec<(&str, usize, bool, bool)>> = parts
            .iter()
            .map(|part| {
                part.iter()
                    .map(|run| (run.run_id.as_str(), run.points(), run.goes_on, run.later_part))
                    .collect()
            })
            .collect();
        assert_eq!(
            shape,
            [
                vec![("a", 10, false, false), ("b", POINTS - 10, true, false)],
                vec![("b", POINTS, true, true)],
                vec![("b", 20, false, true), ("c", 10, false, false)],
            ]
        );
        assert!(parts.iter().flatten().all(|run| run.series.len() == 2 && run.name == run.run_id));
        assert_eq!(parts[2][1].series[0].values[0], f64::MAX);
    }
}
