//! The special functions behind p-values, to about 14 digits.

use std::f64::consts::{LN_2, PI, SQRT_2};

/// Natural logarithm of the gamma function for positive arguments (Lanczos, g = 7, nine terms).
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
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
    if x < 0.5 {
        // Reflection: Γ(x)·Γ(1−x) = π / sin πx.
        return (PI / (PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let series = TERMS
        .iter()
        .enumerate()
        .fold(0.999_999_999_999_809_9, |sum, (position, term)| sum + term / (x + position as f64 + 1.0));
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// Regularised upper incomplete gamma function Q(a, x), for a > 0 and x ≥ 0.
///
/// A power series for x < a + 1 and Lentz's continued fraction beyond (Abramowitz and Stegun 6.5.29 and 6.5.31).
#[must_use]
pub fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..100_000 {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        return (1.0 - sum * scale).clamp(0.0, 1.0);
    }
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let numerator = -i * (i - a);
        b += 2.0;
        d = numerator * d + b;
        if d.abs() < TINY {
            d = TINY;
        }
        c = b + numerator / c;
        if c.abs() < TINY {
            c = TINY;
        }
        d = 1.0 / d;
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (fraction * scale).clamp(0.0, 1.0)
}

/// Probability that a chi-square variable with `degrees` of freedom exceeds `x`.
#[must_use]
pub fn chi_square_sf(x: f64, degrees: f64) -> f64 {
    upper_gamma(degrees / 2.0, x / 2.0)
}

/// Probability that a standard normal variable exceeds `z`.
#[must_use]
pub fn normal_sf(z: f64) -> f64 {
    let tail = 0.5 * upper_gamma(0.5, (z / SQRT_2).powi(2));
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// Natural logarithm of the binomial coefficient n over k.
#[must_use]
pub fn ln_binomial(n: f64, k: f64) -> f64 {
    if k <= 0.0 || k >= n {
        return 0.0;
    }
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Natural logarithm of n!, by Stirling's series beyond 20, where it is good to the last digit.
fn ln_factorial(n: f64) -> f64 {
    if n < 20.5 {
        return (2..=n as u64).map(|i| (i as f64).ln()).sum();
    }
    let inverse = 1.0 / n;
    let square = inverse * inverse;
    let correction =
        inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1_260.0 - square * (1.0 / 1_680.0))));
    (n + 0.5) * n.ln() - n + 0.5 * (LN_2 + PI.ln()) + correction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-13 * b.abs().max(1e-3), "{a:e} against {b:e}");
    }

    #[test]
    fn known_values() {
        close(ln_gamma(0.5), PI.sqrt().ln());
        close(ln_gamma(11.0), 3_628_800.0_f64.ln());
        close(ln_factorial(25.0), (1..=25).map(|i| f64::from(i).ln()).sum());
        close(ln_binomial(10.0, 3.0), 120.0_f64.ln());
        // Two degrees of freedom: exp(−x/2); one: twice the normal tail.
        close(chi_square_sf(3.0, 2.0), (-1.5_f64).exp());
        close(chi_square_sf(50.0, 2.0), (-25.0_f64).exp());
        close(chi_square_sf(4.0, 1.0), 2.0 * normal_sf(2.0));
        close(normal_sf(1.959_963_984_540_054), 0.025);
        close(normal_sf(-1.959_963_984_540_054), 0.975);
        close(normal_sf(0.0), 0.5);
        assert_eq!(chi_square_sf(f64::INFINITY, 3.0), 0.0);
    }
}
