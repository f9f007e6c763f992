//! Training, and doing it again.

use clap::Args;
use ropewalk_core::{Code, Error, Result};
use ropewalk_learn::{Reproduction, SweepResult, TrainedRun};
use serde_json::{Map, Value, json};

use crate::client::segment;
use crate::commands::ledger::{band, money};
use crate::context::Context;
use crate::git::GitState;
use crate::table::{Table, figure, scalar, short};

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// The preparation
    prepared: String,
    /// The recipe
    #[arg(long, default_value = "boosted-trees")]
    recipe: String,
    /// A parameter, as NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    param: Vec<String>,
    /// The experiment
    #[arg(long, default_value = "default")]
    experiment: String,
    /// The seed of everything random
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The run's name
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// The preparation
    prepared: String,
    /// How many runs
    #[arg(long, default_value_t = 12)]
    trials: u32,
    /// The experiment
    #[arg(long, default_value = "default")]
    experiment: String,
    /// The seed of everything random
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Only this recipe; may be given again
    #[arg(long)]
    recipe: Vec<String>,
}

pub(super) async fn train(context: &Context, args: TrainArgs) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let body = json!({
        "experiment": args.experiment, "recipe": args.recipe, "params": parameters(&args.param)?,
        "prepared_id": args.prepared, "seed": args.seed, "name": args.name,
    });
    let trained: TrainedRun = client.job("/api/v1/train", &body).await?;
    note_code(context, std::slice::from_ref(&trained.run_id)).await?;
    output.one(&trained, trained_table)?;
    output.next(&format!("ropewalk model register NAME --run {}", trained.run_id));
    Ok(())
}

pub(super) async fn sweep(context: &Context, args: SweepArgs) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let body = json!({
        "experiment": args.experiment, "prepared_id": args.prepared, "trials": args.trials,
        "seed": args.seed, "recipes": args.recipe,
    });
    let sweep: SweepResult = client.job("/api/v1/sweeps", &body).await?;
    let runs: Vec<String> = sweep.runs.iter().map(|run| run.run_id.clone()).collect();
    note_code(context, &runs).await?;
    output.one(&sweep, sweep_table)?;
    output.say(&format!(
        "best: {} with {} {} · {:.1} s, {} Wh, {}",
        short(&sweep.best_run_id),
        sweep.metric,
        figure(sweep.best_value),
        sweep.seconds,
        figure(sweep.cost.watt_hours),
        money(&sweep.cost)
    ));
    output.next(&format!("ropewalk model register NAME --run {}", sweep.best_run_id));
    Ok(())
}

/// Keeps with runs the state of the code around the command.
async fn note_code(context: &Context, runs: &[String]) -> Result<()> {
    let Ok(folder) = std::env::current_dir() else { return Ok(()) };
    if let Some(state) = GitState::of(&folder).await
        && let Some(why) = state.keep(context.client().await?, runs).await?
    {
        context.output.say(&format!("The changes that were not committed are not kept: {why}."));
    }
    Ok(())
}

pub(super) async fn reproduce(context: &Context, id: String) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let path = format!("/api/v1/runs/{}/reproduce", segment(&id));
    let reproduction: Reproduction = client.job(&path, &json!({})).await?;
    output.one(&reproduction, |reproduction| {
        let mut table = Table::new(&["metric", ">original", ">again", ""]);
        for metric in &reproduction.metrics {
            table.row([
                metric.key.clone(),
                figure(metric.original),
                metric.again.map(figure).unwrap_or_default(),
                if metric.equal { "equal" } else { "DIFFERS" }.to_owned(),
            ]);
        }
        table
    })?;
    for difference in &reproduction.differences {
        output.say(&format!("differs around the runs: {difference}"));
    }
    if reproduction.matches {
        output.say("The run was reproduced.");
        return Ok(());
    }
    Err(Error::new(Code::GateFailed, "the metrics are not those of the record")
        .why(if reproduction.differences.is_empty() {
            "data, pipeline, parameters and seed are the same".to_owned()
        } else {
            reproduction.differences.join("; ")
        })
        .hint(format!("ropewalk run show {}", reproduction.again)))
}

pub(super) async fn recipes(context: &Context) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let recipes: Vec<Value> = client.get("/api/v1/recipes").await?;
    output.list(&recipes, "", |recipes| {
        let mut table = Table::new(&["recipe", "parameter", "default", "meaning"]);
        for recipe in recipes {
            for parameter in recipe["parameters"].as_array().into_iter().flatten() {
                table.row([
                    scalar(&recipe["name"]),
                    scalar(&parameter["name"]),
                    scalar(&parameter["default"]),
                    scalar(&parameter["description"]),
                ]);
            }
        }
        table
    })
}

/// `NAME=VALUE` pairs; a value that reads as JSON is taken as such, otherwise as text.
fn parameters(pairs: &[String]) -> Result<Map<String, Value>> {
    pairs
        .iter()
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                Error::invalid(format!("the parameter “{pair}” has no value"))
                    .hint("--param learning_rate=0.1")
            })?;
            Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
        })
        .collect()
}

fn trained_table(trained: &TrainedRun) -> Table {
    let mut table = Table::pairs();
    table.pair("run", &trained.run_id);
    table.pair("recipe", &trained.recipe);
    table.pair("parameters", trained.params.to_string());
    for (key, value) in &trained.metrics {
        table.pair(key, figure(*value));
    }
    table.pair("cost", format!("{:.2} s, {}", trained.cost.seconds, money(&trained.cost)));
    table.pair("energy", band(&trained.cost));
    table
}

fn sweep_table(sweep: &SweepResult) -> Table {
    let mut table = Table::new(&["", "run", "recipe", ">val auc", ">test auc", ">seconds", ">Wh"]);
    for run in &sweep.runs {
        let metric = |key: &str| run.metrics.get(key).copied().map(figure).unwrap_or_default();
        table.row([
            if run.run_id == sweep.best_run_id { "best" } else { "" }.to_owned(),
            short(&run.run_id),
            run.recipe.clone(),
            metric("val_auc"),
            metric("test_auc"),
            format!("{:.2}", run.cost.seconds),
            figure(run.cost.watt_hours),
        ]);
    }
    table
}
