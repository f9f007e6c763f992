//! The post-mortem: an incident told in Markdown from its record, without blame.

use std::fmt::Write;

use ropewalk_core::format_utc;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{EventKind, Incident, TimelineEvent};
use crate::rollout::model::Rollout;
use crate::runbook::model::RunbookRun;
use crate::why::model::Why;

/// A post-mortem as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Postmortem {
    /// The incident's id.
    pub incident: String,
    /// The incident's number.
    pub number: i64,
    /// The text.
    pub markdown: String,
    /// Where it is kept; a draft is kept nowhere.
    pub path: Option<String>,
    /// Made from an incident that is still open.
    pub draft: bool,
}

/// Tells the incident. Writing to a string cannot fail, so results of `writeln!` are passed over.
#[must_use]
pub fn render(
    incident: &Incident,
    timeline: &[TimelineEvent],
    why: Option<&Why>,
    runbooks: &[RunbookRun],
    rollouts: &[Rollout],
) -> String {
    let mut text = String::new();
    head(&mut text, incident);
    impact(&mut text, incident, rollouts);
    cause(&mut text, incident, why);
    response(&mut text, runbooks, rollouts);
    story(&mut text, timeline);
    cost(&mut text, incident);
    follow_ups(&mut text, incident, why, runbooks);
    text
}

fn head(text: &mut String, incident: &Incident) {
    let _ = writeln!(text, "# Incident {}: {}\n", incident.number, cell(&incident.title));
    let _ = writeln!(text, "| | |\n|---|---|");
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "| {name} | {value} |");
    };
    row("Endpoint", incident.endpoint.clone());
    if let (Some(model), Some(version)) = (&incident.model, incident.version) {
        row("Model", format!("{model}/{version}"));
    }
    row("Priority", incident.priority.as_str().to_owned());
    row("Status", incident.status.as_str().to_owned());
    row("Opened", format_utc(incident.opened_ms));
    if let Some(ms) = incident.acknowledged_ms {
        let owner = incident.owner.as_deref().unwrap_or("unknown");
        row(
            "Acknowledged",
            format!("{} by {owner}, after {}", format_utc(ms), span(ms - incident.opened_ms)),
        );
    }
    if let Some(ms) = incident.resolved_ms {
        row("Resolved", format!("{}, after {}", format_utc(ms), span(ms - incident.opened_ms)));
    }
    if let Some(resolution) = &incident.resolution {
        row("Resolution", cell(resolution));
    }
}

fn impact(text: &mut String, incident: &Incident, rollouts: &[Rollout]) {
    let _ = writeln!(text, "\n## What was seen\n");
    if incident.alerts.is_empty() {
        let _ = writeln!(text, "No alert fired; the roll-out controller opened the incident.");
    }
    for alert in &incident.alerts {
        let times = if alert.count > 1 { format!(" ({} times)", alert.count) } else { String::new() };
        let cleared = alert.cleared_ms.map_or_else(String::new, |ms| format!("; cleared {}", format_utc(ms)));
        let _ = writeln!(
            text,
            "- {} **{}**{times}: {}{cleared}",
            format_utc(alert.first_ms),
            alert.severity,
            cell(&alert.text)
        );
    }
    let failed: i64 = rollouts.iter().map(|rollout| rollout.failed_requests).sum();
    if !rollouts.is_empty() {
        let _ = writeln!(text, "- Requests that failed during the roll-outs below: {failed}");
    }
}

