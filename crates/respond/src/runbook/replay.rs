//! The replay gate: candidate and champion answer the same captured, labelled requests, which neither was trained on.

use ropewalk_core::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use ropewalk_watch::statistics::auc::auc;

/// What the replay showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    /// Requests replayed.
    pub rows: usize,
    /// AUC of the model that serves.
    pub champion_auc: f64,
    /// AUC of the new one.
    pub candidate_auc: f64,
    /// The candidate had to exceed the champion by this much.
    pub margin: f64,
    /// Whether it did.
    pub passed: bool,
    /// One sentence.
    pub text: String,
}

/// Judges the answers of both.
///
/// # Errors
/// `GateFailed` when an answer is missing, is no probability, or only one class of labels is there.
pub fn judge(champion: &[f64], candidate: &[f64], labels: &[f64], margin: f64) -> Result<Replay> {
    let failed = |why: String| {
        Error::new(Code::GateFailed, "the replay gate could not be judged")
            .why(why)
            .hint("collect more labelled requests, then run the runbook again")
    };
    for (name, scores) in [("champion", champion), ("candidate", candidate)] {
        if scores.len() != labels.len() {
            return Err(failed(format!(
                "the {name} gave {} answers to {} requests",
                scores.len(),
                labels.len()
            )));
        }
        if let Some(row) = scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
            return Err(failed(format!(
                "the {name}'s answer to request {row} is {}, no probability",
                scores[row]
            )));
        }
    }
    let area = |scores: &[f64]| {
        auc(scores, labels)
            .map(|area| area.value)
            .ok_or_else(|| failed(format!("the {} held-out requests do not show both classes", labels.len())))
    };
    let (champion_auc, candidate_auc) = (area(champion)?, area(candidate)?);
    let passed = candidate_auc > champion_auc + margin;
    let text = format!(
        "on {} held-out requests the candidate has AUC {candidate_auc:.3}, the champion {champion_auc:.3} (must exceed it by {margin})",
        labels.len()
    );
    Ok(Replay { rows: labels.len(), champion_auc, candidate_auc, margin, passed, text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const LABELS: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

    #[test]
    fn better_by_the_margin_passes() {
        let champion = [0.1, 0.4, 0.35, 0.8];
        let candidate = [0.1, 0.2, 0.3, 0.4];
        assert!(judge(&champion, &candidate, &LABELS, 0.2).unwrap().passed);
        assert!(!judge(&champion, &candidate, &LABELS, 0.25).unwrap().passed);
        assert!(!judge(&champion, &champion, &LABELS, 0.0).unwrap().passed);
    }

    #[test]
    fn answers_of_another_shape_do_not_pass() {
        let good = [0.1, 0.2, 0.3, 0.4];
        assert!(judge(&good, &good[..3], &LABELS, 0.0).is_err());
        assert!(judge(&good, &[0.1, 0.2, f64::NAN, 0.4], &LABELS, 0.0).is_err());
        assert!(judge(&good, &good, &[1.0; 4], 0.0).is_err());
    }
}
