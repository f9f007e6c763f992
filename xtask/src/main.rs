//! The project's own chores: `cargo xtask demo`, `install`, `test`, `bench`, `web`, `generate`, `check`.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod browser;
mod check;
mod generate;
mod layers;
mod postgres;
mod process;
mod python;
mod server;
mod test;
mod web;

use std::process::ExitCode;

use process::{Outcome, cargo, root, run};

const HELP: &str = "\
The project's own chores.

  cargo xtask demo [ARGS]     build the web app and the program, run the whole line on real data
  cargo xtask install         put the ropewalk program, web app inside, on the PATH
  cargo xtask test [PART]     install what the tests need and run every test;
                              PART: rust, web, python, browser, mlflow (the same calls to MLflow's own
                              server and to ours, answers compared)
  cargo xtask bench [WHAT]    measure: figures (start, memory, size, demo), build (release build from nothing),
                              runs (the tracking server, with --against mlflow beside MLflow's own; see --help)
  cargo xtask web             build the web app only
  cargo xtask generate        write the generated reference and the OpenAPI description
  cargo xtask check           format, lints, layers of the house, generated files
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("demo") => demo(rest),
        Some("install") => install(),
        Some("test") => test::run(rest),
        Some("bench") => bench::measure(rest),
        Some("web") => web::build().map(drop),
        Some("generate") => generate::write(),
        Some("check") => check::run(),
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no chore “{other}”; see: cargo xtask help")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn demo(arguments: &[String]) -> Outcome {
    web::build_if_possible()?;
    run(cargo().args(["build", "--release", "--locked", "--package", "ropewalk"]))?;
    let program = process::target().join("release").join("ropewalk");
    run(std::process::Command::new(program).args(["demo", "--fresh"]).args(arguments).current_dir(root()))
}

fn install() -> Outcome {
    web::build_if_possible()?;
    run(cargo().args(["install", "--locked", "--path", "crates/ropewalk"]))
}
