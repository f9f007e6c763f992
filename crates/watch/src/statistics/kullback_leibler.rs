//! Kullback–Leibler divergence.

use super::binning::{Shares, filled};

/// Divergence of the reference from the current sample in nats, over filled shares brought back to a sum of 1.
#[must_use]
pub fn divergence(shares: &Shares) -> f64 {
    let (reference, current) = (filled(&shares.reference), filled(&shares.current));
    let (total_reference, total_current): (f64, f64) = (reference.iter().sum(), current.iter().sum());
    reference
        .iter()
        .zip(&current)
        .map(|(r, c)| {
            let (r, c) = (r / total_reference, c / total_current);
            r * (r / c).ln()
        })
        .sum()
}
