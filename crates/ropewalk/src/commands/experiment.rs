//! `ropewalk experiment`: the folders of runs.

use clap::Subcommand;
use http::Method;
use ropewalk_core::{Code, Result};
use serde_json::{Value, json};

use crate::client::{Client, query, segment};
use crate::context::Context;
use crate::table::{Table, ago, scalar};

#[derive(Debug, Subcommand)]
pub(crate) enum ExperimentCommand {
    /// List experiments, newest first
    #[command(
        visible_alias = "list",
        after_help = "Examples:\n  ropewalk experiment ls\n  ropewalk experiment ls --filter \"name LIKE 'wine%' AND tags.team = 'search'\""
    )]
    Ls {
        /// A filter in MLflow's language
        #[arg(long)]
        filter: Option<String>,
        /// Deleted experiments instead
        #[arg(long)]
        deleted: bool,
        /// How many
        #[arg(short = 'n', long, default_value_t = 100)]
        limit: u32,
    },
    /// Make an experiment
    #[command(
        after_help = "Example:\n  ropewalk experiment create wine-quality --artifact-location s3://bucket/wine"
    )]
    Create {
        /// Its name
        name: String,
        /// Where its runs' artifacts lie [default: with the server]
        #[arg(long, value_name = "URI")]
        artifact_location: Option<String>,
    },
    /// Give an experiment another name
    Rename {
        /// The experiment, by name or number
        experiment: String,
        /// Its new name
        name: String,
    },
    /// Delete an experiment and its runs; both can be restored until they are removed for good
    Rm {
        /// The experiment, by name or number
        experiment: String,
    },
    /// Restore a deleted experiment and its runs
    Restore {
        /// The experiment's number
        experiment: String,
    },
}

pub(crate) async fn run(context: &Context, command: ExperimentCommand) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    match command {
        ExperimentCommand::Ls { filter, deleted, limit } => {
            let view = deleted.then(|| "DELETED_ONLY".to_owned());
            let path = query(
                "/api/v1/experiments",
                &[("filter", filter), ("view", view), ("limit", Some(limit.to_string()))],
            );
            let page: Value = client.get(&path).await?;
            let experiments = page["items"].as_array().cloned().unwrap_or_default();
            output.list(&experiments, "No experiments.", |experiments| {
                let mut table = Table::new(&[">", "name", "artifacts", "changed"]);
                for experiment in experiments {
                    table.row([
                        scalar(&experiment["experiment_id"]),
                        scalar(&experiment["name"]),
                        scalar(&experiment["artifact_location"]),
                        experiment["last_update_time"].as_i64().map(ago).unwrap_or_default(),
                    ]);
                }
                table
            })
        }
        ExperimentCommand::Create { name, artifact_location } => {
            let body = json!({"name": name, "artifact_location": artifact_location});
            let made: Value = client.post("/api/v1/experiments", &body).await?;
            output.one(&made, pairs)
        }
        ExperimentCommand::Rename { experiment, name } => {
            let path = place(context, &experiment).await?;
            let body = serde_json::to_vec(&json!({"name": name}))?;
            client.send(Method::PATCH, &path, Some(body)).await?;
            output.say(&format!("{experiment} is now {name}."));
            Ok(())
        }
        ExperimentCommand::Rm { experiment } => {
            let path = place(context, &experiment).await?;
            client.delete(&path).await?;
            let number = path.rsplit('/').next().unwrap_or_default();
            output.say(&format!("{experiment} and its runs are deleted."));
            output.next(&format!("ropewalk experiment restore {number}   # or, for good: ropewalk run gc"));
            Ok(())
        }
        ExperimentCommand::Restore { experiment } => {
            let path = format!("/api/v1/experiments/{}/restore", segment(&experiment));
            client.post::<Value>(&path, &json!({})).await?;
            output.say(&format!("{experiment} and its runs are restored."));
            Ok(())
        }
    }
}

/// The route of an experiment, which may be named; a number is taken for one.
async fn place(context: &Context, experiment: &str) -> Result<String> {
    let number = if experiment.parse::<i64>().is_ok() {
        experiment.to_owned()
    } else {
        number_of(context.client().await?, experiment).await?
    };
    Ok(format!("/api/v1/experiments/{}", segment(&number)))
}

/// The number of the experiment of this name.
///
/// # Errors
/// `not_found` if there is none.
pub(crate) async fn number_of(client: &Client, name: &str) -> Result<String> {
    let path =
        query("/api/2.0/mlflow/experiments/get-by-name", &[("experiment_name", Some(name.to_owned()))]);
    let found: Value = client.get(&path).await.map_err(|error| match error.code() {
        Code::NotFound => error.hint("ropewalk experiment ls"),
        _ => error,
    })?;
    Ok(scalar(&found["experiment"]["experiment_id"]))
}

fn pairs(experiment: &Value) -> Table {
    let mut table = Table::pairs();
    for name in ["experiment_id", "name", "artifact_location"] {
        table.pair(name, scalar(&experiment[name]));
    }
    table
}
