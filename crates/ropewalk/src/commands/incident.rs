//! `ropewalk incident`: what broke, what changed, what was done.

use clap::{Args, Subcommand};
use ropewalk_core::{Code, Error, Result, format_utc};
use ropewalk_respond::{Incident, IncidentDetail, Postmortem, RunbookRun, StepStatus};
use serde_json::{Value, json};

use super::ledger::money;
use crate::client::{Client, query, segment};
use crate::context::Context;
use crate::table::{Table, ago};

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// List incidents, newest first
    #[command(visible_alias = "list")]
    Ls {
        /// Only open ones
        #[arg(long)]
        open: bool,
    },
    /// Show an incident and its timeline
    Show {
        /// The incident: its number or identifier
        incident: String,
    },
    /// Say that you are on it
    #[command(visible_alias = "ack")]
    Acknowledge {
        /// The incident
        incident: String,
    },
    /// Say that it is over
    #[command(after_help = "Example:\n  ropewalk incident resolve 1 --note 'the sensor was mended'")]
    Resolve {
        /// The incident
        incident: String,
        /// How it was resolved
        #[arg(short, long, default_value = "")]
        note: String,
    },
    /// Write something into the timeline
    #[command(after_help = "Example:\n  ropewalk incident note 1 'the sensor drifts since Monday'")]
    Note {
        /// The incident
        incident: String,
        /// What to write
        text: String,
    },
    /// Run a runbook: retrain on what was captured, gate, roll out, prove, resolve
    #[command(
        after_help = "Examples:\n  ropewalk incident runbook 1 --dry-run\n  ropewalk incident runbook 1 --trials 6"
    )]
    Runbook(RunbookArgs),
    /// Print the post-mortem, in Markdown
    Postmortem {
        /// The incident
        incident: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunbookArgs {
    /// The incident
    incident: String,
    /// The runbook
    #[arg(long, default_value = "retrain")]
    name: String,
    /// Runs of the sweep
    #[arg(long, default_value_t = 6)]
    trials: u32,
    /// Seconds after which a step of the roll-out is judged with what there is
    #[arg(long, default_value_t = 600.0)]
    max_wait: f64,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, command: IncidentCommand) -> Result<()> {
    let output = context.output;
    let client = context.client().await?;
    let path = |incident: &str, rest: &str| format!("/api/v1/incidents/{}{rest}", segment(incident));
    match command {
        IncidentCommand::Ls { open } => {
            let place = query("/api/v1/incidents", &[("open", open.then(|| "true".to_owned()))]);
            let answer: Value = client.get(&place).await?;
            let items = answer.get("items").cloned().unwrap_or(answer);
            let incidents: Vec<Incident> = serde_json::from_value(items)?;
            output.list(&incidents, "No incidents.", |incidents| {
                let mut table =
                    Table::new(&[">number", "priority", "status", "endpoint", "opened", "title", ">cost"]);
                for incident in incidents {
                    table.row([
                        incident.number.to_string(),
                        incident.priority.as_str().to_owned(),
                        incident.status.as_str().to_owned(),
                        incident.endpoint.clone(),
                        ago(incident.opened_ms),
                        incident.title.clone(),
                        money(&incident.cost),
                    ]);
                }
                table
            })
        }
        IncidentCommand::Show { incident } => {
            let detail: IncidentDetail = client.get(&path(&incident, "")).await?;
            show(context, &detail)
        }
        IncidentCommand::Acknowledge { incident } => {
            change(client, &path(&incident, "/acknowledge"), &json!({})).await?;
            output.say(&format!("Incident {incident} is acknowledged."));
            Ok(())
        }
        IncidentCommand::Resolve { incident, note } => {
            change(client, &path(&incident, "/resolve"), &json!({"text": note})).await?;
            output.say(&format!("Incident {incident} is resolved."));
            output.next(&format!("ropewalk incident postmortem {incident}"));
            Ok(())
        }
        IncidentCommand::Note { incident, text } => {
            change(client, &path(&incident, "/note"), &json!({"text": text})).await?;
            output.say("Noted.");
            Ok(())
        }
        IncidentCommand::Runbook(args) => {
            if matches!(client, Client::Local(..)) && !args.dry_run {
                return Err(Error::invalid("a runbook needs a running server")
                    .why("it moves traffic and is judged by what the server answers")
                    .hint("ropewalk up   # then run the same command again"));
            }
            let body = json!({"name": args.name, "dry_run": args.dry_run, "parameters": {
                "trials": args.trials, "rollout": {"max_wait_seconds": args.max_wait},
            }});
            let run: RunbookRun = client.job(&path(&args.incident, "/runbook"), &body).await?;
            output.one(&run, runbook_table)?;
            match run.status {
                StepStatus::Failed | StepStatus::Interrupted => Err(Error::new(
                    Code::GateFailed,
                    format!("the runbook {} did not mend incident {}", args.name, args.incident),
                )
                .hint(format!("ropewalk incident show {}", args.incident))),
                _ => Ok(()),
            }
        }
        IncidentCommand::Postmortem { incident } => {
            let postmortem: Postmortem = client.get(&path(&incident, "/postmortem")).await?;
            if postmortem.draft {
                output.say("The incident is still open: this is a draft.");
            }
            output.text(&postmortem, |postmortem| postmortem.markdown.clone())
        }
    }
}

async fn change(client: &Client, path: &str, body: &Value) -> Result<()> {
    let _: Value = client.post(path, body).await?;
    Ok(())
}

fn show(context: &Context, detail: &IncidentDetail) -> Result<()> {
    context.output.text(detail, |detail| {
        let incident = &detail.incident;
        let mut head = Table::pairs();
        head.pair("incident", format!("{} · {}", incident.number, incident.title));
        head.pair("status", format!("{} · {}", incident.status.as_str(), incident.priority.as_str()));
        head.pair("endpoint", &incident.endpoint);
        if let (Some(model), Some(version)) = (&incident.model, incident.version) {
            head.pair("model", format!("{model}/{version}"));
        }
        head.pair("opened", format_utc(incident.opened_ms));
        head.pair("resolved", incident.resolved_ms.map(format_utc).unwrap_or_default());
        head.pair("cause", incident.cause.clone().unwrap_or_default());
        head.pair("resolution", incident.resolution.clone().unwrap_or_default());
        head.pair("cost", format!("{:.1} s, {}", incident.cost.seconds, money(&incident.cost)));
        let mut timeline = Table::new(&[">after", "actor", "what"]);
        for event in &detail.timeline {
            timeline.row([
                format!("{:+.1} s", event.offset_seconds),
                event.actor.clone(),
                event.text.clone(),
            ]);
        }
        format!("{head}\n\n{timeline}")
    })?;
    if detail.incident.status.is_open() {
        context.output.next(&format!("ropewalk why incident:{}", detail.incident.id));
    }
    Ok(())
}

fn runbook_table(run: &RunbookRun) -> Table {
    let mut table = Table::new(&["step", "status", "what", "the same by hand"]);
    for step in &run.steps {
        table.row([step.title.as_str(), step.status.as_str(), step.text.as_str(), step.command.as_str()]);
    }
    table
}
