//! Neural networks: architectures, training steps, and weights in and out. The same code trains and serves. No
//! database and no HTTP.

mod error;
pub mod mlp;
pub mod random;
pub mod scorer;
pub mod train;
pub mod weights;

pub use error::{NetError, Result};
pub use mlp::{LayerWeights, Mlp, MlpConfig};
pub use random::Random;
pub use scorer::MlpScorer;
pub use train::{Epoch, Examples, FitOptions, FittedMlp, fit};
