//! Is one failure rate surely above another, looked at as often as one likes?
//!
//! A confidence sequence for a rate from a uniform mixture of all alternatives (Robbins, "Statistical methods related
//! to the law of the iterated logarithm", 1970): with s failures in n requests, the likelihood averaged over all rates
//! against that of a rate p is B(s+1, n−s+1) / (pˢ(1−p)ⁿ⁻ˢ), a non-negative martingale if p is true. Every p at which
//! it reaches 1/α is excluded. It needs counts alone, so it may be computed from running totals.

/// Whether the first (failures, requests) has surely a higher rate than the second; wrong with probability at most
/// `alpha` over all looks together.
#[must_use]
pub fn surely_higher(first: (u64, u64), second: (u64, u64), alpha: f64) -> bool {
    if first.0 == 0 || first.1 == 0 {
        return false;
    }
    lower_bound(first, alpha / 2.0) > upper_bound(second, alpha / 2.0)
}

/// The lower end of the rate's confidence sequence.
#[must_use]
pub fn lower_bound(counts: (u64, u64), alpha: f64) -> f64 {
    let (failures, requests) = (counts.0.min(counts.1) as f64, counts.1 as f64);
    if failures == 0.0 {
        return 0.0;
    }
    edge(failures, requests, alpha, 0.0, failures / requests)
}

/// The upper end of the rate's confidence sequence; 1 of nothing.
#[must_use]
pub fn upper_bound(counts: (u64, u64), alpha: f64) -> f64 {
    let (failures, requests) = (counts.0.min(counts.1) as f64, counts.1 as f64);
    if requests == 0.0 || failures >= requests {
        return 1.0;
    }
    edge(failures, requests, alpha, 1.0, failures / requests)
}

/// Bisects between an end that may be excluded and the observed rate, which never is.
fn edge(failures: f64, requests: f64, alpha: f64, end: f64, observed: f64) -> f64 {
    let threshold = (1.0 / alpha).ln();
    let mixture = ln_gamma(failures + 1.0) + ln_gamma(requests - failures + 1.0) - ln_gamma(requests + 2.0);
    let excluded = |p: f64| {
        let likelihood = part(failures, p) + part(requests - failures, 1.0 - p);
        mixture - likelihood >= threshold
    };
    let (mut out, mut kept) = (end, observed);
    for _ in 0..60 {
        let middle = f64::midpoint(out, kept);
        if excluded(middle) { out = middle } else { kept = middle }
    }
    kept
}

/// count · ln(p), where nothing times the logarithm of zero is zero.
fn part(count: f64, p: f64) -> f64 {
    if count == 0.0 { 0.0 } else { count * p.ln() }
}

/// Logarithm of the gamma function by Lanczos' approximation (g = 7, nine terms), for x ≥ 1; about 15 digits.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    for (index, term) in TERMS.iter().enumerate() {
        sum += term / (x + index as f64 + 1.0);
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    #[test]
    fn gamma_of_whole_numbers_is_the_factorial() {
        let mut factorial = 1.0_f64;
        for n in 1..30 {
            assert!((ln_gamma(f64::from(n)) - factorial.ln()).abs() < 1e-10, "n = {n}");
            factorial *= f64::from(n);
        }
    }

    #[test]
    fn a_failing_canary_is_seen_and_a_single_failure_is_not_proof() {
        assert!(surely_higher((5, 5), (0, 100), 0.025));
        assert!(surely_higher((10, 100), (0, 1000), 0.025));
        assert!(!surely_higher((1, 100), (5, 900), 0.025));
        assert!(!surely_higher((0, 0), (0, 0), 0.025));
        assert!(!surely_higher((0, 100), (90, 100), 0.025));
    }

    #[test]
    fn equal_rates_raise_no_alarm_beyond_alpha() {
        let mut rng = StdRng::seed_from_u64(3);
        let runs = 300;
        let mut alarms = 0;
        for _ in 0..runs {
            let (mut canary, mut stable) = ((0, 0), (0, 0));
            for _ in 0..2000 {
                let arm = if rng.random::<f64>() < 0.1 { &mut canary } else { &mut stable };
                arm.1 += 1;
                arm.0 += u64::from(rng.random::<f64>() < 0.05);
                if surely_higher(canary, stable, 0.05) {
                    alarms += 1;
                    break;
                }
            }
        }
        assert!(alarms <= 24, "{alarms} of {runs}");
    }
}
