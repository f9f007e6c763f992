//! `ropewalk endpoint`: serving.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ropewalk_core::{Error, Paged, Result};
use ropewalk_data::{Column, Frame};
use ropewalk_respond::{Rollout, RolloutSettings, RolloutStatus};
use ropewalk_serve::{EndpointView, Revision, ServedState, TrafficShare};
use serde_json::{Value, json};

use super::data::unreadable;
use crate::client::{Client, segment};
use crate::context::Context;
use crate::table::{Table, ago, figure, scalar, short};

/// Rows that one request of `predict` holds.
const ROWS_A_REQUEST: usize = 256;

#[derive(Debug, Subcommand)]
pub(crate) enum EndpointCommand {
    /// List the endpoints
    #[command(visible_alias = "list")]
    Ls,
    /// Show an endpoint: revisions, traffic, figures
    Show {
        /// The endpoint
        name: String,
    },
    /// Deploy a model version as a new revision; the first one makes the endpoint
    #[command(
        after_help = "Examples:\n  ropewalk endpoint deploy wine --model wine-quality@champion\n  ropewalk endpoint deploy wine --model wine-quality/2 --rollout"
    )]
    Deploy(DeployArgs),
    /// Split the traffic between revisions
    #[command(after_help = "Example:\n  ropewalk endpoint traffic wine 1=90 2=10 --reason 'try version 2'")]
    Traffic {
        /// The endpoint
        name: String,
        /// Shares, as REVISION=PERCENT; together 100
        #[arg(required = true)]
        shares: Vec<String>,
        /// Why, for the journal
        #[arg(long, default_value = "")]
        reason: String,
        /// Only say what would be served
        #[arg(long)]
        dry_run: bool,
    },
    /// Give all traffic back to an earlier revision, and prove it
    #[command(after_help = "Example:\n  ropewalk endpoint rollback wine --reason 'errors since the release'")]
    Rollback {
        /// The endpoint
        name: String,
        /// The revision [default: the last that had all traffic before]
        #[arg(long)]
        to: Option<i64>,
        /// Why, for the journal
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Move traffic to a revision step by step, judged by outcomes, with automatic rollback
    #[command(
        after_help = "Examples:\n  ropewalk endpoint rollout wine 2\n  ropewalk endpoint rollout wine 2 --steps 5,25,100 --max-wait 300"
    )]
    Rollout(RolloutArgs),
    /// The roll-outs of an endpoint, newest first
    Rollouts {
        /// The endpoint
        name: String,
    },
    /// Read back what is served at this moment
    Served {
        /// The endpoint
        name: String,
    },
    /// Ask for predictions over the rows of a file
    #[command(
        after_help = "Example:\n  ropewalk endpoint predict wine --input red.csv -n 5\n  ropewalk endpoint predict wine --input tasted.csv --feedback quality"
    )]
    Predict {
        /// The endpoint
        name: String,
        /// Rows, as CSV or Parquet
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// The first rows only
        #[arg(short = 'n', long)]
        limit: Option<usize>,
        /// Also send this column of the file as what was observed
        #[arg(long, value_name = "COLUMN")]
        feedback: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The endpoint
    name: String,
    /// The model version, as NAME@ALIAS, NAME/VERSION or NAME
    #[arg(long)]
    model: String,
    /// Percent of the traffic for the new revision
    #[arg(long, value_name = "PERCENT")]
    weight: Option<f64>,
    /// Then move traffic to it step by step
    #[arg(long, conflicts_with = "weight")]
    rollout: bool,
    /// Deploy although the version's gates did not pass
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RolloutArgs {
    /// The endpoint
    name: String,
    /// The revision that is to get the traffic
    revision: i64,
    /// Percentages of the traffic, rising
    #[arg(long, value_delimiter = ',', default_values_t = [10.0, 50.0, 100.0])]
    steps: Vec<f64>,
    /// Outcomes that each side needs before it is judged
    #[arg(long, default_value_t = 30)]
    min_outcomes: usize,
    /// The chance of a false alarm over the whole roll-out
    #[arg(long, default_value_t = 0.05)]
    alpha: f64,
    /// Seconds after which a step is judged with what there is
    #[arg(long, default_value_t = 600.0)]
    max_wait: f64,
    /// Move this alias once all traffic is proven to be served by the revision
    #[arg(long)]
    alias: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, command: EndpointCommand) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let path = |name: &str, rest: &str| format!("/api/v1/endpoints/{}{rest}", segment(name));
    match command {
        EndpointCommand::Ls => {
            let endpoints: Vec<EndpointView> = client.get("/api/v1/endpoints").await?;
            output.list(&endpoints, "No endpoints yet. See: ropewalk endpoint deploy --help", endpoints_table)
        }
        EndpointCommand::Show { name } => {
            let view: EndpointView = client.get(&path(&name, "")).await?;
            output.one(&view, endpoint_table)
        }
        EndpointCommand::Deploy(args) => {
            let body = json!({"endpoint": args.name, "model": args.model, "weight": args.weight, "force": args.force});
            let revision: Revision = client.post(&path(&args.name, "/revisions"), &body).await?;
            output.one(&revision, revision_table)?;
            if args.rollout && revision.percent < 100.0 {
                return roll_out(context, &args.name, revision.revision, RolloutSettings::default(), false)
                    .await;
            }
            output.next(&format!("ropewalk endpoint served {}", args.name));
            Ok(())
        }
        EndpointCommand::Traffic { name, shares, reason, dry_run } => {
            let shares = shares.iter().map(|share| read_share(share)).collect::<Result<Vec<_>>>()?;
            if dry_run {
                for share in &shares {
                    output
                        .say(&format!("revision {} would get {} % of {name}", share.revision, share.percent));
                }
                return Ok(());
            }
            let served: ServedState =
                client.put(&path(&name, "/traffic"), &json!({"shares": shares, "reason": reason})).await?;
            output.one(&served, served_table)
        }
        EndpointCommand::Rollback { name, to, reason } => {
            let body = json!({"to_revision": to, "reason": reason});
            let served: ServedState = client.post(&path(&name, "/rollback"), &body).await?;
            output.one(&served, served_table)?;
            output.say("Read back from the table that routes requests.");
            Ok(())
        }
        EndpointCommand::Rollout(args) => {
            let settings = RolloutSettings {
                steps: args.steps,
                min_outcomes: args.min_outcomes,
                alpha: args.alpha,
                max_wait_seconds: args.max_wait,
                alias: args.alias,
                ..RolloutSettings::default()
            };
            roll_out(context, &args.name, args.revision, settings, args.dry_run).await
        }
        EndpointCommand::Rollouts { name } => {
            let page: Paged<Rollout> = client.get(&path(&name, "/rollouts")).await?;
            output.list(&page.items, "No roll-outs yet.", |rollouts| {
                let mut table =
                    Table::new(&["roll-out", "revision", "model", "status", ">rollback s", "started"]);
                for rollout in rollouts {
                    table.row([
                        short(&rollout.id),
                        format!("{} → {}", rollout.stable_revision, rollout.revision),
                        format!("{}/{}", rollout.model, rollout.version),
                        rollout.status.as_str().replace('_', " "),
                        rollout.rollback_seconds.map(figure).unwrap_or_default(),
                        ago(rollout.started_ms),
                    ]);
                }
                table
            })
        }
        EndpointCommand::Served { name } => {
            let served: ServedState = client.get(&path(&name, "/served")).await?;
            output.one(&served, served_table)
        }
        EndpointCommand::Predict { name, input, limit, feedback } => {
            predict(context, client, &name, &input, limit, feedback.as_deref()).await
        }
    }
}

