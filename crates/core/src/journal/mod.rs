//! The journal: one hash-chained entry for every operation that matters. Lineage is a walk over
//! it, an incident's timeline a slice of it.

mod http;
mod lineage;
mod model;
mod service;
mod store;

pub use http::routes;
pub use lineage::{Direction, Edge, Lineage, Node};
pub use model::{Entry, Filter, Line, NewEntry, Reference};
pub use service::{Journal, Verification};
pub use store::MIGRATIONS;
