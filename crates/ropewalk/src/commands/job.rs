//! `ropewalk job`: long work.

use clap::Subcommand;
use ropewalk_core::{Job, Result};
use serde_json::Value;

use crate::client::segment;
use crate::context::Context;
use crate::table::{Table, ago, short};

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the newest jobs
    #[command(visible_alias = "list")]
    Ls,
    /// Show one job
    Show {
        /// The job
        id: String,
    },
    /// Follow a job to its end
    Wait {
        /// The job
        id: String,
    },
}

pub(crate) async fn run(context: &Context, command: JobCommand) -> Result<()> {
    let client = context.client().await?;
    match command {
        JobCommand::Ls => {
            let jobs: Vec<Job> = client.get("/api/v1/jobs").await?;
            context.output.list(&jobs, "No jobs yet.", |jobs| {
                let mut table = Table::new(&["job", "kind", "state", ">done", "started", "at"]);
                for job in jobs {
                    table.row([
                        short(&job.id),
                        job.kind.clone(),
                        format!("{:?}", job.state).to_lowercase(),
                        format!("{}/{}", job.done, job.total),
                        ago(job.started_ms),
                        job.message.clone(),
                    ]);
                }
                table
            })
        }
        JobCommand::Show { id } => {
            let job: Job = client.get(&format!("/api/v1/jobs/{}", segment(&id))).await?;
            context.output.one(&job, |job| {
                let mut table = Table::pairs();
                table.pair("job", &job.id);
                table.pair("kind", &job.kind);
                table.pair("by", job.actor.as_str());
                table.pair("state", format!("{:?}", job.state).to_lowercase());
                table.pair("done", format!("{} of {}", job.done, job.total));
                table.pair("at", &job.message);
                table.pair("result", job.result.as_ref().map(Value::to_string).unwrap_or_default());
                table.pair("error", job.error.as_ref().map(|error| error.what.clone()).unwrap_or_default());
                table
            })
        }
        JobCommand::Wait { id } => {
            let result: Value = client.follow(&id).await?;
            context.output.text(&result, Value::to_string)
        }
    }
}
