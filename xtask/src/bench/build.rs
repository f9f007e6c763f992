//! How long a newcomer waits for the release build.

use std::time::Instant;

use crate::process::{Outcome, cargo, run};

/// A release build from nothing, as a newcomer has it.
pub(super) fn build() -> Outcome {
    let folder = std::env::temp_dir().join("ropewalk-bench-build");
    let _ = std::fs::remove_dir_all(&folder);
    let started = Instant::now();
    run(cargo()
        .args(["build", "--release", "--locked", "--package", "ropewalk", "--timings"])
        .env("CARGO_TARGET_DIR", &folder))?;
    println!("release build from nothing: {:.1} minutes", started.elapsed().as_secs_f64() / 60.0);
    println!("timings: {}", folder.join("cargo-timings/cargo-timing.html").display());
    Ok(())
}
