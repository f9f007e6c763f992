//! Population stability index.

use super::binning::{Shares, filled};

/// Σ (r − c) · ln(r / c) over filled shares: 0 for equal ones; the banks' rule of thumb calls 0.1 moderate and 0.25
/// large.
#[must_use]
pub fn index(shares: &Shares) -> f64 {
    filled(&shares.reference)
        .iter()
        .zip(filled(&shares.current))
        .map(|(reference, current)| (reference - current) * (reference / current).ln())
        .sum()
}
