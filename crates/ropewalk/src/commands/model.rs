//! `ropewalk model`: the registry.

use clap::{Args, Subcommand};
use ropewalk_core::{Paged, Result, format_utc};
use ropewalk_models::{Gate, HistoryEntry, ModelVersion, RegisteredModel};
use serde_json::{Value, json};

use crate::client::{query, segment};
use crate::context::Context;
use crate::table::{Table, ago, figure, member, scalar, short};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the registered models
    #[command(visible_alias = "list")]
    Ls,
    /// Show a model's versions, or one version
    #[command(
        after_help = "Examples:\n  ropewalk model show wine-quality\n  ropewalk model show wine-quality@champion\n  ropewalk model show wine-quality/2"
    )]
    Show {
        /// The model, as NAME, NAME/VERSION or NAME@ALIAS
        model: String,
    },
    /// Register a run's model as the next version, if it passes the gates
    #[command(
        after_help = "Example:\n  ropewalk model register wine-quality --run RUN --auc-floor 0.75 --alias champion"
    )]
    Register(RegisterArgs),
    /// Let an alias name a version
    #[command(after_help = "Example:\n  ropewalk model alias wine-quality champion 2")]
    Alias {
        /// The model
        model: String,
        /// The alias
        alias: String,
        /// The version
        version: i64,
    },
    /// Show who changed what in a model and when, under all names that it has had
    #[command(after_help = "Example:\n  ropewalk model history wine-quality -n 100")]
    History {
        /// The model
        model: String,
        /// How many, newest first
        #[arg(short = 'n', long, default_value_t = 30)]
        limit: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// The model
    name: String,
    /// The run that trained it
    #[arg(long)]
    run: String,
    /// Gate: the least validation AUC
    #[arg(long, value_name = "AUC")]
    auc_floor: Option<f64>,
    /// Gate: the largest difference between batch and single-row preprocessing
    #[arg(long, default_value_t = 1e-6)]
    parity: f64,
    /// Let this alias name the new version
    #[arg(long)]
    alias: Option<String>,
    /// What to say about it
    #[arg(long, default_value = "")]
    description: String,
    /// Register although a gate does not pass; the record keeps that
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(context: &Context, command: ModelCommand) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    match command {
        ModelCommand::Ls => {
            let models: Vec<RegisteredModel> = client.get("/api/v1/models").await?;
            output.list(&models, "No models yet. See: ropewalk model register --help", |models| {
                let mut table = Table::new(&["model", ">latest", "aliases", "changed"]);
                for model in models {
                    let aliases: Vec<String> =
                        model.aliases.iter().map(|(alias, version)| format!("{alias}→{version}")).collect();
                    table.row([
                        model.name.clone(),
                        model.latest_version.map(|version| version.to_string()).unwrap_or_default(),
                        aliases.join(" "),
                        ago(model.updated_ms),
                    ]);
                }
                table
            })
        }
        ModelCommand::Show { model } => match split(&model) {
            (name, None) => {
                let model: Value = client.get(&format!("/api/v1/models/{}", segment(name))).await?;
                output.one(&model, |model| {
                    let mut table = Table::new(&[">version", "aliases", "gates", "run", "made"]);
                    for version in model["versions"].as_array().into_iter().flatten() {
                        let gates = version["gates"].as_array().cloned().unwrap_or_default();
                        let passed = gates.iter().filter(|gate| gate["passed"] == json!(true)).count();
                        let aliases: Vec<String> =
                            version["aliases"].as_array().into_iter().flatten().map(scalar).collect();
                        table.row([
                            version["version"].to_string(),
                            aliases.join(" "),
                            format!("{passed}/{} passed", gates.len()),
                            short(version["run_id"].as_str().unwrap_or_default()),
                            version["created_ms"].as_i64().map(ago).unwrap_or_default(),
                        ]);
                    }
                    table
                })
            }
            (name, Some(version)) => {
                let path = format!("/api/v1/models/{}/versions/{}", segment(name), segment(version));
                let version: Value = client.get(&path).await?;
                output.one(&version, |version| {
                    let mut table = Table::pairs();
                    for (name, value) in version.as_object().into_iter().flatten() {
                        match value {
                            Value::Array(items) if items.iter().any(Value::is_object) => {
                                for item in items {
                                    let text = item.get("message").map_or_else(|| item.to_string(), scalar);
                                    table.pair(name, text);
                                }
                            }
                            Value::Array(items) => {
                                table.pair(name, items.iter().map(scalar).collect::<Vec<_>>().join(" "));
                            }
                            Value::Object(_) => {}
                            plain => table.pair(name, member(name, plain)),
                        }
                    }
                    table
                })
            }
        },
        ModelCommand::Register(args) => {
            let mut gates = vec![Gate::Parity { tolerance: args.parity }];
            if let Some(minimum) = args.auc_floor {
                gates.insert(0, Gate::AucFloor { metric: "val_auc".to_owned(), minimum });
            }
            let path = format!("/api/v1/models/{}/versions", segment(&args.name));
            let body = json!({
                "name": args.name, "run_id": args.run, "gates": gates,
                "description": args.description, "force": args.force,
            });
            let version: ModelVersion = client.post(&path, &body).await?;
            if let Some(alias) = &args.alias {
                set_alias(context, &args.name, alias, version.version).await?;
            }
            output.one(&version, version_table)?;
            output.next(&format!(
                "ropewalk endpoint deploy ENDPOINT --model {}/{}",
                version.name, version.version
            ));
            Ok(())
        }
        ModelCommand::Alias { model, alias, version } => {
            set_alias(context, &model, &alias, version).await?;
            output.say(&format!("{model}@{alias} is version {version}."));
            Ok(())
        }
        ModelCommand::History { model, limit } => {
            let path = format!("/api/v1/models/{}/history", segment(&model));
            let page: Paged<HistoryEntry> =
                client.get(&query(&path, &[("limit", Some(limit.to_string()))])).await?;
            output.list(&page.items, "Nothing is recorded of this model.", |entries| {
                let mut table = Table::new(&[">seq", "when", "who", "what"]);
                for entry in entries {
                    table.row([
                        entry.seq.to_string(),
                        format_utc(entry.time_ms),
                        entry.actor.clone(),
                        entry.text.clone(),
                    ]);
                }
                table
            })
        }
    }
}

async fn set_alias(context: &Context, model: &str, alias: &str, version: i64) -> Result<()> {
    let path = format!("/api/v1/models/{}/aliases/{}", segment(model), segment(alias));
    let _: Value = context.client().await?.put(&path, &json!({"version": version})).await?;
    Ok(())
}

/// A model's name, and the version or alias after `/` or `@`.
fn split(model: &str) -> (&str, Option<&str>) {
    match model.find(['/', '@']) {
        Some(at) => (&model[..at], Some(model[at..].trim_start_matches('/'))),
        None => (model, None),
    }
}

fn version_table(version: &ModelVersion) -> Table {
    let mut table = Table::pairs();
    table.pair("model", version.id());
    table.pair("run", version.run_id.clone().unwrap_or_default());
    table.pair("bundle", version.bundle_hash.as_deref().map(short).unwrap_or_default());
    for gate in &version.gates {
        let verdict = if gate.passed { "passed" } else { "FAILED" };
        let observed = gate.observed.map(|value| format!(" ({})", figure(value))).unwrap_or_default();
        table.pair("gate", format!("{verdict}{observed}: {}", gate.message));
    }
    if version.forced {
        table.pair("note", "registered by force");
    }
    table
}
