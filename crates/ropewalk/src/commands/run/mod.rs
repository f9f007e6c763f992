//! `ropewalk run`: training, sweeps and their record.

use clap::{Args, Subcommand};
use ropewalk_core::{Code, Error, Result, format_utc};
use ropewalk_learn::{Reproduction, SweepResult, TrainedRun};
use serde_json::{Map, Value, json};

use super::ledger::{band, money};
use crate::client::{query, segment};
use crate::context::Context;
use crate::output::print_bytes;
use crate::table::{Table, ago, bytes, figure, short};

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// List runs, newest first
    #[command(
        visible_alias = "list",
        after_help = "Examples:\n  ropewalk run ls\n  ropewalk run ls --experiment wine-quality --filter 'metrics.val_auc > 0.8' --order 'metrics.val_auc DESC'"
    )]
    Ls {
        /// Only runs of this experiment
        #[arg(long)]
        experiment: Option<String>,
        /// A filter in MLflow's language
        #[arg(long)]
        filter: Option<String>,
        /// An order in MLflow's language
        #[arg(long)]
        order: Option<String>,
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        limit: u32,
    },
    /// Show a run: parameters, metrics, data, code, cost
    Show {
        /// The run
        id: String,
    },
    /// The history of a metric
    #[command(after_help = "Example:\n  ropewalk run metric RUN val_auc")]
    Metric {
        /// The run
        id: String,
        /// The metric
        key: String,
    },
    /// List the files of a run or of one of its folders, or print a file
    #[command(
        after_help = "Examples:\n  ropewalk run artifacts RUN\n  ropewalk run artifacts RUN model\n  ropewalk run artifacts RUN model/bundle.json"
    )]
    Artifacts {
        /// The run
        id: String,
        /// The folder to list, or the file to print
        path: Option<String>,
    },
    /// Train one model on a preparation
    #[command(
        after_help = "Example:\n  ropewalk run train PREPARED --recipe boosted-trees --param learning_rate=0.1"
    )]
    Train(TrainArgs),
    /// Try recipes and parameters, and find the best by validation AUC
    #[command(after_help = "Example:\n  ropewalk run sweep PREPARED --trials 12 --experiment wine-quality")]
    Sweep(SweepArgs),
    /// Run a run again from its record and compare the metrics
    Reproduce {
        /// The run
        id: String,
    },
    /// The recipes that can be trained, with their parameters
    Recipes,
}

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

pub(crate) async fn run(context: &Context, command: RunCommand) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    match command {
        RunCommand::Ls { experiment, filter, order, limit } => {
            let path = query(
                "/api/v1/runs",
                &[
                    ("experiment", experiment),
                    ("filter", filter),
                    ("order_by", order),
                    ("limit", Some(limit.to_string())),
                ],
            );
            let page: Value = client.get(&path).await?;
            let runs = page["items"].as_array().cloned().unwrap_or_default();
            output.list(
                &runs,
                "No runs yet. See: ropewalk run train --help, or log with MLflow's client",
                runs_table,
            )
        }
        RunCommand::Show { id } => {
            let run: Value = client.get(&format!("/api/v1/runs/{}", segment(&id))).await?;
            output.one(&run, run_table)
        }
        RunCommand::Metric { id, key } => {
            let path = query(&format!("/api/v1/runs/{}/metrics", segment(&id)), &[("key", Some(key))]);
            let history: Value = client.get(&path).await?;
            let points = history[0]["points"].as_array().cloned().unwrap_or_default();
            output.list(&points, "The run has no such metric.", |points| {
                let mut table = Table::new(&[">step", ">value"]);
                for point in points {
                    table.row([point["step"].to_string(), scalar(&point["value"])]);
                }
                table
            })
        }
        RunCommand::Artifacts { id, path } => {
            let base = format!("/api/v1/runs/{}/artifacts", segment(&id));
            let files: Value = client.get(&query(&base, &[("path", path.clone())])).await?;
            let files = files.as_array().cloned().unwrap_or_default();
            // What holds no files is a file itself, or nothing.
            if let (Some(path), true) = (path, files.is_empty()) {
                let place = query(&format!("/api/v1/runs/{}/file", segment(&id)), &[("path", Some(path))]);
                let list = |error: Error| error.hint(format!("ropewalk run artifacts {id}"));
                return print_bytes(&client.get_bytes(&place).await.map_err(list)?);
            }
            output.list(&files, "The run has no files.", |files| {
                let mut table = Table::new(&["path", ">size"]);
                for file in files {
                    let size = file["file_size"].as_u64().or(file["size"].as_u64());
                    table.row([scalar(&file["path"]), size.map(bytes).unwrap_or_default()]);
                }
                table
            })
        }
        RunCommand::Train(args) => {
            let body = json!({
                "experiment": args.experiment, "recipe": args.recipe, "params": parameters(&args.param)?,
                "prepared_id": args.prepared, "seed": args.seed, "name": args.name,
            });
            let trained: TrainedRun = client.job("/api/v1/train", &body).await?;
            output.one(&trained, trained_table)?;
            output.next(&format!("ropewalk model register NAME --run {}", trained.run_id));
            Ok(())
        }
        RunCommand::Sweep(args) => {
            let body = json!({
                "experiment": args.experiment, "prepared_id": args.prepared, "trials": args.trials,
                "seed": args.seed, "recipes": args.recipe,
            });
            let sweep: SweepResult = client.job("/api/v1/sweeps", &body).await?;
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
        RunCommand::Reproduce { id } => {
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
        RunCommand::Recipes => {
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
    }
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

/// A JSON value as a cell.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), figure),
        other => other.to_string(),
    }
}

fn runs_table(runs: &[Value]) -> Table {
    let mut table = Table::new(&["run", "name", "status", ">val auc", ">test auc", "recipe", "started"]);
    for run in runs {
        table.row([
            short(run["run_id"].as_str().unwrap_or_default()),
            scalar(&run["name"]),
            scalar(&run["status"]).to_lowercase(),
            scalar(&run["metrics"]["val_auc"]),
            scalar(&run["metrics"]["test_auc"]),
            scalar(&run["params"]["recipe"]),
            run["start_ms"].as_i64().map(ago).unwrap_or_default(),
        ]);
    }
    table
}

fn run_table(run: &Value) -> Table {
    let mut table = Table::pairs();
    for (name, value) in run.as_object().into_iter().flatten() {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    table.pair(&format!("{name}.{key}"), member(key, value));
                }
            }
            Value::Array(items) => table.pair(name, items.iter().map(scalar).collect::<Vec<_>>().join(" ")),
            plain => table.pair(name, member(name, plain)),
        }
    }
    table
}

/// A member of a JSON object as a cell: times as such, everything else as it is.
pub(crate) fn member(name: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(time_ms) if name.ends_with("_ms") => format_utc(time_ms),
        _ => scalar(value),
    }
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
