//! The multilayer perceptron: dense layers with ReLU between them and one logit at the end.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{NetError, Random, Result};

/// Most hidden layers.
pub const LAYER_LIMIT: usize = 16;
/// Most units in one layer, and most inputs.
pub const WIDTH_LIMIT: usize = 65_536;

/// The shape of a perceptron and the seed of its first weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MlpConfig {
    /// Features a row.
    pub inputs: usize,
    /// Units of each hidden layer, from the input on; empty makes a logistic regression.
    pub hidden: Vec<usize>,
    /// The share of hidden units silenced in each training step, in `[0, 1)`.
    pub dropout: f64,
    /// Seed of weights, batches and dropout.
    pub seed: u64,
}

impl MlpConfig {
    /// Refuses shapes that make no network.
    ///
    /// # Errors
    /// `NetError::Config` naming the value and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(NetError::Config(text));
        if self.inputs == 0 || self.inputs > WIDTH_LIMIT {
            return wrong(format!("a network takes 1 to {WIDTH_LIMIT} features, not {}", self.inputs));
        }
        if self.hidden.len() > LAYER_LIMIT {
            return wrong(format!(
                "a network has at most {LAYER_LIMIT} hidden layers, not {}",
                self.hidden.len()
            ));
        }
        if let Some(width) = self.hidden.iter().find(|width| **width == 0 || **width > WIDTH_LIMIT) {
            return wrong(format!("a hidden layer has 1 to {WIDTH_LIMIT} units, not {width}"));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong(format!("dropout is a share from 0 to below 1, not {}", self.dropout));
        }
        Ok(())
    }

    /// The `(inputs, outputs)` of each dense layer in order; the last has the one logit.
    #[must_use]
    pub fn layer_shapes(&self) -> Vec<(usize, usize)> {
        let widths: Vec<usize> =
            std::iter::once(self.inputs).chain(self.hidden.iter().copied()).chain([1]).collect();
        widths.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// How many numbers the network learns.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layer_shapes().iter().map(|(inputs, outputs)| inputs * outputs + outputs).sum()
    }
}

/// One dense layer's numbers: the weight row-major `[inputs, outputs]`, and the bias.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// Inputs times outputs.
    pub weight: Vec<f32>,
    /// One a unit.
    pub bias: Vec<f32>,
}

/// First weights: He's uniform initialisation for ReLU layers, `U(−√(6/n), √(6/n))` for `n` inputs (He et al.,
/// "Delving deep into rectifiers", 2015), the last layer `U(−√(1/n), √(1/n))`, biases 0. Drawn from our own generator,
/// for Burn's is shared by all threads and so depends on what else runs.
#[must_use]
pub fn initial_weights(config: &MlpConfig) -> Vec<LayerWeights> {
    let mut random = Random::for_purpose(config.seed, 1);
    let shapes = config.layer_shapes();
    let last = shapes.len().saturating_sub(1);
    shapes
        .iter()
        .enumerate()
        .map(|(position, (inputs, outputs))| {
            let gain = if position == last { 1.0 } else { 6.0 };
            let bound = (gain / *inputs as f64).sqrt();
            let weight = (0..inputs * outputs).map(|_| random.between(-bound, bound) as f32).collect();
            LayerWeights { weight, bias: vec![0.0; *outputs] }
        })
        .collect()
}

