//! Which runs are best, and what differs between them.

use clap::{Args, ValueEnum};
use ropewalk_core::Result;
use serde_json::{Value, json};

use crate::client::{query, segment};
use crate::context::Context;
use crate::table::{Table, ago, scalar, short};

/// Which value of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Best {
    /// The smallest; the smallest of all leads.
    Min,
    /// The largest.
    Max,
    /// The last one; the largest of all leads.
    Last,
}

#[derive(Debug, Args)]
pub(crate) struct LeaderboardArgs {
    /// The metric
    metric: String,
    /// Which value of a run counts
    #[arg(long, value_enum, default_value = "max")]
    by: Best,
    /// Only runs of this experiment; may be given again
    #[arg(long)]
    experiment: Vec<String>,
    /// Only runs that this filter finds
    #[arg(long)]
    filter: Option<String>,
    /// How many
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: u32,
}

pub(super) async fn leaderboard(context: &Context, args: LeaderboardArgs) -> Result<()> {
    let by = args.by.to_possible_value().map(|value| value.get_name().to_owned());
    let path = query(
        "/api/v1/leaderboard",
        &[
            ("metric", Some(args.metric.clone())),
            ("by", by),
            ("experiments", (!args.experiment.is_empty()).then(|| args.experiment.join(","))),
            ("filter", args.filter),
            ("limit", Some(args.limit.to_string())),
        ],
    );
    let answer: Value = context.client().await?.get(&path).await?;
    let rows = answer["rows"].as_array().cloned().unwrap_or_default();
    context.output.list(&rows, "No run has this metric.", |rows| {
        let value = format!(">{}", args.metric);
        let mut table = Table::new(&[">", "run", "name", "experiment", &value, ">step", "started"]);
        for row in rows {
            table.row([
                scalar(&row["rank"]),
                short(row["run_id"].as_str().unwrap_or_default()),
                scalar(&row["name"]),
                scalar(&row["experiment"]),
                scalar(&row["value"]),
                scalar(&row["step"]),
                row["start_ms"].as_i64().map(ago).unwrap_or_default(),
            ]);
        }
        table
    })
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// The runs
    #[arg(required = true, num_args = 2..=100)]
    ids: Vec<String>,
    /// Also what is the same
    #[arg(long)]
    all: bool,
}

pub(super) async fn compare(context: &Context, args: CompareArgs) -> Result<()> {
    let client = context.client().await?;
    let mut ids = Vec::with_capacity(args.ids.len());
    for id in &args.ids {
        let run: Value = client.get(&format!("/api/v1/runs/{}", segment(id))).await?;
        ids.push(run["run_id"].clone());
    }
    let answer: Value = client.post("/api/v1/runs/compare", &json!({"run_ids": ids})).await?;
    context.output.one(&answer, |answer| {
        let names: Vec<String> = answer["runs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|run| {
                format!("{} {}", short(run["run_id"].as_str().unwrap_or_default()), scalar(&run["name"]))
            })
            .collect();
        let heads: Vec<&str> = ["", ""].into_iter().chain(names.iter().map(String::as_str)).collect();
        let mut table = Table::new(&heads);
        for (kind, values) in [("params", "values"), ("metrics", "last")] {
            for row in answer[kind].as_array().into_iter().flatten() {
                if args.all || row["same"] != json!(true) {
                    let cells = row[values].as_array().into_iter().flatten().map(scalar);
                    table.row([kind.to_owned(), scalar(&row["key"])].into_iter().chain(cells));
                }
            }
        }
        table
    })
}
