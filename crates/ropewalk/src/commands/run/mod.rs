//! `ropewalk run`: training, sweeps and their record.

mod exec;
mod leaders;
mod record;
mod train;
mod upkeep;

use clap::Subcommand;
use ropewalk_core::Result;

use crate::context::Context;

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// List runs, newest first
    #[command(
        visible_alias = "list",
        after_help = "Examples:\n  ropewalk run ls\n  ropewalk run ls --experiment wine-quality --filter 'metrics.val_auc > 0.8' --order 'metrics.val_auc DESC'\n  ropewalk run ls --filter \"metrics.loss.min < 0.1 OR (params.depth BETWEEN '2' AND '4' AND NOT tags.team = 'search')\" --columns metrics.loss.min,params.depth"
    )]
    Ls(record::ListArgs),
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
    /// Rank runs by a metric's best value, and say at which step it was reached
    #[command(
        after_help = "Examples:\n  ropewalk run leaderboard val_auc --experiment wine-quality\n  ropewalk run leaderboard loss --by min"
    )]
    Leaderboard(leaders::LeaderboardArgs),
    /// What differs between runs: parameters and metrics
    #[command(after_help = "Example:\n  ropewalk run compare RUN RUN")]
    Compare(leaders::CompareArgs),
    /// Run a program as a run: its commit, uncommitted changes and outcome are kept with what it logs
    #[command(
        after_help = "Examples:\n  ropewalk run exec -- python train.py\n  ropewalk run exec --experiment wine-quality --name first -- python train.py --depth 3"
    )]
    Exec(exec::ExecArgs),
    /// Train one model on a preparation
    #[command(
        after_help = "Example:\n  ropewalk run train PREPARED --recipe boosted-trees --param learning_rate=0.1"
    )]
    Train(train::TrainArgs),
    /// Try recipes and parameters, and find the best by validation AUC
    #[command(after_help = "Example:\n  ropewalk run sweep PREPARED --trials 12 --experiment wine-quality")]
    Sweep(train::SweepArgs),
    /// Run a run again from its record and compare the metrics
    Reproduce {
        /// The run
        id: String,
    },
    /// The recipes that can be trained, with their parameters
    Recipes,
    /// Delete runs; they can be restored until they are removed for good
    #[command(
        after_help = "Examples:\n  ropewalk run rm RUN\n  ropewalk run rm RUN --purge   # for good, with its files"
    )]
    Rm {
        /// The runs
        #[arg(required = true)]
        ids: Vec<String>,
        /// Remove them for good, with their artifacts
        #[arg(long)]
        purge: bool,
    },
    /// Restore deleted runs
    Restore {
        /// The runs
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Move runs to another experiment
    #[command(after_help = "Example:\n  ropewalk run mv RUN RUN --to wine-quality")]
    Mv {
        /// The runs
        #[arg(required = true)]
        ids: Vec<String>,
        /// The experiment
        #[arg(long, value_name = "EXPERIMENT")]
        to: String,
    },
    /// Send an MLflow store's experiments, runs and models to the server; again, what is new of them
    #[command(
        after_help = "Where training happens offline, MLflow's client writes to a folder; this sends it on, as often as you like.\n\nExamples:\n  ropewalk run sync\n  ropewalk run sync ./mlruns --server https://ropewalk.example"
    )]
    Sync(super::import::SyncArgs),
    /// Remove for good what was deleted: runs, logged models, experiments and their artifacts
    #[command(after_help = "Examples:\n  ropewalk run gc --dry-run\n  ropewalk run gc --older-than 30d")]
    Gc(upkeep::GarbageArgs),
}

pub(crate) async fn run(context: &Context, command: RunCommand) -> Result<()> {
    match command {
        RunCommand::Ls(args) => record::list(context, args).await,
        RunCommand::Show { id } => record::show(context, id).await,
        RunCommand::Metric { id, key } => record::metric(context, id, key).await,
        RunCommand::Artifacts { id, path } => record::artifacts(context, id, path).await,
        RunCommand::Leaderboard(args) => leaders::leaderboard(context, args).await,
        RunCommand::Compare(args) => leaders::compare(context, args).await,
        RunCommand::Exec(args) => exec::exec(context, args).await,
        RunCommand::Train(args) => train::train(context, args).await,
        RunCommand::Sweep(args) => train::sweep(context, args).await,
        RunCommand::Reproduce { id } => train::reproduce(context, id).await,
        RunCommand::Recipes => train::recipes(context).await,
        RunCommand::Rm { ids, purge } => upkeep::remove(context, &ids, purge).await,
        RunCommand::Restore { ids } => upkeep::restore(context, &ids).await,
        RunCommand::Mv { ids, to } => upkeep::move_to(context, &ids, &to).await,
        RunCommand::Sync(args) => super::import::sync(context, args).await,
        RunCommand::Gc(args) => upkeep::collect_garbage(context, args).await,
    }
}
