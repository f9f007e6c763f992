//! Who may do what: tokens and passwords with one of four roles.

mod http;
mod layer;
mod model;
mod service;
mod store;

pub use http::routes;
pub use layer::authenticate;
pub use model::{Credential, Kind, Role};
pub use service::{Auth, Caller};
pub use store::MIGRATIONS;
