//! What one call adds to a run, packed as it is written down.

use ropewalk_core::Result;

use super::packed::{Unpack, push_number, push_text};
use super::points::{self, Point, SeriesMap};
use crate::model::{Metric, Param, Tag};

/// An addition to what a run has logged.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Change {
    pub(crate) params: Vec<(String, String)>,
    /// New values of tags; none takes the tag away.
    pub(crate) tags: Vec<(String, Option<String>)>,
    pub(crate) series: SeriesMap,
    /// Whether datasets or logged models were linked to the run.
    pub(crate) linked: bool,
}

const FORMAT: u8 = 1;

impl Change {
    /// What a batch adds. Of two tags with the same key the later counts.
    pub(crate) fn new(metrics: &[Metric], params: &[Param], tags: &[Tag]) -> Self {
        let mut change = Self {
            params: params.iter().map(|param| (param.key.clone(), param.value.clone())).collect(),
            tags: tags.iter().map(|tag| (tag.key.clone(), Some(tag.value.clone()))).collect(),
            ..Self::default()
        };
        for metric in metrics {
            let point = Point { timestamp: metric.timestamp, step: metric.step, value: metric.value };
            match change.series.get_mut(&metric.key) {
                Some(points) => points.push(point),
                None => {
                    change.series.insert(metric.key.clone(), vec![point]);
                }
            }
        }
        change
    }

    /// That a tag is gone.
    pub(crate) fn without_tag(key: &str) -> Self {
        Self { tags: vec![(key.to_owned(), None)], ..Self::default() }
    }

    /// That something was linked to the run.
    pub(crate) fn linked() -> Self {
        Self { linked: true, ..Self::default() }
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.params.is_empty() && self.tags.is_empty() && self.series.is_empty() && !self.linked
    }

    /// Packs it.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT, u8::from(self.linked)];
        push_number(&mut bytes, self.params.len() as u64);
        for (key, value) in &self.params {
            push_text(&mut bytes, key);
            push_text(&mut bytes, value);
        }
        push_number(&mut bytes, self.tags.len() as u64);
        for (key, value) in &self.tags {
            push_text(&mut bytes, key);
            bytes.push(u8::from(value.is_some()));
            if let Some(value) = value {
                push_text(&mut bytes, value);
            }
        }
        if !self.series.is_empty() {
            let series = self.series.iter().map(|(key, points)| (key.as_str(), points.as_slice()));
            bytes.extend_from_slice(&points::pack(series));
        }
        bytes
    }

    /// Unpacks it.
    ///
    /// # Errors
    /// `corrupt` when the bytes are not what was packed.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self> {
        let (mut change, segment) = Self::head(bytes)?;
        points::read_all(segment, &mut change.series)?;
        Ok(change)
    }

    /// All but the series, and the segment that holds those.
    fn head(bytes: &[u8]) -> Result<(Self, &[u8])> {
        let mut unpack = Unpack::new(bytes);
        let mut change = Self::default();
        unpack.byte()?;
        change.linked = unpack.byte()? != 0;
        for _ in 0..unpack.count()? {
            change.params.push((unpack.text()?.to_owned(), unpack.text()?.to_owned()));
        }
        for _ in 0..unpack.count()? {
            let key = unpack.text()?.to_owned();
            let value = if unpack.byte()? == 0 { None } else { Some(unpack.text()?.to_owned()) };
            change.tags.push((key, value));
        }
        Ok((change, unpack.rest()))
    }

    /// Appends one metric's measurements out of a packed change.
    pub(crate) fn read_key(bytes: &[u8], key: &str, into: &mut Vec<Point>) -> Result<()> {
        points::read_key(Self::head(bytes)?.1, key, into)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            params in prop::collection::vec((".{0,6}", ".{0,9}"), 0..5),
            tags in prop::collection::vec((".{0,6}", prop::option::of(".{0,9}")), 0..5),
            metrics in prop::collection::vec((0..3_u8, any::<i64>(), any::<i64>(), -1e9..1e9_f64), 0..20),
            linked: bool,
        ) {
            let metrics: Vec<_> = metrics.into_iter().map(|(key, time, step, value)| Metric::new(format!("m{key}"), value, time, step)).collect();
            let mut change = Change::new(&metrics, &[], &[]);
            (change.params, change.tags, change.linked) = (params, tags, linked);
            let bytes = change.pack();
            prop_assert_eq!(Change::unpack(&bytes).unwrap(), change.clone());
            let mut points = Vec::new();
            Change::read_key(&bytes, "m1", &mut points).unwrap();
            prop_assert_eq!(points, change.series.get("m1").cloned().unwrap_or_default());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Change::unpack(&bytes);
        }
    }
}
