//! Experiments, runs, metrics, parameters, artifacts and logged models: MLflow's tracking, spoken in MLflow's REST and in
//! our own.

mod artifacts;
mod column;
mod experiment_tag;
mod http;
pub mod limits;
pub mod logged_model;
mod mlflow;
pub mod model;
mod names;
pub mod number;
mod schema;
mod service;
mod sink;
mod state;
mod store;

pub use artifacts::VARIABLES as ARTIFACT_VARIABLES;
pub use artifacts::uri::{append as append_to_uri, proxied_path};
pub use http::routes;
pub use logged_model::{LoggedModel, LoggedModelStatus, NewLoggedModel};
pub use mlflow::artifacts::{no_path, send_file};
pub use model::{
    DatasetInfo, DatasetInput, Experiment, FileInfo, Lifecycle, Metric, ModelLink, Param, Run, RunData,
    RunInfo, RunLineage, RunSearch, RunStatus, Tag, ViewType,
};
pub use schema::MIGRATIONS;
pub use service::Runs;
pub use sink::RunSink;
