//! `ropewalk data`: datasets.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use ropewalk_core::{Error, Paged, Result};
use ropewalk_data::{Column, Commit, CommitInfo, Dataset, DatasetSpec, Diff, Frame, RefInfo, VerifyReport};
use serde_json::{Value, json};

use crate::client::{query, segment};
use crate::context::Context;
use crate::output::print_bytes;
use crate::table::{Table, ago, bytes, figure, short};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the datasets
    #[command(visible_alias = "list")]
    Ls,
    /// Commit files to a branch of a dataset; both are made if missing
    #[command(
        after_help = "Examples:\n  ropewalk data commit wine red.csv -m 'red wines' --tag v1\n  ropewalk data commit wine white.csv --branch add-white"
    )]
    Commit {
        /// The dataset
        dataset: String,
        /// Files to put into the dataset, by their own names; FILE=PATH gives another path
        #[arg(required = true)]
        files: Vec<String>,
        /// The branch
        #[arg(short, long, default_value = "main")]
        branch: String,
        /// What to say about the change
        #[arg(short, long, default_value = "")]
        message: String,
        /// Tag the commit
        #[arg(long)]
        tag: Option<String>,
        /// Where a new branch begins
        #[arg(long, value_name = "REFERENCE")]
        from: Option<String>,
    },
    /// Show a version: its files, columns and statistics
    #[command(after_help = "Examples:\n  ropewalk data show wine\n  ropewalk data show wine@v1")]
    Show {
        /// The version, as NAME or NAME@REFERENCE
        version: String,
    },
    /// The commits that led to a version
    Log {
        /// The version, as NAME or NAME@REFERENCE
        version: String,
    },
    /// How two versions differ, in files, rows and columns
    #[command(after_help = "Example:\n  ropewalk data diff wine v1 main")]
    Diff {
        /// The dataset
        dataset: String,
        /// The version compared from
        from: String,
        /// The version compared to
        #[arg(default_value = "main")]
        to: String,
    },
    /// List the branches, or make one
    #[command(
        after_help = "Examples:\n  ropewalk data branch wine\n  ropewalk data branch wine add-white --from v1"
    )]
    Branch {
        /// The dataset
        dataset: String,
        /// The branch to make
        name: Option<String>,
        /// Where it begins
        #[arg(long, default_value = "main")]
        from: String,
    },
    /// List the tags, or make one
    #[command(after_help = "Examples:\n  ropewalk data tag wine\n  ropewalk data tag wine v2 --at main")]
    Tag {
        /// The dataset
        dataset: String,
        /// The tag to make
        name: Option<String>,
        /// What it names
        #[arg(long, default_value = "main")]
        at: String,
    },
    /// Merge a branch into another
    #[command(after_help = "Example:\n  ropewalk data merge wine add-white --into main -m 'add white wines'")]
    Merge {
        /// The dataset
        dataset: String,
        /// The branch, tag or commit to merge
        from: String,
        /// The branch to merge into
        #[arg(long, default_value = "main")]
        into: String,
        /// What to say about it
        #[arg(short, long, default_value = "")]
        message: String,
    },
    /// Print a file of a version
    #[command(after_help = "Example:\n  ropewalk data cat wine@v1/red.csv | head")]
    Cat {
        /// The file, as NAME@REFERENCE/PATH
        file: String,
    },
    /// Show some rows of a version
    #[command(after_help = "Example:\n  ropewalk data rows wine@v1 -n 5")]
    Rows {
        /// The version or file, as NAME[@REFERENCE][/PATH]
        version: String,
        /// How many rows
        #[arg(short = 'n', long, default_value_t = 10)]
        limit: u32,
    },
    /// Read every stored byte again and compare it with its hash
    Verify {
        /// The dataset
        dataset: String,
    },
}

