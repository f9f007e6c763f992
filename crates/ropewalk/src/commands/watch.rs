//! `ropewalk watch`: drift, quality, feedback and alerts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ropewalk_core::{Code, Error, Paged, Result};
use ropewalk_data::{Column, Frame};
use ropewalk_watch::{Alert, FeedbackReceipt, MonitorSettings, Report, ReportSummary, Status};
use serde_json::{Value, json};

use super::data::unreadable;
use crate::client::{query, segment};
use crate::context::Context;
use crate::output::{Format, print_bytes};
use crate::table::{Table, ago, figure, scalar, short};

#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Compare an endpoint's recent traffic with the model's reference
    #[command(
        after_help = "Examples:\n  ropewalk watch evaluate wine\n  ropewalk watch evaluate wine --last 1000 --revision 2\n\nExit status 1 tells that it is at fault, so that a script can act on it."
    )]
    Evaluate(EvaluateArgs),
    /// The reports of an endpoint, newest first
    Reports {
        /// The endpoint
        endpoint: String,
    },
    /// Show a report
    Report {
        /// The report
        id: String,
    },
    /// Send what was observed later, by prediction
    #[command(
        after_help = "Examples:\n  ropewalk watch feedback wine --prediction ID --value 6\n  ropewalk watch feedback wine --file labels.csv   # columns prediction_id and value"
    )]
    Feedback(FeedbackArgs),
    /// Print what was asked and answered, as CSV, with what was observed later
    #[command(
        after_help = "Example:\n  ropewalk watch captured wine --labelled --target quality > captured.csv"
    )]
    Captured {
        /// The endpoint
        endpoint: String,
        /// Only predictions whose outcome was observed
        #[arg(long)]
        labelled: bool,
        /// Name of the column for what was observed
        #[arg(long, value_name = "COLUMN", default_value = "observed")]
        target: String,
        /// Only since this time, in milliseconds since 1970
        #[arg(long)]
        since_ms: Option<i64>,
        /// How many at most
        #[arg(short = 'n', long, default_value_t = 100_000)]
        limit: usize,
    },
    /// The alerts, newest first
    Alerts {
        /// Only of this endpoint
        #[arg(long)]
        endpoint: Option<String>,
    },
    /// Show or change how an endpoint is monitored
    #[command(
        after_help = "Examples:\n  ropewalk watch monitor wine\n  ropewalk watch monitor wine --set auc_drop=0.03 --set interval_seconds=60"
    )]
    Monitor {
        /// The endpoint
        endpoint: String,
        /// A setting, as NAME=VALUE
        #[arg(long, value_name = "NAME=VALUE")]
        set: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// The endpoint
    endpoint: String,
    /// The last rows only
    #[arg(long)]
    last: Option<usize>,
    /// Only rows since this time, in milliseconds since 1970
    #[arg(long)]
    since_ms: Option<i64>,
    /// Only rows that this revision answered
    #[arg(long)]
    revision: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct FeedbackArgs {
    /// The endpoint
    endpoint: String,
    /// The prediction
    #[arg(long, requires = "value")]
    prediction: Option<String>,
    /// What was observed
    #[arg(long)]
    value: Option<f64>,
    /// A CSV file with the columns prediction_id and value
    #[arg(long, value_name = "FILE", conflicts_with = "prediction")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, command: WatchCommand) -> Result<()> {
    let output = context.output;
    let path = |endpoint: &str, rest: &str| format!("/api/v1/endpoints/{}{rest}", segment(endpoint));
    match command {
        WatchCommand::Evaluate(args) => {
            let body = json!({"last": args.last, "since_ms": args.since_ms, "revision": args.revision});
            let report: Report =
                context.client().await?.post(&path(&args.endpoint, "/evaluate"), &body).await?;
            output.one(&report, report_table)?;
            say_summary(context, &report);
            match report.status {
                Status::Alert => Err(Error::new(Code::GateFailed, format!("{} is at fault", args.endpoint))
                    .why(report.findings.join("; "))
                    .hint(format!("ropewalk why endpoint:{}", args.endpoint))),
                _ => Ok(()),
            }
        }
        WatchCommand::Reports { endpoint } => {
            let page: Paged<ReportSummary> =
                context.client().await?.get(&path(&endpoint, "/reports")).await?;
            output.list(&page.items, "No reports yet. See: ropewalk watch evaluate --help", |reports| {
                let mut table = Table::new(&[
                    "report",
                    "when",
                    "model",
                    ">rows",
                    ">labelled",
                    ">drifted",
                    ">auc",
                    ">reference",
                    "status",
                ]);
                for report in reports {
                    table.row([
                        short(&report.id),
                        ago(report.created_ms),
                        format!("{}/{}", report.model, report.version),
                        report.rows.to_string(),
                        report.labelled.to_string(),
                        format!("{:.0} %", report.share_drifted * 100.0),
                        report.realised_auc.map(figure).unwrap_or_default(),
                        report.reference_auc.map(figure).unwrap_or_default(),
                        report.status.as_str().replace('_', " "),
                    ]);
                }
                table
            })
        }
        WatchCommand::Report { id } => {
            let report: Report =
                context.client().await?.get(&format!("/api/v1/reports/{}", segment(&id))).await?;
            output.one(&report, report_table)?;
            say_summary(context, &report);
            Ok(())
        }
        WatchCommand::Feedback(args) => {
            let items = feedback(&args)?;
            let receipt: FeedbackReceipt =
                context.client().await?.post(&path(&args.endpoint, "/feedback"), &items).await?;
            output.one(&receipt, |receipt| {
                let mut table = Table::pairs();
                table.pair("accepted", receipt.accepted.to_string());
                table
            })
        }
        WatchCommand::Captured { endpoint, labelled, target, since_ms, limit } => {
            let place = query(
                &path(&endpoint, "/predictions"),
                &[
                    ("limit", Some(limit.to_string())),
                    ("since_ms", since_ms.map(|ms| ms.to_string())),
                    ("labelled_only", Some(labelled.to_string())),
                ],
            );
            let answer: Value = context.client().await?.get(&place).await?;
            let items = answer["items"].as_array().cloned().unwrap_or_default();
            match output.format {
                Format::Table => print_bytes(&captured(&items, &target)?.to_csv(',')?),
                _ => output.list(&items, "Nothing was captured.", |_| Table::default()),
            }
        }
        WatchCommand::Alerts { endpoint } => {
            let place = query("/api/v1/alerts", &[("endpoint", endpoint)]);
            let page: Paged<Alert> = context.client().await?.get(&place).await?;
            output.list(&page.items, "No alerts.", |alerts| {
                let mut table = Table::new(&["alert", "endpoint", "kind", "status", "fired", "what"]);
                for alert in alerts {
                    table.row([
                        short(&alert.id),
                        alert.endpoint.clone(),
                        alert.kind.as_str().replace('_', " "),
                        alert.status.as_str().to_owned(),
                        ago(alert.fired_ms),
                        alert.title.clone(),
                    ]);
                }
                table
            })
        }
        WatchCommand::Monitor { endpoint, set } => {
            let client = context.client().await?;
            let place = path(&endpoint, "/monitor");
            let mut settings: Value = client.get(&place).await?;
            if !set.is_empty() {
                for pair in &set {
                    change(&mut settings, pair)?;
                }
                settings = client.put(&place, &settings).await?;
            }
            let settings: MonitorSettings = serde_json::from_value(settings)?;
            output.one(&settings, |settings| {
                let mut table = Table::pairs();
                for (name, value) in
                    serde_json::to_value(settings).unwrap_or_default().as_object().into_iter().flatten()
                {
                    table.pair(name, scalar(value));
                }
                table
            })
        }
    }
}

fn change(settings: &mut Value, pair: &str) -> Result<()> {
    let usable = pair.split_once('=').filter(|(name, _)| settings.get(*name).is_some());
    let Some((name, value)) = usable else {
        let names: Vec<&str> =
            settings.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        return Err(Error::invalid(format!("“{pair}” sets nothing"))
            .why(format!("the settings are {}", names.join(", "))));
    };
    settings[name] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    Ok(())
}

fn feedback(args: &FeedbackArgs) -> Result<Vec<Value>> {
    if let (Some(prediction), Some(value)) = (&args.prediction, args.value) {
        return Ok(vec![json!({"prediction_id": prediction, "value": value})]);
    }
    let Some(file) = &args.file else {
        return Err(Error::invalid("nothing was observed").hint("ropewalk watch feedback --help"));
    };
    let frame = Frame::from_csv(&std::fs::read(file).map_err(|source| unreadable(file, source))?)?;
    let ids = match frame.column("prediction_id") {
        Ok(Column::Text(ids)) => ids,
        _ => {
            return Err(Error::invalid(format!("{} has no text column “prediction_id”", file.display()))
                .hint("the file needs the columns prediction_id and value"));
        }
    };
    let values = frame.number("value")?;
    Ok(ids
        .iter()
        .zip(values)
        .filter_map(|(id, value)| Some(json!({"prediction_id": id.as_ref()?, "value": value})))
        .collect())
}

/// The inputs of logged predictions as a table, with what was observed in a column of its own.
fn captured(items: &[Value], target: &str) -> Result<Frame> {
    let names = items.first().and_then(|item| item["inputs"].as_object());
    let names: Vec<&String> = names.into_iter().flatten().map(|(name, _)| name).collect();
    let mut columns: Vec<(String, Column)> = names
        .into_iter()
        .map(|name| {
            let cells: Vec<&Value> = items.iter().map(|item| &item["inputs"][name]).collect();
            let column = if cells.iter().any(|cell| cell.is_string()) {
                Column::Text(cells.iter().map(|cell| cell.as_str().map(str::to_owned)).collect())
            } else {
                Column::Number(cells.iter().map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect())
            };
            (name.clone(), column)
        })
        .collect();
    let observed = items.iter().map(|item| item["value"].as_f64().unwrap_or(f64::NAN)).collect();
    columns.push((target.to_owned(), Column::Number(observed)));
    Frame::new(columns)
}

fn report_table(report: &Report) -> Table {
    let mut table = Table::new(&[
        "column",
        "",
        ">effect",
        "statistic",
        ">value",
        ">p adjusted",
        ">missing",
        ">mean was",
        ">mean is",
    ]);
    let mut columns: Vec<_> = report.columns.iter().chain(&report.prediction_drift).collect();
    columns.sort_by(|left, right| {
        right.drifted.cmp(&left.drifted).then(right.effect_size.total_cmp(&left.effect_size))
    });
    for column in columns {
        table.row([
            column.name.clone(),
            if column.drifted { "DRIFTED" } else { "" }.to_owned(),
            figure(column.effect_size),
            column.statistic.clone(),
            figure(column.value),
            figure(column.p_adjusted),
            format!("{:.1} %", column.missing_share * 100.0),
            column.mean_reference.map(figure).unwrap_or_default(),
            column.mean_current.map(figure).unwrap_or_default(),
        ]);
    }
    table
}

fn say_summary(context: &Context, report: &Report) {
    let output = context.output;
    output.say(&format!(
        "\n{}/{} on {} rows, {} labelled: {}",
        report.model,
        report.version,
        report.rows,
        report.labelled,
        report.status.as_str().replace('_', " ")
    ));
    if let (Some(auc), Some(low), Some(high)) =
        (report.realised_auc, report.realised_auc_low, report.realised_auc_high)
    {
        let reference =
            report.reference_auc.map(|auc| format!("; reference {}", figure(auc))).unwrap_or_default();
        output.say(&format!(
            "realised AUC {} (95 %: {} to {}){reference}",
            figure(auc),
            figure(low),
            figure(high)
        ));
    }
    for finding in &report.findings {
        output.say(&format!("  {finding}"));
    }
}
