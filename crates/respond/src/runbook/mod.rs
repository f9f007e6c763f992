//! Runbooks.
//!
//! [`retrain`] is the one there is: it brings the captured, labelled requests into the dataset, trains on them, gates
//! the candidate by replay ([`replay`]), rolls it out and resolves the incident. [`plan`] says beforehand what it would
//! do, [`export`] divides the captured rows, [`record`] keeps every step, [`service`] starts runs.

mod export;
pub mod model;
mod plan;
mod record;
pub mod replay;
mod retrain;
mod service;
