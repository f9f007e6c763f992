//! `ropewalk journal`, `ropewalk lineage` and `ropewalk why`: the line of evidence.

use clap::{Args, ValueEnum};
use ropewalk_core::journal::Verification;
use ropewalk_core::{Code, Entry, Error, Lineage, Paged, Result, format_utc};
use ropewalk_data::{Commit, DatasetSpec};
use ropewalk_respond::Why;

use crate::client::{query, segment};
use crate::context::Context;
use crate::output::Format;
use crate::table::{Table, figure, scalar};

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The thing: incident:N, endpoint:NAME, model:NAME/VERSION, … [default: the newest incident]
    subject: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// What it was made from
    Upstream,
    /// What was made from it
    Downstream,
    /// Both
    Both,
}

#[derive(Debug, Args)]
pub(crate) struct LineageArgs {
    /// The thing, such as model:wine-quality/2, run:ID or dataset:wine; the beginning of a name will do
    of: String,
    /// Which way to walk
    #[arg(long, value_enum, default_value = "both")]
    direction: Way,
    /// Steps at most
    #[arg(long, default_value_t = 20)]
    depth: u32,
}

#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// Only entries about this thing
    #[arg(long)]
    about: Option<String>,
    /// Only entries of this verb, such as deploy
    #[arg(long)]
    verb: Option<String>,
    /// How many, newest last
    #[arg(short = 'n', long, default_value_t = 30)]
    limit: u32,
    /// Recompute the chain of hashes instead
    #[arg(long)]
    verify: bool,
}

pub(crate) async fn run(context: &Context, args: JournalArgs) -> Result<()> {
    let client = context.client().await?;
    let output = context.output;
    if args.verify {
        let verification: Verification = client.get("/api/v1/journal/verify").await?;
        output.one(&verification, |verification| {
            let mut table = Table::pairs();
            table.pair("entries", verification.entries.to_string());
            table.pair("chain", if verification.intact { "intact" } else { "BROKEN" });
            table.pair("broken at", verification.broken_at.map(|seq| seq.to_string()).unwrap_or_default());
            table
        })?;
        return match verification.broken_at {
            None => Ok(()),
            Some(seq) => {
                Err(Error::new(Code::Corrupt, format!("entry {seq} of the journal is not what was written"))
                    .hint("restore the database from a backup, and find out who changed it"))
            }
        };
    }
    let path = query(
        "/api/v1/journal",
        &[
            ("about", args.about),
            ("verb", args.verb),
            ("newest_first", Some("true".to_owned())),
            ("limit", Some(args.limit.to_string())),
        ],
    );
    let mut page: Paged<Entry> = client.get(&path).await?;
    page.items.reverse();
    output.list(&page.items, "The journal is empty.", |entries| {
        let mut table = Table::new(&[">entry", "time", "actor", "verb", "subject", "from"]);
        for entry in entries {
            let inputs: Vec<String> = entry.inputs.iter().map(|input| abbreviate(input.as_str())).collect();
            table.row([
                entry.seq.to_string(),
                format_utc(entry.time_ms),
                entry.actor.to_string(),
                entry.verb.clone(),
                abbreviate(entry.subject.as_str()),
                inputs.join(" "),
            ]);
        }
        table
    })
}

