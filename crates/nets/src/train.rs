//! Training a perceptron for a yes-or-no target: AdamW on binary cross-entropy in shuffled batches, stopped when the
//! validation loss no longer falls; the best epoch's weights are kept.

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Device, Tensor, TensorData};

use crate::mlp::{LayerWeights, Mlp, MlpConfig, initial_weights, numbers, processor};
use crate::scorer::logits;
use crate::weights::to_safetensors;
use crate::{NetError, Random, Result};

/// Features and labels of some rows.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// Row-major, `inputs` numbers a row.
    pub features: &'a [f32],
    /// 0 or 1, one a row.
    pub labels: &'a [f32],
}

impl Examples<'_> {
    fn check(&self, inputs: usize, part: &str) -> Result<()> {
        if self.labels.is_empty() {
            return Err(NetError::Data(format!("the {part} rows are empty")));
        }
        if self.features.len() != self.labels.len() * inputs {
            return Err(NetError::Data(format!(
                "the {part} rows hold {} numbers; {} rows of {inputs} features hold {}",
                self.features.len(),
                self.labels.len(),
                self.labels.len() * inputs
            )));
        }
        if self.features.iter().any(|feature| !feature.is_finite()) {
            return Err(NetError::Data(format!(
                "the {part} rows hold a missing or infinite feature, which a network cannot take: add a step that imputes"
            )));
        }
        if self.labels.iter().any(|label| !(0.0..=1.0).contains(label)) {
            return Err(NetError::Data(format!("the {part} rows hold a label outside 0 to 1")));
        }
        Ok(())
    }
}

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Most passes over the training rows.
    pub epochs: usize,
    /// Rows a step.
    pub batch: usize,
    /// AdamW's step size at the start; it falls along a half cosine to a tenth at the end of `epochs`.
    pub learning_rate: f64,
    /// AdamW's decoupled weight decay.
    pub weight_decay: f64,
    /// Stop after this many epochs without a lower validation loss.
    pub patience: usize,
}

/// What one pass over the training rows came to.
#[derive(Debug)]
pub struct Epoch<'a> {
    /// Counts from 1.
    pub number: usize,
    /// Mean binary cross-entropy of the pass's batches, dropout included, in nats.
    pub train_loss: f64,
    /// Binary cross-entropy on the validation rows after the pass, in nats.
    pub validation_loss: f64,
    /// Probabilities of the validation rows after the pass.
    pub validation: &'a [f32],
}

/// A trained perceptron.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMlp {
    /// Its shape.
    pub config: MlpConfig,
    /// The weights of the best epoch.
    pub weights: Vec<LayerWeights>,
    /// The epoch with the lowest validation loss, from 1.
    pub best_epoch: usize,
    /// How many epochs were run.
    pub epochs: usize,
}

impl FittedMlp {
    /// The weights file.
    ///
    /// # Errors
    /// `NetError::Weights` when it cannot be written.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        to_safetensors(&self.config, &self.weights)
    }
}