pub(crate) async fn run(context: &Context, command: DataCommand) -> Result<()> {
    let output = context.output;
    match command {
        DataCommand::Ls => {
            let datasets: Vec<Dataset> = context.client().await?.get("/api/v1/datasets").await?;
            output.list(
                &datasets,
                "No datasets yet. Make one: ropewalk data commit NAME FILE.csv",
                datasets_table,
            )
        }
        DataCommand::Commit { dataset, files, branch, message, tag, from } => {
            let files = files.iter().map(|file| read_file(file)).collect::<Result<Vec<_>>>()?;
            let client = context.client().await?;
            let path = format!("/api/v1/datasets/{}/commits", segment(&dataset));
            let body =
                json!({"branch": branch, "message": message, "files": files, "create_branch_from": from});
            let commit: Commit = client.post(&path, &body).await?;
            if let Some(tag) = tag {
                let path = format!("/api/v1/datasets/{}/tags", segment(&dataset));
                let _: Value = client.post(&path, &json!({"tag": tag, "reference": commit.id})).await?;
            }
            output.one(&commit, commit_table)?;
            if commit.unchanged {
                output.say("Nothing changed: the branch holds these files already.");
            }
            output.next(&format!("ropewalk prep validate {dataset}@{branch}"));
            Ok(())
        }
        DataCommand::Show { version } => {
            let spec: DatasetSpec = version.parse()?;
            let commit: Commit = context.client().await?.get(&commit_path(&spec)).await?;
            output.one(&commit, commit_table)?;
            if output.format == crate::output::Format::Table {
                for file in &commit.files {
                    let Some(table) = &file.table else { continue };
                    output.say(&format!("\n{}", file.path));
                    output.list(&table.columns, "", |columns| {
                        let mut rows = Table::new(&[
                            "column",
                            "kind",
                            ">missing",
                            ">distinct",
                            ">min",
                            ">mean",
                            ">max",
                            ">std",
                        ]);
                        for column in columns {
                            let number = |value: Option<f64>| value.map(figure).unwrap_or_default();
                            rows.row([
                                column.name.clone(),
                                format!("{:?}", column.kind).to_lowercase(),
                                column.missing.to_string(),
                                column.distinct.to_string(),
                                number(column.min),
                                number(column.mean),
                                number(column.max),
                                number(column.std),
                            ]);
                        }
                        rows
                    })?;
                }
            }
            Ok(())
        }
        DataCommand::Log { version } => {
            let spec: DatasetSpec = version.parse()?;
            let path = format!("/api/v1/datasets/{}/log", segment(&spec.name));
            let path = query(&path, &[("reference", Some(spec.reference.clone()))]);
            let page: Paged<CommitInfo> = context.client().await?.get(&path).await?;
            output.list(&page.items, "No commits.", |commits| {
                let mut table = Table::new(&["commit", "when", "by", ">rows", ">bytes", "message"]);
                for commit in commits {
                    table.row([
                        short(&commit.id),
                        ago(commit.time_ms),
                        commit.author.clone(),
                        commit.rows.to_string(),
                        bytes(commit.bytes),
                        commit.message.clone(),
                    ]);
                }
                table
            })
        }
        DataCommand::Diff { dataset, from, to } => {
            let path = format!("/api/v1/datasets/{}/diff", segment(&dataset));
            let path = query(&path, &[("from", Some(from)), ("to", Some(to))]);
            let diff: Diff = context.client().await?.get(&path).await?;
            output.one(&diff, diff_table)
        }
        DataCommand::Branch { dataset, name, from } => {
            let path = format!("/api/v1/datasets/{}/branches", segment(&dataset));
            let client = context.client().await?;
            if let Some(name) = name {
                let _: Value = client.post(&path, &json!({"branch": name, "from": from})).await?;
            }
            let branches: Vec<RefInfo> = client.get(&path).await?;
            output.list(&branches, "No branches.", references_table)
        }
        DataCommand::Tag { dataset, name, at } => {
            let path = format!("/api/v1/datasets/{}/tags", segment(&dataset));
            let client = context.client().await?;
            if let Some(name) = name {
                let _: Value = client.post(&path, &json!({"tag": name, "reference": at})).await?;
            }
            let tags: Vec<RefInfo> = client.get(&path).await?;
            output.list(&tags, "No tags.", references_table)
        }
        DataCommand::Merge { dataset, from, into, message } => {
            let path = format!("/api/v1/datasets/{}/merge", segment(&dataset));
            let body = json!({"from": from, "into": into, "message": message});
            let commit: Commit = context.client().await?.post(&path, &body).await?;
            output.one(&commit, commit_table)
        }
        DataCommand::Cat { file } => {
            let spec: DatasetSpec = file.parse()?;
            let Some(path) = &spec.path else {
                return Err(Error::invalid(format!("“{file}” names no file")).hint(format!(
                    "ropewalk data show {}@{}   # lists the files",
                    spec.name, spec.reference
                )));
            };
            let place =
                format!("/api/v1/datasets/{}/files/{}", segment(&spec.name), segment(&spec.reference));
            print_bytes(
                &context.client().await?.get_bytes(&query(&place, &[("path", Some(path.clone()))])).await?,
            )
        }
        DataCommand::Rows { version, limit } => {
            let spec: DatasetSpec = version.parse()?;
            let place = format!("/api/v1/datasets/{}/rows/{}", segment(&spec.name), segment(&spec.reference));
            let place = query(&place, &[("path", spec.path.clone()), ("limit", Some(limit.to_string()))]);
            let sample: Value = context.client().await?.get(&place).await?;
            output.one(&sample, rows_table)
        }
        DataCommand::Verify { dataset } => {
            let path = format!("/api/v1/datasets/{}/verify", segment(&dataset));
            let report: VerifyReport = context.client().await?.post(&path, &json!({})).await?;
            output.one(&report, |report| {
                let mut table = Table::pairs();
                table.pair("dataset", &report.dataset);
                table.pair("commits", report.commits.to_string());
                table.pair("files", report.files.to_string());
                table.pair("chunks", report.chunks.to_string());
                table.pair("read", bytes(report.bytes));
                for problem in &report.problems {
                    table.pair("problem", format!("{} {}", problem.what, problem.files.join(", ")));
                }
                table.pair("result", if report.ok { "every byte is as it was committed" } else { "damaged" });
                table
            })?;
            if report.ok {
                return Ok(());
            }
            Err(Error::new(
                ropewalk_core::Code::Corrupt,
                format!("{} places of {dataset} are damaged", report.problems.len()),
            )
            .hint("restore the named files from a copy and commit them again"))
        }
    }
}

