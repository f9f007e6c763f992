//! Curves for charts: a metric's measurements in as many pieces as can be told apart on a screen.

use ropewalk_core::{Error, Result};

use super::Runs;
use crate::state::points::{self, Point};

/// What a curve is drawn over.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Axis {
    /// The step that was logged.
    #[default]
    Step,
    /// Milliseconds since 1970.
    Time,
    /// Milliseconds since the run's first measurement.
    Relative,
}

/// Of each piece of a curve where it begins, and its least, most and last value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve {
    /// How many measurements there are.
    pub(crate) total: usize,
    pub(crate) x: Vec<f64>,
    pub(crate) least: Vec<f64>,
    pub(crate) most: Vec<f64>,
    pub(crate) last: Vec<f64>,
}

/// Most runs in one chart.
pub(crate) const RUNS: usize = 100;
/// Most pieces of a curve.
const PIECES: usize = 10_000;

/// The part of an axis that is shown; none for its natural ends.
pub(crate) type Range = (Option<f64>, Option<f64>);

impl Runs {
    /// The curves of a metric in some runs, in the order in which they are named.
    ///
    /// # Errors
    /// `invalid` for too many runs.
    pub(crate) async fn curves(
        &self,
        run_ids: Vec<String>,
        key: &str,
        axis: Axis,
        range: Range,
        pieces: usize,
    ) -> Result<Vec<Curve>> {
        if run_ids.len() > RUNS {
            return Err(Error::invalid(format!("a chart shows at most {RUNS} runs"))
                .why(format!("{} were named", run_ids.len()))
                .hint("narrow the filter, or select fewer runs"));
        }
        let mut found = self.points(&run_ids, key).await?;
        let work = move || {
            let order = if axis == Axis::Step { Point::by_step } else { Point::by_time };
            let one = |id: &String| {
                let mut points = found.remove(id).unwrap_or_default();
                points::settle(&mut points, order);
                curve(&points, axis, range, pieces.clamp(1, PIECES))
            };
            run_ids.iter().map(one).collect()
        };
        let broken = |source| Error::internal("the curves could not be cut").source(source);
        tokio::task::spawn_blocking(work).await.map_err(broken)
    }
}

/// Cuts measurements, in the order of the axis, into at most `pieces` pieces of equal width. Where there are no more
/// measurements than pieces, each is one.
fn curve(points: &[Point], axis: Axis, (from, to): Range, pieces: usize) -> Curve {
    let start = points.first().map_or(0, |point| point.timestamp);
    let place = |point: &Point| match axis {
        Axis::Step => point.step as f64,
        Axis::Time => point.timestamp as f64,
        Axis::Relative => point.timestamp.saturating_sub(start) as f64,
    };
    let first = from.map_or(0, |from| points.partition_point(|point| place(point) < from));
    let end = to.map_or(points.len(), |to| points.partition_point(|point| place(point) <= to));
    let shown = points.get(first..end).unwrap_or_default();
    let mut curve = Curve { total: shown.len(), ..Curve::default() };
    if shown.len() <= pieces {
        shown.iter().for_each(|point| curve.push(place(point), point.value));
        return curve;
    }
    let (least, most) = (place(&shown[0]), place(&shown[shown.len() - 1]));
    let width = (most - least) / pieces as f64;
    let mut current = usize::MAX;
    for (number, point) in shown.iter().enumerate() {
        let x = place(point);
        // Where all lie at one place, the pieces are of equal count.
        let piece = if width > 0.0 {
            (((x - least) / width) as usize).min(pieces - 1)
        } else {
            number * pieces / shown.len()
        };
        if piece == current {
            curve.widen(point.value);
        } else {
            current = piece;
            curve.push(x, point.value);
        }
    }
    curve
}

impl Curve {
    fn push(&mut self, x: f64, value: f64) {
        self.x.push(x);
        self.least.push(value);
        self.most.push(value);
        self.last.push(value);
    }

    /// Takes a value into the last piece. NaN is passed over.
    fn widen(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let last = (self.least.last_mut(), self.most.last_mut(), self.last.last_mut());
        if let (Some(least), Some(most), Some(last)) = last {
            // The other number wins over NaN.
            (*least, *most, *last) = (least.min(value), most.max(value), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(count: i64) -> Vec<Point> {
        (0..count)
            .map(|step| Point { timestamp: 1000 + 10 * step, step, value: (step % 100) as f64 })
            .collect()
    }

    #[test]
    fn few_points_are_shown_as_they_are() {
        let curve = curve(&steps(5), Axis::Relative, (None, None), 10);
        assert_eq!(curve.x, [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(curve.least, curve.most);
    }

    #[test]
    fn many_points_keep_their_extremes() {
        let curve = curve(&steps(100_000), Axis::Step, (Some(1000.0), None), 500);
        assert_eq!(curve.total, 99_000);
        assert!(curve.x.len() <= 500 && curve.x[0] == 1000.0);
        assert!(curve.most.iter().all(|most| *most == 99.0));
        assert!(curve.least.iter().all(|least| *least == 0.0));
    }

    #[test]
    fn points_at_one_place_are_still_told_apart() {
        let points: Vec<_> = steps(1000).into_iter().map(|point| Point { step: 7, ..point }).collect();
        assert_eq!(curve(&points, Axis::Step, (None, None), 10).x, [7.0; 10]);
    }

    proptest! {
        #[test]
        fn no_extreme_is_lost(values in prop::collection::vec(-1e6..1e6_f64, 1..300), pieces in 1..50_usize) {
            let point = |(n, value): (usize, &f64)| Point { timestamp: n as i64, step: n as i64, value: *value };
            let points: Vec<_> = values.iter().enumerate().map(point).collect();
            let curve = curve(&points, Axis::Step, (None, None), pieces);
            let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert_eq!(least(&curve.least), least(&values));
            prop_assert!(curve.x.len() <= pieces && curve.x.is_sorted());
        }
    }
}
