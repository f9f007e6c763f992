//! `why`: what changed between a good slice of the record and a bad one.
//!
//! [`facts`] draws one side out of the record, [`compare`] sets two sides against each other, [`columns`] does so for
//! distributions, [`verdict`] puts the result into words, and [`service`] decides which two sides a subject has.

pub mod columns;
pub mod compare;
pub mod facts;
pub mod model;
mod service;
pub mod verdict;