async fn roll_out(
    context: &Context,
    name: &str,
    revision: i64,
    settings: RolloutSettings,
    dry_run: bool,
) -> Result<()> {
    let client = context.client().await?;
    if matches!(client, Client::Local(..)) && !dry_run {
        return Err(Error::invalid("a roll-out needs a running server")
            .why("it is judged by the traffic that the server answers")
            .hint("ropewalk up   # then run the same command again"));
    }
    let path = format!("/api/v1/endpoints/{}/rollouts", segment(name));
    let body = json!({"revision": revision, "settings": settings, "dry_run": dry_run});
    let rollout: Rollout = client.job(&path, &body).await?;
    context.output.one(&rollout, rollout_table)?;
    match rollout.status {
        RolloutStatus::Completed => Ok(()),
        _ if dry_run => Ok(()),
        status => Err(Error::new(
            ropewalk_core::Code::GateFailed,
            format!("the roll-out of revision {revision} ended as {}", status.as_str().replace('_', " ")),
        )
        .hint(match &rollout.incident {
            Some(incident) => format!("ropewalk incident show {incident}"),
            None => format!("ropewalk endpoint served {name}"),
        })),
    }
}

fn read_share(text: &str) -> Result<TrafficShare> {
    text.split_once('=')
        .and_then(|(revision, percent)| {
            Some(TrafficShare::new(revision.parse().ok()?, percent.trim_end_matches('%').parse().ok()?))
        })
        .ok_or_else(|| {
            Error::invalid(format!("“{text}” is not a share of the traffic"))
                .hint("ropewalk endpoint traffic NAME 1=90 2=10")
        })
}