/// The network itself, for training (on an autodiff device) and for scoring.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// A network of this shape with these weights.
    ///
    /// # Errors
    /// `NetError::Config` for a wrong shape, `NetError::Weights` when the weights are not of that shape.
    pub fn new(config: &MlpConfig, weights: &[LayerWeights], device: &Device) -> Result<Self> {
        config.check()?;
        let shapes = config.layer_shapes();
        if shapes.len() != weights.len() {
            return Err(NetError::Weights(format!("{} layers, expected {}", weights.len(), shapes.len())));
        }
        let layers = shapes
            .iter()
            .zip(weights)
            .enumerate()
            .map(|(position, ((inputs, outputs), layer))| {
                if layer.weight.len() != inputs * outputs || layer.bias.len() != *outputs {
                    return Err(NetError::Weights(format!("layer {position} is not {inputs} × {outputs}")));
                }
                let weight = TensorData::new(layer.weight.clone(), [*inputs, *outputs]);
                let bias = TensorData::new(layer.bias.clone(), [*outputs]);
                Ok(Linear {
                    weight: Param::from_data(weight, device),
                    bias: Some(Param::from_data(bias, device)),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { layers })
    }

    /// Logits `[rows, 1]` of features `[rows, inputs]`. Each mask multiplies the output of the hidden layer at its
    /// place; scoring passes none.
    #[must_use]
    pub fn forward(&self, features: Tensor<2>, masks: &[Tensor<2>]) -> Tensor<2> {
        let last = self.layers.len().saturating_sub(1);
        let mut signal = features;
        for (position, layer) in self.layers.iter().enumerate() {
            signal = layer.forward(signal);
            if position < last {
                signal = relu(signal);
                if let Some(mask) = masks.get(position) {
                    signal = signal * mask.clone();
                }
            }
        }
        signal
    }

    /// The numbers it has learnt.
    ///
    /// # Errors
    /// `NetError::Weights` when the backend holds them in another type than `f32`.
    pub fn weights(&self) -> Result<Vec<LayerWeights>> {
        self.layers
            .iter()
            .map(|layer| {
                let bias = match &layer.bias {
                    Some(bias) => numbers(bias.val().into_data())?,
                    None => Vec::new(),
                };
                Ok(LayerWeights { weight: numbers(layer.weight.val().into_data())?, bias })
            })
            .collect()
    }
}

#[cfg(test)]
impl Mlp {
    /// The gradient of the first layer's weight, for comparison with a difference quotient.
    pub(crate) fn first_weight_gradient(&self, gradients: &burn::tensor::Gradients) -> Option<Vec<f32>> {
        let gradient = self.layers.first()?.weight.val().grad(gradients)?;
        numbers(gradient.into_data()).ok()
    }
}

/// A tensor's numbers, row-major.
pub(crate) fn numbers(data: TensorData) -> Result<Vec<f32>> {
    data.try_into_vec::<f32>().map_err(|error| NetError::Weights(format!("{error:?}")))
}

/// The device that everything here runs on: the processor.
pub(crate) fn processor() -> Device {
    Device::flex()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn config() -> MlpConfig {
        MlpConfig { inputs: 2, hidden: vec![2], dropout: 0.0, seed: 1 }
    }

    #[test]
    fn the_forward_pass_equals_the_hand_computed_one() {
        let weights = [
            LayerWeights { weight: vec![1.0, -1.0, 2.0, 0.5], bias: vec![0.5, -0.25] },
            LayerWeights { weight: vec![3.0, -2.0], bias: vec![0.1] },
        ];
        let net = Mlp::new(&config(), &weights, &processor()).unwrap();
        let features =
            Tensor::<2>::from_data(TensorData::new(vec![1.0_f32, 1.0, -2.0, 3.0], [2, 2]), &processor());
        let logits = numbers(net.forward(features, &[]).into_data()).unwrap();
        // Row 1: hidden (1+2+0.5, -1+0.5-0.25 → 0); 3·3.5 + 0.1. Row 2: (-2+6+0.5, 2+1.5-0.25); 13.5 − 6.5 + 0.1.
        assert!((logits[0] - 10.6).abs() < 1e-5 && (logits[1] - 7.1).abs() < 1e-5, "{logits:?}");
        assert_eq!(net.weights().unwrap(), weights);
    }

    #[test]
    fn first_weights_follow_the_seed_and_stay_in_bounds() {
        let config = MlpConfig { inputs: 11, hidden: vec![64, 32], dropout: 0.1, seed: 5 };
        let weights = initial_weights(&config);
        assert_eq!(weights, initial_weights(&config));
        assert_ne!(weights, initial_weights(&MlpConfig { seed: 6, ..config.clone() }));
        let bound = (6.0_f32 / 11.0).sqrt();
        assert!(weights[0].weight.iter().all(|weight| weight.abs() <= bound));
        assert_eq!(config.parameters(), 11 * 64 + 64 + 64 * 32 + 32 + 32 + 1);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for wrong in [
            MlpConfig { inputs: 0, ..config() },
            MlpConfig { hidden: vec![0], ..config() },
            MlpConfig { hidden: vec![4; LAYER_LIMIT + 1], ..config() },
            MlpConfig { dropout: 1.0, ..config() },
            MlpConfig { dropout: f64::NAN, ..config() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