fn cause(text: &mut String, incident: &Incident, why: Option<&Why>) {
    let _ = writeln!(text, "\n## Cause\n");
    let Some(why) = why else {
        let _ = writeln!(
            text,
            "{}",
            incident.cause.as_deref().map_or_else(
                || "Not established: the record holds no two sides to compare.".to_owned(),
                sentence
            )
        );
        return;
    };
    // The cause as found when it happened stands first: by now the world may look different again.
    let _ = writeln!(text, "{}\n", sentence(incident.cause.as_deref().unwrap_or(&why.verdict)));
    let _ = writeln!(text, "Compared: {} (good) with {} (bad).\n", why.good.label, why.bad.label);
    if why.differences.is_empty() {
        return;
    }
    let _ = writeln!(text, "| | what | before | after | effect |\n|---|---|---|---|---|");
    for difference in why.differences.iter().take(15) {
        let effect = difference.effect_size.map_or_else(String::new, |e| format!("{e:.2}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {effect} |",
            difference.aspect.word(),
            cell(&difference.name),
            cell(&crate::why::compare::shorten(&difference.before)),
            cell(&crate::why::compare::shorten(&difference.after)),
        );
    }
}

fn response(text: &mut String, runbooks: &[RunbookRun], rollouts: &[Rollout]) {
    if runbooks.iter().all(|run| run.dry_run) && rollouts.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## What was done");
    for run in runbooks.iter().filter(|run| !run.dry_run) {
        let _ =
            writeln!(text, "\nRunbook `{}` ({}), started by {}:\n", run.name, run.status.as_str(), run.actor);
        for step in &run.steps {
            let took = match (step.started_ms, step.ended_ms) {
                (Some(start), Some(end)) => format!(" ({})", span(end - start)),
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "1. **{}** {}{took}: {}",
                cell(&step.title),
                step.status.as_str(),
                cell(&step.text)
            );
        }
    }
    for rollout in rollouts {
        let _ = writeln!(
            text,
            "\nRoll-out of {}/{} as revision {} ({}):\n",
            rollout.model,
            rollout.version,
            rollout.revision,
            rollout.status.as_str().replace('_', " ")
        );
        for step in rollout.steps.iter().filter(|step| step.started_ms.is_some()) {
            let judged = step.judgement.as_ref().map_or("not judged", |judgement| judgement.text.as_str());
            let proof = step.read_back.as_ref().map_or("not read back", |read| read.text.as_str());
            let _ = writeln!(text, "- {} %: {}. Read back: {}.", step.percent, cell(judged), cell(proof));
        }
        if let (Some(seconds), Some(exposure)) = (rollout.rollback_seconds, rollout.exposure_seconds) {
            let _ = writeln!(
                text,
                "- Rolled back to revision {} {seconds:.2} s after harm was determined, {exposure:.2} s after its first request.",
                rollout.stable_revision
            );
        }
        if let Some(read) = &rollout.final_read_back {
            let _ = writeln!(text, "- At the end, read back: {}.", cell(&read.text));
        }
    }
}

fn story(text: &mut String, timeline: &[TimelineEvent]) {
    let _ = writeln!(text, "\n## Timeline\n\n| time (UTC) | + s | who | what |\n|---|---:|---|---|");
    for event in timeline.iter().filter(|event| event.kind != EventKind::Other) {
        let _ = writeln!(
            text,
            "| {} | {:+.1} | {} | {} |",
            format_utc(event.time_ms),
            event.offset_seconds,
            event.actor,
            cell(&event.text)
        );
    }
}

fn cost(text: &mut String, incident: &Incident) {
    let cost = &incident.cost;
    let _ = writeln!(text, "\n## Cost of the response\n");
    if cost.seconds == 0.0 {
        let _ = writeln!(text, "Nothing was measured for it.");
        return;
    }
    let _ = writeln!(
        text,
        "{:.1} s of work, {:.3} Wh (between {:.3} and {:.3}; {}), {:.2} g CO₂e, {:.4} {}.",
        cost.seconds,
        cost.watt_hours,
        cost.watt_hours_low,
        cost.watt_hours_high,
        cost.method,
        cost.grams_co2e,
        cost.money,
        cost.currency
    );
}

fn follow_ups(text: &mut String, incident: &Incident, why: Option<&Why>, runbooks: &[RunbookRun]) {
    let _ = writeln!(text, "\n## To look at\n");
    let mut any = false;
    let mut item = |line: String| {
        any = true;
        let _ = writeln!(text, "- [ ] {line}");
    };
    if let Some(column) = why.and_then(|w| w.differences.iter().find(|d| d.aspect == crate::Aspect::Column)) {
        item(format!(
            "Why did `{}` change where it comes from, and should an expectation on it stop the next one?",
            column.name
        ));
    }
    if incident.acknowledged_ms.is_none() && runbooks.iter().all(|run| run.dry_run) {
        item("Nobody acknowledged the incident: does the alert reach a person?".to_owned());
    }
    for step in
        runbooks.iter().flat_map(|run| &run.steps).filter(|step| step.status == crate::StepStatus::Failed)
    {
        item(format!("The step “{}” failed: {}", cell(&step.title), cell(&step.text)));
    }
    if !any {
        let _ = writeln!(text, "Nothing stands out in the record.");
    }
}

/// A text that is safe in a table cell and on one line.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A length of time for people.
fn span(ms: i64) -> String {
    let seconds = ms.max(0) as f64 / 1000.0;
    if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::model::IncidentStatus;
    use crate::testing::incident;

    #[test]
    fn it_tells_the_story_and_survives_odd_text() {
        let mut incident = incident("a", 7, "wine");
        incident.title = "quality | fell\nbadly".into();
        incident.status = IncidentStatus::Resolved;
        incident.resolved_ms = Some(91_000);
        incident.cause = Some("the data changed: 9 of 11 columns differ".into());
        let event = TimelineEvent {
            seq: 1,
            time_ms: 2_000,
            offset_seconds: 1.0,
            actor: "system:watch".into(),
            verb: "incident.open".into(),
            kind: EventKind::Incident,
            subject: "incident:a".into(),
            text: "opened | here".into(),
            facts: serde_json::json!({}),
        };
        let markdown = render(&incident, &[event], None, &[], &[]);
        for part in [
            "# Incident 7: quality \\| fell badly",
            "after 90.0 s",
            "The data changed: 9 of 11 columns differ.",
            "| 1970-01-01T00:00:02.000Z | +1.0 | system:watch | opened \\| here |",
            "Nobody acknowledged",
        ] {
            assert!(markdown.contains(part), "{part} missing in\n{markdown}");
        }
    }
}
