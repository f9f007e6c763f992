//! Bringing another program's store in.

mod bring;
mod files;
mod moved;
mod registry;
mod report;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ropewalk_core::Result;
use ropewalk_migrate::{Options, Source, Store};

use crate::context::Context;
use bring::Bring;

/// `ropewalk import …`
#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Bring in a store of MLflow's: experiments, runs, models, prompts and their files
    #[command(
        after_help = "Identifiers stay: of runs, logged models, registered models and versions. What is here already is completed\nwith what it lacks, so the same import can be made again at any time. The store is only read.\n\nExamples:\n  ropewalk import mlflow sqlite:///mlflow.db\n  ropewalk import mlflow sqlite:///mlflow.db --artifacts ./mlartifacts\n  ropewalk import mlflow ./mlruns --dry-run\n  ropewalk import mlflow postgresql://ann@db/mlflow --artifacts /srv/mlartifacts"
    )]
    Mlflow {
        /// What MLflow was given as its backend store: sqlite:///…, postgresql://… or a folder
        #[arg(value_name = "STORE")]
        store: String,
        #[command(flatten)]
        how: HowArgs,
    },
}

/// How a store is brought in.
#[derive(Debug, Args)]
pub(crate) struct HowArgs {
    /// Where the old server kept its artifacts [default: mlartifacts beside the store]
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// Leave the files where they are
    #[arg(long, conflicts_with = "artifacts")]
    no_artifacts: bool,
    /// Only say what would be brought in
    #[arg(long)]
    dry_run: bool,
    /// Read a store of a newer MLflow as far as it is understood
    #[arg(long)]
    newer_schema: bool,
    /// The one workspace that is read
    #[arg(long, value_name = "NAME", default_value = "default")]
    workspace: String,
}

/// `ropewalk run sync`
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// The folder mlruns, or one that holds it or a file mlflow.db
    #[arg(value_name = "DIR", default_value = ".")]
    store: String,
    #[command(flatten)]
    how: HowArgs,
}

pub(crate) async fn run(context: &Context, command: ImportCommand) -> Result<()> {
    let ImportCommand::Mlflow { store, how } = command;
    bring_in(context, &store, how).await
}

pub(crate) async fn sync(context: &Context, args: SyncArgs) -> Result<()> {
    bring_in(context, &args.store, args.how).await
}

async fn bring_in(context: &Context, store: &str, how: HowArgs) -> Result<()> {
    let source = Source::parse(store)?;
    let options = Options { workspace: how.workspace.clone(), accept_newer: how.newer_schema };
    let opened = Store::open(&source, &options).await?;
    let files = (!how.no_artifacts).then(|| files::locator(&source, how.artifacts));
    let report = Bring::new(context.client().await?, opened, source.name(), files, how.dry_run).all().await?;
    context.output.one(&report, report::table)?;
    for line in report.words() {
        context.output.say(&line);
    }
    if how.dry_run {
        context.output.say("Nothing was brought in: this was only a look.");
    } else {
        context.output.next("ropewalk run ls");
    }
    Ok(())
}
