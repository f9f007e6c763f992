//! Which measurements are new.

use ropewalk_core::{Error, Result};
use ropewalk_migrate::Series;

use crate::state::points::{self, Point, SeriesMap};

/// The measurements of a record, each once.
///
/// # Errors
/// `invalid` for columns of different lengths, or a name that is none.
pub(super) fn read(series: Vec<Series>) -> Result<SeriesMap> {
    let mut all = SeriesMap::new();
    for Series { key, timestamps, steps, values } in series {
        if timestamps.len() != values.len() || steps.len() != values.len() {
            return Err(Error::invalid(format!("the columns of the metric {key} are of different lengths")));
        }
        let points = timestamps.into_iter().zip(steps).zip(values).map(|((timestamp, step), value)| Point {
            timestamp,
            step,
            value: if value.is_infinite() { f64::MAX.copysign(value) } else { value },
        });
        all.entry(key).or_default().extend(points);
    }
    all.retain(|_, points| !points.is_empty());
    for points in all.values_mut() {
        points::settle(points, Point::by_time);
    }
    Ok(all)
}

/// Drops what is among these, which are in the order of time.
pub(super) fn drop_known(new: &mut SeriesMap, known: &SeriesMap) {
    for (key, points) in &mut *new {
        let Some(known) = known.get(key) else { continue };
        points.retain(|point| known.binary_search_by(|other| other.by_time(point)).is_err());
    }
    new.retain(|_, points| !points.is_empty());
}

/// How many measurements there are.
pub(super) fn count(series: &SeriesMap) -> usize {
    series.values().map(Vec::len).sum()
}
