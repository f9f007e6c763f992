//! Who may do what: tokens and passwords with one of four roles, and permissions on single experiments and registered
//! models beside them.

mod after;
mod guard;
mod http;
mod known;
mod layer;
#[cfg(test)]
mod layer_tests;
mod mlflow;
mod model;
mod permissions;
mod refusal;
mod roles;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use guard::Guard;
pub use http::routes;
pub use layer::authenticate;
pub use mlflow::routes as mlflow_routes;
pub use model::{Credential, Kind, Role};
pub use permissions::{PermissionRow, routes as permission_routes};
pub(crate) use refusal::Form;
pub use service::{Auth, Caller};
pub use store::MIGRATIONS;
