//! Cutting series into segments that are small enough to be read for one metric.

use super::points::{self, Point, SeriesMap};

/// About how many bytes a segment has at most.
const BYTES: usize = 128 << 10;
/// Measurements of one metric in a segment at most.
const POINTS: usize = 8192;

/// A segment in the making.
pub(crate) struct Cut {
    /// The first and the last key.
    pub(crate) keys: (String, String),
    pub(crate) data: Vec<u8>,
}

/// Cuts series into segments in the order of their keys.
pub(crate) fn cut(series: &SeriesMap) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut part: Vec<(&str, &[Point])> = Vec::new();
    let mut size = 0;
    for (key, points) in series {
        for piece in points.chunks(POINTS) {
            // A point takes about ten bytes.
            let more = key.len() + 10 * piece.len();
            if size + more > BYTES && !part.is_empty() {
                cuts.extend(close(&mut part));
                size = 0;
            }
            part.push((key, piece));
            size += more;
        }
    }
    cuts.extend(close(&mut part));
    cuts
}

fn close(part: &mut Vec<(&str, &[Point])>) -> Option<Cut> {
    let keys = (part.first()?.0.to_owned(), part.last()?.0.to_owned());
    let data = points::pack(part.drain(..));
    Some(Cut { keys, data })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn segments_are_of_bounded_size_and_hold_all() {
        let mut series = SeriesMap::new();
        for (key, count) in [("a", 3), ("b", 20_000), ("c", 1)] {
            let points = (0..count).map(|n| Point { timestamp: n, step: n, value: n as f64 }).collect();
            series.insert(key.to_owned(), points);
        }
        let cuts = cut(&series);
        assert!(cuts.len() > 1 && cuts.iter().all(|cut| cut.data.len() < 2 * BYTES));
        let mut back = SeriesMap::new();
        for cut in &cuts {
            assert!(cut.keys.0 <= cut.keys.1);
            points::read_all(&cut.data, &mut back).unwrap();
        }
        assert_eq!(back, series);
        assert!(cut(&SeriesMap::new()).is_empty());
    }
}
