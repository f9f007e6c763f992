//! Jobs: long work in the background, with progress, kept so that its end can be read later.

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::{Job, JobState};
pub use service::{Jobs, Progress};
pub use store::MIGRATIONS;
