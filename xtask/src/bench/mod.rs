//! Measuring: the program as a newcomer meets it, its build, and its tracking server beside MLflow's.

mod build;
mod figures;
mod http;
mod runs;

use std::path::PathBuf;

use crate::process::{Outcome, cargo, run, target};
use crate::web;

/// `cargo xtask bench [figures|build|runs]`
pub(crate) fn measure(arguments: &[String]) -> Outcome {
    match arguments.first().map(String::as_str) {
        None | Some("figures") => figures::figures(),
        Some("build") => build::build(),
        Some("runs") => runs::measure(arguments.get(1..).unwrap_or_default()),
        Some(other) => Err(format!("there is no benchmark “{other}”: figures, build, runs")),
    }
}

/// The program as users have it, built where it is not yet.
fn release() -> Outcome<PathBuf> {
    web::build_if_possible()?;
    run(cargo().args(["build", "--release", "--locked", "--package", "ropewalk"]))?;
    Ok(target().join("release").join("ropewalk"))
}
