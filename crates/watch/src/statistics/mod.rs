//! Two-sample statistics, one to a file: pure functions over finite numbers or categories.
//!
//! What Evidently 0.7 also computes gives its figures to about nine digits (see `tests/golden`). Each function
//! takes samples that [`finite`] has cleaned.

pub mod auc;
pub mod binning;
pub mod brier;
pub mod chi_square;
pub mod choice;
pub mod false_discovery;
pub mod hellinger;
pub mod jensen_shannon;
pub mod kolmogorov;
pub mod kullback_leibler;
pub mod proportion;
pub mod psi;
pub mod special;
pub mod total_variation;
pub mod wasserstein;

/// The values that are numbers: without NaN and the infinities.
#[must_use]
pub fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

/// The values in ascending order.
#[must_use]
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Arithmetic mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Population standard deviation (divisor n); NaN of nothing.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    (values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}
