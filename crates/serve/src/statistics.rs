//! What one revision has been doing: totals, and the last minutes by second.

use crate::histogram::Histogram;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use utoipa::ToSchema;

/// Seconds of which single counts are kept.
const SECONDS: usize = 600;
/// Seconds that share one latency histogram.
pub const STEP_SECONDS: i64 = 10;
/// Latency histograms kept.
const STEPS: usize = SECONDS / STEP_SECONDS as usize;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered.
    Answered,
    /// The client's mistake: refused with 4xx.
    Refused,
    /// Our failure: 5xx.
    Failed,
}

/// Counters of one revision in this process. One short lock for each request.
#[derive(Debug, Default)]
pub struct Statistics(Mutex<Counters>);

#[derive(Debug)]
struct Counters {
    requests: u64,
    rows: u64,
    refused: u64,
    failures: u64,
    log_failures: u64,
    latency: Histogram,
    seconds: Vec<Second>,
    steps: Vec<Step>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: 0,
            rows: 0,
            refused: 0,
            failures: 0,
            log_failures: 0,
            latency: Histogram::default(),
            seconds: vec![Second::default(); SECONDS],
            // Their histograms are made when first used: a revision without traffic stays small.
            steps: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Second {
    second: i64,
    requests: u32,
    failures: u32,
}

#[derive(Clone, Debug)]
struct Step {
    step: i64,
    latency: Histogram,
}

impl Statistics {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        // A panic while counting leaves counts that are still counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one request that ended at `now_ms`.
    pub fn record(&self, outcome: Outcome, rows: usize, latency_us: u64, now_ms: i64) {
        let mut counters = self.counters();
        counters.requests += 1;
        match outcome {
            Outcome::Answered => counters.rows += rows as u64,
            Outcome::Refused => counters.refused += 1,
            Outcome::Failed => counters.failures += 1,
        }
        let now = now_ms.div_euclid(1000);
        if let Some(slot) = counters.seconds.get_mut(slot_of(now, SECONDS)) {
            if slot.second != now {
                *slot = Second { second: now, ..Second::default() };
            }
            slot.requests = slot.requests.saturating_add(1);
            slot.failures = slot.failures.saturating_add(u32::from(outcome == Outcome::Failed));
        }
        if outcome == Outcome::Answered {
            counters.latency.record(latency_us);
            counters.step(now.div_euclid(STEP_SECONDS)).record(latency_us);
        }
    }

    /// Counts a prediction that was answered although it could not be logged.
    pub fn record_log_failure(&self) {
        self.counters().log_failures += 1;
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.counters().requests
    }

    /// Everything, as of `now_ms`.
    #[must_use]
    pub fn read(&self, now_ms: i64) -> Reading {
        let counters = self.counters();
        let now = now_ms.div_euclid(1000);
        let mut reading = Reading {
            requests: counters.requests,
            rows: counters.rows,
            refused: counters.refused,
            failures: counters.failures,
            log_failures: counters.log_failures,
            latency: counters.latency.clone(),
            seconds: Vec::new(),
            steps: Vec::new(),
        };
        let oldest = now - SECONDS as i64;
        reading.seconds.extend(
            counters
                .seconds
                .iter()
                .filter(|slot| slot.second > oldest && slot.second <= now)
                .map(|slot| (slot.second, slot.requests, slot.failures)),
        );
        reading.steps.extend(
            counters
                .steps
                .iter()
                .filter(|step| (step.step + 1) * STEP_SECONDS > oldest && step.step * STEP_SECONDS <= now)
                .map(|step| (step.step, step.latency.clone())),
        );
        reading
    }
}

impl Counters {
    fn step(&mut self, step: i64) -> &mut Histogram {
        let position = match self.steps.iter().position(|kept| kept.step == step) {
            Some(position) => position,
            None if self.steps.len() < STEPS => {
                self.steps.push(Step { step, latency: Histogram::default() });
                self.steps.len() - 1
            }
            None => {
                let oldest = self
                    .steps
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, kept)| kept.step)
                    .map_or(0, |(position, _)| position);
                self.steps[oldest].step = step;
                self.steps[oldest].latency.clear();
                oldest
            }
        };
        &mut self.steps[position].latency
    }
}

fn slot_of(number: i64, slots: usize) -> usize {
    usize::try_from(number.rem_euclid(slots as i64)).unwrap_or(0)
}

/// A copy of a revision's counters; copies add up.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    requests: u64,
    rows: u64,
    refused: u64,
    failures: u64,
    log_failures: u64,
    latency: Histogram,
    seconds: Vec<(i64, u32, u32)>,
    steps: Vec<(i64, Histogram)>,
}

