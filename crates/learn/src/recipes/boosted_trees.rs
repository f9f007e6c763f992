//! Gradient-boosted decision trees by `forust-ml`: histogram splits, log-loss, stopped early on the validation rows.

use forust_ml::gradientbooster::ImportanceMethod;
use forust_ml::metric::Metric;
use forust_ml::objective::ObjectiveType;
use forust_ml::sampler::SampleMethod;
use forust_ml::{GradientBooster, Matrix as Columns};
use ropewalk_core::{Error, Result};
use ropewalk_prep::{Matrix, Part};

use super::{Fitted, Point};
use crate::metrics::auc;
use crate::parameters::{Parameter, Search, Values};

pub(super) const DESCRIPTION: &str = "Gradient-boosted decision trees: strong on tables of any size, indifferent to scaling, at ease with missing values.";

/// Cells from which on the columns' histograms are worth several threads. Each is still summed by one, so that the trees
/// do not depend on how many there are.
const PARALLEL_CELLS: usize = 500_000;

pub(super) fn parameters() -> Vec<Parameter> {
    vec![
        Parameter::integer(
            "trees",
            400,
            [1, 10_000],
            Search::Fixed,
            "most trees; early stopping usually takes fewer",
        ),
        Parameter::number(
            "learning_rate",
            0.06,
            [1e-4, 1.0],
            Search::LogUniform { low: 0.02, high: 0.2 },
            "the share of each tree's correction that is taken",
        ),
        Parameter::integer(
            "max_depth",
            6,
            [1, 16],
            Search::Uniform { low: 3.0, high: 9.0 },
            "levels of a tree",
        ),
        Parameter::number(
            "min_leaf_weight",
            1.0,
            [0.0, 1e6],
            Search::LogUniform { low: 0.5, high: 8.0 },
            "least sum of second derivatives in a leaf",
        ),
        Parameter::number(
            "l2",
            1.0,
            [0.0, 1e6],
            Search::LogUniform { low: 0.1, high: 10.0 },
            "penalty on squared leaf weights",
        ),
        Parameter::number("gamma", 0.0, [0.0, 1e6], Search::Fixed, "least gain of a split"),
        Parameter::number(
            "subsample",
            0.8,
            [0.1, 1.0],
            Search::Uniform { low: 0.6, high: 1.0 },
            "share of the rows that a tree sees",
        ),
        Parameter::number(
            "column_sample",
            0.7,
            [0.1, 1.0],
            Search::Uniform { low: 0.4, high: 1.0 },
            "share of the features that a tree sees",
        ),
        Parameter::integer("bins", 255, [2, 4096], Search::Fixed, "histogram bins of a feature"),
        Parameter::integer(
            "patience",
            40,
            [1, 10_000],
            Search::Fixed,
            "trees without a lower validation loss before it stops",
        ),
    ]
}

pub(super) fn train(values: &Values, seed: u64, train: &Part, validation: &Part) -> Result<Fitted> {
    let width = train.features.width();
    let train_columns = columns(&train.features, true);
    let validation_columns = columns(&validation.features, false);
    let train_matrix = Columns::new(&train_columns, train.features.rows, width);
    let validation_matrix = Columns::new(&validation_columns, validation.features.rows, width);
    let labels = doubles(&train.labels);
    let validation_labels = doubles(&validation.labels);
    let weights = vec![1.0; labels.len()];
    let validation_weights = vec![1.0; validation_labels.len()];
    let parallel = train_columns.len() >= PARALLEL_CELLS;

    let mut booster = booster(values, seed, width, parallel);
    // Early stopping looks at the last of the sets.
    let sets = vec![
        (Columns::new(&train_columns, train.features.rows, width), labels.as_slice(), weights.as_slice()),
        (
            Columns::new(&validation_columns, validation.features.rows, width),
            validation_labels.as_slice(),
            validation_weights.as_slice(),
        ),
    ];
    booster.fit(&train_matrix, &labels, &weights, Some(sets)).map_err(failed)?;

    let json = booster.json_dump().map_err(failed)?;
    Ok(Fitted {
        runtime: "trees",
        file: "trees.json",
        weights: json.into_bytes(),
        curve: curve(&booster, &validation_matrix, &validation.labels, parallel),
        best_step: booster.best_iteration.map_or(booster.trees.len(), |best| best + 1) as i64,
        importance: Some(importance(&booster, &train.features.columns)),
    })
}

