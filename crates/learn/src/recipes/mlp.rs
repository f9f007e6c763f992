//! A multilayer perceptron on Burn: AdamW in shuffled batches, dropout, stopped early on the validation rows.

use ropewalk_core::{Error, Result};
use ropewalk_nets::{Examples, FitOptions, MlpConfig, fit};
use ropewalk_prep::{Matrix, Part};
use serde_json::json;

use super::{Fitted, Point, of_net};
use crate::metrics::auc;
use crate::parameters::{Parameter, Search, Values};

pub(super) const DESCRIPTION: &str = "A multilayer perceptron: smooth scores on standardised numbers; needs every feature, so missing values must be imputed.";

pub(super) fn parameters() -> Vec<Parameter> {
    let widths = [json!([32]), json!([64]), json!([128]), json!([64, 32]), json!([128, 64])];
    vec![
        Parameter::integers(
            "hidden",
            &[64, 32],
            [1, 4096],
            Search::Choice { values: widths.to_vec() },
            "units of each hidden layer",
        ),
        Parameter::number(
            "dropout",
            0.15,
            [0.0, 0.95],
            Search::Uniform { low: 0.0, high: 0.4 },
            "share of hidden units silenced a step",
        ),
        Parameter::number(
            "learning_rate",
            2e-3,
            [1e-6, 1.0],
            Search::LogUniform { low: 5e-4, high: 5e-3 },
            "AdamW's first step size; it falls along a half cosine",
        ),
        Parameter::number(
            "weight_decay",
            1e-2,
            [0.0, 10.0],
            Search::LogUniform { low: 1e-4, high: 1e-1 },
            "AdamW's decoupled weight decay",
        ),
        Parameter::integer(
            "batch",
            64,
            [1, 65_536],
            Search::Choice { values: vec![json!(32), json!(64), json!(128)] },
            "rows a step",
        ),
        Parameter::integer("epochs", 120, [1, 10_000], Search::Fixed, "most passes over the training rows"),
        Parameter::integer(
            "patience",
            20,
            [1, 10_000],
            Search::Fixed,
            "passes without a lower validation loss before it stops",
        ),
    ]
}

pub(super) fn train(values: &Values, seed: u64, train: &Part, validation: &Part) -> Result<Fitted> {
    must_be_complete(&train.features)?;
    must_be_complete(&validation.features)?;
    let config = MlpConfig {
        inputs: train.features.width(),
        hidden: values.integers("hidden"),
        dropout: values.number("dropout"),
        seed,
    };
    let options = FitOptions {
        epochs: values.integer("epochs"),
        batch: values.integer("batch"),
        learning_rate: values.number("learning_rate"),
        weight_decay: values.number("weight_decay"),
        patience: values.integer("patience"),
    };
    let mut curve = Vec::new();
    let fitted = fit(&config, &options, examples(train), examples(validation), &mut |epoch| {
        let step = epoch.number as i64;
        curve.push(Point { key: "train_loss", step, value: epoch.train_loss });
        curve.push(Point { key: "val_loss", step, value: epoch.validation_loss });
        if let Some(value) = auc(epoch.validation, &validation.labels) {
            curve.push(Point { key: "val_auc", step, value });
        }
    })
    .map_err(of_net)?;
    Ok(Fitted {
        runtime: "mlp",
        file: "mlp.safetensors",
        weights: fitted.to_safetensors().map_err(of_net)?,
        curve,
        best_step: fitted.best_epoch as i64,
        importance: None,
    })
}

fn examples(part: &Part) -> Examples<'_> {
    Examples { features: &part.features.values, labels: &part.labels }
}

/// Names the feature that is missing, which the network itself cannot.
fn must_be_complete(features: &Matrix) -> Result<()> {
    let Some(place) = features.values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let width = features.width().max(1);
    let name = features.columns.get(place % width).map_or("?", String::as_str);
    Err(Error::invalid(format!(
        "a perceptron needs every feature, and “{name}” is missing in row {}",
        place / width + 1
    ))
    .why("the preparation has no step that fills it")
    .hint("add the step {\"op\": \"impute_median\"} and prepare again, or train boosted-trees"))
}
