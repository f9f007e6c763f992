//! Deleting, restoring, moving runs, and removing for good what was deleted.

use clap::Args;
use ropewalk_core::{Error, Result};
use serde_json::{Value, json};

use crate::client::segment;
use crate::context::Context;
use crate::table::{Table, bytes};

#[derive(Debug, Args)]
pub(crate) struct GarbageArgs {
    /// Only what was deleted so long ago: 30d, 12h, 90m
    #[arg(long, value_name = "TIME", default_value = "0d")]
    older_than: String,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn remove(context: &Context, ids: &[String], purge: bool) -> Result<()> {
    let whole = whole(context, ids).await?;
    bulk(context, json!({"run_ids": whole, "action": "delete"})).await?;
    if purge {
        bulk(context, json!({"run_ids": whole, "action": "purge"})).await?;
        context.output.say(&format!("{} removed for good.", runs(whole.len())));
        return Ok(());
    }
    context.output.say(&format!("{} deleted.", runs(whole.len())));
    context.output.next(&format!("ropewalk run restore {}   # or, for good: ropewalk run gc", ids.join(" ")));
    Ok(())
}

pub(super) async fn restore(context: &Context, ids: &[String]) -> Result<()> {
    let whole = whole(context, ids).await?;
    bulk(context, json!({"run_ids": whole, "action": "restore"})).await?;
    context.output.say(&format!("{} restored.", runs(whole.len())));
    Ok(())
}

pub(super) async fn move_to(context: &Context, ids: &[String], experiment: &str) -> Result<()> {
    let whole = whole(context, ids).await?;
    bulk(context, json!({"run_ids": whole, "action": "move", "experiment": experiment})).await?;
    context.output.say(&format!("{} moved to {experiment}.", runs(whole.len())));
    Ok(())
}

pub(super) async fn collect_garbage(context: &Context, args: GarbageArgs) -> Result<()> {
    let body = json!({"older_than_seconds": seconds(&args.older_than)?, "dry_run": args.dry_run});
    let purged: Value = context.client().await?.post("/api/v1/runs/gc", &body).await?;
    context.output.one(&purged, |purged| {
        let mut table = Table::pairs();
        for (name, value) in purged.as_object().into_iter().flatten() {
            let shown = match (name.as_str(), value.as_u64()) {
                ("bytes", Some(count)) => bytes(count),
                _ => value.to_string(),
            };
            table.pair(name, shown);
        }
        table
    })?;
    if args.dry_run {
        context.output.say("Nothing was removed: this was only a look.");
    }
    Ok(())
}

async fn bulk(context: &Context, body: Value) -> Result<()> {
    context.client().await?.post::<Value>("/api/v1/runs/bulk", &body).await.map(drop)
}

/// Whole identifiers for their first digits.
async fn whole(context: &Context, ids: &[String]) -> Result<Vec<String>> {
    let client = context.client().await?;
    let mut whole = Vec::with_capacity(ids.len());
    for id in ids {
        let run: Value = client.get(&format!("/api/v1/runs/{}", segment(id))).await?;
        whole.push(run["run_id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(whole)
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// Seconds of a time such as `30d`.
fn seconds(text: &str) -> Result<u32> {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?.trim().parse::<u32>().ok()?, seconds)))
        .and_then(|(number, seconds)| number.checked_mul(*seconds))
        .ok_or_else(|| {
            Error::invalid(format!("“{text}” is no time"))
                .why("a whole number and d, h, m or s are expected")
                .hint("ropewalk run gc --older-than 30d --dry-run")
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("30d").unwrap(), 2_592_000);
        assert_eq!(seconds("0d").unwrap(), 0);
        assert_eq!(seconds("90m").unwrap(), 5_400);
        for wrong in ["", "d", "1", "-1d", "1.5h", "99999999d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
