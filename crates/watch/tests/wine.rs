//! The judgement on real tables: red wines against other red wines stay green, white wines do not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::path::Path;

use ropewalk_data::{Column, Frame};
use ropewalk_models::{ColumnProfile, ReferenceProfile};
use ropewalk_watch::{ColumnDrift, MonitorSettings, drift};

/// A wine table without its target and without repeated rows.
fn wines(colour: &str) -> Frame {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../data/wine/winequality-{colour}.csv"));
    let frame = Frame::from_csv(&std::fs::read(path).unwrap()).unwrap();
    let mut seen = HashSet::new();
    let distinct: Vec<usize> = (0..frame.rows()).filter(|&row| seen.insert(frame.row_hash(row))).collect();
    frame.select(&distinct).without("quality")
}

/// The rows in an order that depends on the seed (a multiplicative congruential shuffle).
fn shuffled(frame: &Frame, seed: u64) -> Frame {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut order: Vec<usize> = (0..frame.rows()).collect();
    for last in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (state >> 33) as usize % (last + 1));
    }
    frame.select(&order)
}

fn rows(frame: &Frame, from: usize, count: usize) -> Frame {
    frame.select(&(from..from + count).collect::<Vec<_>>())
}

fn profile(training: &Frame) -> ReferenceProfile {
    let columns = training
        .iter()
        .map(|(name, column)| {
            let Column::Number(values) = column else { panic!("{name} holds text") };
            ColumnProfile {
                name: name.to_owned(),
                kind: "number".into(),
                sample: values.iter().copied().take(1_000).collect(),
                ..ColumnProfile::default()
            }
        })
        .collect();
    ReferenceProfile { rows: training.rows() as u64, columns, ..ReferenceProfile::default() }
}

fn against(training: &Frame, window: &Frame) -> Vec<ColumnDrift> {
    drift::columns(&profile(training), window, &MonitorSettings::default())
}

fn drifted(columns: &[ColumnDrift]) -> Vec<&str> {
    columns.iter().filter(|column| column.drifted).map(|column| column.name.as_str()).collect()
}

#[test]
fn held_out_red_wines_are_green_however_they_are_split() {
    let red = wines("red");
    assert_eq!(red.rows(), 1_359);
    let mut significant = 0;
    for seed in 0..60 {
        let red = shuffled(&red, seed);
        let found = against(&rows(&red, 0, 1_087), &rows(&red, 1_087, 272));
        assert_eq!(drifted(&found), [""; 0], "seed {seed}");
        significant += usize::from(found.iter().any(|column| column.p_value <= 0.05));
    }
    // What is being guarded against: without correction and materiality every third split would have shown a column.
    assert!(significant > 12, "{significant}");
}

#[test]
fn white_wines_fire_on_nearly_every_column() {
    let (red, white) = (wines("red"), wines("white"));
    for seed in 0..20 {
        let (red, white) = (shuffled(&red, seed), shuffled(&white, seed));
        let found = against(&rows(&red, 0, 815), &rows(&white, 0, 300));
        let names = drifted(&found);
        assert!(names.len() >= 9, "seed {seed}: {names:?}");
        assert!(names.contains(&"chlorides") && names.contains(&"total sulfur dioxide"), "{names:?}");
        assert_eq!(
            found.iter().find(|column| column.name == "total sulfur dioxide").unwrap().direction,
            "up"
        );
    }
}

#[test]
fn white_wines_are_no_alert_to_a_model_that_learnt_from_them_too() {
    let (red, white) = (wines("red"), wines("white"));
    for seed in 0..20 {
        let (red, white) = (shuffled(&red, seed), shuffled(&white, seed));
        let training = shuffled(&rows(&red, 0, 815).concat(&rows(&white, 0, 1_600)).unwrap(), seed);
        let found = against(&training, &rows(&white, 2_000, 500));
        assert!(drifted(&found).len() * 2 < found.len(), "seed {seed}: {:?}", drifted(&found));
    }
}
