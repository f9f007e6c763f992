//! Total variation distance between categories.

use super::binning::Shares;

/// Half the sum of absolute differences of shares: the share of rows that would have to change category, 0 to 1.
#[must_use]
pub fn distance(shares: &Shares) -> f64 {
    shares.reference.iter().zip(&shares.current).map(|(r, c)| (r - c).abs()).sum::<f64>() / 2.0
}