pub(crate) async fn lineage(context: &Context, args: LineageArgs) -> Result<()> {
    let direction = match args.direction {
        Way::Upstream => "upstream",
        Way::Downstream => "downstream",
        Way::Both => "both",
    };
    let client = context.client().await?;
    // A branch or a tag stands for the commit that it names; without one, for the newest on main.
    let of = match args.of.strip_prefix("dataset:") {
        Some(version) => {
            let spec: DatasetSpec = version.parse()?;
            let path =
                format!("/api/v1/datasets/{}/commits/{}", segment(&spec.name), segment(&spec.reference));
            let commit: Commit = client.get(&path).await?;
            format!("dataset:{}@{}", spec.name, commit.id)
        }
        None => args.of,
    };
    let path = query(
        "/api/v1/lineage",
        &[
            ("of", Some(of)),
            ("direction", Some(direction.to_owned())),
            ("depth", Some(args.depth.to_string())),
        ],
    );
    let lineage: Lineage = client.get(&path).await?;
    context.output.text(&lineage, |lineage| {
        let mut lines = Vec::new();
        let up = args.direction != Way::Downstream;
        let down = args.direction != Way::Upstream;
        lines.push(lineage.of.to_string());
        if up {
            draw(
                lineage,
                lineage.of.as_str(),
                true,
                "",
                &mut lines,
                &mut vec![lineage.of.as_str().to_owned()],
            );
        }
        if down {
            draw(
                lineage,
                lineage.of.as_str(),
                false,
                "",
                &mut lines,
                &mut vec![lineage.of.as_str().to_owned()],
            );
        }
        lines.join("\n")
    })?;
    if lineage.truncated {
        context.output.say("There is more: give a smaller --depth or one direction.");
    }
    Ok(())
}

/// One level of the tree: `←` leads to what it was made from, `→` to what was made from it. A thing
/// that stands above already is named but not drawn again.
fn draw(
    lineage: &Lineage,
    of: &str,
    up: bool,
    indent: &str,
    lines: &mut Vec<String>,
    seen: &mut Vec<String>,
) {
    let mut next: Vec<(&str, &str)> = lineage
        .edges
        .iter()
        .filter(|edge| if up { edge.to.as_str() == of } else { edge.from.as_str() == of })
        .map(|edge| (if up { edge.from.as_str() } else { edge.to.as_str() }, edge.verb.as_str()))
        .collect();
    next.dedup();
    let count = next.len();
    for (place, (name, verb)) in next.into_iter().enumerate() {
        let last = place + 1 == count;
        let again = seen.iter().any(|seen| seen == name);
        let arrow = if up { "←" } else { "→" };
        let branch = if last { "└" } else { "├" };
        let more = if again { " …" } else { "" };
        lines.push(format!("{indent}{branch}{arrow} {} ({verb}){more}", abbreviate(name)));
        if !again {
            seen.push(name.to_owned());
            draw(lineage, name, up, &format!("{indent}{}", if last { "   " } else { "│  " }), lines, seen);
        }
    }
}

/// A reference with its hash or identifier cut to twelve characters.
pub(crate) fn abbreviate(reference: &str) -> String {
    let cut = |text: &str| {
        let long = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if long { text.chars().take(12).collect() } else { text.to_owned() }
    };
    match reference.split_once(':') {
        Some((kind, id)) => match id.split_once('@') {
            Some((name, commit)) => format!("{kind}:{name}@{}", cut(commit)),
            None => format!("{kind}:{}", cut(id)),
        },
        None => reference.to_owned(),
    }
}

pub(crate) async fn why(context: &Context, args: WhyArgs) -> Result<()> {
    let client = context.client().await?;
    let subject = match args.subject {
        Some(subject) => subject,
        None => {
            let incidents: serde_json::Value = client.get("/api/v1/incidents").await?;
            let list = incidents["items"].as_array().or(incidents.as_array()).cloned().unwrap_or_default();
            let newest = list.first().map(|incident| scalar(&incident["id"]));
            let none = || {
                Error::invalid("there is no incident to explain")
                    .hint("ropewalk why endpoint:NAME   # or model:NAME/VERSION")
            };
            format!("incident:{}", newest.ok_or_else(none)?)
        }
    };
    let why: Why = client.get(&query("/api/v1/why", &[("subject", Some(subject))])).await?;
    context.output.one(&why, |why| {
        let mut table = Table::new(&["aspect", "what", "before", "after", ">effect"]);
        for difference in &why.differences {
            table.row([
                difference.aspect.word().to_owned(),
                difference.name.clone(),
                difference.before.clone(),
                difference.after.clone(),
                difference.effect_size.map(figure).unwrap_or_default(),
            ]);
        }
        for aspect in &why.unchanged {
            table.row([aspect.word(), "", "the same", "the same", ""]);
        }
        table
    })?;
    if context.output.format == Format::Table {
        context.output.say(&format!("\n{}", why.verdict));
    }
    Ok(())
}
