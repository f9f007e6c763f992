//! The measurements of runs, packed by metric.
//!
//! A segment holds series in the order of their keys. A series' steps are kept as differences, its times as differences of
//! differences, its values as they are: a measurement takes about ten bytes, and one metric is read without the others.

use std::collections::BTreeMap;

use ropewalk_core::Result;

use super::packed::{Unpack, push_number, push_real, push_signed, push_text};

/// One measurement of a known metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Milliseconds since 1970.
    pub(crate) timestamp: i64,
    /// Where in the training it was taken.
    pub(crate) step: i64,
    /// The value; NaN is allowed, the infinities are not.
    pub(crate) value: f64,
}

impl Point {
    /// The order of a history: by time, step and value, where NaN counts as zero, as it does in the stock store.
    pub(crate) fn by_time(&self, other: &Self) -> std::cmp::Ordering {
        (self.timestamp, self.step).cmp(&(other.timestamp, other.step)).then_with(|| self.by_value(other))
    }

    /// The order of a chart: by step, time and value.
    pub(crate) fn by_step(&self, other: &Self) -> std::cmp::Ordering {
        (self.step, self.timestamp).cmp(&(other.step, other.timestamp)).then_with(|| self.by_value(other))
    }

    fn by_value(&self, other: &Self) -> std::cmp::Ordering {
        let plain = |point: &Self| if point.value.is_nan() { 0.0 } else { point.value };
        plain(self).total_cmp(&plain(other)).then_with(|| self.value.is_nan().cmp(&other.value.is_nan()))
    }
}

/// Series by key, each in the order of arrival.
pub(crate) type SeriesMap = BTreeMap<String, Vec<Point>>;

const FORMAT: u8 = 1;

/// Packs series into a segment.
pub(crate) fn pack<'a>(series: impl ExactSizeIterator<Item = (&'a str, &'a [Point])>) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    push_number(&mut bytes, series.len() as u64);
    let mut block = Vec::new();
    for (key, points) in series {
        block.clear();
        push_points(&mut block, points);
        push_text(&mut bytes, key);
        push_number(&mut bytes, points.len() as u64);
        push_number(&mut bytes, block.len() as u64);
        bytes.extend_from_slice(&block);
    }
    bytes
}

fn push_points(block: &mut Vec<u8>, points: &[Point]) {
    let (mut step, mut time, mut pace) = (0_i64, 0_i64, 0_i64);
    for point in points {
        push_signed(block, point.step.wrapping_sub(step));
        step = point.step;
    }
    for point in points {
        let difference = point.timestamp.wrapping_sub(time);
        push_signed(block, difference.wrapping_sub(pace));
        (time, pace) = (point.timestamp, difference);
    }
    for point in points {
        // Every NaN is one and the same.
        push_real(block, if point.value.is_nan() { f64::NAN } else { point.value });
    }
}

fn read_points(block: &[u8], count: usize, points: &mut Vec<Point>) -> Result<()> {
    let mut unpack = Unpack::new(block);
    let start = points.len();
    let mut step = 0_i64;
    for _ in 0..count {
        step = step.wrapping_add(unpack.signed()?);
        points.push(Point { timestamp: 0, step, value: 0.0 });
    }
    let (mut time, mut pace) = (0_i64, 0_i64);
    for point in &mut points[start..] {
        pace = pace.wrapping_add(unpack.signed()?);
        time = time.wrapping_add(pace);
        point.timestamp = time;
    }
    for point in &mut points[start..] {
        point.value = unpack.real()?;
    }
    Ok(())
}

/// A series in a segment, not yet unpacked.
pub(crate) struct Packed<'a> {
    pub(crate) key: &'a str,
    pub(crate) count: usize,
    block: &'a [u8],
}

impl Packed<'_> {
    /// Appends the measurements.
    pub(crate) fn read(&self, points: &mut Vec<Point>) -> Result<()> {
        read_points(self.block, self.count, points)
    }
}

