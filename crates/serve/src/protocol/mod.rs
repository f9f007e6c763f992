//! The Open Inference Protocol, version 2, over REST: what clients send, what they get, and the checks between.
//!
//! Follows <https://github.com/kserve/open-inference-protocol> ("specification/protocol/inference_rest.md").
//! Everything here is pure: no network, no model, no clock.

mod answer;
mod data;
mod number;
#[cfg(test)]
mod properties;
mod read;
mod wire;

pub use answer::{Answerer, answer, error_text};
pub use data::TensorData;
pub use read::{Asked, InputColumn, MAX_ROWS, read_request};
pub use wire::{
    InferenceOutput, InferenceRequest, InferenceResponse, InputTensor, ModelMetadata, OutputTensor,
    ProtocolError, Ready, RequestedOutput, ServerMetadata, TensorMetadata,
};

/// Name of the output that carries the model's probability of the positive class.
pub const PROBABILITY: &str = "probability";
/// Name of the output that carries the id under which each row was logged, for feedback.
pub const PREDICTION_ID: &str = "prediction_id";
