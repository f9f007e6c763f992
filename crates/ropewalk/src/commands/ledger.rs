//! `ropewalk ledger`: energy, carbon and money.

use clap::Subcommand;
use ropewalk_core::{Paged, Result};
use ropewalk_ledger::{Cost, Group, LedgerEntry, Method, Summary};

use crate::client::query;
use crate::context::Context;
use crate::table::{Table, ago, bytes, figure};

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// What everything took, by activity and by subject
    #[command(
        after_help = "Examples:\n  ropewalk ledger summary\n  ropewalk ledger summary --activity train -o json"
    )]
    Summary {
        /// Only this subject, such as incident:…
        #[arg(long)]
        subject: Option<String>,
        /// Only this activity, such as train
        #[arg(long)]
        activity: Option<String>,
    },
    /// The single entries, newest first
    Entries {
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        limit: u32,
    },
    /// How the figures are made: meter, intensity, prices
    Method,
}

pub(crate) async fn run(context: &Context, command: LedgerCommand) -> Result<()> {
    let client = context.client().await?;
    let output = context.output;
    match command {
        LedgerCommand::Summary { subject, activity } => {
            let path = query("/api/v1/ledger/summary", &[("subject", subject), ("activity", activity)]);
            let summary: Summary = client.get(&path).await?;
            output.one(&summary, |summary| {
                let mut table = Table::new(&["activity", ">entries", ">seconds", ">Wh", ">g CO₂e", ">money"]);
                let mut row = |name: &str, entries: u64, cost: &Cost| {
                    table.row([
                        name.to_owned(),
                        entries.to_string(),
                        format!("{:.1}", cost.seconds),
                        figure(cost.watt_hours),
                        figure(cost.grams_co2e),
                        money(cost),
                    ]);
                };
                for Group { name, entries, cost } in &summary.by_activity {
                    row(name, *entries, cost);
                }
                row("total", summary.entries, &summary.total);
                table
            })?;
            output.say(&band(&summary.total));
            Ok(())
        }
        LedgerCommand::Entries { limit } => {
            let path = query("/api/v1/ledger/entries", &[("limit", Some(limit.to_string()))]);
            let page: Paged<LedgerEntry> = client.get(&path).await?;
            output.list(&page.items, "Nothing was measured yet.", |entries| {
                let mut table =
                    Table::new(&["when", "activity", "subject", ">seconds", ">Wh", ">g CO₂e", ">money"]);
                for entry in entries {
                    table.row([
                        ago(entry.time_ms),
                        entry.activity.clone(),
                        entry.subject.clone(),
                        format!("{:.1}", entry.cost.seconds),
                        figure(entry.cost.watt_hours),
                        figure(entry.cost.grams_co2e),
                        money(&entry.cost),
                    ]);
                }
                table
            })
        }
        LedgerCommand::Method => {
            let method: Method = client.get("/api/v1/ledger/method").await?;
            output.one(&method, |method| {
                let mut table = Table::pairs();
                table.pair("method", &method.method);
                table.pair("how", &method.explanation);
                table.pair("processor", format!("{}, {} threads", method.processor, method.threads));
                table.pair(
                    "processor power",
                    format!("{} W ({})", figure(method.processor_watts), method.processor_watts_origin),
                );
                table.pair(
                    "memory",
                    format!("{}, {} W", bytes(method.memory_bytes), figure(method.memory_watts)),
                );
                table.pair("facility (PUE)", figure(method.pue));
                table.pair(
                    "carbon intensity",
                    format!("{} g CO₂e/kWh ({})", figure(method.grams_per_kwh), method.intensity_origin),
                );
                table.pair(
                    "price of energy",
                    format!("{} {}/kWh", figure(method.price_per_kwh), method.currency),
                );
                table.pair(
                    "price of the machine",
                    format!("{} {}/h", figure(method.price_per_hour), method.currency),
                );
                table
            })
        }
    }
}

/// An amount of money with its currency.
pub(crate) fn money(cost: &Cost) -> String {
    format!("{} {}", figure(cost.money), cost.currency)
}

/// The energy's band and how it was made.
pub(crate) fn band(cost: &Cost) -> String {
    format!(
        "energy between {} and {} Wh; method: {}",
        figure(cost.watt_hours_low),
        figure(cost.watt_hours_high),
        cost.method
    )
}
