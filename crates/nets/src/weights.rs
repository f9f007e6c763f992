//! Weights in and out as safetensors: plain numbers with a header, nothing that can run. The network's shape stands in
//! the header's metadata, so that one file is enough to score.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::mlp::{LayerWeights, MlpConfig};
use crate::{NetError, Result};

/// The metadata key under which the network's description stands, as JSON. It is the only one, for the file format
/// does not fix the order of several and equal weights shall make equal bytes.
const NETWORK_KEY: &str = "ropewalk.network";
/// The architecture written and read here.
const ARCHITECTURE: &str = "mlp/1";

/// What the header says.
#[derive(Serialize, Deserialize)]
struct Description {
    architecture: String,
    config: MlpConfig,
}

fn unreadable(error: impl std::fmt::Display) -> NetError {
    NetError::Weights(error.to_string())
}

/// The file of a perceptron.
///
/// # Errors
/// `NetError` when the weights are not of the configured shape.
pub fn to_safetensors(config: &MlpConfig, weights: &[LayerWeights]) -> Result<Vec<u8>> {
    config.check()?;
    let shapes = config.layer_shapes();
    if shapes.len() != weights.len() {
        return Err(NetError::Weights(format!("{} layers, expected {}", weights.len(), shapes.len())));
    }
    let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let parts: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .iter()
        .zip(weights)
        .enumerate()
        .flat_map(|(position, ((inputs, outputs), layer))| {
            [
                (weight_name(position), vec![*inputs, *outputs], bytes(&layer.weight)),
                (bias_name(position), vec![*outputs], bytes(&layer.bias)),
            ]
        })
        .collect();
    let views = parts
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes)
                .map(|view| (name.as_str(), view))
                .map_err(unreadable)
        })
        .collect::<Result<Vec<_>>>()?;
    let description = Description { architecture: ARCHITECTURE.to_owned(), config: config.clone() };
    let metadata =
        HashMap::from([(NETWORK_KEY.to_owned(), serde_json::to_string(&description).map_err(unreadable)?)]);
    safetensors::serialize(views, Some(metadata)).map_err(unreadable)
}

/// Reads what [`to_safetensors`] wrote.
///
/// # Errors
/// `NetError::Weights` when the file is cut off, is not ours, misses a tensor, or holds a number that is not finite.
pub fn from_safetensors(file: &[u8]) -> Result<(MlpConfig, Vec<LayerWeights>)> {
    let (_, header) = SafeTensors::read_metadata(file).map_err(unreadable)?;
    let description = header.metadata().as_ref().and_then(|metadata| metadata.get(NETWORK_KEY));
    let description = description.ok_or_else(|| unreadable("the file does not describe its network"))?;
    let Description { architecture, config } = serde_json::from_str(description).map_err(unreadable)?;
    if architecture != ARCHITECTURE {
        return Err(unreadable(format!(
            "the file holds a network of kind {architecture}, not {ARCHITECTURE}"
        )));
    }
    config.check()?;
    let tensors = SafeTensors::deserialize(file).map_err(unreadable)?;
    let weights = config
        .layer_shapes()
        .iter()
        .enumerate()
        .map(|(position, (inputs, outputs))| {
            Ok(LayerWeights {
                weight: read(&tensors, &weight_name(position), &[*inputs, *outputs])?,
                bias: read(&tensors, &bias_name(position), &[*outputs])?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((config, weights))
}

fn weight_name(position: usize) -> String {
    format!("layers.{position}.weight")
}

fn bias_name(position: usize) -> String {
    format!("layers.{position}.bias")
}

fn read(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
    let view = tensors.tensor(name).map_err(unreadable)?;
    if view.dtype() != Dtype::F32 || view.shape() != shape {
        return Err(unreadable(format!(
            "{name} is {:?} {:?}, expected F32 {shape:?}",
            view.dtype(),
            view.shape()
        )));
    }
    let (words, _) = view.data().as_chunks::<4>();
    let numbers: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(unreadable(format!("{name} holds a number that is not finite")));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::mlp::initial_weights;

    fn config() -> MlpConfig {
        MlpConfig { inputs: 3, hidden: vec![5, 2], dropout: 0.25, seed: u64::MAX }
    }

    #[test]
    fn weights_survive_the_round_trip() {
        let weights = initial_weights(&config());
        let file = to_safetensors(&config(), &weights).unwrap();
        assert_eq!(from_safetensors(&file).unwrap(), (config(), weights.clone()));
        assert_eq!(
            file,
            to_safetensors(&config(), &weights).unwrap(),
            "the same weights make the same bytes"
        );
    }

    #[test]
    fn damaged_and_foreign_files_are_refused() {
        let weights = initial_weights(&config());
        let file = to_safetensors(&config(), &weights).unwrap();
        for length in [0, 7, 40, file.len() - 1] {
            assert!(from_safetensors(&file[..length]).is_err(), "cut at {length}");
        }
        assert!(from_safetensors(b"not a weights file at all, by any means").is_err());
        let foreign = safetensors::serialize(Vec::<(&str, TensorView<'_>)>::new(), None).unwrap();
        assert!(from_safetensors(&foreign).unwrap_err().to_string().contains("does not describe"));
        let mut broken = weights;
        broken[1].bias[0] = f32::NAN;
        let file = to_safetensors(&config(), &broken).unwrap();
        assert!(from_safetensors(&file).unwrap_err().to_string().contains("not finite"));
    }
}
