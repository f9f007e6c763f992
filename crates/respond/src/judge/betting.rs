//! A confidence sequence for the mean of bounded differences: an interval that holds the true mean at *every* look at
//! once, so that a canary may be judged after each outcome without inflating false alarms.
//!
//! Method: testing by betting, Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting",
//! Journal of the Royal Statistical Society B 86(1), 2024, with their grid of constant bets ("grid Kelly"). A gambler
//! who bets that the mean of X in [0, 1] is above m multiplies his wealth by 1 + c(X/m − 1) at each outcome. If the
//! mean is at most m, the wealth is a non-negative supermartingale, and by Ville's inequality (1939) it reaches 1/α
//! with probability at most α, ever. So every m at which it did is excluded. Averaged over several bets c it stays a
//! supermartingale, and since it falls as m rises, the edge of the interval is found by bisection. The largest wealth
//! over all looks counts, so the interval never widens.

/// Bounds for the mean difference, each side wrong with probability at most alpha over all looks together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound, −1 or above.
    pub lower: f64,
    /// Upper bound, 1 or below.
    pub upper: f64,
}

/// Shares of the wealth staked, from bold (finds a broken model in few outcomes) to timid (finds a small loss in many).
const BETS: [f64; 6] = [0.9, 0.6, 0.3, 0.12, 0.05, 0.02];

/// The confidence sequence after `differences`, each in [−1, 1], in their order; `alpha` is for each side.
#[must_use]
pub fn confidence_sequence(differences: &[f64], alpha: f64) -> Interval {
    if differences.is_empty() {
        return Interval { lower: -1.0, upper: 1.0 };
    }
    let up: Vec<f64> = differences.iter().map(|d| (d.clamp(-1.0, 1.0) + 1.0) / 2.0).collect();
    let down: Vec<f64> = up.iter().map(|x| 1.0 - x).collect();
    let threshold = (1.0 / alpha).ln();
    let lower = largest_excluded(&up, threshold);
    let upper = 1.0 - largest_excluded(&down, threshold);
    Interval { lower: 2.0 * lower - 1.0, upper: 2.0 * upper - 1.0 }
}

/// The largest m in [0, 1] whose wealth reached the threshold; 0 when none did. Bisection to 1e-5.
fn largest_excluded(values: &[f64], threshold: f64) -> f64 {
    let (mut excluded, mut kept) = (0.0_f64, 1.0_f64);
    while kept - excluded > 1e-5 {
        let middle = f64::midpoint(excluded, kept);
        if log_wealth_peak(values, middle) >= threshold {
            excluded = middle;
        } else {
            kept = middle;
        }
    }
    excluded
}

/// Logarithm of the largest average wealth over all looks, betting that the mean is above `m`.
fn log_wealth_peak(values: &[f64], m: f64) -> f64 {
    let mut wealth = [0.0_f64; BETS.len()];
    let mut peak = 0.0_f64;
    for x in values {
        for (log_wealth, bet) in wealth.iter_mut().zip(BETS) {
            *log_wealth += (bet * (x / m - 1.0)).ln_1p();
        }
        peak = peak.max(log_mean_exp(&wealth));
    }
    peak
}

fn log_mean_exp(logs: &[f64]) -> f64 {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - top).exp()).sum();
    top + (sum / logs.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::pairing::{LabelledOutcome, Pairer};
    use super::*;
    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    /// A label with a known chance, and a score that is that chance, spoiled by `spoil` of pure noise.
    fn outcome(rng: &mut StdRng, spoil: f64) -> LabelledOutcome {
        let chance: f64 = rng.random::<f64>();
        let label = f64::from(u8::from(rng.random::<f64>() < chance));
        let score = (1.0 - spoil) * chance + spoil * rng.random::<f64>();
        LabelledOutcome { score, label }
    }

    /// Looks in small batches at 10 % canary traffic; the number of canary outcomes at the first look with harm.
    fn first_harm(rng: &mut StdRng, looks: usize, spoil: f64, alpha: f64) -> Option<usize> {
        let mut pairer = Pairer::default();
        for _ in 0..looks {
            let (mut canary, mut stable) = (Vec::new(), Vec::new());
            for _ in 0..40 {
                if rng.random::<f64>() < 0.1 {
                    canary.push(outcome(rng, spoil));
                } else {
                    stable.push(outcome(rng, 0.0));
                }
            }
            pairer.add(&canary, &stable);
        }
        // The peak over all looks is what a controller that looked each time would have seen.
        let differences = pairer.differences();
        if confidence_sequence(differences, alpha).lower <= 0.0 {
            return None;
        }
        let (mut low, mut high) = (0, differences.len());
        while low < high {
            let middle = (low + high) / 2;
            if confidence_sequence(&differences[..middle], alpha).lower > 0.0 {
                high = middle
            } else {
                low = middle + 1
            }
        }
        Some(low)
    }

    #[test]
    fn a_harmless_canary_is_hardly_ever_called_harmful() {
        let mut rng = StdRng::seed_from_u64(7);
        let runs = 250;
        let alarms = (0..runs).filter(|_| first_harm(&mut rng, 100, 0.0, 0.05).is_some()).count();
        // At most 5 % by theory, after 400 canary outcomes looked at all along; 5 % + 3 standard errors = 9.1 %.
        assert!(alarms * 1000 < runs * 91, "{alarms} false alarms of {runs}");
    }

    #[test]
    fn a_broken_canary_is_found_soon() {
        let mut rng = StdRng::seed_from_u64(8);
        let mut needed: Vec<usize> =
            (0..100).map(|_| first_harm(&mut rng, 150, 1.0, 0.025).unwrap_or(usize::MAX)).collect();
        needed.sort_unstable();
        // Pure noise for a score costs 1/6 in mean Brier loss.
        assert!(needed[50] < 80, "median {}", needed[50]);
        assert!(needed[95] < 250, "95th percentile {}", needed[95]);
    }

    #[test]
    fn the_interval_covers_the_truth_and_tightens() {
        let mut rng = StdRng::seed_from_u64(9);
        let mut misses = 0;
        for _ in 0..200 {
            let differences: Vec<f64> = (0..400).map(|_| rng.random::<f64>() * 1.2 - 0.5).collect();
            let all = confidence_sequence(&differences, 0.025);
            let early = confidence_sequence(&differences[..50], 0.025);
            assert!(all.lower >= early.lower - 1e-9 && all.upper <= early.upper + 1e-9);
            assert!(all.upper - all.lower < 0.25, "{all:?}");
            misses += usize::from(!(all.lower <= 0.1 && 0.1 <= all.upper));
        }
        assert!(misses <= 17, "{misses} misses of 200");
    }

    #[test]
    fn nothing_seen_nothing_claimed() {
        assert_eq!(confidence_sequence(&[], 0.05), Interval { lower: -1.0, upper: 1.0 });
    }

    proptest! {
        #[test]
        fn bounds_are_sane(differences in prop::collection::vec(-1.0f64..=1.0, 1..60)) {
            let interval = confidence_sequence(&differences, 0.05);
            prop_assert!(interval.lower >= -1.0 && interval.upper <= 1.0);
            let swapped: Vec<f64> = differences.iter().map(|d| -d).collect();
            let mirror = confidence_sequence(&swapped, 0.05);
            prop_assert!((mirror.lower + interval.upper).abs() < 1e-4);
            prop_assert!((mirror.upper + interval.lower).abs() < 1e-4);
        }
    }
}
