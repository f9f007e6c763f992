//! Energy, carbon and money: meters that measure or estimate, country intensities, prices, and a
//! ledger of what every activity cost.
//!
//! A figure always comes with its method and a band, since the same work gives figures that differ
//! by a factor of two and more between methods.

pub mod account;
pub mod intensity;
pub mod machine;
pub mod meter;
pub mod model;
pub mod power;
pub mod rapl;
pub mod rates;

mod http;
mod service;
mod store;

pub use http::routes;
pub use meter::{Meter, Reading};
pub use model::{Cost, Group, LedgerEntry, Method, Summary, SummaryFilter};
pub use rates::Rates;
pub use service::Ledger;
pub use store::MIGRATIONS;
