//! `ropewalk demo`: the whole line on real data, through the same routes that everybody uses.

mod explore;
mod mishap;
mod narrator;
mod operate;
mod story;
mod traffic;
mod wines;

use std::path::Path;

use clap::Args;
use ropewalk_core::{Code, Error, Result};
use serde::Serialize;

use crate::commands::ledger::{band, money};
use crate::context::Context;
use crate::running::Running;
use crate::table::{Table, figure};
use crate::up::{Server, interrupted, open_browser};
use narrator::Narrator;

/// A home that the demo made carries this file: only such a home may be cleared by `--fresh`.
const MARK: &str = "demo.json";

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Port to listen on; 0 takes a free one [default: 7878]
    #[arg(long, value_name = "N", env = "ROPEWALK_PORT")]
    pub(crate) port: Option<String>,
    /// End after the story instead of serving
    #[arg(long)]
    exit: bool,
    /// Clear the home of an earlier demo first
    #[arg(long)]
    fresh: bool,
    /// Do not open the browser
    #[arg(long)]
    no_browser: bool,
}

/// What the demo measured; every figure is computed from what happened.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// AUC of version 1 on held-out red wines.
    pub(crate) auc_red: f64,
    /// AUC of version 1 on white wines.
    pub(crate) auc_white_before: f64,
    /// AUC of version 2 on white wines that nobody trained on.
    pub(crate) auc_white_after: f64,
    /// Incidents that were opened.
    pub(crate) incidents: usize,
    /// Requests sent to the endpoint.
    pub(crate) requests: u64,
    /// Requests that got no good answer.
    pub(crate) failed_requests: u64,
    /// From the verdict on the bad release to the proof that version 2 has all traffic again.
    pub(crate) rollback_seconds: f64,
    /// From the bad release's first request to that proof.
    pub(crate) exposure_seconds: f64,
    /// Wall-clock time of the story.
    pub(crate) seconds: f64,
    /// Energy of the story.
    pub(crate) watt_hours: f64,
    /// The lower end of its band.
    pub(crate) watt_hours_low: f64,
    /// The upper end of its band.
    pub(crate) watt_hours_high: f64,
    /// How the energy was found.
    pub(crate) energy_method: String,
    /// Carbon dioxide equivalent.
    pub(crate) grams_co2e: f64,
    /// Cost of machine time and energy.
    pub(crate) money: f64,
    /// Its currency.
    pub(crate) currency: String,
    /// Where it is served.
    pub(crate) address: String,
}

pub(crate) async fn run(context: &Context, args: DemoArgs) -> Result<()> {
    let settings = context.settings.clone();
    if settings.text("server").is_some() {
        return Err(
            Error::invalid("the demo runs a server of its own").hint("ropewalk demo   # without --server")
        );
    }
    claim(&settings.home, args.fresh).await?;
    let meter = ropewalk_ledger::Meter::start();
    let narrator = Narrator::new(context.output);
    let server = Server::start(settings).await?;
    let told = tokio::select! {
        told = story::tell(&server, &narrator) => told,
        () = interrupted() => Err(Error::new(Code::Unavailable, "the demo was interrupted").hint("ropewalk demo --fresh")),
    };
    let mut summary = match told {
        Ok(summary) => summary,
        Err(error) => {
            server.stop().await?;
            return Err(error);
        }
    };
    let cost = server.app.measure(&meter);
    summary.seconds = cost.seconds;
    summary.watt_hours = cost.watt_hours;
    summary.watt_hours_low = cost.watt_hours_low;
    summary.watt_hours_high = cost.watt_hours_high;
    summary.energy_method = cost.method.clone();
    summary.grams_co2e = cost.grams_co2e;
    summary.money = cost.money;
    summary.currency = cost.currency.clone();
    summary.address = server.address.clone();
    context.output.say("");
    context.output.one(&summary, summary_table)?;
    context.output.say(&format!(
        "cost: {:.1} s, {} Wh, {} g CO₂e, {} — {}",
        cost.seconds,
        figure(cost.watt_hours),
        figure(cost.grams_co2e),
        money(&cost),
        band(&cost)
    ));
    if args.exit {
        return server.stop().await;
    }
    context.output.say(&format!("\nLook around: {}   (stop with Ctrl-C)", server.address));
    context.output.next("ropewalk   # in another terminal: where you stand");
    if !args.no_browser {
        open_browser(&server.address);
    }
    server.run_until(interrupted()).await
}

/// Make sure that the home is the demo's own: new, or left by an earlier demo and to be cleared.
async fn claim(home: &Path, fresh: bool) -> Result<()> {
    let empty = std::fs::read_dir(home).map_or(true, |mut entries| entries.next().is_none());
    if !empty {
        let shown = home.display();
        let ours = home.join(MARK).is_file();
        if let Some(running) = Running::find(home).await {
            return Err(Error::new(Code::Conflict, format!("a server has the home {shown} open"))
                .why(format!("process {} answers at {}", running.process, running.address))
                .hint(format!("kill {}   # then: ropewalk demo --fresh", running.process)));
        }
        match (ours, fresh) {
            (true, true) => std::fs::remove_dir_all(home)?,
            (true, false) => {
                return Err(Error::new(Code::Conflict, format!("the home {shown} holds an earlier demo"))
                    .why("the demo starts from nothing, and deletes nothing unasked")
                    .hint("ropewalk demo --fresh   # or --home DIR; ropewalk up shows the earlier one"));
            }
            (false, _) => {
                return Err(Error::new(
                    Code::Conflict,
                    format!("the home {shown} holds work that is not the demo's"),
                )
                .why("the demo starts from nothing, and never deletes what it did not make")
                .hint("ropewalk demo --home DIR"));
            }
        }
    }
    std::fs::create_dir_all(home)?;
    let mark = serde_json::json!({"made_by": "ropewalk demo", "version": env!("CARGO_PKG_VERSION")});
    std::fs::write(home.join(MARK), mark.to_string())?;
    Ok(())
}

fn summary_table(summary: &Summary) -> Table {
    let mut table = Table::pairs();
    table.pair("version 1 on held-out red wines", format!("AUC {}", figure(summary.auc_red)));
    table.pair("version 1 on white wines", format!("AUC {}", figure(summary.auc_white_before)));
    table.pair("version 2 on held-out white wines", format!("AUC {}", figure(summary.auc_white_after)));
    table.pair("incidents", summary.incidents.to_string());
    table.pair("requests", format!("{}, {} failed", summary.requests, summary.failed_requests));
    table.pair(
        "bad release",
        format!(
            "undone {:.2} s after the verdict, {:.1} s after its first request",
            summary.rollback_seconds, summary.exposure_seconds
        ),
    );
    table
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn only_the_demos_own_home_is_ever_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        claim(&home, false).await.unwrap();
        std::fs::write(home.join("x"), "kept").unwrap();
        assert_eq!(claim(&home, false).await.unwrap_err().code(), Code::Conflict);
        claim(&home, true).await.unwrap();
        assert!(!home.join("x").exists());

        std::fs::remove_file(home.join(MARK)).unwrap();
        std::fs::write(home.join("meta.db"), "mine").unwrap();
        assert_eq!(claim(&home, true).await.unwrap_err().code(), Code::Conflict);
        assert!(home.join("meta.db").exists());
    }
}
