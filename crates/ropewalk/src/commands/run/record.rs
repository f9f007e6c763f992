//! What is on record of runs.

use std::collections::BTreeMap;

use clap::Args;
use ropewalk_core::{Error, Result};
use serde_json::{Value, json};

use crate::client::{query, segment};
use crate::context::Context;
use crate::output::print_bytes;
use crate::table::{Table, ago, bytes, member, scalar, short};

/// Metrics that a list shows when it is not told which.
const METRICS: usize = 4;

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only runs of this experiment
    #[arg(long)]
    experiment: Option<String>,
    /// A filter in MLflow's language, with OR, NOT, parentheses, BETWEEN and metrics' min and max
    #[arg(long)]
    filter: Option<String>,
    /// An order, such as 'metrics.loss.min ASC'
    #[arg(long)]
    order: Option<String>,
    /// What to show, separated by commas: metrics.loss.min,params.depth,tags.team
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
    /// Deleted runs instead
    #[arg(long)]
    deleted: bool,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: u32,
}

pub(super) async fn list(context: &Context, args: ListArgs) -> Result<()> {
    if !args.columns.is_empty() {
        return window(context, args).await;
    }
    let path = query(
        "/api/v1/runs",
        &[
            ("experiment", args.experiment),
            ("filter", args.filter),
            ("order_by", args.order),
            ("view", args.deleted.then(|| "DELETED_ONLY".to_owned())),
            ("limit", Some(args.limit.to_string())),
        ],
    );
    let page: Value = context.client().await?.get(&path).await?;
    let runs = page["items"].as_array().cloned().unwrap_or_default();
    context.output.list(
        &runs,
        "No runs yet. See: ropewalk run train --help, or log with MLflow's client",
        runs_table,
    )
}

/// A list with columns of one's own.
async fn window(context: &Context, args: ListArgs) -> Result<()> {
    let fixed = ["attributes.run_id", "attributes.run_name", "attributes.status"];
    let columns: Vec<&str> = fixed.into_iter().chain(args.columns.iter().map(String::as_str)).collect();
    let body = json!({
        "experiments": args.experiment.into_iter().collect::<Vec<_>>(),
        "filter": args.filter.unwrap_or_default(),
        "view": if args.deleted { "DELETED_ONLY" } else { "ACTIVE_ONLY" },
        "order_by": args.order.into_iter().collect::<Vec<_>>(),
        "columns": columns,
        "limit": args.limit,
    });
    let answer: Value = context.client().await?.post("/api/v1/runs/table", &body).await?;
    let values = |column: usize, row: usize| answer["columns"][column]["values"][row].clone();
    let count = answer["run_ids"].as_array().map_or(0, Vec::len);
    let name = |column: &&str| column.trim_start_matches("attributes.").to_owned();
    let rows: Vec<Value> = (0..count)
        .map(|row| {
            let members = columns.iter().enumerate().map(|(at, column)| (name(column), values(at, row)));
            Value::Object(members.collect())
        })
        .collect();
    context.output.list(&rows, "No runs are like that.", |rows| {
        let heads: Vec<String> = columns.iter().map(name).collect();
        let heads: Vec<&str> =
            ["run", "name"].into_iter().chain(heads[2..].iter().map(String::as_str)).collect();
        let mut table = Table::new(&heads);
        for row in 0..rows.len() {
            let cells = (0..columns.len()).map(|column| match column {
                0 => short(values(0, row).as_str().unwrap_or_default()),
                2 => scalar(&values(2, row)).to_lowercase(),
                other => member(columns[other], &values(other, row)),
            });
            table.row(cells);
        }
        table
    })
}

pub(super) async fn show(context: &Context, id: String) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let run: Value = client.get(&format!("/api/v1/runs/{}", segment(&id))).await?;
    output.one(&run, run_table)
}

pub(super) async fn metric(context: &Context, id: String, key: String) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
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

pub(super) async fn artifacts(context: &Context, id: String, path: Option<String>) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
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

/// A page of runs, with the metrics that most of them have.
fn runs_table(runs: &[Value]) -> Table {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in runs.iter().filter_map(|run| run["metrics"].as_object()).flat_map(|metrics| metrics.keys()) {
        *counts.entry(name).or_default() += 1;
    }
    let mut metrics: Vec<&str> = counts.keys().copied().collect();
    // What the machine says of itself interests least.
    metrics.sort_by_key(|name| (name.starts_with("system/"), std::cmp::Reverse(counts[name])));
    metrics.truncate(METRICS);
    let heads: Vec<String> = metrics.iter().map(|name| format!(">{name}")).collect();
    let mut all = vec!["run", "name", "status"];
    all.extend(heads.iter().map(String::as_str));
    all.extend(["experiment", "started"]);
    let mut table = Table::new(&all);
    for run in runs {
        let mut cells = vec![
            short(run["run_id"].as_str().unwrap_or_default()),
            scalar(&run["name"]),
            scalar(&run["status"]).to_lowercase(),
        ];
        cells.extend(metrics.iter().map(|name| scalar(&run["metrics"][*name])));
        cells.push(scalar(&run["experiment"]));
        cells.push(run["start_ms"].as_i64().map(ago).unwrap_or_default());
        table.row(cells);
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
