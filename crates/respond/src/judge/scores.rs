//! How far apart are two sets of scores? For steps that have no labels.

/// Fewer scores than this in an arm say nothing.
const MIN_SCORES: usize = 20;

/// Kolmogorov–Smirnov distance: the largest gap between the two empirical distribution functions, 0 to 1. `None` with
/// fewer than 20 scores in an arm. Scores that are not numbers sort last, so that an arm of them stands far apart.
#[must_use]
pub fn distance(first: &[f64], second: &[f64]) -> Option<f64> {
    if first.len() < MIN_SCORES || second.len() < MIN_SCORES {
        return None;
    }
    Some(ks_distance(first, second))
}

/// The same without a minimum; 0 when a side is empty.
#[must_use]
pub fn ks_distance(first: &[f64], second: &[f64]) -> f64 {
    if first.is_empty() || second.is_empty() {
        return 0.0;
    }
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let (first, second) = (sorted(first), sorted(second));
    let (mut i, mut j, mut gap) = (0, 0, 0.0_f64);
    while i < first.len() && j < second.len() {
        let at = if first[i].total_cmp(&second[j]).is_le() { first[i] } else { second[j] };
        while i < first.len() && first[i].total_cmp(&at).is_le() {
            i += 1;
        }
        while j < second.len() && second[j].total_cmp(&at).is_le() {
            j += 1;
        }
        gap = gap.max((i as f64 / first.len() as f64 - j as f64 / second.len() as f64).abs());
    }
    gap
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn distances_by_hand() {
        assert_eq!(ks_distance(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 0.0);
        assert_eq!(ks_distance(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(ks_distance(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0]), 0.5);
        assert_eq!(ks_distance(&[0.5; 3], &[f64::NAN; 3]), 1.0);
    }

    #[test]
    fn few_scores_say_nothing() {
        assert_eq!(distance(&[0.1; 5], &[0.9; 500]), None);
        assert_eq!(distance(&[0.1; 20], &[0.9; 20]), Some(1.0));
    }
}
