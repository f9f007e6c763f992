//! What can go wrong with a network.

/// A network that cannot be built, trained, stored or loaded.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The configuration makes no network.
    #[error("{0}")]
    Config(String),
    /// The data do not fit the network.
    #[error("{0}")]
    Data(String),
    /// The weights file cannot be read or written.
    #[error("the weights cannot be read: {0}")]
    Weights(String),
    /// Training ran away: the loss is not a number any more.
    #[error("training diverged in epoch {0}: the loss is not a number; a smaller learning rate may help")]
    Diverged(usize),
}

/// The result of this crate's operations.
pub type Result<T> = std::result::Result<T, NetError>;
