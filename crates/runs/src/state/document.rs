//! What a run has logged, without the histories of its metrics: parameters, tags, and of each metric where it stands and
//! between which values it has moved. Kept packed in the run's row.

use std::collections::BTreeMap;

use ropewalk_core::Result;

use super::change::Change;
use super::packed::{Unpack, push_number, push_real, push_signed, push_text};
use super::points::Point;
use crate::model::{Metric, Param, RunData, Tag};

/// A value and the step at which it was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extreme {
    pub(crate) value: f64,
    pub(crate) step: i64,
}

/// A metric without its history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// The measurement of the highest step, then time, then value.
    pub(crate) last: Point,
    /// The measurement of the lowest step, then time.
    pub(crate) first: Point,
    /// The smallest value, at its first step; none while all are NaN.
    pub(crate) least: Option<Extreme>,
    /// The largest value, at its first step.
    pub(crate) most: Option<Extreme>,
}

impl Summary {
    pub(crate) fn of(point: Point) -> Self {
        let extreme = (!point.value.is_nan()).then_some(Extreme { value: point.value, step: point.step });
        Self { last: point, first: point, least: extreme, most: extreme }
    }

    /// Takes a measurement in. The same one twice changes nothing.
    pub(crate) fn take(&mut self, point: Point) {
        // The stock store keeps zero for NaN where it compares.
        let plain = |point: &Point| if point.value.is_nan() { 0.0 } else { point.value };
        let rank = |point: &Point| (point.step, point.timestamp);
        let later = rank(&point).cmp(&rank(&self.last)).then(plain(&point).total_cmp(&plain(&self.last)));
        if later.is_gt() {
            self.last = point;
        }
        if rank(&point) < rank(&self.first) {
            self.first = point;
        }
        if point.value.is_nan() {
            return;
        }
        let this = Extreme { value: point.value, step: point.step };
        let better = |kept: Option<Extreme>, wins: bool| match kept {
            None => Some(this),
            Some(kept) if wins || kept.value == this.value && this.step < kept.step => Some(this),
            kept => kept,
        };
        self.least = better(self.least, self.least.is_some_and(|kept| this.value < kept.value));
        self.most = better(self.most, self.most.is_some_and(|kept| this.value > kept.value));
    }
}

/// What a run has logged.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Document {
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) metrics: BTreeMap<String, Summary>,
    /// Whether datasets or logged models are linked to the run.
    pub(crate) linked: bool,
}

const FORMAT: u8 = 1;
const FIRST_DIFFERS: u8 = 1;
const LEAST_DIFFERS: u8 = 2;
const MOST_DIFFERS: u8 = 4;
const NO_EXTREMES: u8 = 8;

impl Document {
    /// Takes a change in.
    pub(crate) fn apply(&mut self, change: &Change) {
        for (key, value) in &change.params {
            self.params.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &change.tags {
            match value {
                Some(value) => self.tags.insert(key.clone(), value.clone()),
                None => self.tags.remove(key),
            };
        }
        for (key, points) in &change.series {
            for point in points {
                match self.metrics.get_mut(key) {
                    Some(summary) => summary.take(*point),
                    None => {
                        self.metrics.insert(key.clone(), Summary::of(*point));
                    }
                }
            }
        }
        self.linked |= change.linked;
    }

    /// Packs it.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT, u8::from(self.linked)];
        for pairs in [&self.params, &self.tags] {
            push_number(&mut bytes, pairs.len() as u64);
            for (key, value) in pairs {
                push_text(&mut bytes, key);
                push_text(&mut bytes, value);
            }
        }
        push_number(&mut bytes, self.metrics.len() as u64);
        for (key, summary) in &self.metrics {
            push_text(&mut bytes, key);
            push_summary(&mut bytes, summary);
        }
        bytes
    }

