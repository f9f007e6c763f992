//! Every statistic against the figures that Evidently 0.7.23 gave for the same tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::path::Path;

use ropewalk_watch::statistics::binning::{category_shares, numeric_shares, sturges_edges};
use ropewalk_watch::statistics::choice::Test;
use ropewalk_watch::statistics::{
    chi_square, finite, hellinger, jensen_shannon, kolmogorov, kullback_leibler, proportion, psi,
    standard_deviation, total_variation, wasserstein,
};
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

/// The columns of a table as text; the tables hold no quotes.
fn table(name: &str) -> HashMap<String, Vec<String>> {
    let text = std::fs::read_to_string(golden(name)).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    for line in lines {
        for (name, cell) in names.iter().zip(line.split(',')) {
            columns.entry((*name).to_owned()).or_default().push(cell.to_owned());
        }
    }
    columns
}

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

struct Check<'a> {
    place: String,
    expected: &'a Value,
    compared: usize,
}

impl Check<'_> {
    fn figure(&mut self, path: &str, found: f64) {
        let Some(expected) = self.expected.pointer(path).and_then(Value::as_f64) else { return };
        let apart = (found - expected).abs();
        assert!(
            apart <= TOLERANCE * expected.abs().max(1.0),
            "{} {path}: {found:e} for {expected:e}",
            self.place
        );
        self.compared += 1;
    }
}

fn compare(source: &str, reference: &str, current: &str) -> usize {
    let expected: Value =
        serde_json::from_slice(&std::fs::read(golden(&format!("evidently_stats_{source}.json"))).unwrap())
            .unwrap();
    let (reference, current) = (table(reference), table(current));
    let mut compared = 0;
    for (column, expected) in expected.as_object().unwrap().iter().filter(|(name, _)| *name != "_meta") {
        let mut check = Check { place: format!("{source} {column}"), expected, compared: 0 };
        if expected["type"] == "num" {
            numbers(&mut check, &reference[column], &current[column]);
        } else {
            categories(&mut check, &reference[column], &current[column]);
        }
        compared += check.compared;
    }
    compared
}

fn numbers(check: &mut Check<'_>, reference: &[String], current: &[String]) {
    // As pandas reads them: a column is of an integer type if every cell looks like one.
    let integers = reference.iter().chain(current).all(|cell| cell.parse::<i64>().is_ok());
    let read = |cells: &[String]| {
        finite(&cells.iter().map(|cell| cell.parse().unwrap_or(f64::NAN)).collect::<Vec<_>>())
    };
    let (reference, current) = (read(reference), read(current));
    let shares = numeric_shares(&reference, &current, integers);
    check.figure("/tests/psi/score", psi::index(&shares));
    check.figure("/tests/jensenshannon/score", jensen_shannon::distance(&shares));
    check.figure("/tests/kl_div/score", kullback_leibler::divergence(&shares));
    check.figure("/tests/hellinger/score", hellinger::numeric(&reference, &current, integers));
    check.figure("/tests/wasserstein/score", wasserstein::normed(&reference, &current));
    check.figure("/wasserstein_raw", wasserstein::distance(&reference, &current));
    check.figure("/ref_std_ddof0", standard_deviation(&reference));
    check.figure("/tests/ks/score", kolmogorov::p_value(&reference, &current));
    check.figure("/ks_statistic", kolmogorov::distance(&reference, &current));
    let both: Vec<f64> = reference.iter().chain(&current).copied().collect();
    if let Some(edges) = check.expected["sturges_edges"].as_array() {
        let found = sturges_edges(&both, integers);
        assert_eq!(found.len(), edges.len(), "{}", check.place);
        for (position, edge) in found.iter().enumerate() {
            check.figure(&format!("/sturges_edges/{position}"), *edge);
        }
    }
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let test = default_test(check, true, reference.len(), distinct(&bits(&reference), &bits(&current)));
    let score = match test {
        Test::KolmogorovSmirnov => kolmogorov::p_value(&reference, &current),
        Test::ChiSquare => chi_square::p_value(&bits(&reference), &bits(&current)),
        other => panic!("{}: {other:?}", check.place),
    };
    verdict(check, test, score);
}

fn categories(check: &mut Check<'_>, reference: &[String], current: &[String]) {
    let present =
        |cells: &[String]| cells.iter().filter(|cell| !cell.is_empty()).cloned().collect::<Vec<_>>();
    let (reference, current) = (present(reference), present(current));
    let shares = category_shares(&reference, &current);
    check.figure("/tests/psi/score", psi::index(&shares));
    check.figure("/tests/jensenshannon/score", jensen_shannon::distance(&shares));
    check.figure("/tests/kl_div/score", kullback_leibler::divergence(&shares));
    check.figure("/tests/hellinger/score", hellinger::distance(&shares));
    check.figure("/tests/chisquare/score", chi_square::p_value(&reference, &current));
    check.figure("/tests/z/score", proportion::first_category_p_value(&reference, &current));
    check.figure("/tvd_statistic", total_variation::distance(&shares));
    let test = default_test(check, false, reference.len(), distinct(&reference, &current));
    let score = match test {
        Test::ChiSquare => chi_square::p_value(&reference, &current),
        Test::Proportion => proportion::first_category_p_value(&reference, &current),
        other => panic!("{}: {other:?}", check.place),
    };
    verdict(check, test, score);
}

fn distinct<T: Ord + Clone>(reference: &[T], current: &[T]) -> usize {
    reference.iter().chain(current).collect::<std::collections::BTreeSet<_>>().len()
}

fn default_test(check: &mut Check<'_>, numeric: bool, reference: usize, distinct: usize) -> Test {
    let test = Test::default_for(numeric, reference, distinct);
    assert_eq!(test.name(), check.expected["default"]["test"], "{}", check.place);
    check.compared += 1;
    test
}

fn verdict(check: &mut Check<'_>, test: Test, score: f64) {
    check.figure("/default/score", score);
    assert_eq!(
        test.says_drift(score),
        check.expected["default"]["drift"].as_bool().unwrap(),
        "{}",
        check.place
    );
}

#[test]
fn generated_columns() {
    assert!(compare("gen_1000", "ref_1000.csv", "cur_1000.csv") > 300);
}

#[test]
fn wine() {
    assert!(compare("wine", "wine_ref.csv", "wine_cur.csv") > 200);
}

#[test]
fn diabetes() {
    assert!(compare("diabetes", "diabetes_ref.csv", "diabetes_cur.csv") > 150);
}
