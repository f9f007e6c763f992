//! How well predictions turned out.

use crate::statistics::auc::auc;
use crate::statistics::{brier, mean};

/// One-sided 95 %: the interval's both ends together hold with 90 %.
const Z: f64 = 1.644_853_626_951_472_2;

/// Quality of labelled predictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// Labelled predictions with a score.
    pub labelled: usize,
    /// AUC; `None` while a class is missing.
    pub auc: Option<f64>,
    /// Lower end of its interval: with 95 % the true AUC is above.
    pub auc_low: Option<f64>,
    /// Upper end of its interval: with 95 % the true AUC is below.
    pub auc_high: Option<f64>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Share of positive labels.
    pub positive_share: Option<f64>,
}

/// The quality of scores against labels (0 or 1); rows whose score is NaN count as not labelled.
#[must_use]
pub fn quality(scores: &[f64], labels: &[f64]) -> Quality {
    let (scores, labels): (Vec<f64>, Vec<f64>) =
        scores.iter().zip(labels).filter(|(score, _)| score.is_finite()).map(|(s, y)| (*s, *y)).unzip();
    let curve = auc(&scores, &labels);
    let interval = curve.map(|curve| curve.interval(Z));
    Quality {
        labelled: labels.len(),
        auc: curve.map(|curve| curve.value),
        auc_low: interval.map(|ends| ends.0),
        auc_high: interval.map(|ends| ends.1),
        brier: brier::score(&scores, &labels),
        positive_share: (!labels.is_empty()).then(|| mean(&labels)),
    }
}
