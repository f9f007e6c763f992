//! Scoring with a trained perceptron: the module that was trained, on the processor, without gradients.

use burn::tensor::{Tensor, TensorData};

use crate::mlp::{Mlp, MlpConfig, numbers, processor};
use crate::weights::from_safetensors;
use crate::{NetError, Result};

/// Rows that go through the network at once: enough to fill the processor, few enough to stay in its cache.
const CHUNK_ROWS: usize = 1024;

/// A perceptron ready to score; many threads may use one at once.
#[derive(Debug)]
pub struct MlpScorer {
    config: MlpConfig,
    net: Mlp,
}

impl MlpScorer {
    /// Reads a weights file.
    ///
    /// # Errors
    /// `NetError::Weights` when it is damaged or no perceptron's.
    pub fn load(file: &[u8]) -> Result<Self> {
        let (config, weights) = from_safetensors(file)?;
        let net = Mlp::new(&config, &weights, &processor())?;
        Ok(Self { config, net })
    }

    /// Features a row.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.config.inputs
    }

    /// The network's shape.
    #[must_use]
    pub fn config(&self) -> &MlpConfig {
        &self.config
    }

    /// The probability of yes for each row of row-major features.
    ///
    /// # Errors
    /// `NetError::Data` when the numbers do not make `rows` rows, or one of them is not finite.
    pub fn score(&self, features: &[f32], rows: usize) -> Result<Vec<f32>> {
        if rows.checked_mul(self.config.inputs) != Some(features.len()) {
            return Err(NetError::Data(format!(
                "{} numbers are not {rows} rows of {} features",
                features.len(),
                self.config.inputs
            )));
        }
        if let Some(place) = features.iter().position(|feature| !feature.is_finite()) {
            return Err(NetError::Data(format!(
                "row {} misses a feature, which a network cannot take",
                place / self.config.inputs + 1
            )));
        }
        Ok(logits(&self.net, features, rows, self.config.inputs)?.into_iter().map(sigmoid).collect())
    }
}

/// The logistic function, in the form that does not overflow.
pub(crate) fn sigmoid(logit: f32) -> f32 {
    let logit = f64::from(logit);
    let small = (-logit.abs()).exp();
    (if logit >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }) as f32
}

/// The logits of row-major features whose count has been checked.
pub(crate) fn logits(net: &Mlp, features: &[f32], rows: usize, inputs: usize) -> Result<Vec<f32>> {
    let device = processor();
    let mut all = Vec::with_capacity(rows);
    for chunk in features.chunks(CHUNK_ROWS * inputs) {
        let data = TensorData::new(chunk.to_vec(), [chunk.len() / inputs, inputs]);
        let logits = net.forward(Tensor::<2>::from_data(data, &device), &[]);
        all.extend(numbers(logits.into_data())?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::mlp::initial_weights;
    use crate::weights::to_safetensors;

    fn scorer(inputs: usize) -> MlpScorer {
        let config = MlpConfig { inputs, hidden: vec![8, 4], dropout: 0.3, seed: 2 };
        MlpScorer::load(&to_safetensors(&config, &initial_weights(&config)).unwrap()).unwrap()
    }

    fn shared_by_threads<T: Send + Sync>(_: &T) {}

    #[test]
    fn one_row_alone_scores_as_it_does_among_many() {
        let scorer = scorer(3);
        shared_by_threads(&scorer);
        let rows = CHUNK_ROWS + 5;
        let features: Vec<f32> = (0..rows * 3).map(|place| (place as f32 * 0.37).sin()).collect();
        let together = scorer.score(&features, rows).unwrap();
        assert_eq!(together.len(), rows);
        for row in [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, rows - 1] {
            let alone = scorer.score(&features[row * 3..row * 3 + 3], 1).unwrap();
            assert!((alone[0] - together[row]).abs() < 1e-6);
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(scorer.score(&features, rows).unwrap(), together));
            }
        });
    }

    #[test]
    fn wrong_rows_are_errors_and_no_rows_are_no_scores() {
        let scorer = scorer(2);
        assert!(scorer.score(&[1.0, 2.0, 3.0], 2).is_err());
        assert!(scorer.score(&[1.0, 2.0], usize::MAX).is_err());
        assert!(scorer.score(&[1.0, f32::NAN], 1).unwrap_err().to_string().contains("row 1"));
        assert!(scorer.score(&[], 0).unwrap().is_empty());
    }

    #[test]
    fn the_logistic_function_is_right_at_the_ends() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1e4), 1.0);
        assert_eq!(sigmoid(-1e4), 0.0);
        assert!((sigmoid(2.0) - 0.880_797).abs() < 1e-6);
    }
}
