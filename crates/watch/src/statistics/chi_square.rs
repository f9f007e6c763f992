//! Pearson's chi-square test of the current counts against the reference's shares.

use super::binning::contingency;
use super::special::chi_square_sf;

/// p-value that the current categories follow the reference's shares; 1 if a side is empty or there is one category.
///
/// A category that the reference does not have is impossible under it: then the value is 0.
#[must_use]
pub fn p_value<T: Ord>(reference: &[T], current: &[T]) -> f64 {
    p_value_of_counts(&contingency(reference, current).into_values().collect::<Vec<_>>())
}

/// The same of counts by category, (reference, current).
#[must_use]
pub fn p_value_of_counts(counts: &[(f64, f64)]) -> f64 {
    let (in_reference, in_current) =
        counts.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if in_reference <= 0.0 || in_current <= 0.0 || counts.len() < 2 {
        return 1.0;
    }
    let scale = in_current / in_reference;
    let statistic: f64 = counts
        .iter()
        .map(|&(reference, current)| {
            let expected = reference * scale;
            if expected > 0.0 { (current - expected).powi(2) / expected } else { f64::INFINITY }
        })
        .sum();
    chi_square_sf(statistic, (counts.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unseen_and_single_categories() {
        assert_eq!(p_value(&["a", "b"], &["a", "c"]), 0.0);
        assert_eq!(p_value(&["a"], &["a", "a"]), 1.0);
        assert_eq!(p_value::<&str>(&[], &["a"]), 1.0);
    }
}
