//! Many tests at once: the Benjamini–Hochberg correction.

/// Corrected p-values in the order given: rejecting those at or below q keeps the expected share of false ones among
/// all rejected at or below q (Benjamini and Hochberg 1995).
#[must_use]
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut result = vec![1.0; count];
    let mut smallest = 1.0_f64;
    for (rank, &position) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[position] * (count as f64 / (rank + 1) as f64));
        result[position] = smallest;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_worked_example() {
        let adjusted = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        for (value, expected) in adjusted.iter().zip([0.02, 0.04, 0.04, 0.02]) {
            assert!((value - expected).abs() < 1e-15, "{adjusted:?}");
        }
        assert!(super::adjusted(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn never_below_the_raw_value_and_order_is_kept(p_values in proptest::collection::vec(0.0..=1.0_f64, 0..40)) {
            let adjusted = adjusted(&p_values);
            for (i, &p) in p_values.iter().enumerate() {
                prop_assert!(adjusted[i] >= p && adjusted[i] <= 1.0);
                for (j, &q) in p_values.iter().enumerate() {
                    prop_assert!(p > q || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
