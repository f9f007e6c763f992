//! The flat scorer against the library that trained the trees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::sampler::SampleMethod;
use forust_ml::{GradientBooster, Matrix as Columns};
use ropewalk_models::TreeScorer;
use ropewalk_nets::Random;
use ropewalk_prep::Matrix;

const WIDTH: usize = 6;

/// Rows with ties, missing values and a target that depends on both.
fn rows(count: usize, seed: u64) -> (Matrix, Vec<f64>) {
    let mut random = Random::new(seed);
    let mut values = Vec::with_capacity(count * WIDTH);
    let mut labels = Vec::with_capacity(count);
    for _ in 0..count {
        let row: Vec<f32> = (0..WIDTH)
            .map(|column| match column {
                0 => random.below(7) as f32,
                _ if random.unit() < 0.15 => f32::NAN,
                _ => random.between(-3.0, 3.0) as f32,
            })
            .collect();
        let signal = row[0] - 3.0 + row[1].max(-1.0) * if row[2].is_nan() { -2.0 } else { 1.0 };
        labels.push(f64::from(u8::from(f64::from(signal) + random.between(-1.0, 1.0) > 0.0)));
        values.extend(row);
    }
    (Matrix { rows: count, columns: (0..WIDTH).map(|column| format!("f{column}")).collect(), values }, labels)
}

fn columns(matrix: &Matrix) -> Vec<f64> {
    (0..WIDTH)
        .flat_map(|column| (0..matrix.rows).map(move |row| f64::from(matrix.values[row * WIDTH + column])))
        .collect()
}

fn compare(mut booster: GradientBooster) -> TreeScorer {
    let (train, labels) = rows(700, 1);
    let (validation, validation_labels) = rows(300, 2);
    let (train_columns, validation_columns) = (columns(&train), columns(&validation));
    let weights = vec![1.0; 300];
    let sets = vec![(
        Columns::new(&validation_columns, 300, WIDTH),
        validation_labels.as_slice(),
        weights.as_slice(),
    )];
    booster.fit(&Columns::new(&train_columns, 700, WIDTH), &labels, &vec![1.0; 700], Some(sets)).unwrap();
    let scorer = TreeScorer::from_forust_json(booster.json_dump().unwrap().as_bytes()).unwrap();

    let (mut fresh, _) = rows(2_000, 3);
    // The thresholds themselves, infinities and a wholly missing row, besides random rows.
    fresh.values[..WIDTH].fill(f32::NAN);
    fresh.values[WIDTH..2 * WIDTH].fill(f32::INFINITY);
    fresh.values[2 * WIDTH..3 * WIDTH].fill(f32::NEG_INFINITY);
    let thresholds = booster.trees.iter().flat_map(|tree| &tree.nodes).filter(|node| !node.is_leaf);
    for (row, node) in (3..1_000).zip(thresholds) {
        fresh.values[row * WIDTH + node.split_feature] = node.split_value as f32;
    }
    let expected = booster.predict(&Columns::new(&columns(&fresh), fresh.rows, WIDTH), false);
    let margins = scorer.margins(&fresh).unwrap();
    for (row, (margin, expected)) in margins.iter().zip(&expected).enumerate() {
        assert!((margin - expected).abs() <= 1e-12, "row {row}: {margin}, forust {expected}");
    }
    for (score, expected) in scorer.score(&fresh).unwrap().iter().zip(&expected) {
        assert!((f64::from(*score) - 1.0 / (1.0 + (-expected).exp())).abs() < 1e-6);
    }
    scorer
}

fn booster() -> GradientBooster {
    GradientBooster::default().set_iterations(60).set_learning_rate(0.2).set_parallel(false)
}

#[test]
fn equal_when_missing_values_go_left_or_right() {
    assert_eq!(compare(booster()).trees(), 60);
}

#[test]
fn equal_when_missing_values_have_their_own_branch() {
    compare(booster().set_create_missing_branch(true).set_allow_missing_splits(true).set_max_depth(7));
}

#[test]
fn equal_with_few_bins_samples_and_leafwise_growth() {
    let mut booster = booster().set_nbins(8).set_subsample(0.7).set_sample_method(SampleMethod::Random);
    booster = booster.set_colsample_bytree(0.5).set_max_leaves(9);
    booster.grow_policy = GrowPolicy::LossGuide;
    compare(booster);
}

#[test]
fn equal_after_early_stopping() {
    let scorer =
        compare(booster().set_iterations(500).set_learning_rate(0.5).set_early_stopping_rounds(Some(5)));
    assert!(scorer.trees() < 100, "{}", scorer.trees());
}
