//! Datasets to evaluate on.

use ropewalk_mlflow::Json;

/// An evaluation dataset, without its records.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationDataset {
    /// `d-` and 32 hexadecimal digits.
    pub dataset_id: String,
    /// Not unique.
    pub name: String,
    /// Changes with every change of the records.
    pub digest: String,
    /// Milliseconds since 1970.
    pub created_time: i64,
    /// Milliseconds since 1970.
    pub last_update_time: i64,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who last changed its records.
    pub last_updated_by: Option<String>,
    /// Which fields the records have, as JSON.
    pub schema: Option<String>,
    /// How many records there are, as JSON.
    pub profile: Option<String>,
    /// Tags.
    pub tags: Vec<(String, Option<String>)>,
}

/// A record of an evaluation dataset. Its parts are texts of JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetRecord {
    /// `dr-` and 32 hexadecimal digits.
    pub dataset_record_id: String,
    /// The dataset.
    pub dataset_id: String,
    /// What goes in.
    pub inputs: Json,
    /// What came out.
    pub outputs: Option<Json>,
    /// What should come out.
    pub expectations: Option<Json>,
    /// Tags.
    pub tags: Option<Json>,
    /// Where it comes from.
    pub source: Option<Json>,
    /// The trace or document that it comes from.
    pub source_id: Option<String>,
    /// What kind of source that is.
    pub source_type: Option<String>,
    /// Milliseconds since 1970.
    pub created_time: i64,
    /// Milliseconds since 1970.
    pub last_update_time: i64,
    /// Who made it.
    pub created_by: Option<String>,
    /// Who last changed it.
    pub last_updated_by: Option<String>,
}
