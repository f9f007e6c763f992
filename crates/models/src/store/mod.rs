//! The SQL of the registry.

pub(crate) mod registered;
pub(crate) mod search;
pub(crate) mod versions;
