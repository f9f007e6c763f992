//! `ropewalk prep`: validation, splitting and transforms.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ropewalk_core::{Code, Error, Result};
use ropewalk_prep::{Expectation, PrepSpec, Prepared, Target, ValidationReport};
use serde::Deserialize;
use serde_json::{Value, json};

use super::data::{rows_frame, rows_table, unreadable};
use crate::client::{query, segment};
use crate::context::Context;
use crate::output::print_bytes;
use crate::table::{Table, ago, figure, short};

#[derive(Debug, Subcommand)]
pub(crate) enum PrepCommand {
    /// Check a version: types, ranges, missing values, duplicates
    #[command(
        after_help = "Examples:\n  ropewalk prep validate wine@main\n  ropewalk prep validate wine@main --expectations checks.toml\n\nA file of expectations holds entries such as:\n  [[expectations]]\n  expect = \"range\"\n  column = \"pH\"\n  min = 2.5\n  max = 4.5"
    )]
    Validate {
        /// The version, as NAME[@REFERENCE][/PATH]
        source: String,
        /// File of expectations, TOML or JSON
        #[arg(long, value_name = "FILE")]
        expectations: Option<PathBuf>,
    },
    /// Split a version and fit its transforms; a second time it is found in the cache
    #[command(
        visible_alias = "prepare",
        after_help = "Examples:\n  ropewalk prep run wine@v1 --target 'quality >= 6'\n  ropewalk prep run --spec prep.toml\n\nA file with the whole specification holds, for example:\n  source = \"wine@v1\"\n  target = { column = \"quality\", operator = \">=\", value = 6 }\n  split = { train = 0.6, validation = 0.2, test = 0.2, seed = 1 }\n  steps = [{ op = \"impute_median\" }, { op = \"standardise\" }]"
    )]
    Run(PrepareArgs),
    /// List what was prepared
    #[command(visible_alias = "list")]
    Ls,
    /// Show one preparation and its fitted pipeline
    Show {
        /// The preparation, or the beginning of its identifier
        id: String,
    },
    /// Show some rows of a part
    #[command(after_help = "Example:\n  ropewalk prep rows PREPARED --part train -n 5")]
    Rows {
        /// The preparation
        id: String,
        /// The part: train, validation or test
        #[arg(long, default_value = "test")]
        part: String,
        /// How many rows
        #[arg(short = 'n', long, default_value_t = 10)]
        limit: u32,
        /// Print CSV, as a file for other commands
        #[arg(long)]
        csv: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// The version, as NAME[@REFERENCE][/PATH]
    #[arg(required_unless_present = "spec")]
    source: Option<String>,
    /// What to predict, such as 'quality >= 6'
    #[arg(long, required_unless_present = "spec")]
    target: Option<String>,
    /// Chooses one of the possible splits
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Keep rows that are equal to an earlier one
    #[arg(long)]
    keep_duplicates: bool,
    /// File with the whole specification, TOML or JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "target"])]
    spec: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Expectations {
    expectations: Vec<Expectation>,
}

pub(crate) async fn run(context: &Context, command: PrepCommand) -> Result<()> {
    let output = context.output;
    match command {
        PrepCommand::Validate { source, expectations } => {
            let expectations = match expectations {
                Some(file) => read_file::<Expectations>(&file)?.expectations,
                None => Vec::new(),
            };
            let body = json!({"source": source, "expectations": expectations});
            let report: ValidationReport =
                context.client().await?.post("/api/v1/prep/validate", &body).await?;
            output.one(&report, report_table)?;
            if report.passed {
                output.say("Every check passed.");
                return Ok(());
            }
            let failed = report.checks.iter().filter(|check| !check.passed).count();
            Err(Error::new(
                Code::GateFailed,
                format!("{failed} of {} checks of {source} did not pass", report.checks.len()),
            )
            .hint("mend the rows and commit them again, or change the expectations"))
        }
        PrepCommand::Run(args) => {
            let spec = specification(args)?;
            let prepared: Prepared = context.client().await?.post("/api/v1/prep/prepare", &spec).await?;
            output.one(&prepared, prepared_table)?;
            if prepared.cached {
                output.say("Found in the cache: nothing had to be done.");
            }
            output.next(&format!("ropewalk run sweep {}", short(&prepared.id)));
            Ok(())
        }
        PrepCommand::Ls => {
            let prepared: Vec<Prepared> = context.client().await?.get("/api/v1/prep/prepared").await?;
            output.list(&prepared, "Nothing was prepared yet. See: ropewalk prep run --help", |prepared| {
                let mut table = Table::new(&[
                    "prepared",
                    "dataset",
                    "target",
                    ">train",
                    ">validation",
                    ">test",
                    "pipeline",
                    "made",
                ]);
                for one in prepared {
                    table.row([
                        short(&one.id),
                        format!("{}@{}", one.dataset, short(&one.commit)),
                        one.spec.target.to_string(),
                        one.rows.train.to_string(),
                        one.rows.validation.to_string(),
                        one.rows.test.to_string(),
                        short(&one.pipeline_hash),
                        ago(one.created_ms),
                    ]);
                }
                table
            })
        }
        PrepCommand::Show { id } => {
            let path = format!("/api/v1/prep/prepared/{}", segment(&id));
            let prepared: Prepared = context.client().await?.get(&path).await?;
            output.one(&prepared, prepared_table)
        }
        PrepCommand::Rows { id, part, limit, csv } => {
            let path = format!("/api/v1/prep/prepared/{}/rows", segment(&id));
            let path = query(&path, &[("part", Some(part)), ("limit", Some(limit.to_string()))]);
            let sample: Value = context.client().await?.get(&path).await?;
            if csv {
                print_bytes(&rows_frame(&sample)?.to_csv(',')?)
            } else {
                output.one(&sample, rows_table)
            }
        }
    }
}

fn specification(args: PrepareArgs) -> Result<PrepSpec> {
    if let Some(file) = args.spec {
        return read_file(&file);
    }
    let (Some(source), Some(target)) = (args.source, args.target) else {
        return Err(Error::invalid("a source and a target are needed").hint("ropewalk prep run --help"));
    };
    let target: Target = target.parse()?;
    let mut spec = PrepSpec::new(source, target);
    spec.split.seed = args.seed;
    spec.drop_duplicates = !args.keep_duplicates;
    Ok(spec)
}

/// A file in JSON if it begins so, in TOML otherwise.
fn read_file<T: serde::de::DeserializeOwned>(file: &std::path::Path) -> Result<T> {
    let text = std::fs::read_to_string(file).map_err(|source| unreadable(file, source))?;
    let refuse = |why: String| {
        Error::invalid(format!("{} cannot be understood", file.display()))
            .why(why.trim_end().to_owned())
            .hint("ropewalk prep run --help   # and ropewalk prep validate --help show such files")
    };
    if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|source| refuse(source.to_string()))
    } else {
        toml::from_str(&text).map_err(|source| refuse(source.to_string()))
    }
}

