//! One column of a window against its reference.

use std::collections::BTreeMap;

use ropewalk_data::{Column, Frame};
use ropewalk_models::{ColumnProfile, ReferenceProfile};

use crate::picture;
use crate::statistics::binning::{category_shares, numeric_shares, shares_of_counts};
use crate::statistics::choice::Test;
use crate::statistics::{
    chi_square, false_discovery, finite, jensen_shannon, kolmogorov, mean, proportion, psi,
    standard_deviation, total_variation, wasserstein,
};
use crate::{ColumnDrift, MonitorSettings};

/// Mean shifts below so many standard deviations are called `same`.
const SAME: f64 = 0.1;
/// New categories that a report names.
const NAMED: usize = 20;

/// Every column of the reference against the window, largest effect first.
///
/// The tests are Evidently's defaults; a column counts as drifted only if its p-value, corrected for the number of
/// columns, is significant as well, and its effect is material.
#[must_use]
pub fn columns(reference: &ReferenceProfile, window: &Frame, settings: &MonitorSettings) -> Vec<ColumnDrift> {
    let rows = window.rows();
    let mut found: Vec<ColumnDrift> = reference
        .columns
        .iter()
        .map(|profile| match window.column(&profile.name) {
            Ok(column) => one_column(profile, column),
            Err(_) => one_column(profile, &Column::Number(vec![f64::NAN; rows])),
        })
        .collect();
    correct(&mut found, settings);
    for (drift, profile) in found.iter_mut().zip(&reference.columns) {
        let total = reference.rows.max(1) as f64;
        let p = proportion::rise_p_value(
            profile.missing_share * total,
            total,
            drift.missing_share * rows as f64,
            rows as f64,
        );
        // Bonferroni over the columns: a rise is only told when chance is out of the question.
        let beyond_chance = p * reference.columns.len() as f64 <= settings.significance;
        drift.missing_rose =
            beyond_chance && drift.missing_share - profile.missing_share >= settings.missing_rise;
    }
    found.sort_by(|a, b| b.effect_size.total_cmp(&a.effect_size).then_with(|| a.name.cmp(&b.name)));
    found
}

/// The scores of a window against the model's scores when it was registered; `None` if either side has none.
#[must_use]
pub fn scores(reference: &[f64], window: &[f64], settings: &MonitorSettings) -> Option<ColumnDrift> {
    let (reference, window) = (finite(reference), finite(window));
    if reference.is_empty() || window.is_empty() {
        return None;
    }
    let mut found = vec![numbers("score", &reference, &window)];
    correct(&mut found, settings);
    found.pop()
}

fn correct(columns: &mut [ColumnDrift], settings: &MonitorSettings) {
    let raw: Vec<f64> = columns.iter().map(|column| column.p_value).collect();
    for (column, adjusted) in columns.iter_mut().zip(false_discovery::adjusted(&raw)) {
        column.p_adjusted = adjusted;
        // `drifted` holds the test's own verdict until here.
        column.drifted = column.drifted
            && adjusted <= settings.significance
            && column.effect_size >= settings.material_effect;
    }
}

fn one_column(profile: &ColumnProfile, column: &Column) -> ColumnDrift {
    let rows = column.len();
    let (mut drift, present) = if profile.kind == "number" {
        let current = as_numbers(column);
        (numbers(&profile.name, &finite(&profile.sample), &current), current.len())
    } else {
        let current = as_categories(column);
        let present = current.values().sum::<u64>() as usize;
        (categories(&profile.name, &profile.categories, &current), present)
    };
    drift.missing_share = if rows == 0 { 0.0 } else { (rows - present.min(rows)) as f64 / rows as f64 };
    drift.missing_share_reference = profile.missing_share;
    drift
}

/// The numbers of a column; text that is none counts as missing.
fn as_numbers(column: &Column) -> Vec<f64> {
    match column {
        Column::Number(values) => finite(values),
        Column::Text(values) => values
            .iter()
            .filter_map(|value| value.as_deref()?.trim().parse().ok())
            .filter(|value: &f64| value.is_finite())
            .collect(),
    }
}

fn as_categories(column: &Column) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut count = |value: String| *counts.entry(value).or_default() += 1;
    match column {
        Column::Number(values) => {
            values.iter().filter(|value| !value.is_nan()).for_each(|value| count(value.to_string()))
        }
        Column::Text(values) => values.iter().flatten().for_each(|value| count(value.clone())),
    }
    counts
}

