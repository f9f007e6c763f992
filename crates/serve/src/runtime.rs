//! What computes: a frozen pipeline in front, a runtime behind it.

use crate::model::Revision;
use crate::protocol::InputColumn;
use ropewalk_core::{Code, Error, Result};
use ropewalk_data::{Column, Frame};
use ropewalk_models::{BundleManifest, LoadedBundle, TreeScorer};
use ropewalk_nets::MlpScorer;
use ropewalk_prep::{ColumnKind, FittedPipeline, Matrix, RowPlan};
use serde_json::Value;

/// Computes probabilities from features. One for each kind of weights.
pub trait Runtime: Send + Sync {
    /// One probability of the positive class for each row.
    ///
    /// # Errors
    /// When the features do not fit the weights.
    fn score(&self, features: &Matrix) -> Result<Vec<f32>>;

    /// Whether a missing feature (NaN) means something to it.
    fn takes_missing(&self) -> bool {
        false
    }
}

struct Trees(TreeScorer);

impl Runtime for Trees {
    fn score(&self, features: &Matrix) -> Result<Vec<f32>> {
        self.0.score(features)
    }

    fn takes_missing(&self) -> bool {
        true
    }
}

struct Mlp(MlpScorer);

impl Runtime for Mlp {
    fn score(&self, features: &Matrix) -> Result<Vec<f32>> {
        self.0
            .score(&features.values, features.rows)
            .map_err(|error| Error::internal("the network failed").why(error.to_string()))
    }
}

/// From raw columns to probabilities. What an endpoint needs to know of a model.
pub trait Scorer: Send + Sync {
    /// One probability for each row of raw inputs.
    ///
    /// # Errors
    /// `Invalid` when the rows cannot be scored as they are; anything else is the model's own failure.
    fn score(&self, inputs: &Frame) -> Result<Vec<f32>>;
}

/// A bundle's pipeline and its runtime.
struct Piped {
    pipeline: FittedPipeline,
    /// The pipeline laid out for single rows, which most requests are. A version is registered only if both ways give
    /// the same numbers.
    plan: RowPlan,
    runtime: Box<dyn Runtime>,
}

impl Piped {
    fn features(&self, inputs: &Frame) -> Result<Matrix> {
        if inputs.rows() != 1 {
            return self.pipeline.apply(inputs);
        }
        let values = self.plan.apply(&inputs.row(0))?;
        Ok(Matrix { rows: 1, columns: self.pipeline.outputs.clone(), values })
    }
}

impl Scorer for Piped {
    fn score(&self, inputs: &Frame) -> Result<Vec<f32>> {
        let features = self.features(inputs)?;
        if !self.runtime.takes_missing()
            && let Some(position) = features.values.iter().position(|value| !value.is_finite())
        {
            let width = features.columns.len().max(1);
            let name = features.columns.get(position % width).map_or("?", String::as_str);
            return Err(Error::invalid(format!(
                "row {}: feature `{name}` is missing or too large",
                position / width
            ))
            .why("this model's pipeline does not fill it, and its network cannot do without"));
        }
        self.runtime.score(&features)
    }
}

/// A model version in memory, ready to answer.
pub struct ServedModel {
    /// Registered model.
    pub model: String,
    /// Its version.
    pub version: i64,
    /// Content hash of the bundle that this was made from.
    pub bundle_hash: String,
    /// What computes, in the protocol's words: `ropewalk_trees`, `ropewalk_mlp`.
    pub platform: String,
    /// The raw inputs, in order.
    pub columns: Vec<InputColumn>,
    scorer: Box<dyn Scorer>,
}

impl std::fmt::Debug for ServedModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{} ({})", self.model, self.version, self.platform)
    }
}

impl ServedModel {
    /// A model from its parts.
    #[must_use]
    pub fn new(
        model: &str,
        version: i64,
        bundle_hash: &str,
        platform: &str,
        columns: Vec<InputColumn>,
        scorer: Box<dyn Scorer>,
    ) -> Self {
        Self {
            model: model.to_owned(),
            version,
            bundle_hash: bundle_hash.to_owned(),
            platform: platform.to_owned(),
            columns,
            scorer,
        }
    }

    /// Whether this is what a revision was deployed with.
    #[must_use]
    pub fn is(&self, revision: &Revision) -> bool {
        self.bundle_hash == revision.bundle_hash
            && self.model == revision.model
            && self.version == revision.version
    }

