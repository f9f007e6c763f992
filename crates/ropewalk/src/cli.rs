//! The command line: what it understands, and how its settings, client and output are made.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use ropewalk_core::{Result, Settings};

use crate::commands::{
    auth, config, data, doctor, endpoint, experiment, import, incident, job, journal, ledger, model, prep,
    reference, run, status, watch,
};
use crate::context::Context;
use crate::output::{self, Format, Output};
use crate::{demo, up};

/// The machine-learning lifecycle in one program: data, preparation, training, models, serving,
/// monitoring and incident response, on one line of evidence.
#[derive(Debug, Parser)]
#[command(
    name = "ropewalk",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Examples:\n  ropewalk demo                      the whole line on real data, in about a minute\n  ropewalk up                        serve everything at http://127.0.0.1:7878\n  ropewalk data commit wine red.csv  keep a table as a dataset\n  ropewalk                           where you stand and what to do next\n\nExit status: 0 ok · 1 failed check or bad input · 2 internal error · 4 not allowed · 130 interrupted\nSee also: ropewalk help exit-codes"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder that holds the local state [default: .ropewalk here or in a folder above]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options", env = "ROPEWALK_HOME")]
    home: Option<String>,
    /// Talk to the server at this URL instead of a home
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options", env = "ROPEWALK_SERVER")]
    server: Option<String>,
    /// Token for a server that wants one
    #[arg(
        long,
        global = true,
        value_name = "TOKEN",
        help_heading = "Global options",
        env = "ROPEWALK_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Database of the home: sqlite://… or postgres://…
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help_heading = "Global options",
        env = "ROPEWALK_DATABASE",
        hide_env_values = true
    )]
    database: Option<String>,
    /// Blob store of the home: file:///… or s3://…
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options", env = "ROPEWALK_BLOBS")]
    blobs: Option<String>,
    /// Form of what is printed
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Global options",
        env = "ROPEWALK_OUTPUT"
    )]
    output: Format,
    /// Print results only
    #[arg(short, long, global = true, help_heading = "Global options")]
    quiet: bool,
    /// Log more: -v for information, -vv for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole line on real data and leave it open in the browser
    #[command(
        after_help = "Examples:\n  ropewalk demo\n  ropewalk demo --exit -o json\n  ropewalk demo --home /tmp/tour --port 0"
    )]
    Demo(demo::DemoArgs),
    /// Serve everything: web app, APIs, monitors
    #[command(
        after_help = "Examples:\n  ropewalk up\n  ropewalk up --port 0 --home /srv/ropewalk\n  ropewalk up --database postgres://ropewalk@db/ropewalk --blobs s3://bucket/prefix\n  ropewalk up --artifacts-destination s3://bucket/mlflow"
    )]
    Up(UpArgs),
    /// Datasets: commit, branch, tag, compare and merge tables
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Preparation: validate, split, fit transforms once
    #[command(subcommand)]
    Prep(prep::PrepCommand),
    /// Runs: train, sweep, search, compare, reproduce, move, remove
    #[command(subcommand)]
    Run(run::RunCommand),
    /// Experiments: the folders of runs
    #[command(subcommand)]
    Experiment(experiment::ExperimentCommand),
    /// Bring in another program's store: MLflow's
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Models: register versions, move aliases
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Endpoints: deploy, split traffic, roll out, roll back, predict
    #[command(subcommand, visible_alias = "serve")]
    Endpoint(endpoint::EndpointCommand),
    /// Monitoring: drift, quality, feedback, alerts
    #[command(subcommand)]
    Watch(watch::WatchCommand),
    /// Incidents: what broke, what changed, what was done
    #[command(subcommand)]
    Incident(incident::IncidentCommand),
    /// Energy, carbon and money
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// What changed between the good and the bad of a thing
    #[command(
        after_help = "Examples:\n  ropewalk why incident:1\n  ropewalk why endpoint:wine\n  ropewalk why model:wine-quality/2"
    )]
    Why(journal::WhyArgs),
    /// What a thing was made from, and what was made from it
    #[command(
        after_help = "Examples:\n  ropewalk lineage model:wine-quality/2\n  ropewalk lineage dataset:wine@COMMIT --direction downstream"
    )]
    Lineage(journal::LineageArgs),
    /// The hash-chained record of everything that matters
    #[command(
        after_help = "Examples:\n  ropewalk journal\n  ropewalk journal --about endpoint:wine\n  ropewalk journal --verify"
    )]
    Journal(journal::JournalArgs),
    /// Long work in the background
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Tokens, users and roles
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Settings and where each comes from
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check this machine and this home, with a remedy for each finding
    Doctor,
    /// Print the completions of a shell
    #[command(
        after_help = "Example:\n  ropewalk completions bash > ~/.local/share/bash-completion/completions/ropewalk"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Help on a command or a topic
    Help(reference::HelpArgs),
    /// Print the generated reference of commands, settings and error codes
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
}