fn nothing_to_compare(name: &str, kind: &str) -> ColumnDrift {
    ColumnDrift {
        name: name.to_owned(),
        kind: kind.to_owned(),
        statistic: Test::KolmogorovSmirnov.name().to_owned(),
        value: 1.0,
        threshold: Test::KolmogorovSmirnov.threshold(),
        p_value: 1.0,
        p_adjusted: 1.0,
        drifted: false,
        effect_size: 0.0,
        mean_shift: None,
        direction: "same".to_owned(),
        mean_reference: None,
        mean_current: None,
        psi: 0.0,
        missing_share: 0.0,
        missing_share_reference: 0.0,
        missing_rose: false,
        new_categories: Vec::new(),
        new_category_share: 0.0,
        histogram_reference: Vec::new(),
        histogram_current: Vec::new(),
        edges: Vec::new(),
        labels: Vec::new(),
    }
}

/// Both sides hold finite numbers only.
fn numbers(name: &str, reference: &[f64], current: &[f64]) -> ColumnDrift {
    let mut drift = nothing_to_compare(name, "number");
    if reference.is_empty() || current.is_empty() {
        return drift;
    }
    let keys = |values: &[f64]| values.iter().map(|value| (value + 0.0).to_bits()).collect::<Vec<_>>();
    let (reference_keys, current_keys) = (keys(reference), keys(current));
    let mut distinct: Vec<u64> = reference_keys.iter().chain(&current_keys).copied().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let test = Test::default_for(true, reference.len(), distinct.len());
    let shares = numeric_shares(reference, current, false);
    drift.p_value = match test {
        Test::ChiSquare | Test::JensenShannon => chi_square::p_value(&reference_keys, &current_keys),
        Test::Proportion => proportion::first_category_p_value(&reference_keys, &current_keys),
        Test::KolmogorovSmirnov | Test::Wasserstein => kolmogorov::p_value(reference, current),
    };
    drift.value = match test {
        Test::Wasserstein => wasserstein::normed(reference, current),
        Test::JensenShannon => jensen_shannon::distance(&category_shares(&reference_keys, &current_keys)),
        _ => drift.p_value,
    };
    conclude(&mut drift, test);
    drift.effect_size = kolmogorov::distance(reference, current);
    drift.psi = psi::index(&shares);
    let (centre, spread) = (mean(reference), standard_deviation(reference));
    let shift = mean(current) - centre;
    drift.mean_reference = Some(centre);
    drift.mean_current = Some(mean(current));
    drift.mean_shift = (spread > 0.0).then(|| shift / spread);
    let felt = if spread > 0.0 { shift / spread } else { shift * f64::MAX };
    drift.direction = if felt > SAME {
        "up"
    } else if felt < -SAME {
        "down"
    } else {
        "same"
    }
    .to_owned();
    let picture = picture::numbers(reference, current);
    (drift.histogram_reference, drift.histogram_current, drift.edges) =
        (picture.reference, picture.current, picture.edges);
    drift
}

fn categories(name: &str, reference: &BTreeMap<String, u64>, current: &BTreeMap<String, u64>) -> ColumnDrift {
    let mut drift = nothing_to_compare(name, "category");
    let count = |side: &BTreeMap<String, u64>, key: &str| side.get(key).copied().unwrap_or_default() as f64;
    let mut names: Vec<&String> = reference.keys().chain(current.keys()).collect();
    names.sort();
    names.dedup();
    let counts: Vec<(f64, f64)> =
        names.iter().map(|name| (count(reference, name), count(current, name))).collect();
    let (in_reference, in_current) =
        counts.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if in_reference <= 0.0 || in_current <= 0.0 {
        return drift;
    }
    let shares = shares_of_counts(&counts);
    let test = Test::default_for(false, in_reference as usize, counts.len());
    drift.p_value = match test {
        Test::Proportion => {
            let first = counts.first().copied().unwrap_or_default();
            proportion::p_value(in_reference - first.0, in_reference, in_current - first.1, in_current)
        }
        _ => chi_square::p_value_of_counts(&counts),
    };
    drift.value = if test == Test::JensenShannon { jensen_shannon::distance(&shares) } else { drift.p_value };
    conclude(&mut drift, test);
    drift.effect_size = total_variation::distance(&shares);
    drift.psi = psi::index(&shares);
    drift.direction = if drift.effect_size > 0.0 { "changed" } else { "same" }.to_owned();
    let mut unseen: Vec<(&String, f64)> = names
        .iter()
        .zip(&counts)
        .filter(|(_, pair)| pair.0 == 0.0)
        .map(|(name, pair)| (*name, pair.1))
        .collect();
    unseen.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    drift.new_category_share = unseen.iter().map(|(_, count)| count).sum::<f64>() / in_current;
    drift.new_categories = unseen.into_iter().take(NAMED).map(|(name, _)| name.clone()).collect();
    let picture = picture::categories(&names, &shares);
    (drift.histogram_reference, drift.histogram_current, drift.labels) =
        (picture.reference, picture.current, picture.labels);
    drift
}

