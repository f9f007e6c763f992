//! What is served: a model's weights with everything needed to use and to watch them.
//!
//! A training run leaves a bundle in its artifacts, `model/bundle.json` beside the weights file. Registration
//! copies both to `models/NAME/VERSION/` and fixes them by a content hash.

use std::collections::BTreeMap;

use bytes::Bytes;
use ropewalk_core::{Error, Result};
use ropewalk_prep::{FittedPipeline, Target};
use serde::{Deserialize, Serialize};

/// The bundle format that this code writes.
pub const BUNDLE_FORMAT: u32 = 1;
/// The folder of a run's artifacts in which its bundle lies.
pub const BUNDLE_FOLDER: &str = "model";
/// The manifest's file name inside the bundle.
pub const MANIFEST_FILE: &str = "bundle.json";

/// One named column that goes into a model or comes out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureField {
    /// The column's name as callers send it.
    pub name: String,
    /// The column's type in MLflow's words: `double`, `float`, `long` or `string`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl SignatureField {
    /// A column of this name and type.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { name: name.into(), kind: kind.into() }
    }
}

/// The columns a model takes, in order, and those it answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signature {
    /// Raw input columns, before preprocessing, in the order of a plain tensor.
    pub inputs: Vec<SignatureField>,
    /// Output columns.
    pub outputs: Vec<SignatureField>,
}

/// How one input column looked when the model was trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ColumnProfile {
    /// The raw column's name.
    pub name: String,
    /// `number` or `text`.
    pub kind: String,
    /// Present raw values of a seeded sample of the training rows (at most 1,000); empty for text.
    #[serde(default)]
    pub sample: Vec<f64>,
    /// The share of missing values in the training rows, 0 to 1.
    #[serde(default)]
    pub missing_share: f64,
    /// For text columns: how often each value occurs in the training rows.
    #[serde(default)]
    pub categories: BTreeMap<String, u64>,
}

/// What later traffic is compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReferenceProfile {
    /// Training rows that the profile stands for.
    pub rows: u64,
    /// One profile a raw input column, in the signature's order.
    pub columns: Vec<ColumnProfile>,
    /// The model's probabilities on the validation rows.
    pub scores: Vec<f64>,
    /// Area under the ROC curve on the validation rows, if it could be computed.
    pub auc: Option<f64>,
}

impl ReferenceProfile {
    /// The profile of one column.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A bundle's description: plain data, no code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleManifest {
    /// Always [`BUNDLE_FORMAT`].
    pub format: u32,
    /// What computes the scores: `trees` or `mlp`.
    pub runtime: String,
    /// The weights' file name, beside the manifest.
    pub weights: String,
    /// The fitted preprocessing, applied to raw rows before the weights.
    pub pipeline: FittedPipeline,
    /// The hash of `pipeline`, checked at registration and at every load.
    pub pipeline_hash: String,
    /// What the model predicts.
    pub target: Target,
    /// Raw inputs and outputs.
    pub signature: Signature,
    /// One valid input: an object of column name to value.
    pub input_example: serde_json::Value,
    /// The training data's shape, for drift.
    pub reference: ReferenceProfile,
    /// The recipe that trained it.
    pub recipe: String,
    /// The recipe's parameters.
    pub params: serde_json::Value,
}

impl BundleManifest {
    /// Reads a manifest and checks what it promises about itself.
    ///
    /// # Errors
    /// `invalid` when it is no JSON of this format, or names a weights file outside its own folder, or its pipeline
    /// does not have the hash it states.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| {
            Error::invalid("the bundle's manifest cannot be read")
                .why(error.to_string())
                .hint("train again, then register the new run")
        })?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as it is stored.
    pub fn to_bytes(&self) -> Result<Bytes> {
        Ok(Bytes::from(serde_json::to_vec_pretty(self)?))
    }

    fn check(&self) -> Result<()> {
        if self.format != BUNDLE_FORMAT {
            return Err(Error::invalid(format!("a bundle of format {} cannot be read", self.format))
                .why(format!("this program reads format {BUNDLE_FORMAT}")));
        }
        let plain = !self.weights.is_empty() && !self.weights.contains(['/', '\\']) && self.weights != "..";
        if !plain {
            return Err(Error::invalid("the bundle names a weights file outside its folder")
                .why(self.weights.clone()));
        }
        let actual = self.pipeline.hash();
        if actual != self.pipeline_hash {
            return Err(Error::invalid("the bundle's preprocessing is not the one it was trained with").why(
                format!(
                    "the manifest says pipeline {}, the pipeline itself hashes to {actual}",
                    self.pipeline_hash
                ),
            ));
        }
        Ok(())
    }
}

/// A bundle read back whole and verified.
#[derive(Debug, Clone)]
pub struct LoadedBundle {
    /// The description.
    pub manifest: BundleManifest,
    /// The weights file's bytes.
    pub weights: Bytes,
    /// The content hash over manifest and weights.
    pub hash: String,
}

/// The content hash of a bundle: BLAKE3 over both files, each preceded by its length so that the border between them counts.
pub fn bundle_hash(manifest: &[u8], weights: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [manifest, weights] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}
