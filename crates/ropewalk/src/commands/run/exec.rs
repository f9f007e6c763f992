//! A program run as a run: it logs with MLflow's client as ever, and the code it was is kept with it.

use std::path::PathBuf;

use clap::Args;
use ropewalk_core::{Code, Error, Result, now_ms};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::{Client, segment};
use crate::commands::experiment::number_of;
use crate::context::Context;
use crate::git::GitState;

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// The experiment; made if there is none of this name
    #[arg(long, default_value = "Default")]
    experiment: String,
    /// The run's name
    #[arg(long)]
    name: Option<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<String>,
}

pub(super) async fn exec(context: &Context, args: ExecArgs) -> Result<()> {
    let client = context.client().await?;
    let Client::Remote { base, token, .. } = client else {
        return Err(Error::new(Code::Unavailable, "no server runs that the program could log to")
            .hint("ropewalk up   # in another terminal"));
    };
    let experiment = experiment(client, &args.experiment).await?;
    let state = GitState::of(&folder()).await;
    let mut tags = vec![
        ("mlflow.source.name", args.program.join(" ")),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("mlflow.user", std::env::var("USER").unwrap_or_default()),
    ];
    tags.retain(|(_, value)| !value.is_empty());
    let tags: Vec<Value> = tags.into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let body = json!({
        "experiment_id": experiment, "start_time": now_ms(), "run_name": args.name.unwrap_or_default(), "tags": tags,
    });
    let created: Value = client.post("/api/2.0/mlflow/runs/create", &body).await?;
    let run = created["run"]["info"]["run_id"].as_str().unwrap_or_default().to_owned();
    if let Some(state) = &state
        && let Some(why) = state.keep(client, std::slice::from_ref(&run)).await?
    {
        context.output.say(&format!("The changes that were not committed are not kept: {why}."));
    }
    let mut command = Command::new(&args.program[0]);
    command
        .args(&args.program[1..])
        .env("MLFLOW_TRACKING_URI", base)
        .env("MLFLOW_EXPERIMENT_ID", &experiment)
        .env("MLFLOW_RUN_ID", &run);
    if let Some(token) = token {
        command.env("MLFLOW_TRACKING_TOKEN", token);
    }
    let ended = command.status().await;
    let status = match &ended {
        Ok(status) if status.success() => "FINISHED",
        Ok(status) if status.code().is_none() => "KILLED",
        _ => "FAILED",
    };
    finish(client, &run, status).await?;
    let ended = ended.map_err(|source| {
        Error::invalid(format!("“{}” cannot be run", args.program[0])).why(source.to_string()).source(source)
    })?;
    context.output.next(&format!("ropewalk run show {}", &run[..run.len().min(12)]));
    if ended.success() {
        return Ok(());
    }
    Err(Error::new(Code::GateFailed, format!("the program ended with {ended}"))
        .hint(format!("ropewalk run show {}", &run[..run.len().min(12)])))
}

/// The folder that the command was given in.
fn folder() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// The number of the experiment of this name, which is made if there is none.
async fn experiment(client: &Client, name: &str) -> Result<String> {
    match number_of(client, name).await {
        Err(error) if error.code() == Code::NotFound => {
            let path = "/api/2.0/mlflow/experiments/create";
            let made: Value = client.post(path, &json!({"name": name})).await?;
            Ok(made["experiment_id"].as_str().unwrap_or_default().to_owned())
        }
        found => found,
    }
}

/// Ends the run, unless the program has: but one that failed has failed, whatever it said.
async fn finish(client: &Client, run: &str, status: &str) -> Result<()> {
    let found: Value = client.get(&format!("/api/2.0/mlflow/runs/get?run_id={}", segment(run))).await?;
    if found["run"]["info"]["status"] != "RUNNING" && status == "FINISHED" {
        return Ok(());
    }
    let body = json!({"run_id": run, "status": status, "end_time": now_ms()});
    client.post::<Value>("/api/2.0/mlflow/runs/update", &body).await.map(drop)
}
