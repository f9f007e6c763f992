//! An incident's timeline: a slice of the journal, put into words.

use ropewalk_core::Entry;

use crate::model::{EventKind, Incident, TimelineEvent};
use crate::rollout::model::Rollout;
use crate::runbook::model::RunbookRun;
use crate::words;

/// How long before the opening the endpoint's own entries belong to the story, milliseconds.
const BEFORE_MS: i64 = 10 * 60 * 1000;
/// How long after the end, milliseconds: the post-mortem and late read-backs.
const AFTER_MS: i64 = 60 * 1000;

/// What to ask the journal for: a reference with the time it is asked within.
pub fn plan(
    incident: &Incident,
    runbooks: &[RunbookRun],
    rollouts: &[Rollout],
) -> Vec<(String, Option<i64>, Option<i64>)> {
    let since = Some(incident.opened_ms - BEFORE_MS);
    let until = incident.resolved_ms.map(|ms| ms + AFTER_MS);
    let mut plan = vec![
        // No end: notes are written afterwards, too.
        (format!("incident:{}", incident.id), since, None),
        (format!("endpoint:{}", incident.endpoint), since, until),
    ];
    let mut add = |reference: String| plan.push((reference, since, until));
    for alert in &incident.alerts {
        add(format!("alert:{}", alert.id));
        if let Some(report) = &alert.report {
            add(format!("report:{report}"));
        }
    }
    if let Some(revision) = incident.revision {
        add(format!("revision:{}/{revision}", incident.endpoint));
    }
    for output in runbooks.iter().flat_map(|run| &run.steps).flat_map(|step| &step.outputs) {
        add(output.clone());
    }
    for rollout in rollouts {
        add(format!("rollout:{}", rollout.id));
        add(format!("revision:{}/{}", rollout.endpoint, rollout.revision));
        add(format!("revision:{}/{}", rollout.endpoint, rollout.stable_revision));
        add(format!("model:{}/{}", rollout.model, rollout.version));
    }
    plan.sort();
    plan.dedup();
    plan
}

/// The entries as events, each once, oldest first.
pub fn assemble(incident: &Incident, mut entries: Vec<Entry>) -> Vec<TimelineEvent> {
    entries.sort_by_key(|entry| entry.seq);
    entries.dedup_by_key(|entry| entry.seq);
    entries
        .into_iter()
        .filter(|entry| !foreign(incident, entry))
        .map(|entry| event(incident, entry))
        .collect()
}

/// Another incident's entry that only shares the endpoint.
fn foreign(incident: &Incident, entry: &Entry) -> bool {
    entry.subject.kind() == "incident" && entry.subject.id() != incident.id
}

fn event(incident: &Incident, entry: Entry) -> TimelineEvent {
    TimelineEvent {
        seq: entry.seq,
        time_ms: entry.time_ms,
        offset_seconds: (entry.time_ms - incident.opened_ms) as f64 / 1000.0,
        kind: kind_of(&entry.verb),
        text: words::of(&entry),
        actor: entry.actor.to_string(),
        verb: entry.verb,
        subject: entry.subject.to_string(),
        facts: entry.facts,
    }
}

fn kind_of(verb: &str) -> EventKind {
    match verb {
        "drift" => EventKind::Alert,
        "action" => EventKind::Action,
        "commit" | "tag" | "merge" | "branch" | "validate" => EventKind::Data,
        "prepare" | "register" | "gate" | "alias" | "reproduce" => EventKind::Model,
        "deploy" | "traffic" | "rollback" => EventKind::Delivery,
        "readback" => EventKind::Proof,
        "postmortem" => EventKind::Incident,
        _ if verb.starts_with("alert.") => EventKind::Alert,
        _ if verb.starts_with("incident.") => EventKind::Incident,
        _ if ["run.", "sweep.", "model."].iter().any(|kind| verb.starts_with(kind)) => EventKind::Model,
        _ if verb.starts_with("rollout") => EventKind::Delivery,
        _ => EventKind::Other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::testing::incident;
    use ropewalk_core::{Actor, Reference};
    use serde_json::{Value, json};

    fn entry(seq: i64, verb: &str, subject: &str, facts: Value) -> Entry {
        Entry {
            seq,
            time_ms: 1_000 * seq,
            actor: Actor::system("test"),
            verb: verb.into(),
            subject: Reference::parse(subject).unwrap(),
            inputs: vec![],
            outputs: vec![],
            facts,
            previous: String::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn entries_become_one_ordered_story() {
        let incident = incident("a", 1, "wine");
        let own = entry(4, "incident.open", "incident:a", json!({"text": "incident 1 opened"}));
        let events = assemble(
            &incident,
            vec![
                own.clone(),
                entry(
                    2,
                    "traffic",
                    "endpoint:wine",
                    json!({"reason": "canary", "after": [{"revision": 1, "percent": 90.0}, {"revision": 2, "percent": 10.0}]}),
                ),
                own,
                entry(3, "incident.open", "incident:b", json!({"text": "another"})),
                entry(5, "commit", &format!("dataset:wine@{}", "f".repeat(64)), json!({"rows": 10})),
            ],
        );
        let texts: Vec<&str> = events.iter().map(|e| e.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "traffic moved to revision 1 90 %, revision 2 10 % (canary)",
                "incident 1 opened",
                "commit dataset wine@ffffffffff (rows 10)"
            ]
        );
        assert_eq!(events[1].kind, EventKind::Incident);
        assert!((events[0].offset_seconds - 1.0).abs() < 1e-9);
    }
}
