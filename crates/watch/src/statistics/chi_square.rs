//! Pearson's chi-square test of the current counts against the reference's shares.

use super::binning::contingency;
use super::special::chi_square_sf;

/// p-value that the current categories follow the reference's shares; 1 if a side is empty or there is one category.
///
/// A category that the reference does not have is impossible under it: then the value is 0.
#[must_use]
pub fn p_value<T: Ord>(reference: &[T], current: &[T]) -> f64 {
    if reference.is_empty() || current.is_empty() {
        return 1.0;
    }
    let table = contingency(reference, current);
    if table.len() < 2 {
        return 1.0;
    }
    let scale = current.len() as f64 / reference.len() as f64;
    let statistic: f64 = table
        .values()
        .map(|&(in_reference, in_current)| {
            let expected = in_reference * scale;
            if expected > 0.0 { (in_current - expected).powi(2) / expected } else { f64::INFINITY }
        })
        .sum();
    chi_square_sf(statistic, (table.len() - 1) as f64)
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
