//! Area under the ROC curve with its confidence interval.

/// An AUC and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auc {
    /// Probability that a positive scores above a negative, ties counting half.
    pub value: f64,
    /// Standard error by DeLong's estimate.
    pub standard_error: f64,
    /// Positive labels.
    pub positives: usize,
    /// Negative labels.
    pub negatives: usize,
}

impl Auc {
    /// The normal interval at `z` standard errors, within 0 and 1.
    ///
    /// At a value of exactly 0 or 1 the estimate has no spread; then the width comes from the rule of three: what a
    /// sample of the smaller class cannot exclude.
    #[must_use]
    pub fn interval(&self, z: f64) -> (f64, f64) {
        let unseen = 3.0 / self.positives.min(self.negatives).max(1) as f64;
        let reach = if self.standard_error > 0.0 { z * self.standard_error } else { unseen };
        ((self.value - reach).max(0.0), (self.value + reach).min(1.0))
    }
}

/// AUC of scores against labels (above one half is positive); `None` while one class is missing.
///
/// By mid-ranks in O(n log n); the variance is DeLong's (1988) in the form of Sun and Xu (2014). Rows whose score is
/// NaN are left out.
#[must_use]
pub fn auc(scores: &[f64], labels: &[f64]) -> Option<Auc> {
    let rows: Vec<(f64, bool)> = scores
        .iter()
        .zip(labels)
        .filter(|(score, _)| !score.is_nan())
        .map(|(&score, &label)| (score, label > 0.5))
        .collect();
    let class = |wanted: bool| rows.iter().filter(|row| row.1 == wanted).map(|row| row.0).collect::<Vec<_>>();
    let (positive, negative) = (class(true), class(false));
    let (m, n) = (positive.len(), negative.len());
    if m == 0 || n == 0 {
        return None;
    }
    let all: Vec<f64> = positive.iter().chain(&negative).copied().collect();
    let (rank_all, rank_positive, rank_negative) =
        (mid_ranks(&all), mid_ranks(&positive), mid_ranks(&negative));
    // For each row the share of the other class on its wrong side is what DeLong calls its structural component.
    let over_negatives: Vec<f64> = (0..m).map(|i| (rank_all[i] - rank_positive[i]) / n as f64).collect();
    let under_positives: Vec<f64> =
        (0..n).map(|j| 1.0 - (rank_all[m + j] - rank_negative[j]) / m as f64).collect();
    let value = over_negatives.iter().sum::<f64>() / m as f64;
    let variance = sample_variance(&over_negatives) / m as f64 + sample_variance(&under_positives) / n as f64;
    Some(Auc { value, standard_error: variance.sqrt(), positives: m, negatives: n })
}

/// Ranks from 1 in the order given, ties sharing their mean rank.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        for &position in &order[start..end] {
            ranks[position] = (start + end + 1) as f64 / 2.0;
        }
        start = end.max(start + 1);
    }
    ranks
}

/// Variance with divisor n − 1; 0 for fewer than two values.
fn sample_variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = super::mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn areas_by_hand() {
        let value = |scores: &[f64], labels: &[f64]| auc(scores, labels).map(|area| area.value);
        assert_eq!(value(&[0.1, 0.9], &[0.0, 1.0]), Some(1.0));
        assert_eq!(value(&[0.9, 0.1], &[0.0, 1.0]), Some(0.0));
        assert_eq!(value(&[0.5, 0.5, 0.5], &[0.0, 1.0, 1.0]), Some(0.5));
        assert_eq!(value(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0]), Some(0.75));
        assert_eq!(value(&[0.1, 0.4], &[1.0, 1.0]), None);
        assert_eq!(value(&[f64::NAN, 0.4], &[0.0, 1.0]), None);
    }

    #[test]
    fn ties_count_half() {
        assert_eq!(auc(&[0.5; 6], &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0]).unwrap().value, 0.5);
        // Pairs: .8>.8 half, .8>.3 one, .4<.8 none, .4>.3 one: 2.5 of 4.
        assert_eq!(auc(&[0.8, 0.4, 0.8, 0.3], &[1.0, 1.0, 0.0, 0.0]).unwrap().value, 0.625);
    }

    #[test]
    fn one_class_has_no_auc_and_a_perfect_one_has_an_interval() {
        assert!(auc(&[0.1, 0.9], &[1.0, 1.0]).is_none());
        assert!(auc(&[], &[]).is_none());
        let perfect = auc(&[0.1, 0.2, 0.8, 0.9], &[0.0, 0.0, 1.0, 1.0]).unwrap();
        assert_eq!(perfect.value, 1.0);
        assert_eq!(perfect.interval(1.645), (0.0, 1.0));
        assert_eq!(auc(&[f64::NAN, 0.1, 0.9], &[0.0, 0.0, 1.0]).unwrap().value, 1.0);
    }

    proptest! {
        #[test]
        fn agrees_with_counting_pairs(rows in proptest::collection::vec((0_u8..12, any::<bool>()), 2..80)) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0) / 12.0).collect();
            let labels: Vec<f64> = rows.iter().map(|row| f64::from(u8::from(row.1))).collect();
            let (mut wins, mut pairs) = (0.0, 0.0);
            let (mut by_positive, mut by_negative) = (vec![], vec![]);
            for (i, &a) in scores.iter().enumerate().filter(|(i, _)| labels[*i] > 0.5) {
                let mut own = vec![];
                for (j, &b) in scores.iter().enumerate().filter(|(j, _)| labels[*j] < 0.5) {
                    prop_assert!(i != j);
                    let win = if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                    wins += win;
                    pairs += 1.0;
                    own.push(win);
                }
                by_positive.push(crate::statistics::mean(&own));
            }
            for &b in scores.iter().enumerate().filter(|(j, _)| labels[*j] < 0.5).map(|(_, b)| b) {
                let own: Vec<f64> = scores.iter().enumerate().filter(|(i, _)| labels[*i] > 0.5)
                    .map(|(_, &a)| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 }).collect();
                by_negative.push(crate::statistics::mean(&own));
            }
            match auc(&scores, &labels) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(found) => {
                    prop_assert!((found.value - wins / pairs).abs() < 1e-12);
                    let variance = sample_variance(&by_positive) / by_positive.len() as f64
                        + sample_variance(&by_negative) / by_negative.len() as f64;
                    prop_assert!((found.standard_error - variance.sqrt()).abs() < 1e-9);
                }
            }
        }
    }
}