/// The series of a segment.
pub(crate) fn series(bytes: &[u8]) -> Result<Vec<Packed<'_>>> {
    let mut unpack = Unpack::new(bytes);
    if unpack.is_empty() {
        return Ok(Vec::new());
    }
    unpack.byte()?;
    let count = unpack.count()?;
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        let key = unpack.text()?;
        let count = unpack.number()?;
        let length = unpack.count()?;
        let block = unpack.bytes(length)?;
        // A point has at least ten bytes: a damaged count reserves no memory.
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(length / 10);
        found.push(Packed { key, count, block });
    }
    Ok(found)
}

/// Appends one metric's measurements, if the segment has it.
pub(crate) fn read_key(bytes: &[u8], key: &str, points: &mut Vec<Point>) -> Result<()> {
    for packed in series(bytes)? {
        if packed.key == key {
            packed.read(points)?;
        }
    }
    Ok(())
}

/// Adds all measurements of a segment to series.
pub(crate) fn read_all(bytes: &[u8], into: &mut SeriesMap) -> Result<()> {
    for packed in series(bytes)? {
        match into.get_mut(packed.key) {
            Some(points) => packed.read(points)?,
            None => packed.read(into.entry(packed.key.to_owned()).or_default())?,
        }
    }
    Ok(())
}

/// Puts measurements in order and drops those that stand twice.
pub(crate) fn settle(points: &mut Vec<Point>, order: fn(&Point, &Point) -> std::cmp::Ordering) {
    if !points.is_sorted_by(|a, b| order(a, b).is_le()) {
        points.sort_by(order);
    }
    points.dedup_by(|a, b| order(a, b).is_eq());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = Point> {
        let value = prop_oneof![any::<f64>(), Just(f64::NAN), Just(0.0), Just(-0.0)];
        (any::<i64>(), any::<i64>(), value).prop_map(|(timestamp, step, value)| Point {
            timestamp,
            step,
            value,
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(series in prop::collection::btree_map(".{0,8}", prop::collection::vec(point(), 1..20), 0..6)) {
            let bytes = pack(series.iter().map(|(key, points)| (key.as_str(), points.as_slice())));
            let mut back = SeriesMap::new();
            read_all(&bytes, &mut back).unwrap();
            prop_assert_eq!(back.keys().collect::<Vec<_>>(), series.keys().collect::<Vec<_>>());
            for (key, points) in &series {
                for (kept, read) in points.iter().zip(&back[key]) {
                    prop_assert_eq!((kept.timestamp, kept.step), (read.timestamp, read.step));
                    prop_assert!(kept.value.to_bits() == read.value.to_bits() || kept.value.is_nan() && read.value.is_nan());
                }
                let mut one = Vec::new();
                read_key(&bytes, key, &mut one).unwrap();
                prop_assert_eq!(one.len(), points.len());
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = read_all(&bytes, &mut SeriesMap::new());
        }
    }

    #[test]
    fn regular_measurements_take_about_ten_bytes() {
        let points: Vec<_> = (0..1000)
            .map(|n| Point { timestamp: 1_700_000_000_000 + 50 * n, step: n, value: n as f64 / 7.0 })
            .collect();
        let bytes = pack([("loss", points.as_slice())].into_iter());
        assert!(bytes.len() < 10_050, "{}", bytes.len());
    }

    #[test]
    fn the_same_measurement_counts_once() {
        let one = Point { timestamp: 1, step: 1, value: f64::NAN };
        let zero = Point { value: 0.0, ..one };
        let mut points = vec![one, zero, one, Point { timestamp: 0, ..one }];
        settle(&mut points, Point::by_time);
        assert_eq!(points.len(), 3);
        assert_eq!(points[0].timestamp, 0);
        assert!(!points[1].value.is_nan() && points[2].value.is_nan());
    }
}
