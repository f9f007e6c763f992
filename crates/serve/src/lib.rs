//! Serving: endpoints that answer over the Open Inference Protocol, the revisions behind them, the traffic between
//! revisions, and the proof of what is being served.
//!
//! ```text
//! request ─ oip.rs ─ predict.rs ─┬─ table.rs  which revision (split.rs) and its model, lock-free
//!                                ├─ protocol/ tensors in, checked against the signature
//!                                ├─ runtime.rs frozen pipeline, then trees or network
//!                                └─ sink.rs   durable log, before the answer leaves
//! change  ─ http.rs ─ change.rs ─┬─ store.rs  one transaction with its journal entry
//!                                ├─ reload.rs a new table aside, put in place whole
//!                                └─ read-back from that table, journalled
//! ```

mod change;
mod configure;
pub mod histogram;
mod http;
mod metrics;
mod migrations;
pub mod model;
mod oip;
mod predict;
pub mod protocol;
mod reload;
pub mod runtime;
mod service;
pub mod sink;
pub mod source;
pub mod split;
pub mod statistics;
mod store;
pub mod table;

pub use http::{EndpointView, routes};
pub use migrations::MIGRATIONS;
pub use model::{
    DeployRequest, Endpoint, EndpointSettings, Revision, ServedRevision, ServedState, TrafficChange,
    TrafficShare,
};
pub use protocol::{InferenceRequest, InferenceResponse, InputTensor, TensorData};
pub use runtime::{Runtime, Scorer, ServedModel};
pub use service::Serve;
pub use sink::{DiscardPredictions, PredictionBatch, PredictionSink};
pub use source::{Candidate, ModelSource};
pub use statistics::{EndpointStatistics, Figures, Point, RevisionStatistics};

#[cfg(test)]
mod tests;
