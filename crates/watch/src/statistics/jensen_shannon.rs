//! Jensen–Shannon distance.

use super::binning::Shares;

/// Square root of the Jensen–Shannon divergence in nats: 0 for equal shares, √ln 2 ≈ 0.83 for disjoint ones.
#[must_use]
pub fn distance(shares: &Shares) -> f64 {
    let (total_reference, total_current): (f64, f64) =
        (shares.reference.iter().sum(), shares.current.iter().sum());
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).ln() } else { 0.0 };
    let sum: f64 = shares
        .reference
        .iter()
        .zip(&shares.current)
        .map(|(r, c)| {
            let (r, c) = (r / total_reference, c / total_current);
            let middle = (r + c) / 2.0;
            part(r, middle) + part(c, middle)
        })
        .sum();
    (sum / 2.0).max(0.0).sqrt()
}
