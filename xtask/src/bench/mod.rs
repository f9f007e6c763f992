//! Measuring: the program as a newcomer meets it, and its build.

mod build;
mod figures;

use std::path::PathBuf;

use crate::process::{Outcome, cargo, run, target};
use crate::web;

/// `cargo xtask bench [figures|build]`
pub(crate) fn measure(arguments: &[String]) -> Outcome {
    match arguments.first().map(String::as_str) {
        None | Some("figures") => figures::figures(),
        Some("build") => build::build(),
        Some(other) => Err(format!("there is no benchmark “{other}”: figures, build")),
    }
}

/// The program as users have it, built where it is not yet.
fn release() -> Outcome<PathBuf> {
    web::build_if_possible()?;
    run(cargo().args(["build", "--release", "--locked", "--package", "ropewalk"]))?;
    Ok(target().join("release").join("ropewalk"))
}
