//! Brier score.

/// Mean squared difference between predicted probability and label (0 or 1): 0 is perfect, 0.25 is what always
/// saying one half earns. `None` of nothing.
#[must_use]
pub fn score(scores: &[f64], labels: &[f64]) -> Option<f64> {
    let count = scores.len().min(labels.len());
    (count > 0).then(|| scores.iter().zip(labels).map(|(s, y)| (s - y).powi(2)).sum::<f64>() / count as f64)
}
