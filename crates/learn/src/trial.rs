//! One training without any record of it: from prepared rows to weights, their figures and their bundle. Blocks the
//! thread and touches no store.

use std::collections::BTreeMap;

use bytes::Bytes;
use ropewalk_core::Result;
use ropewalk_models::MANIFEST_FILE;
use ropewalk_prep::{Part, PreparedData};
use serde_json::{Value, json};

use crate::metrics;
use crate::parameters::Values;
use crate::profile;
use crate::recipes::{Point, Recipe, Scorer};

/// What one training came to.
pub struct Outcome {
    /// What was measured on the way.
    pub curve: Vec<Point>,
    /// The figures of the model that was kept.
    pub metrics: BTreeMap<String, f64>,
    /// Files of the bundle, by name.
    pub bundle: Vec<(String, Bytes)>,
    /// Further artifacts, by path.
    pub artifacts: Vec<(String, Bytes)>,
}

/// Trains, measures with the scorer that serving uses, and describes the result.
///
/// # Errors
/// `invalid` when the rows cannot be learnt from.
pub fn run(recipe: Recipe, values: &Values, seed: u64, data: &PreparedData) -> Result<Outcome> {
    let fitted = recipe.train(values, seed, &data.train, &data.validation)?;
    let scorer = fitted.scorer()?;
    let mut figures = BTreeMap::new();
    let validation_scores = measure(&scorer, &data.validation, "val", &mut figures)?;
    measure(&scorer, &data.test, "test", &mut figures)?;
    measure(&scorer, &data.train, "train", &mut figures)?;
    figures.insert("best_step".to_owned(), fitted.best_step as f64);
    let auc = figures.get("val_auc").copied();
    let manifest = profile::manifest(recipe, values, &fitted, data, &validation_scores, auc)?;
    let mut artifacts = Vec::new();
    if let Some(shares) = &fitted.importance {
        let shares: Vec<Value> =
            shares.iter().map(|(feature, share)| json!({"feature": feature, "share": share})).collect();
        artifacts
            .push(("feature_importance.json".to_owned(), Bytes::from(serde_json::to_vec_pretty(&shares)?)));
    }
    let bundle = vec![
        (MANIFEST_FILE.to_owned(), manifest.to_bytes()?),
        (fitted.file.to_owned(), Bytes::from(fitted.weights)),
    ];
    Ok(Outcome { curve: fitted.curve, metrics: figures, bundle, artifacts })
}

/// Scores one part and notes `PART_auc`, `PART_log_loss`, `PART_brier` and `PART_accuracy`, as far as they exist.
fn measure(
    scorer: &Scorer,
    part: &Part,
    name: &str,
    figures: &mut BTreeMap<String, f64>,
) -> Result<Vec<f32>> {
    let scores = scorer.score(&part.features)?;
    let measured = [
        ("auc", metrics::auc(&scores, &part.labels)),
        ("log_loss", metrics::log_loss(&scores, &part.labels)),
        ("brier", metrics::brier(&scores, &part.labels)),
        ("accuracy", metrics::accuracy(&scores, &part.labels)),
    ];
    figures.extend(measured.into_iter().filter_map(|(key, value)| Some((format!("{name}_{key}"), value?))));
    Ok(scores)
}
