//! Who else keeps something of runs and experiments, and must hear when they go.

use async_trait::async_trait;
use ropewalk_core::Result;

/// Hears what was deleted. An error goes to whoever deletes; what it is about may then be told again.
#[async_trait]
pub trait RunSink: Send + Sync {
    /// Runs were deleted. They may be restored.
    async fn runs_deleted(&self, run_ids: &[String]) -> Result<()>;

    /// An experiment is about to be removed for good.
    async fn experiment_purged(&self, experiment_id: &str) -> Result<()>;
}