fn commit_path(spec: &DatasetSpec) -> String {
    format!("/api/v1/datasets/{}/commits/{}", segment(&spec.name), segment(&spec.reference))
}

/// A file to commit: `FILE` goes in under its own name, `FILE=PATH` under another.
fn read_file(argument: &str) -> Result<Value> {
    let whole = PathBuf::from(argument);
    let (file, path) = match argument.rsplit_once('=') {
        Some((file, path)) if !whole.exists() => (PathBuf::from(file), path.to_owned()),
        _ => {
            let name = whole.file_name().map(|name| name.to_string_lossy().into_owned());
            (whole, name.unwrap_or_default())
        }
    };
    let content = std::fs::read(&file).map_err(|source| unreadable(&file, source))?;
    Ok(json!({"path": path, "content_base64": STANDARD.encode(content)}))
}

pub(crate) fn unreadable(file: &Path, source: std::io::Error) -> Error {
    let why = match source.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => source.to_string(),
    };
    let folder = file.parent().filter(|folder| folder.is_dir()).map_or(".".into(), Path::to_string_lossy);
    let folder = if folder.is_empty() { ".".into() } else { folder };
    Error::invalid(format!("{} cannot be read", file.display()))
        .why(why)
        .hint(format!("look at what there is: ls -l {folder}"))
        .source(source)
}