    /// Unpacks it.
    ///
    /// # Errors
    /// `corrupt` when the bytes are not what was packed.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self> {
        let mut document = Self::default();
        let linked = visit(bytes, &mut document)?;
        document.linked = linked;
        Ok(document)
    }
}

fn push_point(bytes: &mut Vec<u8>, point: &Point) {
    push_signed(bytes, point.timestamp);
    push_signed(bytes, point.step);
    push_real(bytes, point.value);
}

fn push_summary(bytes: &mut Vec<u8>, summary: &Summary) {
    let own = Summary::of(summary.last);
    let same = |a: &Point, b: &Point| {
        (a.timestamp, a.step, a.value.to_bits()) == (b.timestamp, b.step, b.value.to_bits())
    };
    let mut flags = 0;
    if !same(&summary.first, &summary.last) {
        flags |= FIRST_DIFFERS;
    }
    match (summary.least, summary.most) {
        (Some(least), Some(most)) => {
            flags |= if own.least == Some(least) { 0 } else { LEAST_DIFFERS };
            flags |= if own.most == Some(most) { 0 } else { MOST_DIFFERS };
        }
        _ => flags |= NO_EXTREMES,
    }
    bytes.push(flags);
    push_point(bytes, &summary.last);
    if flags & FIRST_DIFFERS != 0 {
        push_point(bytes, &summary.first);
    }
    for (flag, extreme) in [(LEAST_DIFFERS, summary.least), (MOST_DIFFERS, summary.most)] {
        if let (true, Some(extreme)) = (flags & flag != 0, extreme) {
            push_signed(bytes, extreme.step);
            push_real(bytes, extreme.value);
        }
    }
}

fn read_point(unpack: &mut Unpack<'_>) -> Result<Point> {
    Ok(Point { timestamp: unpack.signed()?, step: unpack.signed()?, value: unpack.real()? })
}

fn read_summary(unpack: &mut Unpack<'_>) -> Result<Summary> {
    let flags = unpack.byte()?;
    let mut summary = Summary::of(read_point(unpack)?);
    if flags & FIRST_DIFFERS != 0 {
        summary.first = read_point(unpack)?;
    }
    for (flag, extreme) in [(LEAST_DIFFERS, &mut summary.least), (MOST_DIFFERS, &mut summary.most)] {
        if flags & flag != 0 {
            let step = unpack.signed()?;
            *extreme = Some(Extreme { value: unpack.real()?, step });
        }
    }
    if flags & NO_EXTREMES != 0 {
        (summary.least, summary.most) = (None, None);
    }
    Ok(summary)
}

impl Document {
    /// What a run has logged, with the latest value of each metric.
    pub(crate) fn into_data(self) -> RunData {
        RunData {
            metrics: self
                .metrics
                .into_iter()
                .map(|(key, summary)| {
                    Metric::new(key, summary.last.value, summary.last.timestamp, summary.last.step)
                })
                .collect(),
            params: self.params.into_iter().map(|(key, value)| Param { key, value }).collect(),
            tags: self.tags.into_iter().map(|(key, value)| Tag { key, value }).collect(),
        }
    }
}

/// What is told of a packed document, part by part, without building it.
pub(crate) trait Visitor {
    fn param(&mut self, key: &str, value: &str);
    fn tag(&mut self, key: &str, value: &str);
    fn metric(&mut self, key: &str, summary: &Summary);
}

impl Visitor for Document {
    fn param(&mut self, key: &str, value: &str) {
        self.params.insert(key.to_owned(), value.to_owned());
    }

    fn tag(&mut self, key: &str, value: &str) {
        self.tags.insert(key.to_owned(), value.to_owned());
    }

    fn metric(&mut self, key: &str, summary: &Summary) {
        self.metrics.insert(key.to_owned(), *summary);
    }
}

