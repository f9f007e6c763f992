//! Where things belong, which only the features know.

use async_trait::async_trait;
use ropewalk_core::Result;

/// A registered model, as far as permissions ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// A model.
    Model,
    /// A prompt: a registered model with a mark.
    Prompt,
}

/// Finds what something belongs to. `None` stands for what does not exist.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The experiment of a name.
    async fn experiment_named(&self, name: &str) -> Result<Option<String>>;
    /// The experiment of a run; whoever takes the beginning of a run's identifier may send one here too.
    async fn experiment_of_run(&self, run: &str) -> Result<Option<String>>;
    /// The experiment of a logged model.
    async fn experiment_of_logged_model(&self, model: &str) -> Result<Option<String>>;
    /// The experiment of a trace.
    async fn experiment_of_trace(&self, trace: &str) -> Result<Option<String>>;
    /// The experiments of an evaluation dataset.
    async fn experiments_of_dataset(&self, dataset: &str) -> Result<Option<Vec<String>>>;
    /// What a registered model is.
    async fn registered(&self, name: &str) -> Result<Option<Registered>>;
}
