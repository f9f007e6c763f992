//! Pairs canary outcomes with the stable outcomes of the same time.
//!
//! Both halves of a pair saw the same traffic, so a change of the world in the middle of a roll-out touches both and
//! cancels out. Which outcomes form a pair depends on their arrival alone, never on their losses, and a pair once
//! formed stays as it is: the martingale behind [`super::betting`] needs both.

use std::collections::VecDeque;

/// A prediction whose truth has become known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledOutcome {
    /// Predicted probability, 0 to 1.
    pub score: f64,
    /// Truth, 0 or 1.
    pub label: f64,
}

impl LabelledOutcome {
    /// Brier loss (score − label)², Brier (1950). A score that is not a number counts as the worst, 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let loss = (self.score - self.label).powi(2);
        if loss.is_finite() { loss.clamp(0.0, 1.0) } else { 1.0 }
    }
}

/// The losses of one arm: how many and their sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Losses {
    /// Outcomes seen.
    pub count: usize,
    sum: f64,
}

impl Losses {
    /// Mean Brier loss; `None` of nothing.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    fn add(&mut self, loss: f64) {
        self.count += 1;
        self.sum += loss;
    }
}

/// Forms pairs as outcomes arrive.
#[derive(Clone, Debug, Default)]
pub struct Pairer {
    waiting_canary: VecDeque<f64>,
    waiting_stable: VecDeque<f64>,
    differences: Vec<f64>,
    canary: Losses,
    stable: Losses,
}

impl Pairer {
    /// Takes in what has arrived since the last look, each arm in its order of arrival.
    ///
    /// The scarcer of the two queues gives one outcome a pair, the other an even block, so that at 10 % canary traffic
    /// the mean of about nine stable outcomes stands against each canary outcome, and at 90 % the reverse. What does
    /// not fill a block waits for the next look.
    pub fn add(&mut self, canary: &[LabelledOutcome], stable: &[LabelledOutcome]) {
        for outcome in canary {
            self.canary.add(outcome.loss());
            self.waiting_canary.push_back(outcome.loss());
        }
        for outcome in stable {
            self.stable.add(outcome.loss());
            self.waiting_stable.push_back(outcome.loss());
        }
        let pairs = self.waiting_canary.len().min(self.waiting_stable.len());
        if pairs == 0 {
            return;
        }
        let canary_block = self.waiting_canary.len() / pairs;
        let stable_block = self.waiting_stable.len() / pairs;
        for _ in 0..pairs {
            let canary = take_mean(&mut self.waiting_canary, canary_block);
            let stable = take_mean(&mut self.waiting_stable, stable_block);
            self.differences.push(canary - stable);
        }
    }

    /// Differences canary − stable in [−1, 1], one a pair, in the order in which the pairs were formed.
    #[must_use]
    pub fn differences(&self) -> &[f64] {
        &self.differences
    }

    /// Losses of the canary so far.
    #[must_use]
    pub fn canary(&self) -> Losses {
        self.canary
    }

    /// Losses of the stable revision so far.
    #[must_use]
    pub fn stable(&self) -> Losses {
        self.stable
    }
}

fn take_mean(queue: &mut VecDeque<f64>, block: usize) -> f64 {
    queue.drain(..block).sum::<f64>() / block as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn outcome(score: f64, label: f64) -> LabelledOutcome {
        LabelledOutcome { score, label }
    }

    #[test]
    fn one_canary_outcome_stands_against_the_mean_of_its_block() {
        let mut pairer = Pairer::default();
        pairer.add(&[outcome(1.0, 0.0)], &[]);
        assert!(pairer.differences().is_empty());
        pairer.add(&[], &[outcome(1.0, 1.0), outcome(0.0, 1.0)]);
        assert_eq!(pairer.differences(), &[0.5]);
        assert_eq!(pairer.canary().mean(), Some(1.0));
        assert_eq!(pairer.stable().mean(), Some(0.5));
    }

    #[test]
    fn a_score_that_is_no_number_is_the_worst() {
        assert_eq!(outcome(f64::NAN, 1.0).loss(), 1.0);
        assert_eq!(outcome(f64::INFINITY, 1.0).loss(), 1.0);
    }

    proptest! {
        #[test]
        fn pairs_once_formed_stay(looks in prop::collection::vec((0usize..6, 0usize..20), 1..30)) {
            let mut pairer = Pairer::default();
            let mut before: Vec<f64> = Vec::new();
            let mut turn = 0.0_f64;
            for (canary, stable) in looks {
                let mut make = |n: usize| (0..n).map(|_| { turn += 0.37; outcome(turn.fract(), (turn * 3.0).fract().round()) }).collect::<Vec<_>>();
                let (canary, stable) = (make(canary), make(stable));
                pairer.add(&canary, &stable);
                prop_assert_eq!(&pairer.differences()[..before.len()], &before[..]);
                prop_assert!(pairer.differences().iter().all(|d| (-1.0..=1.0).contains(d)));
                before = pairer.differences().to_vec();
            }
        }
    }
}
