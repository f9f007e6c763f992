//! Training: recipes, tracked runs, sweeps, and runs repeated from their record.

pub mod environment;
mod http;
pub mod metrics;
pub mod model;
pub mod parameters;
pub mod profile;
pub mod recipes;
pub mod record;
mod reproduce;
mod service;
mod store;
mod sweep;
pub mod trial;

pub use http::routes;
pub use model::{
    DEFAULT_EXPERIMENT, MetricComparison, Reproduction, Sweep, SweepRequest, SweepResult, TrainRequest,
    TrainedRun,
};
pub use parameters::{Parameter, ParameterKind, Search, Values};
pub use recipes::{Recipe, RecipeInfo};
pub use service::{Learn, recorded_cost};
pub use store::MIGRATIONS;
