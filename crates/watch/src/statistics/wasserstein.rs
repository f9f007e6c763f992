//! First Wasserstein distance: how far mass must be moved, on average.

use super::{sorted, standard_deviation};

/// The area between the two empirical distribution functions, in the column's unit; 0 if a side is empty.
#[must_use]
pub fn distance(reference: &[f64], current: &[f64]) -> f64 {
    if reference.is_empty() || current.is_empty() {
        return 0.0;
    }
    let (a, b) = (sorted(reference), sorted(current));
    let (mut i, mut j, mut area) = (0, 0, 0.0);
    let mut at = a[0].min(b[0]);
    while i < a.len() || j < b.len() {
        let next = match (a.get(i), b.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) => x,
            (None, Some(&y)) => y,
            (None, None) => break,
        };
        area += (i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs() * (next - at);
        at = next;
        while i < a.len() && a[i] <= at {
            i += 1;
        }
        while j < b.len() && b[j] <= at {
            j += 1;
        }
    }
    area
}

/// The distance in standard deviations of the reference (at least 0.001), as Evidently norms it.
#[must_use]
pub fn normed(reference: &[f64], current: &[f64]) -> f64 {
    if reference.is_empty() {
        return 0.0;
    }
    distance(reference, current) / standard_deviation(reference).max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_costs_its_length() {
        assert!((distance(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]) - 5.0).abs() < 1e-15);
        assert!((distance(&[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0]) - 0.0).abs() < 1e-15);
        assert_eq!(distance(&[], &[1.0]), 0.0);
    }
}