/// `ropewalk up`
#[derive(Debug, Args)]
struct UpArgs {
    /// Port to listen on; 0 takes a free one [default: 7878]
    #[arg(long, value_name = "N", env = "ROPEWALK_PORT")]
    port: Option<String>,
    /// Address to bind; another than loopback needs credentials [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", env = "ROPEWALK_HOST")]
    host: Option<String>,
    /// Where artifacts that come through the server are kept: s3://bucket/prefix or a folder [default: artifacts/ in
    /// the blob store]
    #[arg(long, value_name = "URL", env = "ROPEWALK_ARTIFACTS_DESTINATION")]
    artifacts_destination: Option<String>,
    /// Where new experiments' artifacts go [default: mlflow-artifacts:/, which is through the server]
    #[arg(long, value_name = "URI", env = "ROPEWALK_DEFAULT_ARTIFACT_ROOT")]
    default_artifact_root: Option<String>,
    /// Let clients send and fetch artifacts through the server [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        env = "ROPEWALK_SERVE_ARTIFACTS",
        overrides_with = "no_serve_artifacts"
    )]
    serve_artifacts: Option<String>,
    /// Let artifacts go past the server only
    #[arg(long)]
    no_serve_artifacts: bool,
    /// Show the web app in the browser
    #[arg(long)]
    open: bool,
}

/// The whole definition, for completions and the reference.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Read the arguments, do what they say, and give the exit status.
pub(crate) async fn run() -> ExitCode {
    let matches = match definition().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are printed to stdout and succeed; a usage error is bad input.
            let code = if error.use_stderr() { 1 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(1);
        }
    };
    let done = tokio::select! {
        // First of all an interrupt is listened for.
        biased;
        // A server and the demo wait for the interrupt themselves; any other command just ends.
        () = forced_interrupt() => return ExitCode::from(130),
        done = execute(cli) => done,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

/// Ready at an interrupt, unless the command handles interrupts itself.
async fn forced_interrupt() {
    let told = |wanted: &str| {
        std::env::args().skip(1).take_while(|given| given != "--").any(|given| given == wanted)
    };
    // A program that is run as a run is interrupted itself, and then its end is written down.
    if told("up") || told("demo") || told("exec") {
        std::future::pending::<()>().await;
    }
    let _ = tokio::signal::ctrl_c().await;
}

async fn execute(cli: Cli) -> Result<()> {
    let mut flags = BTreeMap::new();
    let mut set = |key: &str, value: Option<&String>| {
        if let Some(value) = value {
            flags.insert(key.to_owned(), value.clone());
        }
    };
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    // clap reads the variables too, for its help; a value that came from one is not a flag.
    let given = |key: &str, value: &Option<String>| {
        value.clone().filter(|value| environment.get(&ropewalk_core::settings::variable(key)) != Some(value))
    };
    let global = &cli.global;
    for (key, value) in [
        ("home", &global.home),
        ("server", &global.server),
        ("token", &global.token),
        ("database", &global.database),
        ("blobs", &global.blobs),
    ] {
        set(key, given(key, value).as_ref());
    }
    match &cli.command {
        Some(Command::Up(args)) => {
            set("port", given("port", &args.port).as_ref());
            set("host", given("host", &args.host).as_ref());
            set(
                "artifacts_destination",
                given("artifacts_destination", &args.artifacts_destination).as_ref(),
            );
            set(
                "default_artifact_root",
                given("default_artifact_root", &args.default_artifact_root).as_ref(),
            );
            set("serve_artifacts", given("serve_artifacts", &args.serve_artifacts).as_ref());
            if args.no_serve_artifacts {
                set("serve_artifacts", Some(&"false".to_owned()));
            }
        }
        Some(Command::Demo(args)) => set("port", given("port", &args.port).as_ref()),
        _ => {}
    }
    let directory = std::env::current_dir()?;
    let settings = Settings::merge(&flags, &environment, &directory)?;
    let output = Output { format: global.output, quiet: global.quiet };
    start_log(&settings, global.verbose);
    let context = Context::new(settings, output);
    let context = &context;
    match cli.command {
        None => status::run(context).await,
        Some(Command::Demo(args)) => demo::run(context, args).await,
        Some(Command::Up(args)) => up::up(context.settings.clone(), output, args.open).await,
        Some(Command::Data(command)) => data::run(context, command).await,
        Some(Command::Prep(command)) => prep::run(context, command).await,
        Some(Command::Run(command)) => run::run(context, command).await,
        Some(Command::Experiment(command)) => experiment::run(context, command).await,
        Some(Command::Import(command)) => import::run(context, command).await,
        Some(Command::Model(command)) => model::run(context, command).await,
        Some(Command::Endpoint(command)) => endpoint::run(context, command).await,
        Some(Command::Watch(command)) => watch::run(context, command).await,
        Some(Command::Incident(command)) => incident::run(context, command).await,
        Some(Command::Ledger(command)) => ledger::run(context, command).await,
        Some(Command::Why(args)) => journal::why(context, args).await,
        Some(Command::Lineage(args)) => journal::lineage(context, args).await,
        Some(Command::Journal(args)) => journal::run(context, args).await,
        Some(Command::Job(command)) => job::run(context, command).await,
        Some(Command::Auth(command)) => auth::run(context, command).await,
        Some(Command::Config(command)) => config::run(context, command),
        Some(Command::Doctor) => doctor::run(context).await,
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut definition(), "ropewalk", &mut script);
            output::print_bytes(&script)
        }
        Some(Command::Help(args)) => reference::help(&args, definition()),
        Some(Command::Reference(args)) => reference::print(&args, definition()).await,
    }
}

fn start_log(settings: &Settings, verbose: u8) {
    let filter = match verbose {
        0 => settings.text("log").unwrap_or("warn").to_owned(),
        1 => "info".to_owned(),
        _ => "debug".to_owned(),
    };
    let filter = tracing_subscriber::EnvFilter::try_new(&filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!plain && std::io::stderr().is_terminal())
        .try_init();
}
