//! Two-sample Kolmogorov–Smirnov test with exact p-values.

use super::sorted;
use super::special::ln_binomial;

/// Above so many values on one side the exact count of paths gives way to the one-sample distribution.
const EXACT_LIMIT: usize = 10_000;

/// The largest difference between the two empirical distribution functions, 0 to 1; 0 if a side is empty.
#[must_use]
pub fn distance(reference: &[f64], current: &[f64]) -> f64 {
    if reference.is_empty() || current.is_empty() {
        return 0.0;
    }
    let (a, b) = (sorted(reference), sorted(current));
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        while i < a.len() && a[i] <= value {
            i += 1;
        }
        while j < b.len() && b[j] <= value {
            j += 1;
        }
        largest = largest.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    largest
}

/// Two-sided p-value that both samples come from one continuous distribution; 1 if a side is empty.
///
/// Up to 10,000 values a side it is exact; beyond, the distribution of the one-sample statistic at the rounded
/// effective size mn/(m+n).
#[must_use]
pub fn p_value(reference: &[f64], current: &[f64]) -> f64 {
    let (m, n) = (reference.len(), current.len());
    if m == 0 || n == 0 {
        return 1.0;
    }
    let d = distance(reference, current);
    if m.max(n) <= EXACT_LIMIT {
        return exact(m, n, d).clamp(0.0, 1.0);
    }
    let effective = (m as f64 * n as f64 / (m + n) as f64).round();
    one_sample_sf(effective.max(1.0), d)
}

/// P(D ≥ d) by counting the lattice paths from (0, 0) to (m, n) that leave the band |x/m − y/n| < d.
fn exact(m: usize, n: usize, d: f64) -> f64 {
    let divisor = greatest_common_divisor(m, n);
    let multiple = (m / divisor) as f64 * n as f64;
    // The statistic is a multiple of 1/lcm(m, n); rounding makes it one exactly.
    let h = (d * multiple).round();
    if h <= 0.0 {
        return 1.0;
    }
    if m == n { outside_square(n, h) } else { outside_rectangle(m.max(n), m.min(n), divisor, h) }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Equal sizes: 2·[C(2n, n−h) − C(2n, n−2h) + …] / C(2n, n), by the reflection principle, nested so that no
/// coefficient is ever formed (Gnedenko and Korolyuk 1951).
fn outside_square(n: usize, h: f64) -> f64 {
    let n = n as f64;
    let mut probability = 0.0;
    let mut k = (n / h).floor();
    while k >= 0.0 {
        let mut ratio = 1.0;
        let mut j = 0.0;
        while j < h {
            ratio *= (n - k * h - j) / (n + k * h + j + 1.0);
            j += 1.0;
        }
        probability = ratio * (1.0 - probability);
        k -= 1.0;
    }
    2.0 * probability
}

/// Unequal sizes, m > n: column by column, the probability that a random path to (i, j) has touched the border of
/// the band. A path comes to (i, j) from the left with weight i/(i+j) and from below with weight j/(i+j). Only the
/// part of a column within the band is kept (Hodges 1958, with probabilities for counts).
fn outside_rectangle(m: usize, n: usize, divisor: usize, h: f64) -> f64 {
    let (m_part, n_part) = ((m / divisor) as f64, (n / divisor) as f64);
    let upper = |i: usize| (((n_part * i as f64 + h) / m_part).ceil() as usize).min(n + 1);
    let lower = |i: usize| {
        let first = ((n_part * i as f64 - h) / m_part).floor() + 1.0;
        if first <= 0.0 { 0 } else { (first as usize).min(n) }
    };
    // Outside the band the probability is 1; the first column starts inside with 0.
    let mut column = vec![1.0; n + 2];
    let (mut first, mut end) = (0, upper(0));
    column[..end].fill(0.0);
    let mut next = vec![1.0; n + 2];
    for i in 1..=m {
        let (next_first, next_end) = (lower(i), upper(i));
        if next_end <= next_first {
            return 1.0;
        }
        let mut below = if next_first == 0 { 0.0 } else { 1.0 };
        for j in next_first..next_end {
            let left = if j >= first && j < end { column[j] } else { 1.0 };
            below = (left * i as f64 + below * j as f64) / (i + j) as f64;
            next[j] = below;
        }
        std::mem::swap(&mut column, &mut next);
        (first, end) = (next_first, next_end);
    }
    column[n]
}

/// P(Dₙ ≥ d) for the one-sample, two-sided statistic.
///
/// The regions follow Simard and L'Ecuyer (2011): twice the one-sided tail where the sides hardly meet, the matrix of
/// Marsaglia, Tsang and Wang (2003) where it is small, the expansion of Pelz and Good (1976) for the rest.
#[must_use]
pub fn one_sample_sf(n: f64, d: f64) -> f64 {
    let t = n * d;
    if d >= 1.0 {
        return 0.0;
    }
    if t <= 0.5 {
        return 1.0;
    }
    let spread = t * d;
    let tail = if t >= n - 1.0 {
        2.0 * (1.0 - d).powf(n)
    } else if d >= 0.5 || (n <= 140.0 && spread > 4.0) || (n > 140.0 && spread >= 2.2) {
        if spread >= 370.0 { 0.0 } else { 2.0 * one_sided_sf(n, d) }
    } else if n <= 140.0 || (n <= 100_000.0 && n * d.powf(1.5) <= 1.4) {
        1.0 - matrix_cdf(n as usize, d)
    } else {
        1.0 - expansion_cdf(n, d)
    };
    tail.clamp(0.0, 1.0)
}

/// P(Dₙ⁺ ≥ d): the finite sum of Birnbaum and Tingey (1951), each term by its logarithm.
fn one_sided_sf(n: f64, d: f64) -> f64 {
    let last = (n * (1.0 - d)).floor();
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= last {
        let rest = 1.0 - d - j / n;
        if rest > 0.0 {
            let log = ln_binomial(n, j) + (j - 1.0) * (d + j / n).ln() + (n - j) * rest.ln();
            sum += log.exp();
        }
        j += 1.0;
    }
    d * sum
}

/// P(Dₙ < d) as an entry of the n-th power of a matrix.
fn matrix_cdf(n: usize, d: f64) -> f64 {
    let t = n as f64 * d;
    let k = t.ceil() as usize;
    let size = 2 * k - 1;
    let gap = k as f64 - t;
    let mut matrix = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..size.min(row + 2) {
            matrix[row * size + column] = 1.0;
        }
    }
    for i in 0..size {
        let power = gap.powi(i as i32 + 1);
        matrix[i * size] -= power;
        matrix[(size - 1) * size + size - 1 - i] -= power;
    }
    if 2.0 * gap > 1.0 {
        matrix[(size - 1) * size] += (2.0 * gap - 1.0).powi(size as i32);
    }
    for row in 0..size {
        for column in 0..size.min(row + 1) {
            for factor in 1..=(row + 1 - column) {
                matrix[row * size + column] /= factor as f64;
            }
        }
    }
    let (power, mut exponent) = matrix_power(&matrix, size, n);
    let mut value = power[(k - 1) * size + k - 1];
    // Times n!/nⁿ, rescaled on the way so that nothing underflows.
    for i in 1..=n {
        value *= i as f64 / n as f64;
        if value < 1e-140 {
            value *= 1e140;
            exponent -= 140;
        }
    }
    (value * 10f64.powi(exponent)).clamp(0.0, 1.0)
}

