//! The SQL of datasets.

use ropewalk_core::Migration;

/// The tables of datasets.
pub const MIGRATIONS: &[Migration] = &[];
