//! The few statistics that transforms are fitted with.

/// Mean and standard deviation of a population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    /// 0 for a column that is constant but for rounding.
    pub(crate) deviation: f64,
}

/// The moments of the present values; `None` if there is none. Two passes, so that a large mean
/// does not eat the variance.
#[expect(clippy::cast_precision_loss, reason = "counts of rows in memory are far below 2^53")]
pub(crate) fn moments(values: &[f64]) -> Option<Moments> {
    let present = || values.iter().filter(|value| !value.is_nan());
    let count = present().count() as f64;
    if count == 0.0 {
        return None;
    }
    let mean = present().sum::<f64>() / count;
    let variance = present().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    // The rounding error of the two sums, as scikit-learn bounds it: a variance within it is none.
    let rounding = count * f64::EPSILON * variance + (count * mean * f64::EPSILON).powi(2);
    Some(Moments { mean, deviation: if variance <= rounding { 0.0 } else { variance.sqrt() } })
}

/// The quantile at `share` (0 to 1) of ascending values, linear between neighbours (definition 7
/// of Hyndman and Fan, 1996, <https://doi.org/10.1080/00031305.1996.10473566>; numpy's default);
/// NaN if there are none.
#[expect(clippy::cast_precision_loss, reason = "counts of rows in memory are far below 2^53")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among the values")]
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = last as f64 * share.clamp(0.0, 1.0);
    let below = place.floor() as usize;
    let at = |place: usize| sorted.get(place.min(last)).copied().unwrap_or(f64::NAN);
    let rest = place - place.floor();
    if rest == 0.0 { at(below) } else { at(below) + (at(below + 1) - at(below)) * rest }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;

    #[test]
    fn agrees_with_numpy() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.5), 3.0);
        assert!((quantile(&values, 0.9) - 6.8).abs() < 1e-12);
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (1.0, 8.0));
        let moments = moments(&[1.0, 2.0, f64::NAN, 4.0, 8.0]).unwrap();
        assert_eq!(moments.mean, 3.75);
        assert!((moments.deviation - 2.680_951_323_690_902).abs() < 1e-12);
    }

    #[test]
    fn a_constant_has_no_deviation() {
        assert_eq!(moments(&[0.1; 1001]).unwrap().deviation, 0.0);
        assert_eq!(moments(&[f64::NAN]), None);
        assert!(moments(&[1e-15, 3e-15]).unwrap().deviation > 0.0);
    }
}
