//! Values put together.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};

use crate::model::{Aggregation, DataPoint};

/// What is known of a group of values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stats {
    pub(super) count: i64,
    pub(super) sum: f64,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    /// The values themselves and how often each is there; only where percentiles are asked for.
    pub(super) values: Vec<(f64, i64)>,
}

impl Stats {
    /// A value that is there once.
    pub(super) fn of(value: f64, keep: bool) -> Self {
        let values = if keep { vec![(value, 1)] } else { Vec::new() };
        Self { count: 1, sum: value, minimum: Some(value), maximum: Some(value), values }
    }

    /// Adds the values of another group.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        let either = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (one, other) => one.or(other),
        };
        self.minimum = either(self.minimum, other.minimum, f64::min);
        self.maximum = either(self.maximum, other.maximum, f64::max);
        self.values.extend(other.values);
    }

    fn value(&self, aggregation: Aggregation) -> Option<f64> {
        match aggregation {
            Aggregation::Count => Some(self.count as f64),
            _ if self.count == 0 => None,
            Aggregation::Sum => Some(self.sum),
            Aggregation::Average => Some(self.sum / self.count as f64),
            Aggregation::Minimum => self.minimum,
            Aggregation::Maximum => self.maximum,
            Aggregation::Percentile(percent) => self.percentile(percent),
        }
    }

    /// Between two values, in proportion.
    fn percentile(&self, percent: f64) -> Option<f64> {
        let place = percent / 100.0 * (self.count - 1) as f64;
        let (lower, part) = (place.floor(), place.fract());
        let at = |place: i64| {
            let mut passed = 0;
            let value = self.values.iter().find(|(_, times)| {
                passed += times;
                passed > place
            });
            value.map(|(value, _)| *value)
        };
        let (low, high) = (at(lower as i64)?, at((lower as i64 + 1).min(self.count - 1))?);
        Some(low + part * (high - low))
    }
}

/// Groups of values by the values of their dimensions.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<(i64, Vec<String>), Stats>);

impl Groups {
    /// Adds values to a group, which has a beginning in milliseconds if times are told apart.
    pub(super) fn add(&mut self, bucket: i64, dimensions: Vec<String>, stats: Stats) {
        self.0.entry((bucket, dimensions)).or_default().add(stats);
    }

    /// The groups as answers show them, the earliest first and then in alphabetical order.
    pub(super) fn points(
        self,
        names: &[String],
        bucketed: bool,
        aggregations: &[Aggregation],
        most: usize,
    ) -> Vec<DataPoint> {
        let mut groups = self.0;
        if !bucketed && names.is_empty() {
            // Where nothing is told apart there is one group, with values or without.
            groups.entry((0, Vec::new())).or_default();
        }
        let points = groups.into_iter().take(most).filter_map(|((bucket, values), mut stats)| {
            stats.values.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut dimensions = Vec::with_capacity(names.len() + 1);
            if bucketed {
                dimensions.push(("time_bucket".to_owned(), moment(bucket)?));
            }
            dimensions.extend(names.iter().cloned().zip(values));
            let mut found: Vec<(String, f64)> = Vec::new();
            for aggregation in aggregations {
                if let Some(value) = stats.value(*aggregation) {
                    let label = aggregation.label();
                    found.retain(|(known, _)| *known != label);
                    found.push((label, value));
                }
            }
            (!found.is_empty()).then_some(DataPoint { dimensions, values: found })
        });
        points.collect()
    }
}

/// The beginning of the length of time in which a moment lies; all in nanoseconds.
pub(super) fn bucket(moment: i128, length: i128) -> i128 {
    let (whole, rest) = (moment / length, moment % length);
    let below = rest != 0 && (rest < 0) != (length < 0);
    (whole - i128::from(below)) * length
}

/// As Python shows a moment in UTC.
fn moment(ms: i64) -> Option<String> {
    let time = DateTime::from_timestamp_millis(ms)?;
    let format = if ms.rem_euclid(1000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    Some(time.to_rfc3339_opts(format, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_lie_between_values() {
        let mut stats = Stats::default();
        for value in [40.0, 10.0, 20.0, 30.0] {
            stats.add(Stats::of(value, true));
        }
        stats.values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let percentile = |percent| stats.value(Aggregation::Percentile(percent));
        assert_eq!(percentile(0.0), Some(10.0));
        assert_eq!(percentile(50.0), Some(25.0));
        assert_eq!(percentile(100.0), Some(40.0));
        assert_eq!(Stats::default().value(Aggregation::Percentile(50.0)), None);
    }

    #[test]
    fn groups_are_ordered_and_cut() {
        let mut groups = Groups::default();
        groups.add(60_000, vec!["b".into()], Stats::of(1.0, false));
        groups.add(0, vec!["c".into()], Stats::of(2.0, false));
        groups.add(60_000, vec!["a".into()], Stats::of(3.0, false));
        groups.add(60_000, vec!["a".into()], Stats::of(5.0, false));
        let points = groups.points(&["name".into()], true, &[Aggregation::Average, Aggregation::Count], 2);
        assert_eq!(points.len(), 2);
        assert_eq!(points[0].dimensions[0].1, "1970-01-01T00:00:00+00:00");
        assert_eq!(points[1].dimensions[1], ("name".into(), "a".into()));
        assert_eq!(points[1].values, [("AVG".into(), 4.0), ("COUNT".into(), 2.0)]);
        let none = Groups::default().points(&[], false, &[Aggregation::Count, Aggregation::Sum], 9);
        assert_eq!(none[0].values, [("COUNT".into(), 0.0)]);
        assert!(Groups::default().points(&[], false, &[Aggregation::Sum], 9).is_empty());
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_bucket(moment in any::<i64>(), length in 1_i64..1_000_000_000) {
            let start = bucket(moment.into(), length.into());
            prop_assert!(start <= moment.into() && i128::from(moment) < start + i128::from(length));
            prop_assert_eq!(bucket(start, length.into()), start);
            // Lengths below zero cut from the other side.
            let end = bucket(moment.into(), -i128::from(length));
            prop_assert!(end >= moment.into() && i128::from(moment) > end - i128::from(length));
        }
    }
}
