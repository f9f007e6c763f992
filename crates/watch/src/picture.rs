//! Histograms for people: few bins, no empty stretch for one far value.

use crate::statistics::binning::{Shares, counts};
use crate::statistics::sorted;

/// Bins of a picture.
const BINS: usize = 24;
/// Categories of a picture; the rest is gathered.
const CATEGORIES: usize = 12;

/// Shares to be drawn beside each other.
pub(crate) struct Picture {
    pub(crate) reference: Vec<f64>,
    pub(crate) current: Vec<f64>,
    pub(crate) edges: Vec<f64>,
    pub(crate) labels: Vec<String>,
}

/// Equal bins over the middle 99 % of both sides; what lies beyond counts in the outermost bins.
pub(crate) fn numbers(reference: &[f64], current: &[f64]) -> Picture {
    // Each side gives its own ends, so that a small window beside a large reference is not cut off.
    let (reference_low, reference_high) = middle(reference);
    let (current_low, current_high) = middle(current);
    let (mut low, mut high) = (reference_low.min(current_low), reference_high.max(current_high));
    if high <= low {
        (low, high) = (low - 0.5, high + 0.5);
    }
    let step = (high - low) / BINS as f64;
    let mut edges: Vec<f64> = (0..BINS).map(|bin| low + bin as f64 * step).collect();
    edges.push(high);
    let shares = |values: &[f64]| {
        let within: Vec<f64> = values.iter().map(|value| value.clamp(low, high)).collect();
        counts(&within, &edges).iter().map(|count| count / values.len() as f64).collect()
    };
    Picture {
        reference: shares(reference),
        current: shares(current),
        edges: edges.clone(),
        labels: Vec::new(),
    }
}

fn middle(values: &[f64]) -> (f64, f64) {
    let sorted = sorted(values);
    let at = |share: f64| {
        sorted.get((share * (sorted.len().max(1) - 1) as f64).round() as usize).copied().unwrap_or_default()
    };
    (at(0.005), at(0.995))
}

/// The categories with the largest shares on either side, and the others together.
pub(crate) fn categories(names: &[&String], shares: &Shares) -> Picture {
    let mut order: Vec<usize> = (0..names.len()).collect();
    let weight = |at: usize| shares.reference[at].max(shares.current[at]);
    order.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)).then_with(|| names[a].cmp(names[b])));
    let (shown, rest) = order.split_at(order.len().min(CATEGORIES));
    let mut picture = Picture {
        reference: shown.iter().map(|&at| shares.reference[at]).collect(),
        current: shown.iter().map(|&at| shares.current[at]).collect(),
        edges: Vec::new(),
        labels: shown.iter().map(|&at| names[at].clone()).collect(),
    };
    if !rest.is_empty() {
        picture.reference.push(rest.iter().map(|&at| shares.reference[at]).sum());
        picture.current.push(rest.iter().map(|&at| shares.current[at]).sum());
        picture.labels.push(format!("{} others", rest.len()));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_value_does_not_stretch_the_picture() {
        let mut values: Vec<f64> = (0..1_000).map(|i| f64::from(i) / 1_000.0).collect();
        values[0] = 1e9;
        let picture = numbers(&values, &[0.5]);
        assert!(picture.edges.last().is_some_and(|edge| *edge < 2.0));
        assert!((picture.reference.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((picture.current.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