impl Reading {
    /// Adds another revision's.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.rows += other.rows;
        self.refused += other.refused;
        self.failures += other.failures;
        self.log_failures += other.log_failures;
        self.latency.add(&other.latency);
        for &(second, requests, failures) in &other.seconds {
            match self.seconds.iter_mut().find(|kept| kept.0 == second) {
                Some(kept) => *kept = (second, kept.1 + requests, kept.2 + failures),
                None => self.seconds.push((second, requests, failures)),
            }
        }
        for (step, latency) in &other.steps {
            match self.steps.iter_mut().find(|kept| kept.0 == *step) {
                Some(kept) => kept.1.add(latency),
                None => self.steps.push((*step, latency.clone())),
            }
        }
    }

    /// The latencies of all answered requests.
    #[must_use]
    pub fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// The figures that people look at.
    #[must_use]
    pub fn figures(&self, now_ms: i64) -> Figures {
        let now = now_ms.div_euclid(1000);
        // The running second is not over, so the rate is taken from the ten whole seconds before it.
        let recent: u64 = self
            .seconds
            .iter()
            .filter(|kept| kept.0 < now && kept.0 >= now - 10)
            .map(|kept| u64::from(kept.1))
            .sum();
        #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let requests_per_second = recent as f64 / 10.0;
        Figures {
            requests: self.requests,
            rows: self.rows,
            refused: self.refused,
            failures: self.failures,
            log_failures: self.log_failures,
            requests_per_second,
            p50_ms: self.latency.quantile_ms(0.5),
            p99_ms: self.latency.quantile_ms(0.99),
        }
    }

    /// The last minutes in steps of [`STEP_SECONDS`], oldest first, quiet steps included.
    #[must_use]
    pub fn series(&self, now_ms: i64) -> Vec<Point> {
        let last = now_ms.div_euclid(1000 * STEP_SECONDS);
        (last - STEPS as i64 + 1..=last)
            .map(|step| {
                let within = |second: i64| second.div_euclid(STEP_SECONDS) == step;
                let (requests, failures) =
                    self.seconds.iter().filter(|kept| within(kept.0)).fold((0_u64, 0_u64), |sum, kept| {
                        (sum.0 + u64::from(kept.1), sum.1 + u64::from(kept.2))
                    });
                let latency = self.steps.iter().find(|kept| kept.0 == step).map(|kept| &kept.1);
                #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
                let requests_per_second = requests as f64 / STEP_SECONDS as f64;
                Point {
                    time_ms: step * STEP_SECONDS * 1000,
                    requests,
                    failures,
                    requests_per_second,
                    p50_ms: latency.and_then(|latency| latency.quantile_ms(0.5)),
                    p99_ms: latency.and_then(|latency| latency.quantile_ms(0.99)),
                }
            })
            .collect()
    }
}

/// Totals of a revision or an endpoint in this process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Requests that reached a revision, however they ended.
    pub requests: u64,
    /// Rows that were answered.
    pub rows: u64,
    /// Requests refused for the client's mistake (4xx).
    pub refused: u64,
    /// Requests that failed for ours (5xx).
    pub failures: u64,
    /// Predictions answered although they could not be logged (only where `require_log` is off).
    pub log_failures: u64,
    /// Rate over the last ten whole seconds.
    pub requests_per_second: f64,
    /// Median latency in milliseconds, from receipt to answer, the durable log included.
    pub p50_ms: Option<f64>,
    /// Latency in milliseconds that 99 % did not exceed.
    pub p99_ms: Option<f64>,
}

/// Figures of one step of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// Start of the step, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Requests within it.
    pub requests: u64,
    /// Failures within it.
    pub failures: u64,
    /// Requests by second.
    pub requests_per_second: f64,
    /// Median latency in milliseconds.
    pub p50_ms: Option<f64>,
    /// Latency in milliseconds that 99 % did not exceed.
    pub p99_ms: Option<f64>,
}

/// Statistics of an endpoint since this process started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointStatistics {
    /// The endpoint.
    pub endpoint: String,
    /// As of when, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// All revisions together.
    pub total: Figures,
    /// Each revision.
    pub revisions: Vec<RevisionStatistics>,
    /// All revisions together over the last ten minutes, by ten seconds.
    pub series: Vec<Point>,
}

/// Statistics of one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevisionStatistics {
    /// Revision number.
    pub revision: i64,
    /// Its figures.
    pub figures: Figures,
    /// Its last ten minutes, by ten seconds.
    pub series: Vec<Point>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NOON: i64 = 1_700_000_000_000;

    #[test]
    fn requests_are_counted_by_their_end() {
        let statistics = Statistics::default();
        statistics.record(Outcome::Answered, 3, 1000, NOON);
        statistics.record(Outcome::Refused, 0, 10, NOON);
        statistics.record(Outcome::Failed, 3, 10, NOON);
        statistics.record_log_failure();
        let figures = statistics.read(NOON + 1000).figures(NOON + 1000);
        assert_eq!(
            (figures.requests, figures.rows, figures.refused, figures.failures, figures.log_failures),
            (3, 3, 1, 1, 1)
        );
        assert!((figures.p50_ms.unwrap() - 1.0).abs() < 0.1);
        assert!((figures.requests_per_second - 0.3).abs() < 1e-9);
    }

    #[test]
    fn the_past_is_forgotten_and_revisions_add_up() {
        let (one, two) = (Statistics::default(), Statistics::default());
        for second in 0..1200 {
            one.record(Outcome::Answered, 1, 1000, NOON + second * 1000);
            two.record(Outcome::Failed, 1, 1000, NOON + second * 1000);
        }
        let now = NOON + 1_199_999;
        let mut both = one.read(now);
        both.add(&two.read(now));
        let series = both.series(now);
        assert_eq!(series.len(), STEPS);
        assert!(
            series.iter().all(|point| point.requests == 20 && point.failures == 10 && point.p99_ms.is_some()),
            "{series:?}"
        );
        assert_eq!(both.figures(now).requests, 2400);
        assert!((both.figures(now).requests_per_second - 2.0).abs() < 1e-9);
        let later = one.read(now + 3_600_000);
        assert!(later.series(now + 3_600_000).iter().all(|point| point.requests == 0));
        assert_eq!(later.figures(now).requests, 1200);
    }
}
