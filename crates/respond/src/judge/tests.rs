#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::pairing::LabelledOutcome;
use super::*;

fn settings() -> RolloutSettings {
    RolloutSettings {
        min_outcomes: 30,
        max_wait_seconds: 10.0,
        min_step_seconds: 1.0,
        ..RolloutSettings::default()
    }
}

fn look(step_seconds: f64, step_outcomes: usize) -> Look {
    Look { now_ms: 0, step_seconds, step_outcomes }
}

fn pairer(canary_score: f64, stable_score: f64, n: usize) -> Pairer {
    let outcome = |score: f64, index: usize| LabelledOutcome {
        score: (score + 0.1 * (index % 3) as f64).min(1.0),
        label: 1.0,
    };
    let mut pairer = Pairer::default();
    let canary: Vec<_> = (0..n).map(|i| outcome(canary_score, i)).collect();
    let stable: Vec<_> = (0..9 * n).map(|i| outcome(stable_score, i)).collect();
    pairer.add(&canary, &stable);
    pairer
}

fn healthy() -> Arm {
    Arm { scores: (0..100).map(|i| f64::from(i) / 100.0).collect(), requests: 100, failures: 0 }
}

#[test]
fn a_worse_canary_is_harm() {
    let judgement = judge(&pairer(0.2, 0.8, 60), &healthy(), &healthy(), &settings(), look(2.0, 60));
    assert_eq!((judgement.verdict, judgement.basis), (Verdict::Harm, Basis::Outcomes));
    assert!(judgement.lower > 0.0 && judgement.text.contains("worse"), "{judgement:?}");
}

#[test]
fn a_better_canary_passes_after_the_minimum_time() {
    let pairer = pairer(0.8, 0.3, 100);
    let early = judge(&pairer, &healthy(), &healthy(), &settings(), look(0.5, 100));
    assert_eq!(early.verdict, Verdict::Continue);
    let ripe = judge(&pairer, &healthy(), &healthy(), &settings(), look(1.5, 100));
    assert_eq!(ripe.verdict, Verdict::Pass, "{ripe:?}");
}

#[test]
fn too_few_outcomes_wait_and_then_say_so() {
    let pairer = pairer(0.8, 0.8, 3);
    let waiting = judge(&pairer, &healthy(), &healthy(), &settings(), look(5.0, 3));
    assert_eq!(waiting.verdict, Verdict::Continue);
    let over = judge(&pairer, &healthy(), &healthy(), &settings(), look(11.0, 3));
    assert_eq!((over.verdict, over.basis), (Verdict::Pass, Basis::Scores));
    assert!(over.text.contains("only 3 and 27 labelled outcomes"), "{}", over.text);
}

#[test]
fn without_labels_scores_that_come_apart_are_harm() {
    let stuck = Arm { scores: vec![0.0; 100], requests: 100, failures: 0 };
    let judgement = judge(&Pairer::default(), &stuck, &healthy(), &settings(), look(11.0, 0));
    assert_eq!((judgement.verdict, judgement.basis), (Verdict::Harm, Basis::Scores));
}

#[test]
fn failures_are_harm_at_once() {
    let failing = Arm { scores: vec![], requests: 6, failures: 6 };
    let judgement = judge(&Pairer::default(), &failing, &healthy(), &settings(), look(0.1, 0));
    assert_eq!((judgement.verdict, judgement.basis), (Verdict::Harm, Basis::Failures));
}
