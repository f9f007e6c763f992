//! The judge of a canary: is the new revision harmful, surely not worse, or is it too early to say?
//!
//! Quality is judged by the Brier loss (score − label)² of labelled outcomes, which lies in [0, 1]. Canary and stable
//! outcomes are paired in the order of time ([`pairing`]), and the mean of the paired differences is held in an
//! anytime-valid confidence sequence ([`betting`]): one may look after every outcome without raising the chance of a
//! false alarm above alpha. Failures are judged by a confidence sequence for rates ([`rates`]), and without labels the
//! two arms' scores are compared ([`scores`]).

pub mod betting;
pub mod pairing;
pub mod rates;
pub mod scores;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rollout::model::RolloutSettings;
use pairing::Pairer;

/// The outcome of one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Wait for more.
    Continue,
    /// The step may pass.
    Pass,
    /// The canary harms: take it back.
    Harm,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Labelled outcomes of both arms.
    Outcomes,
    /// Rates of failed requests.
    Failures,
    /// Distribution of the scores; there were too few labels.
    Scores,
    /// Nothing yet.
    Nothing,
}

/// One arm's evidence beside its labelled outcomes.
#[derive(Clone, Debug, Default)]
pub struct Arm {
    /// Scores since the roll-out began, labelled or not.
    pub scores: Vec<f64>,
    /// Requests answered since the roll-out began.
    pub requests: u64,
    /// Requests failed since the roll-out began.
    pub failures: u64,
}

/// A judgement with all figures behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Judgement {
    /// What to do.
    pub verdict: Verdict,
    /// What it rests on.
    pub basis: Basis,
    /// One sentence.
    pub text: String,
    /// Labelled outcomes of the new revision.
    pub canary_outcomes: usize,
    /// Labelled outcomes of the stable revision.
    pub stable_outcomes: usize,
    /// Pairs that the confidence sequence rests on.
    pub pairs: usize,
    /// Mean Brier loss of the new revision.
    pub canary_brier: Option<f64>,
    /// Mean Brier loss of the stable revision.
    pub stable_brier: Option<f64>,
    /// Lower bound of (canary − stable) mean loss, valid at every look.
    pub lower: f64,
    /// Upper bound of (canary − stable) mean loss, valid at every look.
    pub upper: f64,
    /// Kolmogorov–Smirnov distance between the arms' scores.
    pub score_distance: Option<f64>,
    /// Failed requests of the new revision.
    pub canary_failures: u64,
    /// Failed requests of the stable revision.
    pub stable_failures: u64,
    /// When, milliseconds since 1970.
    pub time_ms: i64,
}

/// Where in the step the judge looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Now, milliseconds since 1970.
    pub now_ms: i64,
    /// Seconds since traffic was moved for this step.
    pub step_seconds: f64,
    /// Labelled canary outcomes that arrived since this step began.
    pub step_outcomes: usize,
}

/// Half of alpha is spent on quality, half on failures, so that together a harmless canary is taken back with
/// probability alpha at most.
const SPLIT: f64 = 0.5;

/// Looks at both arms and says what to do.
///
/// The rules, in order: more failures than the stable arm, beyond chance, is harm. A mean loss surely above the stable
/// one's is harm. With the minimum of outcomes in both arms and the minimum time gone, a loss surely less than
/// `tolerance` above the stable one's passes. When the wait is over, the step passes on what there is, unless the
/// scores have come apart, and the text says what the judgement rests on.
#[must_use]
pub fn judge(
    pairer: &Pairer,
    canary: &Arm,
    stable: &Arm,
    settings: &RolloutSettings,
    look: Look,
) -> Judgement {
    let interval = betting::confidence_sequence(pairer.differences(), settings.alpha * SPLIT);
    let harm_by_failures = rates::surely_higher(
        (canary.failures, canary.requests),
        (stable.failures, stable.requests),
        settings.alpha * SPLIT,
    );
    let distance = scores::distance(&canary.scores, &stable.scores);
    let mut judgement = Judgement {
        verdict: Verdict::Continue,
        basis: Basis::Nothing,
        text: String::new(),
        canary_outcomes: pairer.canary().count,
        stable_outcomes: pairer.stable().count,
        pairs: pairer.differences().len(),
        canary_brier: pairer.canary().mean(),
        stable_brier: pairer.stable().mean(),
        lower: interval.lower,
        upper: interval.upper,
        score_distance: distance,
        canary_failures: canary.failures,
        stable_failures: stable.failures,
        time_ms: look.now_ms,
    };
    let (verdict, basis, text) = decide(&judgement, harm_by_failures, canary, settings, look);
    judgement.verdict = verdict;
    judgement.basis = basis;
    judgement.text = text;
    judgement
}