    /// Reads a bundle's weights and answers its input example once, so that a model that cannot answer is found
    /// before it is asked, and the first request does not pay for a cold start.
    ///
    /// # Errors
    /// `Corrupt` for weights that cannot be read, `GateFailed` when the example is not answered with a probability.
    pub fn load(model: &str, version: i64, bundle: LoadedBundle) -> Result<Self> {
        let LoadedBundle { manifest, weights, hash } = bundle;
        let of = format!("{model}/{version}");
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::new(Code::Corrupt, format!("the weights of {of} cannot be read"))
                .why(error.to_string())
                .hint("ropewalk model list")
        };
        let runtime: Box<dyn Runtime> = match manifest.runtime.as_str() {
            "trees" => {
                Box::new(Trees(TreeScorer::from_forust_json(&weights).map_err(|error| unreadable(&error))?))
            }
            "mlp" => Box::new(Mlp(MlpScorer::load(&weights).map_err(|error| unreadable(&error))?)),
            other => {
                return Err(Error::new(Code::NotImplemented, format!("{of} needs the runtime `{other}`"))
                    .why("this binary has the runtimes `trees` and `mlp`"));
            }
        };
        let columns = columns_of(&manifest)?;
        let plan = RowPlan::new(&manifest.pipeline)?;
        let scorer = Piped { pipeline: manifest.pipeline, plan, runtime };
        let platform = format!("ropewalk_{}", manifest.runtime);
        let served = Self::new(model, version, &hash, &platform, columns, Box::new(scorer));
        served.warm(&manifest.input_example)?;
        Ok(served)
    }

    /// One probability for each row of raw inputs.
    ///
    /// # Errors
    /// See [`Scorer::score`]; `Internal` when the model answers with something that is no probability for each row.
    pub fn score(&self, inputs: &Frame) -> Result<Vec<f32>> {
        // A panic in a model is that model's failure, not the server's.
        let scores = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.scorer.score(inputs)))
            .unwrap_or_else(|_| Err(Error::internal(format!("{self:?} panicked"))))?;
        if scores.len() != inputs.rows() {
            return Err(Error::internal(format!(
                "{self:?} gave {} scores for {} rows",
                scores.len(),
                inputs.rows()
            )));
        }
        if let Some(score) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
            return Err(Error::internal(format!("{self:?} gave the score {score}"))
                .why("a probability is from 0 to 1"));
        }
        Ok(scores)
    }

    fn warm(&self, example: &Value) -> Result<()> {
        let failed = |error: Error| {
            Error::new(
                Code::GateFailed,
                format!("{}/{} cannot answer its own input example", self.model, self.version),
            )
            .why(error.to_string())
            .hint("train and register it again")
        };
        let frame = example_frame(&self.columns, example).map_err(failed)?;
        self.score(&frame).map_err(failed)?;
        Ok(())
    }
}

/// The raw inputs in the pipeline's order, which the signature must have promised.
fn columns_of(manifest: &BundleManifest) -> Result<Vec<InputColumn>> {
    let inputs = &manifest.pipeline.inputs;
    let promised: Vec<&str> = manifest.signature.inputs.iter().map(|field| field.name.as_str()).collect();
    let taken: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    if promised != taken {
        return Err(Error::new(Code::Corrupt, "the bundle's signature is not its pipeline's")
            .why(format!("the signature takes {promised:?}, the pipeline {taken:?}"))
            .hint("train and register it again"));
    }
    let column = |input: &ropewalk_prep::InputColumn| InputColumn {
        name: input.name.clone(),
        text: input.kind == ColumnKind::Text,
    };
    Ok(inputs.iter().map(column).collect())
}

/// The one row of an input example: an object of column name to value.
fn example_frame(columns: &[InputColumn], example: &Value) -> Result<Frame> {
    let cells = columns.iter().map(|column| {
        let value = example.get(&column.name).unwrap_or(&Value::Null);
        let cell = if column.text {
            Column::Text(vec![value.as_str().map(str::to_owned)])
        } else {
            Column::Number(vec![value.as_f64().unwrap_or(f64::NAN)])
        };
        (column.name.clone(), cell)
    });
    Frame::new(cells.collect())
}

#[cfg(test)]
mod tests;