fn datasets_table(datasets: &[Dataset]) -> Table {
    let mut table = Table::new(&["dataset", ">commits", ">rows", ">bytes", "branches", "tags", "latest"]);
    for dataset in datasets {
        let names = |references: &[RefInfo]| {
            references.iter().map(|reference| reference.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let latest = dataset.latest.as_ref();
        table.row([
            dataset.name.clone(),
            dataset.commits.to_string(),
            latest.map(|commit| commit.rows.to_string()).unwrap_or_default(),
            latest.map(|commit| bytes(commit.bytes)).unwrap_or_default(),
            names(&dataset.branches),
            names(&dataset.tags),
            latest.map(|commit| ago(commit.time_ms)).unwrap_or_default(),
        ]);
    }
    table
}

fn commit_table(commit: &Commit) -> Table {
    let mut table = Table::pairs();
    table.pair("dataset", &commit.dataset);
    table.pair("commit", &commit.id);
    table.pair("parents", commit.parents.iter().map(|parent| short(parent)).collect::<Vec<_>>().join(" "));
    table.pair("by", format!("{}, {}", commit.author, ago(commit.time_ms)));
    table.pair("message", &commit.message);
    table.pair("rows", commit.rows.to_string());
    table.pair("bytes", format!("{} ({} new in the store)", bytes(commit.bytes), bytes(commit.new_bytes)));
    for file in &commit.files {
        let columns = file
            .table
            .as_ref()
            .map(|table| format!(", {} rows × {} columns", table.rows, table.columns.len()));
        table.pair("file", format!("{}  {}{}", file.path, bytes(file.bytes), columns.unwrap_or_default()));
    }
    table
}

fn references_table(references: &[RefInfo]) -> Table {
    let mut table = Table::new(&["name", "commit", "moved"]);
    for reference in references {
        table.row([reference.name.clone(), short(&reference.commit), ago(reference.updated_ms)]);
    }
    table
}

fn diff_table(diff: &Diff) -> Table {
    let mut table = Table::new(&["what", "change", ">before", ">after", "note"]);
    for file in &diff.files {
        let change = format!("{:?}", file.change).to_lowercase();
        let note =
            file.table.as_ref().map(|table| format!("rows +{} −{}", table.rows_added, table.rows_removed));
        table.row([
            file.path.clone(),
            change,
            bytes(file.bytes_before),
            bytes(file.bytes_after),
            note.unwrap_or_default(),
        ]);
        for column in file.table.iter().flat_map(|table| &table.columns) {
            let mean =
                |value: Option<f64>| value.map(|mean| format!("mean {}", figure(mean))).unwrap_or_default();
            table.row([
                format!("  {}", column.name),
                format!("{:?}", column.change).to_lowercase(),
                mean(column.mean_before),
                mean(column.mean_after),
                String::new(),
            ]);
        }
    }
    if diff.files.is_empty() {
        table.row(["nothing differs", "", "", "", ""]);
    }
    table
}

/// Rows as the server sends them, as a table: a column with any text is text.
pub(crate) fn rows_frame(sample: &Value) -> Result<Frame> {
    let rows: Vec<&Vec<Value>> =
        sample["rows"].as_array().into_iter().flatten().filter_map(Value::as_array).collect();
    let names = sample["columns"].as_array().into_iter().flatten();
    let columns = names.enumerate().map(|(place, name)| {
        let name = name.get("name").unwrap_or(name).as_str().unwrap_or_default().to_owned();
        let cells: Vec<Option<&Value>> = rows.iter().map(|row| row.get(place)).collect();
        let column = if cells.iter().any(|cell| cell.is_some_and(Value::is_string)) {
            Column::Text(cells.iter().map(|cell| cell.and_then(Value::as_str).map(str::to_owned)).collect())
        } else {
            Column::Number(
                cells.iter().map(|cell| cell.and_then(Value::as_f64).unwrap_or(f64::NAN)).collect(),
            )
        };
        (name, column)
    });
    Frame::new(columns.collect())
}

/// Rows as the server sends them: `columns` and `rows`.
pub(crate) fn rows_table(sample: &Value) -> Table {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.as_f64().map_or_else(|| other.to_string(), figure),
    };
    // A dataset's columns come with their kind, a preparation's as names.
    let names = sample["columns"].as_array().into_iter().flatten();
    let names: Vec<String> = names.map(|column| text(column.get("name").unwrap_or(column))).collect();
    let mut table = Table::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for row in sample["rows"].as_array().into_iter().flatten() {
        table.row(row.as_array().into_iter().flatten().map(&text).collect::<Vec<_>>());
    }
    table
}
