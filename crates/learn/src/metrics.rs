//! How good probabilities are for a yes-or-no target. All in double precision, so that a figure is the same wherever
//! it is computed.

/// Area under the ROC curve: the chance that a random positive scores higher than a random negative, a tie counting
/// half. Computed from mid-ranks (Hanley and McNeil, 1982), in `n log n`. `None` when one class is missing or a score is
/// not a number.
#[must_use]
pub fn auc(scores: &[f32], labels: &[f32]) -> Option<f64> {
    if scores.len() != labels.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|left, right| scores[*left].total_cmp(&scores[*right]));
    let positives = labels.iter().filter(|label| is_positive(**label)).count() as f64;
    let negatives = labels.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < order.len() {
        let score = scores[order[start]];
        // Compared as numbers, so that 0 and −0, which sort apart, tie.
        let end = order[start..]
            .iter()
            .position(|row| scores[*row] > score)
            .map_or(order.len(), |place| start + place);
        let mid_rank = (start + 1 + end) as f64 / 2.0;
        let tied = order[start..end].iter().filter(|row| is_positive(labels[**row])).count() as f64;
        rank_sum += mid_rank * tied;
        start = end;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// Mean negative log-likelihood in nats; probabilities are kept `1e-15` away from 0 and 1.
#[must_use]
pub fn log_loss(scores: &[f32], labels: &[f32]) -> Option<f64> {
    mean(scores, labels, |score, positive| {
        let right = if positive { score } else { 1.0 - score };
        -right.clamp(1e-15, 1.0 - 1e-15).ln()
    })
}

/// Mean squared distance of probability and outcome (Brier, 1950).
#[must_use]
pub fn brier(scores: &[f32], labels: &[f32]) -> Option<f64> {
    mean(scores, labels, |score, positive| (score - f64::from(u8::from(positive))).powi(2))
}

/// The share of rows on the right side of one half.
#[must_use]
pub fn accuracy(scores: &[f32], labels: &[f32]) -> Option<f64> {
    mean(scores, labels, |score, positive| f64::from(u8::from((score >= 0.5) == positive)))
}

fn mean(scores: &[f32], labels: &[f32], each: impl Fn(f64, bool) -> f64) -> Option<f64> {
    if scores.is_empty() || scores.len() != labels.len() {
        return None;
    }
    let sum: f64 =
        scores.iter().zip(labels).map(|(score, label)| each(f64::from(*score), is_positive(*label))).sum();
    Some(sum / scores.len() as f64)
}

fn is_positive(label: f32) -> bool {
    label >= 0.5
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!((actual - expected).abs() < 1e-7, "{actual}, expected {expected}");
    }

    #[test]
    fn auc_equals_the_pairs_counted_by_hand() {
        // Positives 0.8, 0.4; negatives 0.6, 0.2: of the four pairs 0.4 against 0.6 alone is wrong.
        close(auc(&[0.8, 0.4, 0.6, 0.2], &[1.0, 1.0, 0.0, 0.0]), 0.75);
        close(auc(&[0.1, 0.9], &[0.0, 1.0]), 1.0);
        close(auc(&[0.9, 0.1], &[0.0, 1.0]), 0.0);
        // Positives 0.5, 0.5, 0.9; negatives 0.5, 0.1: pairs ½ + 1, ½ + 1, 1 + 1 of six.
        close(auc(&[0.5, 0.5, 0.9, 0.5, 0.1], &[1.0, 1.0, 1.0, 0.0, 0.0]), 5.0 / 6.0);
        close(auc(&[0.3; 4], &[1.0, 0.0, 1.0, 0.0]), 0.5);
        close(auc(&[0.0, -0.0], &[1.0, 0.0]), 0.5);
    }

    #[test]
    fn auc_equals_all_pairs_compared() {
        let mut random = ropewalk_nets::Random::new(5);
        let scores: Vec<f32> = (0..200).map(|_| (random.below(40) as f32) / 40.0).collect();
        let labels: Vec<f32> = (0..200).map(|_| random.below(2) as f32).collect();
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (positive, _) in scores.iter().zip(&labels).filter(|(_, label)| **label == 1.0) {
            for (negative, _) in scores.iter().zip(&labels).filter(|(_, label)| **label == 0.0) {
                pairs += 1.0;
                wins += if positive > negative {
                    1.0
                } else if positive == negative {
                    0.5
                } else {
                    0.0
                };
            }
        }
        close(auc(&scores, &labels), wins / pairs);
    }

    #[test]
    fn what_has_no_auc_has_none() {
        assert_eq!(auc(&[], &[]), None);
        assert_eq!(auc(&[0.1, 0.2], &[1.0, 1.0]), None);
        assert_eq!(auc(&[0.1, f32::NAN], &[1.0, 0.0]), None);
        assert_eq!(auc(&[0.1], &[1.0, 0.0]), None);
    }

    #[test]
    fn losses_equal_the_hand_computed_ones() {
        let scores = [0.75, 0.25, 0.5];
        let labels = [1.0, 1.0, 0.0];
        close(log_loss(&scores, &labels), (-(0.75_f64.ln()) - 0.25_f64.ln() - 0.5_f64.ln()) / 3.0);
        close(brier(&scores, &labels), (0.0625 + 0.5625 + 0.25) / 3.0);
        close(accuracy(&scores, &labels), 1.0 / 3.0);
        close(log_loss(&[1.0], &[0.0]), -(1e-15_f64.ln()));
        assert_eq!(brier(&[], &[]), None);
    }
}
