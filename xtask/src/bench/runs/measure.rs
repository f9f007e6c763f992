//! Doing a thing again and again, and how long it took.

use std::sync::Barrier;
use std::time::Instant;

use serde_json::{Value, json};

use super::memory::own_processor_seconds;
use crate::process::Outcome;

/// A worker that fails so often in a row gives up.
const FAILURES: usize = 20;

/// How often a thing is done.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// For so long, after a tenth of it to warm up.
    pub(super) seconds: f64,
    /// But at least so often.
    pub(super) least: usize,
}

/// How long it took.
#[derive(Clone, Default)]
pub(super) struct Timing {
    /// Milliseconds of each that went well, ascending.
    times: Vec<f64>,
    /// How many went well per second, all workers together.
    pub(super) rate: f64,
    /// How many did not go well, while warming up too.
    pub(super) failed: usize,
    /// Why the first of those did not.
    pub(super) failure: Option<String>,
    /// Share of one core that this program took itself.
    pub(super) generator: f64,
}

impl Timing {
    /// From times in milliseconds of things done one after the other.
    pub(super) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let rate = times.len() as f64 * 1000.0 / times.iter().sum::<f64>();
        Self { times, rate, ..Self::default() }
    }

    /// How many went well.
    pub(super) fn count(&self) -> usize {
        self.times.len()
    }

    /// The time in milliseconds that this share of them did not exceed; NaN if there is none.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        // The smallest time with at least that share at or below it.
        let rank = (share * self.times.len() as f64).ceil().max(1.0) as usize;
        self.times.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// Median in milliseconds.
    pub(super) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// For the report.
    pub(super) fn json(&self) -> Value {
        json!({
            "count": self.count(),
            "failed": self.failed,
            "failure": self.failure,
            "per_second": self.rate,
            "median_ms": self.median(),
            "p99_ms": self.quantile(0.99),
            "most_ms": self.quantile(1.0),
            "generator_cores": self.generator,
        })
    }
}

/// What one worker saw.
#[derive(Default)]
struct Share {
    times: Vec<f64>,
    seconds: f64,
    failed: usize,
    failure: Option<String>,
}

/// Let each worker do its thing again and again, all at the same time.
pub(super) fn repeat<Worker>(budget: Budget, workers: Vec<Worker>) -> Timing
where
    Worker: FnMut() -> Outcome + Send,
{
    let begin = Barrier::new(workers.len());
    let (started, processor) = (Instant::now(), own_processor_seconds());
    let shares: Vec<Share> = std::thread::scope(|scope| {
        let begin = &begin;
        let threads: Vec<_> =
            workers.into_iter().map(|worker| scope.spawn(move || one(budget, worker, begin))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let generator = (own_processor_seconds() - processor) / started.elapsed().as_secs_f64();
    let mut timing = Timing { generator, ..Timing::default() };
    for share in shares {
        // Each worker's own rate: one that waits for its last answer must not count as idle, nor the others with it.
        timing.rate += share.times.len() as f64 / share.seconds.max(1e-9);
        timing.times.extend(share.times);
        timing.failed += share.failed;
        timing.failure = timing.failure.or(share.failure);
    }
    timing.times.sort_by(f64::total_cmp);
    timing
}

fn one(budget: Budget, mut worker: impl FnMut() -> Outcome, begin: &Barrier) -> Share {
    let mut share = Share::default();
    let mut in_a_row = 0;
    let mut attempt = |share: &mut Share| {
        let started = Instant::now();
        let outcome = worker();
        let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        match outcome {
            Ok(()) => {
                in_a_row = 0;
                share.times.push(milliseconds);
            }
            Err(why) => {
                in_a_row += 1;
                share.failed += 1;
                share.failure.get_or_insert(why);
            }
        }
        in_a_row < FAILURES
    };
    let warming = Instant::now();
    let mut go_on = true;
    while go_on {
        go_on = attempt(&mut share);
        if warming.elapsed().as_secs_f64() >= budget.seconds / 10.0 {
            break;
        }
    }
    share.times.clear();
    begin.wait();
    let started = Instant::now();
    while go_on && (started.elapsed().as_secs_f64() < budget.seconds || share.times.len() < budget.least) {
        go_on = attempt(&mut share);
    }
    share.seconds = started.elapsed().as_secs_f64();
    share
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let timing = Timing::of((1..=200).rev().map(f64::from).collect());
        assert_eq!((timing.median(), timing.quantile(0.99), timing.quantile(1.0)), (100.0, 198.0, 200.0));
        assert_eq!(Timing::of(vec![3.0]).quantile(0.99), 3.0);
        assert!(Timing::default().median().is_nan());
    }

    #[test]
    fn workers_add_up_and_failures_are_told() {
        let budget = Budget { seconds: 0.2, least: 1 };
        let quick = || -> Box<dyn FnMut() -> Outcome + Send> {
            Box::new(|| {
                std::thread::sleep(Duration::from_millis(10));
                Ok(())
            })
        };
        let broken: Box<dyn FnMut() -> Outcome + Send> = Box::new(|| Err("broken".to_owned()));
        let timing = repeat(budget, vec![quick(), quick(), broken]);
        assert!(timing.rate > 0.0 && timing.rate <= 200.0, "{}", timing.rate);
        assert!(timing.median() >= 10.0);
        assert_eq!((timing.failed, timing.failure.as_deref()), (FAILURES, Some("broken")));
    }

    #[test]
    fn slow_things_are_done_often_enough() {
        let timing = repeat(Budget { seconds: 0.0, least: 3 }, vec![|| Ok(())]);
        assert_eq!(timing.count(), 3);
    }
}