fn report_table(report: &ValidationReport) -> Table {
    let mut table = Table::new(&["", "check", "column", "observed", "expected"]);
    for check in &report.checks {
        table.row([
            if check.passed { "ok" } else { "FAILED" },
            &check.name,
            check.column.as_deref().unwrap_or_default(),
            &check.observed,
            &check.expected,
        ]);
    }
    let (rows, columns) = (report.rows.to_string(), report.columns.to_string());
    table.row(["", "rows", "", &rows, ""]);
    table.row(["", "columns", "", &columns, ""]);
    let duplicates = report.duplicates.to_string();
    table.row(["", "duplicate rows", "", &duplicates, ""]);
    table
}

fn prepared_table(prepared: &Prepared) -> Table {
    let mut table = Table::pairs();
    let rows = &prepared.rows;
    table.pair("prepared", &prepared.id);
    table.pair("dataset", format!("{}@{}", prepared.dataset, short(&prepared.commit)));
    table.pair("target", prepared.spec.target.to_string());
    table.pair("rows", format!("{} read, {} duplicates dropped", rows.source, rows.duplicates_dropped));
    table.pair("parts", format!("{} train, {} validation, {} test", rows.train, rows.validation, rows.test));
    table.pair("positive", format!("{} %", figure(prepared.positive_share * 100.0)));
    table.pair("pipeline", &prepared.pipeline_hash);
    table.pair(
        "inputs",
        prepared.pipeline.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(", "),
    );
    table.pair(
        "took",
        if prepared.cached { "nothing: cached".to_owned() } else { format!("{:.2} s", prepared.seconds) },
    );
    table
}
