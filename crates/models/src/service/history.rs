//! A model's history: who changed what and when, read from the journal. It goes on under the names that the model had
//! before, and after its end.

use ropewalk_core::journal::{Entry, Filter, Line, Reference};
use ropewalk_core::page::Paged;
use ropewalk_core::{Page, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::telling::of_model;
use super::{Models, no_model};
use crate::rules::check_model_name;
use crate::store::registered;

/// Names that a history follows backwards at most: a bound for the server.
const MOST_NAMES: usize = 100;
const RENAME: &str = "model.rename";

/// One change of a model or of one of its versions.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HistoryEntry {
    /// Its place in the journal.
    pub seq: i64,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who did it, such as `user:ann`.
    pub actor: String,
    /// What was done, such as `register`, `alias`, `model.tag` or `model.rename`.
    pub verb: String,
    /// The model's name then.
    pub name: String,
    /// The version that it concerns; none for the model as a whole.
    pub version: Option<i64>,
    /// The change in words.
    pub text: String,
    /// What the journal has of it: as a rule what was before (`previous`) and what is after (`now`).
    pub facts: Value,
}

impl Models {
    /// A page of a model's history, the newest first.
    ///
    /// # Errors
    /// `not_found` when there is no such model and never was.
    pub async fn history(&self, name: &str, page: &Page) -> Result<Paged<HistoryEntry>> {
        check_model_name(name)?;
        let exists = {
            let mut connection = self.core.database.read().await?;
            registered::get(&mut connection, name).await?.is_some()
        };
        let lines = self.lines(name).await?;
        let found = self.core.journal.of_lines(&lines, page).await?;
        if !exists && found.items.is_empty() && page.token.is_none() {
            return Err(no_model(name));
        }
        // A rename tells of each version for the sake of lineage; once is enough here.
        let told =
            found.items.into_iter().filter(|entry| entry.verb != RENAME || !entry.subject.id().contains('/'));
        Ok(Paged { items: told.map(shown).collect(), next_token: found.next_token })
    }

    /// The parts of the journal that are about a model: under its name since that was given to it, and under the names
    /// that it had before.
    async fn lines(&self, name: &str) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        let mut open = vec![(name.to_owned(), i64::MAX)];
        while let Some((name, before_seq)) = open.pop() {
            if lines.len() >= MOST_NAMES {
                break;
            }
            let subject = of_model(&name);
            let (mut after_seq, mut before) = (0, Vec::new());
            for entry in self.renames(&subject).await? {
                if entry.seq >= before_seq {
                    continue;
                }
                if entry.subject == subject {
                    before.extend(entry.inputs.first().map(|from| (from.id().to_owned(), entry.seq)));
                } else {
                    // Whoever had the name until then has taken its history along.
                    after_seq = after_seq.max(entry.seq);
                }
            }
            open.extend(before.into_iter().filter(|(_, seq)| *seq > after_seq));
            lines.push(Line { subject, after_seq, before_seq });
        }
        Ok(lines)
    }

    /// The entries that tell of a model that got a name or gave it up.
    async fn renames(&self, subject: &Reference) -> Result<Vec<Entry>> {
        let filter = Filter {
            about: Some(subject.as_str().to_owned()),
            verb: Some(RENAME.to_owned()),
            ..Filter::default()
        };
        let mut found = Vec::new();
        let mut page = Page::first(1000);
        loop {
            let next = self.core.journal.entries(&filter, &page).await?;
            found.extend(next.items);
            let Some(token) = next.next_token else { return Ok(found) };
            page.token = Some(token);
        }
    }
}

fn shown(entry: Entry) -> HistoryEntry {
    let (name, version) = match entry.subject.id().split_once('/') {
        Some((name, version)) => (name.to_owned(), version.parse().ok()),
        None => (entry.subject.id().to_owned(), None),
    };
    HistoryEntry {
        text: words(&entry.verb, version, &entry.facts),
        seq: entry.seq,
        time_ms: entry.time_ms,
        actor: entry.actor.as_str().to_owned(),
        verb: entry.verb,
        name,
        version,
        facts: entry.facts,
    }
}

/// A change in words.
fn words(verb: &str, version: Option<i64>, facts: &Value) -> String {
    let what = version.map_or_else(|| "the model".to_owned(), |version| format!("version {version}"));
    let value = |name: &str| match &facts[name] {
        Value::String(text) => format!("“{}”", short(text)),
        other => other.to_string(),
    };
    let (had, has) = (!facts["previous"].is_null(), !facts["now"].is_null());
    match verb {
        "model.create" => "created the model".to_owned(),
        "register" => format!("registered {what}"),
        "gate" if facts["passed"] == true => format!("{what} passed its gates"),
        "gate" => format!("{what} did not pass its gates"),
        "model.rename" => format!("renamed the model from {} to {}", value("previous"), value("now")),
        "model.describe" if facts["now"] == "" => format!("took the description of {what} away"),
        "model.describe" => format!("described {what} as {}", value("now")),
        "model.stage" => format!("moved {what} from {} to {}", value("previous"), value("now")),
        "model.tag" if !has => format!("took tag {} off {what}", value("key")),
        "model.tag" if had => format!("changed tag {} of {what} to {}", value("key"), value("now")),
        "model.tag" => format!("set tag {} of {what} to {}", value("key"), value("now")),
        "alias" if !has => format!("took alias {} off {what}", value("alias")),
        "alias" if had => {
            format!("pointed alias {} to {what} (was version {})", value("alias"), value("previous"))
        }
        "alias" => format!("pointed alias {} to {what}", value("alias")),
        "model.delete" => format!("deleted {what}"),
        other => format!("{} {what}", other.replace('.', " ")),
    }
}

/// The beginning of a long text.
fn short(text: &str) -> String {
    const LENGTH: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && line.chars().count() <= LENGTH {
        return line.to_owned();
    }
    line.chars().take(LENGTH).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_told_in_words() {
        let tag = |previous: Value, now: Value| {
            words("model.tag", Some(2), &json!({"key": "k", "previous": previous, "now": now}))
        };
        assert_eq!(tag(Value::Null, json!("v")), "set tag “k” of version 2 to “v”");
        assert_eq!(tag(json!("v"), json!("w\nx")), "changed tag “k” of version 2 to “w…”");
        assert_eq!(tag(json!("v"), Value::Null), "took tag “k” off version 2");
        let moved = json!({"alias": "champion", "previous": 1, "now": 2});
        assert_eq!(words("alias", Some(2), &moved), "pointed alias “champion” to version 2 (was version 1)");
        assert_eq!(words("model.create", None, &json!({})), "created the model");
        assert_eq!(
            words("model.describe", None, &json!({"previous": "x", "now": ""})),
            "took the description of the model away"
        );
        assert_eq!(words("something.else", Some(1), &json!({})), "something else version 1");
    }
}