fn decide(
    seen: &Judgement,
    harm_by_failures: bool,
    canary: &Arm,
    settings: &RolloutSettings,
    look: Look,
) -> (Verdict, Basis, String) {
    // Both sides together.
    let confidence = (1.0 - 2.0 * settings.alpha * SPLIT) * 100.0;
    let between = format!(
        "canary − stable Brier loss lies in [{:+.3}, {:+.3}] at {confidence:.0} % (canary {}, stable {}; {} and {} labelled outcomes)",
        seen.lower,
        seen.upper,
        three(seen.canary_brier),
        three(seen.stable_brier),
        seen.canary_outcomes,
        seen.stable_outcomes,
    );
    if harm_by_failures {
        return (
            Verdict::Harm,
            Basis::Failures,
            format!(
                "{} of {} canary requests failed, surely more than the stable revision's {}",
                canary.failures, canary.requests, seen.stable_failures
            ),
        );
    }
    if seen.lower > 0.0 {
        return (Verdict::Harm, Basis::Outcomes, format!("the canary predicts worse: {between}"));
    }
    let enough = seen.canary_outcomes >= settings.min_outcomes
        && seen.stable_outcomes >= settings.min_outcomes
        && look.step_outcomes >= settings.min_outcomes.min(1);
    let ripe = look.step_seconds >= settings.min_step_seconds;
    if enough && ripe && seen.upper < settings.tolerance {
        let text = if seen.upper < 0.0 { "the canary predicts better" } else { "the canary is not worse" };
        return (Verdict::Pass, Basis::Outcomes, format!("{text}: {between}"));
    }
    if look.step_seconds < settings.max_wait_seconds || !ripe {
        return (
            Verdict::Continue,
            if seen.pairs > 0 { Basis::Outcomes } else { Basis::Nothing },
            format!("waiting: {between}"),
        );
    }
    if enough {
        return (
            Verdict::Pass,
            Basis::Outcomes,
            format!("no harm shown within {:.0} s: {between}", settings.max_wait_seconds),
        );
    }
    after_wait_without_labels(seen, settings)
}

/// Too few labels and the wait is over: failures have been judged above, so the scores decide.
fn after_wait_without_labels(seen: &Judgement, settings: &RolloutSettings) -> (Verdict, Basis, String) {
    let few = format!(
        "only {} and {} labelled outcomes after {:.0} s, so judged by failures and scores alone",
        seen.canary_outcomes, seen.stable_outcomes, settings.max_wait_seconds
    );
    match seen.score_distance {
        Some(distance) if distance > settings.max_score_distance => (
            Verdict::Harm,
            Basis::Scores,
            format!(
                "{few}: the scores have come apart, distance {distance:.2} above {:.2}",
                settings.max_score_distance
            ),
        ),
        Some(distance) => (
            Verdict::Pass,
            Basis::Scores,
            format!(
                "{few}: no more failures than before, score distance {distance:.2} within {:.2}",
                settings.max_score_distance
            ),
        ),
        None => (
            Verdict::Pass,
            Basis::Failures,
            format!("{few}: no failures beyond chance, too few scores to compare"),
        ),
    }
}

fn three(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |v| format!("{v:.3}"))
}

#[cfg(test)]
mod tests;
