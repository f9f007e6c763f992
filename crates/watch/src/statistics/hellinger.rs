//! Hellinger distance.

use super::binning::{Shares, counts, sturges_edges};
use super::sorted;

/// √(1 − Σ √(r·c)) over shares: 0 for equal ones, 1 for disjoint ones.
#[must_use]
pub fn distance(shares: &Shares) -> f64 {
    let overlap: f64 = shares.reference.iter().zip(&shares.current).map(|(r, c)| (r * c).sqrt()).sum();
    (1.0 - overlap).max(0.0).sqrt()
}

/// The distance between numeric samples, over Sturges bins of their distinct values.
#[must_use]
pub fn numeric(reference: &[f64], current: &[f64], integers: bool) -> f64 {
    let both: Vec<f64> = reference.iter().chain(current).copied().collect();
    let mut distinct = sorted(&both);
    distinct.dedup();
    let edges = sturges_edges(&distinct, integers);
    let shares =
        |values: &[f64]| counts(values, &edges).iter().map(|count| count / values.len() as f64).collect();
    distance(&Shares { reference: shares(reference), current: shares(current), edges: edges.clone() })
}