async fn predict(
    context: &Context,
    client: &Client,
    name: &str,
    input: &std::path::Path,
    limit: Option<usize>,
    feedback: Option<&str>,
) -> Result<()> {
    let content = std::fs::read(input).map_err(|source| unreadable(input, source))?;
    let parquet = input.extension().is_some_and(|extension| extension == "parquet");
    let frame = if parquet { Frame::from_parquet(&content)? } else { Frame::from_csv(&content)? };
    let rows: Vec<usize> = (0..limit.unwrap_or(usize::MAX).min(frame.rows())).collect();
    let frame = frame.select(&rows);
    // The protocol's own route answers errors as one text; this one gives what, why and a hint.
    let _: Value = client.get(&format!("/api/v1/endpoints/{}", segment(name))).await?;
    let metadata: Value = client.get(&format!("/v2/models/{}", segment(name))).await?;
    let wanted: Vec<String> =
        metadata["inputs"].as_array().into_iter().flatten().map(|i| scalar(&i["name"])).collect();
    if let Some(column) = feedback {
        frame.number(column)?;
    }
    let mut predictions: Vec<Value> = Vec::with_capacity(frame.rows());
    let rows: Vec<usize> = (0..frame.rows()).collect();
    for rows in rows.chunks(ROWS_A_REQUEST) {
        let part = frame.select(rows);
        let (scores, ids) = infer(client, name, &part, &wanted).await?;
        if let Some(column) = feedback {
            let observed = part.number(column)?;
            let items = ids.iter().zip(observed).filter(|(_, value)| value.is_finite());
            let items: Vec<Value> =
                items.map(|(id, value)| json!({"prediction_id": id, "value": value})).collect();
            let path = format!("/api/v1/endpoints/{}/feedback", segment(name));
            let _: Value = client.post(&path, &items).await?;
        }
        predictions.extend(
            rows.iter()
                .zip(scores.iter().zip(&ids))
                .map(|(row, (score, id))| json!({"row": row + 1, "probability": score, "prediction_id": id})),
        );
    }
    context.output.list(&predictions, "The file has no rows.", |predictions| {
        let mut table = Table::new(&[">row", ">probability", "prediction"]);
        for prediction in predictions {
            table.row([
                prediction["row"].to_string(),
                scalar(&prediction["probability"]),
                scalar(&prediction["prediction_id"]),
            ]);
        }
        table
    })
}

/// Ask for predictions; the probabilities and the identifiers of the rows, in their order.
pub(crate) async fn infer(
    client: &Client,
    endpoint: &str,
    rows: &Frame,
    wanted: &[String],
) -> Result<(Vec<Value>, Vec<Value>)> {
    let request = inference_request(rows, wanted)?;
    let answer: Value = client.post(&format!("/v2/models/{}/infer", segment(endpoint)), &request).await?;
    let output = |wanted: &str| {
        let found =
            answer["outputs"].as_array().into_iter().flatten().find(|output| output["name"] == wanted);
        found.and_then(|output| output["data"].as_array()).cloned().unwrap_or_default()
    };
    let (scores, ids) = (output("probability"), output("prediction_id"));
    if scores.len() == rows.rows() && ids.len() == rows.rows() {
        Ok((scores, ids))
    } else {
        Err(Error::internal("the answer does not have a prediction for each row"))
    }
}