/// Goes over a packed document in the order of keys: parameters, tags, metrics; whether anything is linked to the run.
pub(crate) fn visit(bytes: &[u8], visitor: &mut impl Visitor) -> Result<bool> {
    let mut unpack = Unpack::new(bytes);
    if unpack.is_empty() {
        return Ok(false);
    }
    unpack.byte()?;
    let linked = unpack.byte()? != 0;
    for _ in 0..unpack.count()? {
        let key = unpack.text()?;
        visitor.param(key, unpack.text()?);
    }
    for _ in 0..unpack.count()? {
        let key = unpack.text()?;
        visitor.tag(key, unpack.text()?);
    }
    for _ in 0..unpack.count()? {
        let key = unpack.text()?;
        visitor.metric(key, &read_summary(&mut unpack)?);
    }
    Ok(linked)
}

impl Document {
    /// As [`visit`], of a document that is unpacked.
    pub(crate) fn visit(&self, visitor: &mut impl Visitor) {
        for (key, value) in &self.params {
            visitor.param(key, value);
        }
        for (key, value) in &self.tags {
            visitor.tag(key, value);
        }
        for (key, summary) in &self.metrics {
            visitor.metric(key, summary);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn point(step: i64, timestamp: i64, value: f64) -> Point {
        Point { timestamp, step, value }
    }

    #[test]
    fn a_summary_knows_last_first_least_and_most() {
        let mut summary = Summary::of(point(5, 100, 2.0));
        for next in [point(7, 90, 1.0), point(6, 200, 9.0), point(1, 0, 1.0), point(7, 90, 1.0)] {
            summary.take(next);
        }
        assert_eq!(summary.last, point(7, 90, 1.0));
        assert_eq!(summary.first, point(1, 0, 1.0));
        assert_eq!(summary.least, Some(Extreme { value: 1.0, step: 1 }));
        assert_eq!(summary.most, Some(Extreme { value: 9.0, step: 6 }));
    }

    #[test]
    fn nan_is_last_but_never_least() {
        let mut summary = Summary::of(point(1, 1, f64::NAN));
        assert_eq!(summary.least, None);
        summary.take(point(1, 1, -1.0));
        assert!(summary.last.value.is_nan(), "zero, as which NaN counts, is more than -1");
        assert_eq!(summary.most.unwrap().value, -1.0);
        summary.take(point(1, 1, 1.0));
        assert_eq!(summary.last.value, 1.0);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            params in prop::collection::btree_map(".{0,6}", ".{0,9}", 0..5),
            tags in prop::collection::btree_map(".{0,6}", ".{0,9}", 0..5),
            points in prop::collection::vec((0..3_usize, -3..3_i64, -2..2_i64, -2.0..2.0_f64), 0..30),
            linked: bool,
        ) {
            let mut document = Document { params, tags, linked, ..Document::default() };
            for (key, step, time, value) in points {
                let key = format!("m{key}");
                let point = point(step, time, value);
                match document.metrics.get_mut(&key) {
                    Some(summary) => summary.take(point),
                    None => { document.metrics.insert(key, Summary::of(point)); }
                }
            }
            prop_assert_eq!(Document::unpack(&document.pack()).unwrap(), document);
        }

        #[test]
        fn the_order_of_arrival_does_not_matter(points in prop::collection::vec((-3..3_i64, -2..2_i64, -2..2_i64), 1..12), seed in any::<u64>()) {
            let points: Vec<_> = points.into_iter().map(|(s, t, v)| point(s, t, v as f64)).collect();
            let mut other = points.clone();
            other.sort_by_key(|p| blake3::hash(format!("{p:?}{seed}").as_bytes()).as_bytes()[0]);
            let all = |points: &[Point]| {
                let mut summary = Summary::of(points[0]);
                points.iter().for_each(|point| summary.take(*point));
                summary
            };
            let (a, b) = (all(&points), all(&other));
            prop_assert_eq!((a.last, a.least, a.most), (b.last, b.least, b.most));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Document::unpack(&bytes);
        }
    }
}
