//! The protocol's JSON objects.

use super::data::TensorData;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// `POST /v2/models/{name}/infer`: the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferenceRequest {
    /// Chosen by the client, returned unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Parameters of the request; none is required.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// One tensor for each input column, or a single `[rows, columns]` tensor in the order of the signature.
    pub inputs: Vec<InputTensor>,
    /// Which outputs to answer with; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<RequestedOutput>>,
}

/// One input tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputTensor {
    /// Name of the input column; any other name for the single `[rows, columns]` tensor.
    pub name: String,
    /// `[rows]` or `[rows, 1]` for a column, `[rows, columns]` for the single tensor.
    pub shape: Vec<i64>,
    /// `FP32`, `FP64`, `INT8` … `UINT64` or `BOOL` for numbers, `BYTES` for text.
    pub datatype: String,
    /// Parameters of the tensor; none is required.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The elements, flat in row-major order or nested by row. `null` is a missing value.
    #[schema(value_type = Vec<Value>)]
    pub data: TensorData,
}

/// One output that the client wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestedOutput {
    /// `probability` or `prediction_id`.
    pub name: String,
    /// Parameters of the output; none is required.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
}

/// The answer to an inference request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InferenceResponse {
    /// The endpoint.
    pub model_name: String,
    /// The revision of the endpoint that answered.
    pub model_version: String,
    /// The request's id, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which registered model answered: `model`, `model_version` and `revision`.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The outputs asked for.
    pub outputs: Vec<OutputTensor>,
}

impl InferenceResponse {
    /// The probabilities, if they were asked for.
    #[must_use]
    pub fn probabilities(&self) -> Option<&[f32]> {
        self.outputs.iter().find_map(|output| match &output.data {
            InferenceOutput::Numbers(values) => Some(values.as_slice()),
            InferenceOutput::Text(_) => None,
        })
    }

    /// The prediction ids, if they were asked for.
    #[must_use]
    pub fn prediction_ids(&self) -> Option<&[String]> {
        self.outputs.iter().find_map(|output| match &output.data {
            InferenceOutput::Text(values) => Some(values.as_slice()),
            InferenceOutput::Numbers(_) => None,
        })
    }
}

/// One output tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OutputTensor {
    /// `probability` or `prediction_id`.
    pub name: String,
    /// `[rows]`.
    pub shape: Vec<i64>,
    /// `FP32` or `BYTES`.
    pub datatype: String,
    /// One element for each row.
    pub data: InferenceOutput,
}

/// The elements of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum InferenceOutput {
    /// Datatype `FP32`.
    Numbers(Vec<f32>),
    /// Datatype `BYTES`, as JSON strings.
    Text(Vec<String>),
}

/// `GET /v2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerMetadata {
    /// `ropewalk`.
    pub name: String,
    /// Version of the binary.
    pub version: String,
    /// Protocol extensions that are spoken.
    pub extensions: Vec<String>,
}

/// `GET /v2/models/{name}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelMetadata {
    /// The endpoint.
    pub name: String,
    /// Its revisions.
    pub versions: Vec<String>,
    /// What computes: `ropewalk_trees` or `ropewalk_mlp`.
    pub platform: String,
    /// One entry for each input column.
    pub inputs: Vec<TensorMetadata>,
    /// What comes back.
    pub outputs: Vec<TensorMetadata>,
}

/// Name, type and shape of a tensor; `-1` stands for any number of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TensorMetadata {
    /// Name of the tensor.
    pub name: String,
    /// Its datatype.
    pub datatype: String,
    /// Its shape.
    pub shape: Vec<i64>,
}

/// `GET /v2/health/ready` and its kin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// The endpoint, when one was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it answers.
    pub ready: bool,
}

/// How the protocol says that something is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProtocolError {
    /// What, why, and what to do about it.
    pub error: String,
}
