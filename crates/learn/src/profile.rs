//! The bundle of a trained model: weights' description, frozen preprocessing, signature, an example, and how the data
//! looked.

use std::collections::BTreeMap;

use ropewalk_core::Result;
use ropewalk_data::{Cell, Column, ColumnKind, Frame};
use ropewalk_models::{
    BUNDLE_FORMAT, BundleManifest, ColumnProfile, ReferenceProfile, Signature, SignatureField,
};
use ropewalk_nets::Random;
use ropewalk_prep::{FittedPipeline, PreparedData};
use serde_json::{Map, Value};

use crate::parameters::Values;
use crate::recipes::{Fitted, Recipe};

/// Rows whose raw values are kept.
pub const SAMPLE_ROWS: usize = 1000;
/// Validation scores that are kept.
pub const SCORE_SAMPLE: usize = 10_000;
/// Distinct texts that are counted by name in one column; the rarest beyond are left out.
const CATEGORY_LIMIT: usize = 1000;
/// The sample is the same for all models of one prepared dataset, so that their drift figures can be compared.
const SAMPLE_SEED: u64 = 0;

/// The manifest of a trained model.
///
/// # Errors
/// `not_found` when the prepared rows lack a column that their own pipeline names.
pub fn manifest(
    recipe: Recipe,
    values: &Values,
    fitted: &Fitted,
    data: &PreparedData,
    validation_scores: &[f32],
    auc: Option<f64>,
) -> Result<BundleManifest> {
    let prepared = &data.prepared;
    let reference = ReferenceProfile {
        rows: data.train.frame.rows() as u64,
        columns: columns(&prepared.pipeline, &data.train.frame)?,
        scores: sample(validation_scores, SCORE_SAMPLE).into_iter().map(f64::from).collect(),
        auc,
    };
    Ok(BundleManifest {
        format: BUNDLE_FORMAT,
        runtime: fitted.runtime.to_owned(),
        weights: fitted.file.to_owned(),
        pipeline: prepared.pipeline.clone(),
        pipeline_hash: prepared.pipeline_hash.clone(),
        target: prepared.spec.target.clone(),
        signature: signature(&prepared.pipeline),
        input_example: example(&prepared.pipeline, &data.train.frame)?,
        reference,
        recipe: recipe.name().to_owned(),
        params: values.to_json(),
    })
}

fn signature(pipeline: &FittedPipeline) -> Signature {
    let kind = |kind: ColumnKind| match kind {
        ColumnKind::Number => "double",
        ColumnKind::Text => "string",
    };
    Signature {
        inputs: pipeline
            .inputs
            .iter()
            .map(|input| SignatureField::new(&input.name, kind(input.kind)))
            .collect(),
        outputs: vec![SignatureField::new("probability", "float")],
    }
}

/// The first training row as an object.
fn example(pipeline: &FittedPipeline, frame: &Frame) -> Result<Value> {
    let mut row = Map::new();
    for input in &pipeline.inputs {
        let value = match frame.column(&input.name)?.cell(0) {
            Cell::Number(number) => Value::from(number),
            Cell::Text(text) => Value::from(text),
            Cell::Missing => Value::Null,
        };
        row.insert(input.name.clone(), value);
    }
    Ok(Value::Object(row))
}

fn columns(pipeline: &FittedPipeline, frame: &Frame) -> Result<Vec<ColumnProfile>> {
    let rows = Random::new(SAMPLE_SEED).sample(frame.rows(), SAMPLE_ROWS);
    let profile = |name: &String| {
        let column = frame.column(name)?;
        Ok(ColumnProfile {
            name: name.clone(),
            kind: column.kind().to_string(),
            sample: match column {
                Column::Number(numbers) => rows
                    .iter()
                    .filter_map(|row| numbers.get(*row).copied())
                    .filter(|number| number.is_finite())
                    .collect(),
                Column::Text(_) => Vec::new(),
            },
            missing_share: column.missing() as f64 / column.len().max(1) as f64,
            categories: match column {
                Column::Number(_) => BTreeMap::new(),
                Column::Text(texts) => count(texts.iter().flatten()),
            },
        })
    };
    pipeline.inputs.iter().map(|input| profile(&input.name)).collect()
}

fn count<'a>(texts: impl Iterator<Item = &'a String>) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    counts.into_iter().take(CATEGORY_LIMIT).map(|(text, count)| (text.to_owned(), count)).collect()
}

fn sample(scores: &[f32], count: usize) -> Vec<f32> {
    Random::new(SAMPLE_SEED)
        .sample(scores.len(), count)
        .into_iter()
        .filter_map(|place| scores.get(place).copied())
        .collect()
}