/// Trains. The result depends on the configuration, the options and the rows alone: batches, weights and dropout come
/// from the configuration's seed, and no sum is split over threads.
///
/// # Errors
/// `NetError::Config` or `NetError::Data` when something does not fit; `NetError::Diverged` when the loss runs away.
pub fn fit(
    config: &MlpConfig,
    options: &FitOptions,
    train: Examples<'_>,
    validation: Examples<'_>,
    on_epoch: &mut dyn FnMut(Epoch<'_>),
) -> Result<FittedMlp> {
    config.check()?;
    options.check()?;
    train.check(config.inputs, "training")?;
    validation.check(config.inputs, "validation")?;

    let mut trainer = Trainer::new(config, options)?;
    let mut order: Vec<usize> = (0..train.labels.len()).collect();
    let mut shuffler = Random::for_purpose(config.seed, 2);
    let mut best: Option<(usize, f64, Mlp)> = None;
    let mut epochs = 0;
    for number in 1..=options.epochs {
        epochs = number;
        shuffler.shuffle(&mut order);
        let rate = options.rate(number);
        let mut sum = 0.0;
        for batch in order.chunks(options.batch) {
            sum += trainer.step(train, batch, rate)? * batch.len() as f64;
        }
        let train_loss = sum / order.len() as f64;
        let net = trainer.net.valid();
        let (validation_loss, probabilities) = judge(&net, validation, config.inputs)?;
        if !train_loss.is_finite() || !validation_loss.is_finite() {
            return Err(NetError::Diverged(number));
        }
        on_epoch(Epoch { number, train_loss, validation_loss, validation: &probabilities });
        let best_so_far = best.as_ref().map_or(f64::INFINITY, |(_, loss, _)| *loss);
        if validation_loss < best_so_far {
            best = Some((number, validation_loss, net));
        } else if best.as_ref().is_some_and(|(epoch, ..)| number - epoch >= options.patience) {
            break;
        }
    }
    let (best_epoch, _, net) =
        best.ok_or_else(|| NetError::Config("at least one epoch is needed".to_owned()))?;
    Ok(FittedMlp { config: config.clone(), weights: net.weights()?, best_epoch, epochs })
}

impl FitOptions {
    fn check(&self) -> Result<()> {
        if self.epochs == 0 || self.batch == 0 || self.patience == 0 {
            return Err(NetError::Config("epochs, batch and patience are at least 1".to_owned()));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(NetError::Config(format!("a learning rate is above 0, not {}", self.learning_rate)));
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(NetError::Config(format!("a weight decay is 0 or more, not {}", self.weight_decay)));
        }
        Ok(())
    }

    fn rate(&self, epoch: usize) -> f64 {
        let share = (epoch - 1) as f64 / self.epochs as f64;
        self.learning_rate * (0.1 + 0.9 * 0.5 * (1.0 + (std::f64::consts::PI * share).cos()))
    }
}

struct Trainer {
    net: Mlp,
    optimizer: ModuleOptimizer,
    device: Device,
    dropout: Random,
    inputs: usize,
    hidden: Vec<usize>,
    share: f64,
}

impl Trainer {
    fn new(config: &MlpConfig, options: &FitOptions) -> Result<Self> {
        let device = processor().autodiff();
        Ok(Self {
            net: Mlp::new(config, &initial_weights(config), &device)?,
            optimizer: AdamWConfig::new().with_weight_decay(options.weight_decay as f32).init(),
            device,
            dropout: Random::for_purpose(config.seed, 3),
            inputs: config.inputs,
            hidden: config.hidden.clone(),
            share: config.dropout,
        })
    }

    /// One step on these rows; their mean loss before it.
    fn step(&mut self, train: Examples<'_>, rows: &[usize], rate: f64) -> Result<f64> {
        let width = self.inputs;
        let features: Vec<f32> = rows
            .iter()
            .flat_map(|row| train.features[row * width..(row + 1) * width].iter().copied())
            .collect();
        let labels: Vec<f32> = rows.iter().map(|row| train.labels[*row]).collect();
        let features = Tensor::<2>::from_data(TensorData::new(features, [rows.len(), width]), &self.device);
        let labels = Tensor::<2>::from_data(TensorData::new(labels, [rows.len(), 1]), &self.device);
        let masks = self.masks(rows.len());
        let logits = self.net.forward(features, &masks);
        let loss = cross_entropy(logits, labels);
        let value =
            numbers(loss.clone().inner().into_data())?.first().map_or(f64::NAN, |loss| f64::from(*loss));
        let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
        self.net = self.optimizer.step(rate, self.net.clone(), gradients);
        Ok(value)
    }

    /// Inverted dropout: a silenced unit is 0, the others are scaled so that the expected signal stays
    /// (Srivastava et al., "Dropout", 2014).
    fn masks(&mut self, rows: usize) -> Vec<Tensor<2>> {
        if self.share == 0.0 {
            return Vec::new();
        }
        let kept = (1.0 / (1.0 - self.share)) as f32;
        let share = self.share;
        let random = &mut self.dropout;
        self.hidden
            .iter()
            .map(|width| {
                let mask: Vec<f32> =
                    (0..rows * width).map(|_| if random.unit() < share { 0.0 } else { kept }).collect();
                Tensor::from_data(TensorData::new(mask, [rows, *width]), &self.device)
            })
            .collect()
    }
}

/// Mean binary cross-entropy of logits, in the form that does not overflow: `(1 − y)·x − ln σ(x)`.
fn cross_entropy(logits: Tensor<2>, labels: Tensor<2>) -> Tensor<1> {
    let missed = (labels.neg() + 1.0) * logits.clone();
    (missed - log_sigmoid(logits)).mean()
}

/// The loss on some rows, in double precision, and their probabilities.
fn judge(net: &Mlp, rows: Examples<'_>, inputs: usize) -> Result<(f64, Vec<f32>)> {
    let logits = logits(net, rows.features, rows.labels.len(), inputs)?;
    let loss = logits
        .iter()
        .zip(rows.labels)
        .map(|(logit, label)| {
            let (logit, label) = (f64::from(*logit), f64::from(*label));
            logit.max(0.0) - logit * label + (-logit.abs()).exp().ln_1p()
        })
        .sum::<f64>();
    let probabilities = logits.into_iter().map(crate::scorer::sigmoid).collect();
    Ok((loss / rows.labels.len() as f64, probabilities))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::MlpScorer;

    fn ring(rows: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
        // Inside or outside a circle: no line separates these.
        let mut random = Random::new(seed);
        let mut features = Vec::new();
        let mut labels = Vec::new();
        for _ in 0..rows {
            let (x, y) = (random.between(-1.0, 1.0), random.between(-1.0, 1.0));
            features.extend([x as f32, y as f32]);
            labels.push(if x * x + y * y < 0.5 { 1.0 } else { 0.0 });
        }
        (features, labels)
    }

    fn options() -> FitOptions {
        FitOptions { epochs: 60, batch: 32, learning_rate: 0.01, weight_decay: 1e-4, patience: 60 }
    }

    fn fit_ring(seed: u64, options: &FitOptions) -> (FittedMlp, Vec<(f64, f64)>) {
        let (features, labels) = ring(400, 1);
        let (other_features, other_labels) = ring(200, 2);
        let mut curve = Vec::new();
        let fitted = fit(
            &MlpConfig { inputs: 2, hidden: vec![16], dropout: 0.1, seed },
            options,
            Examples { features: &features, labels: &labels },
            Examples { features: &other_features, labels: &other_labels },
            &mut |epoch| curve.push((epoch.train_loss, epoch.validation_loss)),
        )
        .unwrap();
        (fitted, curve)
    }

    #[test]
    fn a_network_learns_what_no_line_separates() {
        let (fitted, curve) = fit_ring(3, &options());
        assert!(curve[0].1 > 0.6 && curve.last().unwrap().1 < 0.3, "{curve:?}");
        let (features, labels) = ring(500, 9);
        let scorer = MlpScorer::load(&fitted.to_safetensors().unwrap()).unwrap();
        let scores = scorer.score(&features, 500).unwrap();
        let right =
            scores.iter().zip(&labels).filter(|(score, label)| (**score >= 0.5) == (**label == 1.0)).count();
        assert!(right > 450, "{right} of 500");
    }

    #[test]
    fn the_same_seed_trains_the_same_weights_even_beside_another_training() {
        let short = FitOptions { epochs: 5, ..options() };
        let alone = fit_ring(3, &short).0;
        let (left, right) = std::thread::scope(|scope| {
            let left = scope.spawn(|| fit_ring(3, &short).0);
            let right = scope.spawn(|| fit_ring(4, &short).0);
            (left.join().unwrap(), right.join().unwrap())
        });
        assert_eq!(alone, left);
        assert_ne!(alone.weights, right.weights);
    }

    #[test]
    fn training_stops_early_and_keeps_the_best_epoch() {
        let hasty = FitOptions { learning_rate: 0.5, patience: 3, epochs: 200, ..options() };
        let (fitted, curve) = fit_ring(3, &hasty);
        assert!(fitted.epochs < 200 && curve.len() == fitted.epochs);
        assert_eq!(fitted.epochs - fitted.best_epoch, 3);
        let lowest = curve.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
        assert_eq!(curve[fitted.best_epoch - 1].1, lowest);
    }

    #[test]
    fn the_gradient_equals_the_difference_quotient() {
        let config = MlpConfig { inputs: 2, hidden: vec![3], dropout: 0.0, seed: 11 };
        let device = processor().autodiff();
        let features =
            || Tensor::<2>::from_data(TensorData::new(vec![0.3_f32, -0.8, 1.1, 0.4], [2, 2]), &device);
        let labels = || Tensor::<2>::from_data(TensorData::new(vec![1.0_f32, 0.0], [2, 1]), &device);
        let start = initial_weights(&config);
        let loss_of = |weights: &[LayerWeights]| {
            let net = Mlp::new(&config, weights, &device).unwrap();
            f64::from(
                numbers(cross_entropy(net.forward(features(), &[]), labels()).inner().into_data()).unwrap()
                    [0],
            )
        };
        let net = Mlp::new(&config, &start, &device).unwrap();
        let loss = cross_entropy(net.forward(features(), &[]), labels());
        let gradients = net.first_weight_gradient(&loss.backward()).unwrap();
        assert_eq!(gradients.len(), start[0].weight.len());
        for (place, gradient) in gradients.iter().enumerate() {
            let moved = |step: f32| {
                let mut weights = start.clone();
                weights[0].weight[place] += step;
                loss_of(&weights)
            };
            let quotient = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((quotient - f64::from(*gradient)).abs() < 2e-3, "{place}: {quotient} {gradient}");
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused_in_words() {
        let config = MlpConfig { inputs: 2, hidden: vec![2], dropout: 0.0, seed: 1 };
        let good = Examples { features: &[1.0, 2.0], labels: &[1.0] };
        for (rows, words) in [
            (Examples { features: &[1.0, 2.0, 3.0], labels: &[1.0] }, "hold 3 numbers"),
            (Examples { features: &[1.0, f32::NAN], labels: &[1.0] }, "imputes"),
            (Examples { features: &[], labels: &[] }, "empty"),
            (Examples { features: &[1.0, 2.0], labels: &[7.0] }, "outside 0 to 1"),
        ] {
            let error = fit(&config, &options(), rows, good, &mut |_| {}).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        let wild = FitOptions { learning_rate: f64::INFINITY, ..options() };
        assert!(fit(&config, &wild, good, good, &mut |_| {}).is_err());
    }
}
