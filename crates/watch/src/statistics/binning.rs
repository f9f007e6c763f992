//! Shares by bin: the histograms under PSI, Jensen–Shannon, Kullback–Leibler and the pictures.

use std::collections::BTreeMap;

use super::sorted;

/// A reference with more distinct values than this is binned, one with fewer is counted by value.
const COUNTED_BY_VALUE: usize = 20;

/// Shares of both sides over the same bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// Share of the reference in each bin.
    pub reference: Vec<f64>,
    /// Share of the current sample in each bin.
    pub current: Vec<f64>,
    /// Edges of the bins, one more than bins; empty where values are counted.
    pub edges: Vec<f64>,
}

/// Equal-width edges by Sturges' rule: width = range / (log₂ n + 1), as numpy 2 does it.
///
/// `integers` makes a bin at least 1 wide, as for columns of an integer type.
#[must_use]
pub fn sturges_edges(values: &[f64], integers: bool) -> Vec<f64> {
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    if values.is_empty() {
        return vec![0.0, 1.0];
    }
    if high <= low {
        // One value only: a bin of width 1 around it.
        return vec![low - 0.5, low + 0.5];
    }
    let mut width = (high - low) / ((values.len() as f64).log2() + 1.0);
    if integers && width < 1.0 {
        width = 1.0;
    }
    let bins = (((high - low) / width).ceil() as usize).max(1);
    let step = (high - low) / bins as f64;
    let mut edges: Vec<f64> = (0..bins).map(|bin| bin as f64 * step + low).collect();
    edges.push(high);
    edges
}

/// Counts by bin: closed on the left, the last bin on both sides; values outside are in none.
#[must_use]
pub fn counts(values: &[f64], edges: &[f64]) -> Vec<f64> {
    let sorted = sorted(values);
    let last = edges.len().saturating_sub(1);
    let below: Vec<usize> = edges
        .iter()
        .enumerate()
        .map(|(position, &edge)| {
            sorted.partition_point(|&value| if position == last { value <= edge } else { value < edge })
        })
        .collect();
    below.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect()
}

/// Shares of numeric samples: Sturges bins over both sides together, or by value if the reference has at most 20
/// distinct ones. Both samples must hold something.
#[must_use]
pub fn numeric_shares(reference: &[f64], current: &[f64], integers: bool) -> Shares {
    let mut distinct = sorted(reference);
    distinct.dedup();
    if distinct.len() > COUNTED_BY_VALUE {
        let both: Vec<f64> = reference.iter().chain(current).copied().collect();
        let edges = sturges_edges(&both, integers);
        return Shares {
            reference: divided(counts(reference, &edges), reference.len()),
            current: divided(counts(current, &edges), current.len()),
            edges,
        };
    }
    // Total order on the bits keeps a map of numbers simple; −0 is made +0 so that both zeros are one value.
    let key = |value: &f64| (value + 0.0).to_bits();
    let keys = |values: &[f64]| values.iter().map(key).collect::<Vec<_>>();
    category_shares(&keys(reference), &keys(current))
}

/// Shares by category, over the categories of both sides in ascending order.
#[must_use]
pub fn category_shares<T: Ord>(reference: &[T], current: &[T]) -> Shares {
    shares_of_counts(&contingency(reference, current).into_values().collect::<Vec<_>>())
}

/// Shares of counts by category, (reference, current).
#[must_use]
pub fn shares_of_counts(counts: &[(f64, f64)]) -> Shares {
    let total = counts.iter().fold((0.0, 0.0), |sum: (f64, f64), pair| (sum.0 + pair.0, sum.1 + pair.1));
    Shares {
        reference: counts.iter().map(|pair| pair.0 / total.0.max(1.0)).collect(),
        current: counts.iter().map(|pair| pair.1 / total.1.max(1.0)).collect(),
        edges: Vec::new(),
    }
}

/// How often each category occurs on either side.
#[must_use]
pub fn contingency<'a, T: Ord>(reference: &'a [T], current: &'a [T]) -> BTreeMap<&'a T, (f64, f64)> {
    let mut table: BTreeMap<&T, (f64, f64)> = BTreeMap::new();
    for value in reference {
        table.entry(value).or_default().0 += 1.0;
    }
    for value in current {
        table.entry(value).or_default().1 += 1.0;
    }
    table
}

/// Empty bins filled with a little, so that ratios stay finite: 0.0001, or a millionth of the smallest share where
/// that is as small itself. The sum then exceeds 1 by as much.
#[must_use]
pub fn filled(shares: &[f64]) -> Vec<f64> {
    let smallest = shares.iter().copied().filter(|share| *share > 0.0).fold(f64::INFINITY, f64::min);
    let fill = if smallest <= 1e-4 { smallest / 1e6 } else { 1e-4 };
    shares.iter().map(|&share| if share == 0.0 { fill } else { share }).collect()
}

fn divided(mut counts: Vec<f64>, total: usize) -> Vec<f64> {
    counts.iter_mut().for_each(|count| *count /= total.max(1) as f64);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_closed_on_the_left_and_the_last_on_both_sides() {
        assert_eq!(counts(&[0.0, 0.5, 1.0, 1.5, 2.0, 3.0, -1.0], &[0.0, 1.0, 2.0]), [2.0, 3.0]);
    }

    #[test]
    fn odd_samples_have_edges() {
        assert_eq!(sturges_edges(&[7.0, 7.0], false), [6.5, 7.5]);
        assert_eq!(sturges_edges(&[], false), [0.0, 1.0]);
        let edges = sturges_edges(&(0..40).map(f64::from).collect::<Vec<_>>(), true);
        assert!(edges.windows(2).all(|pair| pair[1] - pair[0] >= 0.99), "{edges:?}");
    }

    #[test]
    fn zeros_of_both_signs_are_one_value() {
        assert_eq!(numeric_shares(&[0.0, 1.0], &[-0.0, 1.0], false).reference.len(), 2);
    }

    #[test]
    fn fills_follow_the_smallest_share() {
        assert_eq!(filled(&[0.0, 1.0]), [1e-4, 1.0]);
        assert_eq!(filled(&[0.0, 1e-4]), [1e-4 / 1e6, 1e-4]);
    }
}
