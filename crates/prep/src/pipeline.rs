//! The fitted pipeline: plain data, hashed, and part of every model version.

use ropewalk_core::{Error, Result};
use ropewalk_data::ColumnKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The version of the pipeline format that this code writes, and the newest that it reads.
pub const PIPELINE_VERSION: u32 = 1;

/// A raw column that a pipeline takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// A number for one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fill {
    /// The column.
    pub column: String,
    /// What a missing number becomes.
    pub value: f64,
}

/// A text for one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FillText {
    /// The column.
    pub column: String,
    /// What a missing text becomes.
    pub value: String,
}

/// Two bounds for one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Bounds {
    /// The column.
    pub column: String,
    /// Lower values become this.
    pub low: f64,
    /// Higher values become this.
    pub high: f64,
}

/// A linear map for one column: (x − shift) / scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scaling {
    /// The column.
    pub column: String,
    /// What is subtracted.
    pub shift: f64,
    /// What is divided by; never zero.
    pub scale: f64,
}

/// The known values of one text column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Encoding {
    /// The column.
    pub column: String,
    /// Its values, sorted; each becomes a column of 0 and 1 named `column=value`.
    pub categories: Vec<String>,
}

/// A transform with its constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum FittedStep {
    /// Add a column `NAME is missing` at the end for each of these.
    IndicateMissing {
        /// The columns looked at.
        columns: Vec<String>,
    },
    /// Fill missing numbers.
    Impute {
        /// What to fill in, by column.
        columns: Vec<Fill>,
    },
    /// Fill missing text.
    ImputeText {
        /// What to fill in, by column.
        columns: Vec<FillText>,
    },
    /// Cut off at two bounds.
    Clip {
        /// The bounds, by column.
        columns: Vec<Bounds>,
    },
    /// sign(x) · ln(1 + |x|).
    SignedLog {
        /// The columns.
        columns: Vec<String>,
    },
    /// Shift and scale (standardisation and min-max alike).
    Scale {
        /// The maps, by column.
        columns: Vec<Scaling>,
    },
    /// Replace each text column, in its place, by columns of 0 and 1.
    OneHot {
        /// The known values, by column.
        columns: Vec<Encoding>,
    },
}

/// A preprocessing pipeline fitted on a training part. The same value is applied in training, in
/// batch scoring and in serving: [`apply`](Self::apply) takes a table, [`apply_row`](Self::apply_row)
/// a single row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FittedPipeline {
    /// The version of this format.
    pub version: u32,
    /// The raw columns it takes, in the order of a single row's cells.
    pub inputs: Vec<InputColumn>,
    /// The transforms, in order.
    pub steps: Vec<FittedStep>,
    /// The names of the numbers that come out, in order.
    pub outputs: Vec<String>,
}

impl FittedPipeline {
    /// The BLAKE3 hash of the pipeline's canonical JSON (keys sorted, no spaces), in hex: two
    /// pipelines with the same steps and constants have the same hash.
    #[must_use]
    pub fn hash(&self) -> String {
        // Strings, numbers and lists of them always have a JSON form: the error cannot occur.
        canonical_hash(self).unwrap_or_default()
    }

    /// Refuse a pipeline that a newer program wrote.
    pub fn check_version(&self) -> Result<()> {
        if self.version == 0 || self.version > PIPELINE_VERSION {
            return Err(Error::invalid(format!("the pipeline has format version {}", self.version))
                .why(format!("this program knows versions 1 to {PIPELINE_VERSION}"))
                .hint("use the newer ropewalk that fitted it, or fit it again"));
        }
        Ok(())
    }
}

/// BLAKE3, in hex, of a value's JSON with sorted keys and no spaces.
pub fn canonical_hash<T: Serialize>(value: &T) -> Result<String> {
    let mut text = String::new();
    write_canonical(&serde_json::to_value(value)?, &mut text);
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// `serde_json` keeps keys sorted unless some crate of the program turns on insertion order; the
/// hash must not depend on that.
fn write_canonical(value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (place, (key, member)) in members.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&serde_json::Value::from(key.as_str()).to_string());
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        serde_json::Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}
