//! Format, lints, the house's layers, and generated files.

use crate::generate;
use crate::layers;
use crate::process::{self, Outcome, cargo};

/// Every check.
pub(crate) fn run() -> Outcome {
    format()?;
    layers()?;
    lints()?;
    generated()
}

/// The source is formatted.
pub(crate) fn format() -> Outcome {
    process::run(cargo().args(["fmt", "--all", "--check"]))
}

/// No lint warns.
pub(crate) fn lints() -> Outcome {
    process::run(cargo().args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Crates use only crates below them.
pub(crate) fn layers() -> Outcome {
    layers::check()
}

/// The committed reference is what the program prints.
pub(crate) fn generated() -> Outcome {
    generate::check()
}