fn booster(values: &Values, seed: u64, width: usize, parallel: bool) -> GradientBooster {
    let subsample = values.number("subsample") as f32;
    // forust rounds the number of columns down; one must be left.
    let column_sample = values.number("column_sample").max(1.0 / width as f64 + 1e-9).min(1.0);
    GradientBooster::default()
        .set_objective_type(ObjectiveType::LogLoss)
        .set_evaluation_metric(Some(Metric::LogLoss))
        .set_iterations(values.integer("trees"))
        .set_learning_rate(values.number("learning_rate") as f32)
        .set_max_depth(values.integer("max_depth"))
        .set_min_leaf_weight(values.number("min_leaf_weight") as f32)
        .set_l2(values.number("l2") as f32)
        .set_gamma(values.number("gamma") as f32)
        .set_subsample(subsample)
        .set_sample_method(if subsample < 1.0 { SampleMethod::Random } else { SampleMethod::None })
        .set_colsample_bytree(column_sample)
        .set_nbins(u16::try_from(values.integer("bins")).unwrap_or(u16::MAX))
        .set_early_stopping_rounds(Some(values.integer("patience")))
        .set_initialize_base_score(true)
        .set_missing(f64::NAN)
        .set_seed(seed)
        .set_parallel(parallel)
}

/// The same numbers column by column in double precision, as forust wants them.
fn columns(features: &Matrix, training: bool) -> Vec<f64> {
    let (rows, width) = (features.rows, features.width());
    let mut columns = vec![0.0; rows * width];
    for (column, cells) in columns.chunks_exact_mut(rows.max(1)).enumerate() {
        for (row, cell) in cells.iter_mut().enumerate() {
            *cell = f64::from(features.values[row * width + column]);
        }
        // forust cannot bin a column without a single value; a constant one is never split on.
        if training && cells.iter().all(|cell| cell.is_nan()) {
            cells.fill(0.0);
        }
    }
    columns
}

fn doubles(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|number| f64::from(*number)).collect()
}

/// The losses that forust noted, and the validation AUC after each tree.
fn curve(
    booster: &GradientBooster,
    validation: &Columns<'_, f64>,
    labels: &[f32],
    parallel: bool,
) -> Vec<Point> {
    let mut points = Vec::with_capacity(booster.trees.len() * 3);
    if let Some(history) = &booster.evaluation_history {
        for (round, losses) in history.data.chunks_exact(history.cols.max(1)).enumerate() {
            let step = round as i64 + 1;
            for (key, value) in ["train_loss", "val_loss"].into_iter().zip(losses) {
                points.push(Point { key, step, value: *value });
            }
        }
    }
    let mut margins = vec![booster.base_score; labels.len()];
    for (round, tree) in booster.trees.iter().enumerate() {
        let added = tree.predict(validation, parallel, &f64::NAN);
        margins.iter_mut().zip(added).for_each(|(margin, added)| *margin += added);
        let scores: Vec<f32> = margins.iter().map(|margin| *margin as f32).collect();
        if let Some(value) = auc(&scores, labels) {
            points.push(Point { key: "val_auc", step: round as i64 + 1, value });
        }
    }
    points
}

fn importance(booster: &GradientBooster, names: &[String]) -> Vec<(String, f64)> {
    let gains = booster.calculate_feature_importance(ImportanceMethod::TotalGain, true);
    let gain = |place: usize| gains.get(&place).copied().map_or(0.0, f64::from);
    let mut shares: Vec<(String, f64)> =
        names.iter().enumerate().map(|(place, name)| (name.clone(), gain(place))).collect();
    shares.sort_by(|left, right| right.1.total_cmp(&left.1));
    shares
}

fn failed(error: forust_ml::errors::ForustError) -> Error {
    Error::invalid("the trees could not be trained").why(error.to_string()).hint("ropewalk run recipes")
}
