//! Which revision answers the next request.

use std::sync::atomic::{AtomicU64, Ordering};

/// Parts that a whole is cut into: a share is honoured to a tenth of a percent.
const PARTS: u64 = 1000;
/// Requests within which the order is random.
const WINDOW: usize = 10;
/// Least length of the plan, so that its randomness is not a short cycle that traffic could fall in step with.
const LEAST_LENGTH: usize = 4000;

/// A plan of choices that is walked round and round by all threads, without a lock.
///
/// The plan is laid out by smooth weighted round robin (the algorithm of nginx: each choice goes to the candidate
/// with the largest credit), so that even a small sample follows the weights: of any ten requests aligned with the
/// plan, a 10 % canary gets one. Round robin alone would fall in step with periodic traffic (a client that alternates
/// two kinds of request would send all of one kind to one half of a 50/50 split), which would bias every comparison
/// of revisions; so the order within each window of ten is shuffled, as the permuted blocks of clinical trials are.
#[derive(Debug)]
pub struct Split {
    /// Positions of the candidates, in the order of their turns; empty when nobody has a share.
    plan: Vec<u16>,
    next: AtomicU64,
}

impl Split {
    /// A plan for candidates with these shares (of any sum). The same seed gives the same plan.
    #[must_use]
    pub fn new(percents: &[f64], seed: u64) -> Self {
        let parts = whole_parts(percents);
        let divisor = parts.iter().copied().fold(0, greatest_common_divisor);
        if divisor == 0 {
            return Self { plan: Vec::new(), next: AtomicU64::new(0) };
        }
        let weights: Vec<i64> = parts.iter().map(|part| i64::try_from(part / divisor).unwrap_or(0)).collect();
        let total: i64 = weights.iter().sum();
        let round = usize::try_from(total).unwrap_or(1);
        let mut length = round * LEAST_LENGTH.div_ceil(round);
        if weights.iter().filter(|weight| **weight > 0).count() == 1 {
            length = 1;
        }
        let mut credit = vec![0_i64; weights.len()];
        let mut plan = Vec::with_capacity(length);
        for _ in 0..length {
            let mut chosen = 0;
            for position in 0..weights.len() {
                credit[position] += weights[position];
                if credit[position] > credit[chosen] {
                    chosen = position;
                }
            }
            credit[chosen] -= total;
            plan.push(u16::try_from(chosen).unwrap_or(0));
        }
        let mut random = SplitMix(seed);
        for window in plan.chunks_mut(WINDOW) {
            // Fisher–Yates.
            for last in (1..window.len()).rev() {
                window.swap(last, random.below(last + 1));
            }
        }
        Self { plan, next: AtomicU64::new(0) }
    }

    /// The position of the candidate for the next request, if any has a share.
    pub fn choose(&self) -> Option<usize> {
        let length = u64::try_from(self.plan.len()).ok().filter(|length| *length > 0)?;
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % length;
        usize::try_from(turn).ok().and_then(|turn| self.plan.get(turn)).map(|&position| usize::from(position))
    }
}

/// The shares as whole parts of [`PARTS`], the rounding given to the largest remainders; a share above zero keeps at
/// least one part.
fn whole_parts(percents: &[f64]) -> Vec<u64> {
    let shares: Vec<f64> =
        percents.iter().map(|percent| if percent.is_finite() { percent.max(0.0) } else { 0.0 }).collect();
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 || !sum.is_finite() {
        return vec![0; shares.len()];
    }
    #[allow(clippy::cast_precision_loss, reason = "a thousand is exact")]
    let exact: Vec<f64> = shares.iter().map(|share| share / sum * PARTS as f64).collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a thousand")]
    let mut parts: Vec<u64> =
        exact.iter().map(|value| if *value > 0.0 { (value.floor() as u64).max(1) } else { 0 }).collect();
    let mut order: Vec<usize> = (0..parts.len()).filter(|&position| exact[position] > 0.0).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let mut left = PARTS.saturating_sub(parts.iter().sum());
    for &position in order.iter().cycle().take(PARTS as usize) {
        if left == 0 {
            break;
        }
        parts[position] += 1;
        left -= 1;
    }
    parts
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; the bias of the remainder is nothing for bounds as small as a window.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn count(split: &Split, requests: usize, candidates: usize) -> Vec<usize> {
        let mut counts = vec![0; candidates];
        for _ in 0..requests {
            counts[split.choose().unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn a_canary_gets_one_of_each_ten() {
        let split = Split::new(&[90.0, 10.0], 7);
        for _ in 0..50 {
            assert_eq!(count(&split, 10, 2), [9, 1]);
        }
    }

    #[test]
    fn nobody_without_a_share_is_chosen() {
        assert_eq!(count(&Split::new(&[0.0, 100.0, 0.0], 1), 100, 3), [0, 100, 0]);
        assert_eq!(Split::new(&[], 1).choose(), None);
        assert_eq!(Split::new(&[0.0, f64::NAN], 1).choose(), None);
    }

    #[test]
    fn a_tiny_share_is_not_lost() {
        assert_eq!(count(&Split::new(&[99.95, 0.05], 1), 1000, 2)[1], 1);
    }

    #[test]
    fn alternating_traffic_does_not_fall_in_step() {
        let split = Split::new(&[50.0, 50.0], 3);
        let (mut even_to_first, rounds) = (0_i32, 2000);
        for _ in 0..rounds {
            even_to_first += i32::from(split.choose() == Some(0));
            split.choose();
        }
        assert!((even_to_first - rounds / 2).abs() < 150, "{even_to_first}");
    }

    proptest! {
        #[test]
        fn any_sample_follows_the_shares(
            shares in prop::collection::vec(0.0_f64..100.0, 1..5), seed in any::<u64>(), skip in 0..500_usize, sample in 1..2000_usize,
        ) {
            let sum: f64 = shares.iter().sum();
            prop_assume!(sum > 1.0);
            let split = Split::new(&shares, seed);
            for _ in 0..skip { split.choose(); }
            let counts = count(&split, sample, shares.len());
            for (got, share) in counts.iter().zip(&shares) {
                let due = sample as f64 * share / sum;
                // Two windows, and the rounding to a thousandth.
                prop_assert!((*got as f64 - due).abs() <= 22.0 + sample as f64 * 0.004, "{got} of {sample}, due {due}");
            }
        }
    }
}