fn conclude(drift: &mut ColumnDrift, test: Test) {
    drift.statistic = test.name().to_owned();
    drift.threshold = test.threshold();
    drift.drifted = test.says_drift(drift.value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn number_profile(name: &str, sample: Vec<f64>) -> ColumnProfile {
        ColumnProfile { name: name.into(), kind: "number".into(), sample, ..ColumnProfile::default() }
    }

    /// Numbers that look drawn from the unit interval: the golden ratio's multiples.
    fn spread(count: usize, start: usize) -> Vec<f64> {
        (start..start + count).map(|i| (i as f64 * 0.618_033_988_749_895).fract()).collect()
    }

    fn profile(columns: Vec<ColumnProfile>) -> ReferenceProfile {
        ReferenceProfile { rows: 1_000, columns, ..ReferenceProfile::default() }
    }

    #[test]
    fn a_shift_is_told_and_a_small_significant_one_is_not() {
        let reference = profile(vec![
            number_profile("moved", spread(1_000, 0)),
            number_profile("nudged", spread(1_000, 0)),
            number_profile("same", spread(1_000, 0)),
        ]);
        let frame = Frame::new(vec![
            ("moved".into(), Column::Number(spread(500, 7).iter().map(|x| x + 0.5).collect())),
            ("nudged".into(), Column::Number(spread(500, 7).iter().map(|x| x + 0.15).collect())),
            ("same".into(), Column::Number(spread(500, 7))),
        ])
        .unwrap();
        let found = columns(&reference, &frame, &MonitorSettings::default());
        assert_eq!(
            found.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
            ["moved", "nudged", "same"]
        );
        assert_eq!(found.iter().map(|column| column.drifted).collect::<Vec<_>>(), [true, false, false]);
        assert!(found[1].p_adjusted < 0.001, "significant, but not material: {:?}", found[1]);
        assert_eq!((found[0].direction.as_str(), found[2].direction.as_str()), ("up", "same"));
        assert!((found[0].effect_size - 0.5).abs() < 0.02);
        for column in &found {
            assert!((column.histogram_reference.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!((column.histogram_current.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert_eq!(column.edges.len(), column.histogram_current.len() + 1);
        }
    }

    #[test]
    fn one_new_category_in_many_rows_is_named_but_is_no_drift() {
        let counts =
            |pairs: &[(&str, u64)]| pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let reference = profile(vec![ColumnProfile {
            name: "c".into(),
            kind: "text".into(),
            categories: counts(&[("a", 500), ("b", 300), ("d", 200)]),
            ..ColumnProfile::default()
        }]);
        let window = |values: Vec<&str>| {
            Frame::new(vec![(
                "c".into(),
                Column::Text(values.into_iter().map(|v| Some(v.to_owned())).collect()),
            )])
            .unwrap()
        };
        let mut values = [vec!["a"; 250], vec!["b"; 150], vec!["d"; 99], vec!["new"; 1]].concat();
        let few = columns(&reference, &window(values.clone()), &MonitorSettings::default());
        assert_eq!((few[0].p_value, few[0].drifted), (0.0, false));
        assert_eq!(few[0].new_categories, ["new"]);
        values.extend(vec!["newer"; 300]);
        let many = columns(&reference, &window(values), &MonitorSettings::default());
        assert!(many[0].drifted && many[0].new_category_share > 0.37);
        assert_eq!(many[0].new_categories, ["newer", "new"]);
    }

    #[test]
    fn missing_values_are_seen_where_tests_are_blind() {
        let reference = profile(vec![number_profile("x", spread(1_000, 0))]);
        let mut values = spread(500, 3);
        values.iter_mut().step_by(4).for_each(|value| *value = f64::NAN);
        let frame = Frame::new(vec![("x".into(), Column::Number(values))]).unwrap();
        let found = columns(&reference, &frame, &MonitorSettings::default());
        assert!(!found[0].drifted && found[0].missing_rose);
        assert!((found[0].missing_share - 0.25).abs() < 1e-9);
        // A column that does not come at all is missing altogether.
        let frame = Frame::new(vec![("y".into(), Column::Number(vec![0.0; 200]))]).unwrap();
        let found = columns(&reference, &frame, &MonitorSettings::default());
        assert!(found[0].missing_rose && found[0].missing_share == 1.0 && found[0].p_value == 1.0);
    }

    #[test]
    fn odd_columns_give_finite_figures() {
        let reference = profile(vec![number_profile("flat", vec![3.0; 50]), number_profile("none", vec![])]);
        let frame = Frame::new(vec![
            ("flat".into(), Column::Text(vec![Some("4".into()); 40])),
            ("none".into(), Column::Number(vec![f64::INFINITY; 40])),
        ])
        .unwrap();
        for column in columns(&reference, &frame, &MonitorSettings::default()) {
            let text = serde_json::to_string(&column).unwrap();
            assert_eq!(serde_json::from_str::<ColumnDrift>(&text).unwrap(), column);
        }
    }
}
