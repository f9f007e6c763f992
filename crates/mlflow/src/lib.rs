//! MLflow's protocol: how its server reads requests and filters, and how it writes answers and errors. It knows no
//! feature: which routes there are and what they do stands in the features.

pub mod access;
pub mod answer;
mod call;
mod error;
mod fields;
pub mod filter;
pub mod hosts;
pub mod json;
pub mod media;
pub mod message;
pub mod page;
pub mod path;
pub mod python;
pub mod ranges;
pub mod rules;
pub mod sql;
pub mod uri;
pub mod workspaces;

use axum::Router;

pub use answer::{Object, answer, done};
pub use call::{Call, read_body};
pub use error::{ErrorCode, MlflowError, MlflowResult};
pub use fields::{Fields, Value};
pub use json::Json;
pub use message::{Field, Kind, Message};
pub use rules::Rule;

/// The version of MLflow whose protocol this is.
pub const VERSION: &str = "3.18.0";

/// Serves a group of `/2.0/…` and `/3.0/…` routes under both of MLflow's prefixes.
pub fn both_prefixes<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    Router::new().nest("/api", routes.clone()).nest("/ajax-api", routes)
}
