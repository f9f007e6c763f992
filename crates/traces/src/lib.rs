//! Traces of programs that call language models: their spans, what people and programs judge of them, and datasets to
//! evaluate on; spoken in MLflow's REST, in OpenTelemetry's export and in our own routes.

mod filter;
mod http;
mod keys;
mod mlflow;
pub mod model;
mod numbers;
mod otlp;
mod python;
mod schema;
mod service;
mod span;
mod store;
mod translate;

pub use http::routes;
pub use schema::MIGRATIONS;
pub use service::Traces;
pub use translate::VARIABLES;
