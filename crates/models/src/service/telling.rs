//! Who is told of a change: the journal, and the webhooks. Both in the transaction of the change.

use ropewalk_core::journal::{NewEntry, Reference};
use ropewalk_core::{Actor, Connection, Journal, Result};
use ropewalk_webhooks::{Event, Webhooks};
use serde_json::{Value, json};

use super::Models;

/// Tells of what somebody does.
#[derive(Clone)]
pub(super) struct Teller {
    journal: Journal,
    webhooks: Webhooks,
    actor: Actor,
}

impl Models {
    /// One who tells of what `actor` does.
    pub(super) fn teller(&self, actor: &Actor) -> Teller {
        Teller { journal: self.core.journal.clone(), webhooks: self.webhooks.clone(), actor: actor.clone() }
    }
}

/// The reference of a model.
pub(super) fn of_model(name: &str) -> Reference {
    Reference::new("model", name)
}

/// The reference of a version.
pub(super) fn of_version(name: &str, version: i64) -> Reference {
    Reference::new("model", format!("{name}/{version}"))
}

impl Teller {
    /// Appends an entry to the journal.
    pub(super) async fn tell(
        &self,
        tx: &mut Connection,
        verb: &'static str,
        subject: Reference,
        facts: Value,
    ) -> Result<()> {
        self.tell_made(tx, verb, subject, Vec::new(), Vec::new(), facts).await
    }

    /// As [`Teller::tell`], of what was made from something.
    pub(super) async fn tell_made(
        &self,
        tx: &mut Connection,
        verb: &'static str,
        subject: Reference,
        inputs: Vec<Reference>,
        outputs: Vec<Reference>,
        facts: Value,
    ) -> Result<()> {
        let entry = NewEntry { actor: self.actor.clone(), verb, subject, inputs, outputs, facts };
        self.journal.append_in(tx, entry).await.map(drop)
    }

    /// Tells the journal that a value was changed; nothing if it was not. `name` says of which value of several.
    pub(super) async fn tell_change<T: serde::Serialize + PartialEq + Send + Sync>(
        &self,
        tx: &mut Connection,
        verb: &'static str,
        subject: Reference,
        name: Option<(&str, &str)>,
        (previous, now): (T, T),
    ) -> Result<()> {
        if previous == now {
            return Ok(());
        }
        let mut facts = json!({"previous": previous, "now": now});
        if let (Some((key, value)), Some(facts)) = (name, facts.as_object_mut()) {
            facts.insert(key.to_owned(), value.into());
        }
        self.tell(tx, verb, subject, facts).await
    }

    /// Tells the webhooks.
    pub(super) async fn announce(&self, tx: &mut Connection, event: Event, data: Value) -> Result<()> {
        self.webhooks.announce_in(tx, event, data).await
    }
}
