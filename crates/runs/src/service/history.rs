//! The histories of metrics.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_core::page::{Paged, decode_offset, encode_offset};

use super::Runs;
use crate::model::Metric;
use crate::state::change::Change;
use crate::state::points::{self, Point, SeriesMap};
use crate::store::{changes, segments};

impl Runs {
    /// One metric's measurements in some runs, by run, in the order of arrival; the same measurement may stand twice.
    pub(crate) async fn points(&self, run_ids: &[String], key: &str) -> Result<BTreeMap<String, Vec<Point>>> {
        let mut connection = self.core.database.read().await?;
        // Changes first: one that is folded meanwhile is then met twice rather than missed.
        let changes = changes::of_runs(&mut connection, run_ids).await?;
        let mut found: BTreeMap<String, Vec<Point>> = BTreeMap::new();
        for (run_id, data) in segments::with_key(&mut connection, run_ids, key).await? {
            points::read_key(&data, key, found.entry(run_id).or_default())?;
        }
        for (run_id, changes) in changes {
            let points = found.entry(run_id).or_default();
            for (_, data) in changes {
                Change::read_key(&data, key, points)?;
            }
        }
        Ok(found)
    }

    /// All measurements of some runs, by run, each metric's in the order of time.
    pub(crate) async fn all_points(&self, run_ids: &[String]) -> Result<BTreeMap<String, SeriesMap>> {
        let mut connection = self.core.database.read().await?;
        // As above.
        let changes = changes::of_runs(&mut connection, run_ids).await?;
        let mut found: BTreeMap<String, SeriesMap> = BTreeMap::new();
        for (run_id, data) in segments::of_runs(&mut connection, run_ids).await? {
            points::read_all(&data, found.entry(run_id).or_default())?;
        }
        for (run_id, changes) in changes {
            let series = found.entry(run_id).or_default();
            for (_, data) in changes {
                for (key, points) in Change::unpack(&data)?.series {
                    series.entry(key).or_default().extend(points);
                }
            }
        }
        for points in found.values_mut().flat_map(BTreeMap::values_mut) {
            points::settle(points, Point::by_time);
        }
        Ok(found)
    }

    /// A metric's measurements in the order of time.
    pub(crate) async fn history(&self, run_id: &str, key: &str) -> Result<Vec<Point>> {
        let mut points = self.points(&[run_id.to_owned()], key).await?.remove(run_id).unwrap_or_default();
        points::settle(&mut points, Point::by_time);
        Ok(points)
    }

    /// A page of a metric's measurements in the order of time; all of them when `limit` is none.
    pub async fn metric_history_page(
        &self,
        run_id: &str,
        key: &str,
        limit: Option<u32>,
        page_token: Option<&str>,
    ) -> Result<Paged<Metric>> {
        let offset = decode_offset(page_token)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let all = self.history(run_id, key).await?;
        let end = limit.map_or(all.len(), |limit| start.saturating_add(limit as usize).min(all.len()));
        let page = all.get(start..end).unwrap_or_default();
        let next_token = (end < all.len()).then(|| encode_offset(end as u64));
        Ok(Paged { items: page.iter().map(|point| metric(key, point)).collect(), next_token })
    }

    /// All of a metric's measurements in the order of time; none for a run or a metric that is not there.
    pub async fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<Metric>> {
        Ok(self.history(run_id, key).await?.iter().map(|point| metric(key, point)).collect())
    }

    /// Measurements of several runs in the order of steps, at most `most` of each run: evenly chosen, the first and the
    /// last among them.
    pub(crate) async fn metric_samples(
        &self,
        run_ids: &[String],
        key: &str,
        range: Option<(i64, i64)>,
        most: usize,
    ) -> Result<BTreeMap<String, Vec<Point>>> {
        let mut found = self.points(run_ids, key).await?;
        for points in found.values_mut() {
            if let Some((start, end)) = range {
                points.retain(|point| (start..=end).contains(&point.step));
            }
            points::settle(points, Point::by_step);
            *points = sample(points, most);
        }
        Ok(found)
    }
}

fn metric(key: &str, point: &Point) -> Metric {
    Metric::new(key, point.value, point.timestamp, point.step)
}

/// At most `most` of the points: of so many runs of neighbours, nearly equal in length and the longer ones first, each
/// one's first; and the last point, in the place of the last one chosen if need be.
fn sample(points: &[Point], most: usize) -> Vec<Point> {
    let count = points.len();
    if count <= most {
        return points.to_vec();
    }
    let (length, longer) = (count / most, count % most);
    let mut chosen = Vec::with_capacity(most);
    let mut at = 0;
    for part in 0..most {
        chosen.push(points[at]);
        at += length + usize::from(part < longer);
    }
    if let (Some(kept), Some(last)) = (chosen.last_mut(), points.last()) {
        *kept = *last;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_even_and_keeps_both_ends() {
        let points: Vec<_> = (0..10).map(|step| Point { timestamp: 0, step, value: step as f64 }).collect();
        let steps = |most| sample(&points, most).iter().map(|point| point.step).collect::<Vec<_>>();
        assert_eq!(steps(20), (0..10).collect::<Vec<_>>());
        assert_eq!(steps(4), [0, 3, 6, 9]);
        assert_eq!(steps(3), [0, 4, 9]);
        assert_eq!(steps(1), [9]);
        assert!(sample(&[], 5).is_empty());
    }
}
