//! Filling both servers with the same data: ours through its HTTP API, MLflow's through its own tables.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use super::data::{self, Data};
use crate::bench::http::{Client, Coding};
use crate::process::{Outcome, output, root};

/// Connections that load.
const CONNECTIONS: usize = 4;

/// Where the data is in a server.
#[derive(Clone)]
pub(super) struct Place {
    /// The experiment with the runs.
    pub(super) runs: Experiment,
    /// The experiment with the long curve, later also with what is logged for measuring.
    pub(super) other: Experiment,
    /// The run with the long curve.
    pub(super) curve_run: String,
}

/// An experiment as the server made it.
#[derive(Clone)]
pub(super) struct Experiment {
    pub(super) id: String,
    artifact_location: String,
}

/// How the loading went.
pub(super) struct Loading {
    pub(super) seconds: f64,
    pub(super) runs: usize,
    pub(super) points: usize,
    /// HTTP requests; none where the tables were written directly.
    pub(super) requests: usize,
}

/// Make both experiments, and say nothing of a run yet.
pub(super) fn experiments(port: u16) -> Outcome<Place> {
    let mut client = Client::new(port);
    let mut make = |name: &str| -> Outcome<Experiment> {
        let made = post(&mut client, "experiments/create", &json!({"name": name}).to_string())?;
        let id = made["experiment_id"].as_str().unwrap_or_default().to_owned();
        let path = format!("/api/2.0/mlflow/experiments/get?experiment_id={id}");
        let found = client.get(&path, Coding::Plain)?.json()?;
        let location = found["experiment"]["artifact_location"].as_str().unwrap_or_default();
        Ok(Experiment { id, artifact_location: location.to_owned() })
    };
    Ok(Place { runs: make("bench runs")?, other: make("bench other")?, curve_run: String::new() })
}

/// Make a run, and give its id.
pub(super) fn create_run(client: &mut Client, experiment: &str, name: &str, start: u64) -> Outcome<String> {
    let body = json!({"experiment_id": experiment, "run_name": name, "start_time": start});
    let made = post(client, "runs/create", &body.to_string())?;
    match made["run"]["info"]["run_id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(format!("the new run has no id: {made}")),
    }
}

/// Load through the HTTP API, as clients do.
pub(super) fn through_api(port: u16, data: Data, place: &mut Place) -> Outcome<Loading> {
    let next = AtomicUsize::new(0);
    let requests = AtomicUsize::new(0);
    let started = Instant::now();
    let work = || -> Outcome {
        let mut client = Client::new(port);
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= data.runs {
                return Ok(());
            }
            let start = data::start_time(run);
            let id = create_run(&mut client, &place.runs.id, &data::run_name(run), start)?;
            let batches = data.batches(run);
            for batch in &batches {
                send(&mut client, "runs/log-batch", &batch.body(&id))?;
            }
            let end = json!({"run_id": id, "status": "FINISHED", "end_time": end_time(start)});
            send(&mut client, "runs/update", &end.to_string())?;
            requests.fetch_add(batches.len() + 2, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err("a loader gave up".to_owned())))
    })?;
    let seconds = started.elapsed().as_secs_f64();

    let mut client = Client::new(port);
    let start = data::start_time(data.runs);
    place.curve_run = create_run(&mut client, &place.other.id, "curve", start)?;
    for batch in data::curve_batches() {
        send(&mut client, "runs/log-batch", &batch.body(&place.curve_run))?;
    }
    Ok(Loading { seconds, runs: data.runs, points: data.points(), requests: requests.into_inner() })
}

/// Load into MLflow's tables, while its server does not run.
pub(super) fn through_tables(
    python: &Path,
    database: &str,
    data: Data,
    place: &mut Place,
    folder: &Path,
) -> Outcome<Loading> {
    let file = folder.join("runs.ndjson");
    write(&file, data, place).map_err(|error| format!("{}: {error}", file.display()))?;
    let script = root().join("tests/python/bench/load_mlflow.py");
    let mut command = Command::new(python);
    command.arg(script).arg(database).arg(&file).env("MLFLOW_DISABLE_TELEMETRY", "true");
    let printed = output(&mut command)?;
    let _ = std::fs::remove_file(&file);
    let told: Value = serde_json::from_str(printed.trim()).map_err(|error| format!("{error}: {printed}"))?;
    place.curve_run = told["last_run"].as_str().unwrap_or_default().to_owned();
    let seconds = told["seconds"].as_f64().unwrap_or(f64::NAN);
    Ok(Loading { seconds, runs: data.runs, points: data.points(), requests: 0 })
}

/// One line a run, the one with the long curve last.
fn write(file: &Path, data: Data, place: &Place) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    let mut line = |name: &str, start: u64, experiment: &Experiment, batches: Vec<String>| {
        let mut run = json!({"name": name, "start_time": start, "end_time": end_time(start)});
        run["experiment_id"] = json!(experiment.id);
        run["artifact_location"] = json!(experiment.artifact_location);
        let run = run.to_string();
        let run = run.trim_end_matches('}');
        writeln!(file, r#"{run},"batches":[{}]}}"#, batches.join(","))
    };
    let objects = |batches: Vec<data::Batch>| batches.iter().map(data::Batch::object).collect();
    for run in 0..data.runs {
        line(&data::run_name(run), data::start_time(run), &place.runs, objects(data.batches(run)))?;
    }
    line("curve", data::start_time(data.runs), &place.other, objects(data::curve_batches().collect()))?;
    file.flush()
}

fn end_time(start: u64) -> u64 {
    start + 60_000
}

fn post(client: &mut Client, call: &str, body: &str) -> Outcome<Value> {
    let path = format!("/api/2.0/mlflow/{call}");
    client.post(&path, body.as_bytes(), Coding::Plain)?.json().map_err(|error| format!("{call}: {error}"))
}

fn send(client: &mut Client, call: &str, body: &str) -> Outcome {
    let path = format!("/api/2.0/mlflow/{call}");
    client.post(&path, body.as_bytes(), Coding::Any)?.ok().map_err(|error| format!("{call}: {error}"))
}
