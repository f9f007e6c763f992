//! A latency histogram with logarithmic buckets.

/// Buckets for each doubling: neighbours lie 19 % apart, so a percentile is off by at most about 10 %.
const PER_OCTAVE: u32 = 4;
/// Upper bound of the first bucket, in microseconds.
const FIRST_US: f64 = 8.0;
/// Buckets from 8 µs to 8 µs × 2²¹ = 17 s, and one for everything longer.
pub const BUCKETS: usize = 86;

/// How many requests took how long. Counts are kept, times are not: it adds up across threads, revisions and windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u32]>,
    total: u64,
    sum_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0, sum_us: 0 }
    }
}

impl Histogram {
    /// Counts one request of `latency_us` microseconds.
    pub fn record(&mut self, latency_us: u64) {
        if let Some(count) = self.counts.get_mut(bucket_of(latency_us)) {
            *count = count.saturating_add(1);
        }
        self.total += 1;
        self.sum_us = self.sum_us.saturating_add(latency_us);
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        self.total += other.total;
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
        self.sum_us = 0;
    }

    /// How many requests were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Sum of all latencies, in microseconds.
    #[must_use]
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// The latency in milliseconds that a share `quantile` (0 to 1) of requests did not exceed: the geometric middle
    /// of the bucket in which that request lies. `None` when nothing was counted.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are far below 2^52"
    )]
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let rank = ((self.total as f64 * quantile.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0_u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                let middle = upper_us(bucket) * 2_f64.powf(-0.5 / f64::from(PER_OCTAVE));
                return Some(middle / 1000.0);
            }
        }
        Some(upper_us(BUCKETS - 1) / 1000.0)
    }

    /// How many requests took at most the upper bound of each octave: pairs of seconds and a running count.
    #[must_use]
    pub fn cumulative_by_octave(&self) -> Vec<(f64, u64)> {
        let mut seen = 0;
        let mut pairs = Vec::new();
        for (bucket, count) in self.counts.iter().enumerate().take(BUCKETS - 1) {
            seen += u64::from(*count);
            if bucket % PER_OCTAVE as usize == 0 {
                pairs.push((upper_us(bucket) / 1e6, seen));
            }
        }
        pairs
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bucket number is small and not negative"
)]
fn bucket_of(latency_us: u64) -> usize {
    let octaves = (latency_us as f64 / FIRST_US).max(1.0).log2();
    ((octaves * f64::from(PER_OCTAVE)).ceil() as usize).min(BUCKETS - 1)
}

#[allow(clippy::cast_precision_loss, reason = "a bucket number is small")]
fn upper_us(bucket: usize) -> f64 {
    FIRST_US * 2_f64.powf(bucket as f64 / f64::from(PER_OCTAVE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Histogram::default().quantile_ms(0.5), None);
    }

    #[test]
    fn buckets_cover_every_latency() {
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(8), 0);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        let mut histogram = Histogram::default();
        for latency in [1, 100, 16_000_000, u64::MAX] {
            histogram.record(latency);
        }
        assert_eq!(histogram.cumulative_by_octave().last().unwrap().1, 3);
        assert_eq!(histogram.total(), 4);
    }

    proptest! {
        #[test]
        fn percentiles_are_within_a_tenth(mut latencies in prop::collection::vec(10_u64..10_000_000, 1..300), quantile in 0.01_f64..1.0) {
            let (mut whole, mut half) = (Histogram::default(), Histogram::default());
            for (position, latency) in latencies.iter().enumerate() {
                if position % 2 == 0 { whole.record(*latency) } else { half.record(*latency) }
            }
            whole.add(&half);
            latencies.sort_unstable();
            let rank = ((latencies.len() as f64 * quantile).ceil() as usize).max(1);
            let exact = latencies[rank - 1] as f64 / 1000.0;
            let got = whole.quantile_ms(quantile).unwrap();
            prop_assert!((got / exact - 1.0).abs() < 0.1, "{got} for {exact}");
        }
    }
}
