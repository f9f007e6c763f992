//! Two proportions: the z-test.

use super::special::normal_sf;

/// Two-sided p-value that `hits_a` of `total_a` and `hits_b` of `total_b` have one share behind them, by the pooled
/// z-statistic; 1 where there is nothing to compare.
#[must_use]
pub fn p_value(hits_a: f64, total_a: f64, hits_b: f64, total_b: f64) -> f64 {
    if total_a <= 0.0 || total_b <= 0.0 {
        return 1.0;
    }
    let pooled = (hits_a + hits_b) / (total_a + total_b);
    let error = (pooled * (1.0 - pooled) * (1.0 / total_a + 1.0 / total_b)).sqrt();
    if error <= 0.0 {
        return 1.0;
    }
    let z = (hits_a / total_a - hits_b / total_b) / error;
    (2.0 * normal_sf(z.abs())).min(1.0)
}

/// The z-test of categories: the first category in ascending order against all the others.
#[must_use]
pub fn first_category_p_value<T: Ord>(reference: &[T], current: &[T]) -> f64 {
    let Some(first) = reference.iter().chain(current).min() else { return 1.0 };
    let others = |values: &[T]| values.iter().filter(|value| *value != first).count() as f64;
    p_value(others(reference), reference.len() as f64, others(current), current.len() as f64)
}

/// One-sided p-value that the current share is no higher than the reference's: small when values became missing.
#[must_use]
pub fn rise_p_value(hits_reference: f64, total_reference: f64, hits_current: f64, total_current: f64) -> f64 {
    if total_reference <= 0.0
        || total_current <= 0.0
        || hits_current / total_current <= hits_reference / total_reference
    {
        return 1.0;
    }
    p_value(hits_reference, total_reference, hits_current, total_current) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_and_degenerate_shares_say_nothing() {
        assert_eq!(p_value(5.0, 10.0, 50.0, 100.0), 1.0);
        assert_eq!(p_value(0.0, 10.0, 0.0, 100.0), 1.0);
        assert_eq!(p_value(0.0, 0.0, 1.0, 2.0), 1.0);
        assert_eq!(rise_p_value(5.0, 10.0, 1.0, 10.0), 1.0);
        assert!(rise_p_value(0.0, 1_000.0, 30.0, 100.0) < 1e-10);
    }
}
