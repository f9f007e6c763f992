//! Where answered predictions go before the answer leaves: the prediction log.

use async_trait::async_trait;
use ropewalk_core::Result;
use ropewalk_data::Frame;

/// One answered request: every row of it, as it came in, with what the model said.
#[derive(Clone, Debug)]
pub struct PredictionBatch {
    /// Endpoint that answered.
    pub endpoint: String,
    /// Revision of the endpoint that answered.
    pub revision: i64,
    /// Registered model behind that revision.
    pub model: String,
    /// Version of that model.
    pub version: i64,
    /// When the request was received, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// From receipt to score, in microseconds; the write of this record is not in it.
    pub latency_us: u64,
    /// One prediction id for each row, time-ordered.
    pub ids: Vec<String>,
    /// The raw inputs, one column for each input of the model's pipeline, before any transform.
    pub inputs: Frame,
    /// One probability for each row; empty when `error` is set.
    pub scores: Vec<f32>,
    /// Why the model could not score these rows, if it could not.
    pub error: Option<String>,
}

/// Takes every prediction before its answer goes out.
///
/// `record` returns only when the batch is durable: a prediction that a client has seen is never lost. An error
/// makes the endpoint answer 503, unless its `require_log` setting is off.
#[async_trait]
pub trait PredictionSink: Send + Sync {
    /// Records one batch durably.
    async fn record(&self, batch: PredictionBatch) -> Result<()>;
}

/// A sink that keeps nothing: for commands that only read endpoints, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiscardPredictions;

#[async_trait]
impl PredictionSink for DiscardPredictions {
    async fn record(&self, _batch: PredictionBatch) -> Result<()> {
        Ok(())
    }
}
