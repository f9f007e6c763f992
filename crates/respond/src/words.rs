//! A journal entry in one sentence.

use ropewalk_core::Entry;
use serde_json::Value;

/// The entry's own sentence when it has one, else one made of its verb, subject and facts.
pub fn of(entry: &Entry) -> String {
    let facts = &entry.facts;
    let known = match entry.verb.as_str() {
        "alert.fire" => {
            facts["title"].as_str().map(|title| format!("alert: {title}; {}", text(&facts["text"])))
        }
        "alert.resolve" => facts["title"].as_str().map(|title| format!("alert cleared: {title}")),
        "traffic" => {
            Some(format!("traffic moved to {} ({})", shares(&facts["after"]), text(&facts["reason"])))
        }
        "rollback" => {
            Some(format!("rolled back to {} ({})", shares(&facts["after"]), text(&facts["reason"])))
        }
        "readback" => Some(read_back(facts)),
        "deploy" => facts["revision"].as_i64().map(|revision| {
            format!("{}/{} deployed as revision {revision}", text(&facts["model"]), text(&facts["version"]))
        }),
        "drift" => Some(drift(facts)),
        "alias" => facts["alias"].as_str().map(|alias| {
            let before = facts["previous"]
                .as_i64()
                .map_or_else(String::new, |version| format!(" (was version {version})"));
            format!("alias {alias} points to {}{before}", subject(entry))
        }),
        "gate" => facts["passed"].as_bool().map(|passed| {
            format!("{} {} its gates", subject(entry), if passed { "passed" } else { "did not pass" })
        }),
        "tag" => facts["tag"].as_str().map(|tag| format!("{} tagged {tag}", subject(entry))),
        "run.finish" => {
            facts["name"].as_str().map(|name| format!("run {name} finished ({})", text(&facts["recipe"])))
        }
        "sweep.finish" => facts["best_value"]
            .as_f64()
            .map(|best| format!("sweep finished, best {} {best:.3}", text(&facts["metric"]))),
        _ => None,
    };
    known
        .or_else(|| facts["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned))
        .unwrap_or_else(|| plain(entry))
}

/// Verb and subject, with the entry's message or its first plain facts.
fn plain(entry: &Entry) -> String {
    let head = format!("{} {}", entry.verb.replace('.', " "), subject(entry));
    for key in ["summary", "message", "title", "reason"] {
        if let Some(text) = entry.facts[key].as_str().filter(|text| !text.is_empty()) {
            return format!("{head}: {text}");
        }
    }
    let short = |value: &Value| match value {
        Value::String(text) if text.len() <= 40 => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(text(value)),
        _ => None,
    };
    let facts = entry.facts.as_object().into_iter().flatten();
    let facts: Vec<String> = facts
        .filter_map(|(key, value)| Some(format!("{} {}", key.replace('_', " "), short(value)?)))
        .take(4)
        .collect();
    if facts.is_empty() { head } else { format!("{head} ({})", facts.join(", ")) }
}

fn read_back(facts: &Value) -> String {
    let proven = if facts["proven"].as_bool().unwrap_or(false) { "proven" } else { "NOT as ordered" };
    format!("read back: {}, {proven}", shares(&facts["served"]["revisions"]))
}

fn drift(facts: &Value) -> String {
    let share = facts["share_drifted"].as_f64().unwrap_or(0.0) * 100.0;
    let auc = facts["realised_auc"].as_f64().map_or_else(String::new, |auc| {
        let before = facts["reference_auc"]
            .as_f64()
            .map_or_else(String::new, |auc| format!(", {auc:.3} when registered"));
        format!("; realised AUC {auc:.3} on {} labels{before}", text(&facts["labelled"]))
    });
    format!(
        "report on {} requests of revision {}: {}, {share:.0} % of the columns drifted{auc}",
        text(&facts["rows"]),
        text(&facts["revision"]),
        text(&facts["status"]).replace('_', " "),
    )
}

/// `revision 1 90 %, revision 2 10 %` of those that have traffic.
fn shares(list: &Value) -> String {
    let routed = list.as_array().into_iter().flatten().filter_map(|share| {
        let percent = share["percent"].as_f64().filter(|percent| *percent > 0.0)?;
        Some(format!("revision {} {percent} %", text(&share["revision"])))
    });
    let routed: Vec<String> = routed.collect();
    if routed.is_empty() { "no revision".to_owned() } else { routed.join(", ") }
}

/// A value as people write it; numbers to four digits.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(String::new, crate::why::columns::figure)
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The subject without the tail of a long hash.
fn subject(entry: &Entry) -> String {
    let (kind, id) = (entry.subject.kind(), entry.subject.id());
    match id.rsplit_once('@') {
        Some((name, hash)) => format!("{kind} {name}@{}", hash.chars().take(10).collect::<String>()),
        None if id.len() > 24 && !id.contains('/') => {
            format!("{kind} {}", id.chars().take(12).collect::<String>())
        }
        None => format!("{kind} {id}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use ropewalk_core::{Actor, Reference};
    use serde_json::json;

    fn said(verb: &str, subject: &str, facts: Value) -> String {
        of(&Entry {
            seq: 1,
            time_ms: 0,
            actor: Actor::system("test"),
            verb: verb.into(),
            subject: Reference::parse(subject).unwrap(),
            inputs: vec![],
            outputs: vec![],
            facts,
            previous: String::new(),
            hash: String::new(),
        })
    }

    #[test]
    fn entries_are_put_into_words() {
        let served = json!({"proven": true, "served": {"revisions": [{"revision": 2, "percent": 100.0}, {"revision": 1, "percent": 0.0}]}});
        assert_eq!(said("readback", "endpoint:wine", served), "read back: revision 2 100 %, proven");
        assert_eq!(said("readback", "endpoint:wine", json!({})), "read back: no revision, NOT as ordered");
        assert_eq!(
            said("deploy", "endpoint:wine", json!({"model": "m", "version": 2, "revision": 3})),
            "m/2 deployed as revision 3"
        );
        let drift = json!({"rows": 500, "revision": 1, "status": "alert", "share_drifted": 0.818, "labelled": 480,
            "realised_auc": 0.7412, "reference_auc": 0.84});
        assert_eq!(
            said("drift", "report:r", drift),
            "report on 500 requests of revision 1: alert, 82 % of the columns drifted; realised AUC 0.741 on 480 labels, 0.840 when registered"
        );
        assert_eq!(
            said("alias", "model:m/2", json!({"alias": "champion", "previous": 1})),
            "alias champion points to model m/2 (was version 1)"
        );
        assert_eq!(
            said("validate", "dataset:wine", json!({"share": 0.123_456, "list": []})),
            "validate dataset wine (share 0.123)"
        );
        // Nothing known is nothing said, and no panic.
        for verb in ["traffic", "drift", "alias", "gate", "alert.fire", "sweep.finish", "tag", "run.finish"] {
            assert!(!said(verb, "x:y", Value::Null).is_empty());
        }
    }
}
