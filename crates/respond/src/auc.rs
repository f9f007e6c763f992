//! The area under the ROC curve of scores against labels.

/// Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half (Mann &
/// Whitney 1947). `None` unless both classes are there and every score is a number.
#[must_use]
pub fn area_under_curve(scores: &[f64], labels: &[f64]) -> Option<f64> {
    if scores.len() != labels.len() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let positives = labels.iter().filter(|l| **l > 0.5).count() as f64;
    let negatives = labels.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    // Sum of the positives' ranks, tied scores sharing their mean rank.
    let (mut rank_sum, mut start) = (0.0, 0);
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && scores[order[end]].total_cmp(&scores[order[start]]).is_eq() {
            end += 1;
        }
        let mean_rank = (start + 1 + end) as f64 / 2.0;
        rank_sum += mean_rank * order[start..end].iter().filter(|i| labels[**i] > 0.5).count() as f64;
        start = end;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn areas_by_hand() {
        assert_eq!(area_under_curve(&[0.1, 0.9], &[0.0, 1.0]), Some(1.0));
        assert_eq!(area_under_curve(&[0.9, 0.1], &[0.0, 1.0]), Some(0.0));
        assert_eq!(area_under_curve(&[0.5, 0.5, 0.5], &[0.0, 1.0, 1.0]), Some(0.5));
        assert_eq!(area_under_curve(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0]), Some(0.75));
        assert_eq!(area_under_curve(&[0.1, 0.4], &[1.0, 1.0]), None);
        assert_eq!(area_under_curve(&[f64::NAN, 0.4], &[0.0, 1.0]), None);
    }
}