/// A square matrix to the n-th power, with a decimal exponent drawn out.
fn matrix_power(matrix: &[f64], size: usize, n: usize) -> (Vec<f64>, i32) {
    let mut result = vec![0.0; size * size];
    for i in 0..size {
        result[i * size + i] = 1.0;
    }
    let (mut base, mut base_exponent, mut exponent, mut n) = (matrix.to_vec(), 0_i32, 0_i32, n);
    let middle = size / 2 * size + size / 2;
    while n > 0 {
        if n & 1 == 1 {
            result = multiply(&result, &base, size);
            exponent += base_exponent;
            if result[middle] > 1e140 {
                result.iter_mut().for_each(|value| *value *= 1e-140);
                exponent += 140;
            }
        }
        base = multiply(&base, &base, size);
        base_exponent *= 2;
        if base[middle] > 1e140 {
            base.iter_mut().for_each(|value| *value *= 1e-140);
            base_exponent += 140;
        }
        n >>= 1;
    }
    (result, exponent)
}

fn multiply(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut product = vec![0.0; size * size];
    for row in 0..size {
        for inner in 0..size {
            let factor = a[row * size + inner];
            for column in 0..size {
                product[row * size + column] += factor * b[inner * size + column];
            }
        }
    }
    product
}

/// P(Dₙ < d) by Kolmogorov's limit and three correction terms in 1/√n, in the form that converges fast for small
/// arguments (Pelz and Good 1976, equations 6 to 9).
fn expansion_cdf(n: f64, d: f64) -> f64 {
    use std::f64::consts::PI;
    let z = n.sqrt() * d;
    let z2 = z * z;
    let (z4, z6, z8) = (z2 * z2, z2 * z2 * z2, z2 * z2 * z2 * z2);
    let pi2 = PI * PI;
    let (pi4, pi6) = (pi2 * pi2, pi2 * pi2 * pi2);
    let terms = (16.0 * z / PI).ceil() as i32;
    let mut k = [0.0_f64; 4];
    for term in (1..=terms).rev() {
        let odd = f64::from(2 * term - 1);
        let (m2, m4, m6) = (odd.powi(2), odd.powi(4), odd.powi(6));
        let weight = (-m2 * pi2 / (8.0 * z2)).exp();
        k[0] += weight;
        k[1] += weight * (pi2 / 4.0 * m2 - z2);
        k[2] += weight
            * (6.0 * z6
                + 2.0 * z4
                + pi2 / 4.0 * (2.0 * z4 - 5.0 * z2) * m2
                + pi4 / 16.0 * (1.0 - 2.0 * z2) * m4);
        k[3] += weight
            * (pi6 / 64.0 * (5.0 - 30.0 * z2) * m6
                + pi4 / 16.0 * (212.0 * z4 - 60.0 * z2) * m4
                + pi2 / 4.0 * (135.0 * z4 - 96.0 * z6) * m2
                - 30.0 * z6
                - 90.0 * z8);
    }
    let root = (2.0 * PI).sqrt();
    for (value, divisor) in k.iter_mut().zip([z, 6.0 * z4, 72.0 * z4 * z2 * z, 6_480.0 * z8 * z2]) {
        *value *= root / divisor;
    }
    let (mut second, mut third) = (0.0, 0.0);
    for term in (1..=terms).rev() {
        let s = f64::from(term * term);
        let weight = s * (-pi2 * s / (2.0 * z2)).exp();
        second += weight;
        third += weight * (3.0 * z2 - pi2 * s);
    }
    k[2] -= second * pi2 * root / (36.0 * z2 * z);
    k[3] += third * pi2 * root / (216.0 * z6);
    let root_n = n.sqrt();
    k[0] + k[1] / root_n + k[2] / n + k[3] / (n * root_n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_values_of_the_literature() {
        // Marsaglia, Tsang and Wang (2003), section 3.
        for (n, d, cdf) in [
            (10.0, 0.274, 0.628_479_615_456_504_3),
            (2_000.0, 0.04, 0.996_769_431_917_136_8),
            (2_000.0, 0.06, 0.999_998_939_569_305_7),
            (16_000.0, 0.016, 0.999_452_349_138_280_5),
        ] {
            let sf = one_sample_sf(n, d);
            assert!((sf - (1.0 - cdf)).abs() < 1e-10, "{n} {d}: {sf:e} against {:e}", 1.0 - cdf);
        }
    }

    #[test]
    fn the_methods_agree_where_regions_meet() {
        for (n, d) in [(141, 0.08), (1_000, 0.03), (3_000, 0.02)] {
            let (matrix, expansion) = (matrix_cdf(n, d), expansion_cdf(n as f64, d));
            assert!((matrix - expansion).abs() < 2e-6, "{n} {d}: {matrix} against {expansion}");
        }
        let (tail, matrix) = (2.0 * one_sided_sf(140.0, 0.17), 1.0 - matrix_cdf(140, 0.17));
        assert!((tail - matrix).abs() < 1e-6, "{tail:e} against {matrix:e}");
        let (tail, expansion) = (2.0 * one_sided_sf(50_000.0, 0.0067), 1.0 - expansion_cdf(50_000.0, 0.0067));
        assert!((tail - expansion).abs() < 1e-6, "{tail:e} against {expansion:e}");
    }

    #[test]
    fn small_cases_by_hand() {
        // All of one side below all of the other: 2 of C(4, 2) = 6 orders are so extreme.
        assert!((p_value(&[1.0, 2.0], &[3.0, 4.0]) - 1.0 / 3.0).abs() < 1e-15);
        // Sizes 2 and 1: D = 1 in 2 of 3 orders.
        assert!((p_value(&[1.0, 2.0], &[3.0]) - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(p_value(&[1.0, 2.0], &[2.0, 1.0]), 1.0);
        assert_eq!(p_value(&[], &[2.0, 1.0]), 1.0);
    }

    #[test]
    fn the_rectangle_agrees_with_a_brute_count() {
        for (m, n) in [(5_usize, 3_usize), (6, 4), (7, 5)] {
            // Every order of m reference and n current values, as bit masks.
            let total = m + n;
            let mut distances = Vec::new();
            for mask in 0_u32..1 << total {
                if mask.count_ones() as usize != m {
                    continue;
                }
                let (mut x, mut y, mut largest) = (0.0_f64, 0.0_f64, 0.0_f64);
                for bit in 0..total {
                    if mask >> bit & 1 == 1 {
                        x += 1.0
                    } else {
                        y += 1.0
                    }
                    largest = largest.max((x / m as f64 - y / n as f64).abs());
                }
                distances.push(largest);
            }
            for &d in &distances {
                let as_extreme = distances.iter().filter(|&&other| other >= d - 1e-12).count();
                let expected = as_extreme as f64 / distances.len() as f64;
                assert!((exact(m, n, d) - expected).abs() < 1e-12, "{m} {n} {d}");
            }
        }
    }

    #[test]
    fn large_samples_do_not_need_exactness() {
        let a: Vec<f64> = (0..20_000).map(f64::from).collect();
        let b: Vec<f64> = a.iter().map(|value| value + 150.0).collect();
        let p = p_value(&a, &b);
        assert!((0.5..0.7).contains(&p), "{p}");
    }
}