/// An Open Inference Protocol request: a tensor for each column that the model takes, so that
/// columns it does not take, such as the target, may stay in the file.
fn inference_request(frame: &Frame, wanted: &[String]) -> Result<Value> {
    let shape = json!([frame.rows()]);
    let mut inputs = Vec::with_capacity(wanted.len());
    for name in wanted {
        let column = frame
            .column(name)
            .map_err(|error| error.hint(format!("the model takes {}", wanted.join(", "))))?;
        inputs.push(match column {
            Column::Number(values) => {
                // JSON has no NaN: a missing value is null.
                let data: Vec<Option<f64>> =
                    values.iter().map(|value| value.is_finite().then_some(*value)).collect();
                json!({"name": name, "shape": shape, "datatype": "FP64", "data": data})
            }
            Column::Text(values) => {
                json!({"name": name, "shape": shape, "datatype": "BYTES", "data": values})
            }
        });
    }
    Ok(json!({"inputs": inputs}))
}

fn endpoints_table(endpoints: &[EndpointView]) -> Table {
    let mut table = Table::new(&[
        "endpoint",
        "serves",
        "ready",
        ">requests",
        ">failures",
        ">req/s",
        ">p50 ms",
        ">p99 ms",
    ]);
    for view in endpoints {
        let serves: Vec<String> = view
            .endpoint
            .revisions
            .iter()
            .filter(|revision| revision.percent > 0.0)
            .map(|revision| format!("{}/{} {} %", revision.model, revision.version, figure(revision.percent)))
            .collect();
        let figures = &view.figures;
        table.row([
            view.endpoint.name.clone(),
            serves.join(", "),
            if view.ready { "yes" } else { "no" }.to_owned(),
            figures.requests.to_string(),
            figures.failures.to_string(),
            figure(figures.requests_per_second),
            figures.p50_ms.map(figure).unwrap_or_default(),
            figures.p99_ms.map(figure).unwrap_or_default(),
        ]);
    }
    table
}

fn endpoint_table(view: &EndpointView) -> Table {
    let mut table = Table::new(&[">revision", "model", ">percent", "bundle", "deployed", "by"]);
    for revision in &view.endpoint.revisions {
        table.row([
            revision.revision.to_string(),
            format!("{}/{}", revision.model, revision.version),
            figure(revision.percent),
            short(&revision.bundle_hash),
            ago(revision.created_ms),
            revision.created_by.clone(),
        ]);
    }
    table
}

fn revision_table(revision: &Revision) -> Table {
    let mut table = Table::pairs();
    table.pair("endpoint", &revision.endpoint);
    table.pair("revision", revision.revision.to_string());
    table.pair("model", format!("{}/{}", revision.model, revision.version));
    table.pair("traffic", format!("{} %", figure(revision.percent)));
    table.pair("bundle", short(&revision.bundle_hash));
    table
}

fn served_table(served: &ServedState) -> Table {
    let mut table = Table::new(&[">revision", "model", ">percent", "loaded", "bundle", ">requests"]);
    for revision in &served.revisions {
        table.row([
            revision.revision.to_string(),
            format!("{}/{}", revision.model, revision.version),
            figure(revision.percent),
            if revision.loaded { "yes" } else { "no" }.to_owned(),
            short(&revision.bundle_hash),
            revision.requests.to_string(),
        ]);
    }
    table
}

fn rollout_table(rollout: &Rollout) -> Table {
    let mut table = Table::pairs();
    table.pair("roll-out", &rollout.id);
    table.pair("from", format!("{}/{}", rollout.stable_model, rollout.stable_version));
    table.pair("to", format!("{}/{}", rollout.model, rollout.version));
    for step in &rollout.steps {
        let status = serde_json::to_value(step.status).map(|value| scalar(&value)).unwrap_or_default();
        let verdict =
            step.judgement.as_ref().map(|judgement| format!(": {}", judgement.text)).unwrap_or_default();
        table.pair(&format!("{} %", figure(step.percent)), format!("{status}{verdict}"));
    }
    table.pair("status", rollout.status.as_str().replace('_', " "));
    table.pair(
        "rollback",
        rollout.rollback_seconds.map(|s| format!("{s:.2} s after harm was found")).unwrap_or_default(),
    );
    table.pair("proof", rollout.final_read_back.as_ref().map(|proof| proof.text.clone()).unwrap_or_default());
    table
}
