//! The model registry: registered models, immutable versions, aliases, signatures and gates, spoken in MLflow's REST
//! and in our own.

pub mod bundle;
mod gates;
mod http;
mod mlflow;
pub mod model;
pub mod rules;
mod schema;
mod service;
mod source;
mod store;
pub mod trees;

pub use bundle::{
    BUNDLE_FOLDER, BUNDLE_FORMAT, BundleManifest, ColumnProfile, LoadedBundle, MANIFEST_FILE,
    ReferenceProfile, Signature, SignatureField,
};
pub use http::routes;
pub use model::{Gate, GateResult, ModelVersion, RegisterRequest, RegisteredModel, VersionSpec};
pub use schema::MIGRATIONS;
pub use service::{HistoryEntry, Models, NewModel, NewVersion, Window};
pub use source::{SourceRules, VARIABLES};
pub use trees::TreeScorer;
