//! Every test that a fresh machine can run, with what it needs installed first.

use std::time::Instant;

use crate::postgres::{Durability, Postgres};
use crate::process::{self, Outcome, cargo};
use crate::server::Demo;
use crate::{browser, check, generate, python, web};

/// Run the parts named, or all.
pub(crate) fn run_parts(parts: &[String]) -> Outcome {
    let all = parts.is_empty();
    let wanted = |part: &str| all || parts.iter().any(|named| named == part);
    for part in parts {
        if !["rust", "web", "python", "browser", "mlflow"].contains(&part.as_str()) {
            return Err(format!("there is no part “{part}”: rust, web, python, browser, mlflow"));
        }
    }
    let mut left_out = Vec::new();
    if wanted("rust") {
        check::format()?;
        check::layers()?;
    }
    if wanted("web") || wanted("browser") {
        match web::node() {
            Ok(()) => web::test()?,
            Err(why) => left_out.push(format!("web and browser: {why}")),
        }
    }
    if wanted("rust") {
        rust(&mut left_out)?;
    }
    if wanted("python") || wanted("browser") {
        // The Rust tests have built the program already; on their own these parts build it first.
        if !wanted("rust") {
            process::build()?;
        }
        let demo = Demo::start(&process::program())?;
        judge(&demo.summary)?;
        if wanted("browser") && web::node().is_ok() {
            match browser::chromium() {
                Ok(chromium) => browser::test(&demo.address, &chromium)?,
                Err(why) => left_out.push(format!("the web app in a browser: {why}")),
            }
        }
        if wanted("python") {
            match python::find_python() {
                Ok(_) => python::test(&demo.address, &process::program())?,
                Err(why) => left_out.push(format!("the stock clients: {why}")),
            }
        }
    }
    if wanted("mlflow") {
        if !wanted("rust") {
            process::build()?;
        }
        match python::find_python() {
            Ok(_) => python::compare(&process::program())?,
            Err(why) => left_out.push(format!("the same calls to MLflow's own server: {why}")),
        }
    }
    if wanted("rust") {
        check::lints()?;
        generate::compare(&process::program())?;
    }
    for part in &left_out {
        eprintln!("left out: {part}");
    }
    Ok(())
}

pub(crate) fn run(parts: &[String]) -> Outcome {
    let started = Instant::now();
    run_parts(parts)?;
    eprintln!("Everything passed in {:.1} minutes.", started.elapsed().as_secs_f64() / 60.0);
    Ok(())
}

fn rust(left_out: &mut Vec<String>) -> Outcome {
    let mut command = cargo();
    command.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    let postgres = Postgres::start(Durability::Off)?;
    match &postgres {
        Some(server) => {
            command.env("ROPEWALK_TEST_POSTGRES", &server.url);
        }
        None => left_out.push("store suites on PostgreSQL: none is installed".to_owned()),
    }
    process::run(&mut command)
}

/// What the demo must show, whatever the machine's speed.
fn judge(summary: &serde_json::Value) -> Outcome {
    let number = |name: &str| summary[name].as_f64().unwrap_or(f64::NAN);
    let (red, before, after) = (number("auc_red"), number("auc_white_before"), number("auc_white_after"));
    let checks = [
        ("version 1 is good on red wines", red >= 0.78),
        ("version 1 is worse on white wines", before <= red - 0.04),
        ("version 2 is good on held-out white wines", after >= 0.79 && after >= before + 0.03),
        ("there are two incidents", number("incidents") == 2.0),
        ("no request failed", number("failed_requests") == 0.0),
        ("the bad release was undone within seconds", number("rollback_seconds") < 10.0),
        ("energy was measured", number("watt_hours") > 0.0),
    ];
    for (words, holds) in checks {
        eprintln!("{} {words}", if holds { "ok    " } else { "FAILED" });
    }
    println!(
        "{} passed, {} failed",
        checks.iter().filter(|(_, holds)| *holds).count(),
        checks.iter().filter(|(_, holds)| !*holds).count()
    );
    if checks.iter().all(|(_, holds)| *holds) {
        Ok(())
    } else {
        Err(format!("the demo did not go as it should: {summary}"))
    }
}
