//! Appending to the journal and reading it.

use tokio::sync::watch;

use super::lineage::{self, Direction, Lineage};
use super::model::{Entry, Filter, Line, NewEntry, Reference};
use super::store;
use crate::{Connection, Database, Error, Page, Paged, Result, now_ms};

/// The journal of a home.
#[derive(Clone)]
pub struct Journal {
    database: Database,
    /// Wakes those who follow the journal in this process; its value is a count of appends.
    appended: watch::Sender<u64>,
}

/// What checking the chain found.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Verification {
    /// How many entries were checked.
    pub entries: u64,
    /// Whether every hash is right and follows the one before.
    pub intact: bool,
    /// The first place in the chain that is not right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<i64>,
}

impl Journal {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, appended: watch::Sender::new(0) }
    }

    /// Append an entry in a transaction of its own.
    pub async fn append(&self, entry: NewEntry) -> Result<Entry> {
        let journal = self.clone();
        self.database
            .write(move |transaction| Box::pin(async move { journal.append_in(transaction, entry).await }))
            .await
    }

    /// Append an entry in the transaction of the operation that it tells of, so that neither
    /// stands without the other.
    pub async fn append_in(&self, transaction: &mut Connection, new: NewEntry) -> Result<Entry> {
        let (seq, previous) = store::advance(transaction).await?;
        // Stored and read back as text: take the form that reading gives, so that the hash holds.
        let facts = serde_json::from_str(&serde_json::to_string(&new.facts)?)?;
        let mut entry = Entry {
            seq,
            time_ms: now_ms(),
            actor: new.actor,
            verb: new.verb.to_owned(),
            subject: new.subject,
            inputs: new.inputs,
            outputs: new.outputs,
            facts,
            previous,
            hash: String::new(),
        };
        entry.hash = entry.expected_hash()?;
        store::insert(transaction, &entry).await?;
        self.appended.send_modify(|count| *count += 1);
        Ok(entry)
    }

    /// The entries that a filter lets through, a page at a time.
    pub async fn entries(&self, filter: &Filter, page: &Page) -> Result<Paged<Entry>> {
        let limit = page.limit.clamp(1, 1000);
        let offset = page.offset()?;
        let mut connection = self.database.read().await?;
        let entries = store::entries(&mut connection, filter, limit + 1, offset).await?;
        Ok(Paged::cut(entries, offset, limit))
    }

    /// The entries of several lines, the newest first, a page at a time.
    pub async fn of_lines(&self, lines: &[Line], page: &Page) -> Result<Paged<Entry>> {
        let limit = page.limit.clamp(1, 1000);
        let offset = page.offset()?;
        let mut connection = self.database.read().await?;
        let found =
            store::of_lines(&mut connection, self.database.dialect(), lines, limit + 1, offset).await?;
        Ok(Paged::cut(found, offset, limit))
    }

    /// What a thing was made from, what was made from it, or both; at most `depth` steps away.
    pub async fn lineage(&self, of: &Reference, direction: Direction, depth: u32) -> Result<Lineage> {
        let mut connection = self.database.read().await?;
        lineage::walk(&mut connection, of, direction, depth).await
    }

    /// The whole reference that a shortened one stands for: `run:0192` for the one run whose
    /// identifier begins so.
    pub async fn expand(&self, short: &Reference) -> Result<Reference> {
        let mut connection = self.database.read().await?;
        let found = store::references_like(&mut connection, short.as_str(), 10).await?;
        if found.contains(short) {
            return Ok(short.clone());
        }
        match found.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::not_found(format!("the journal knows nothing of {short}"))
                .hint("ropewalk journal   # lists what there is")),
            several => Err(Error::invalid(format!("{short} is not the beginning of one name only"))
                .why(several.iter().map(Reference::as_str).collect::<Vec<_>>().join(", "))
                .hint("give more of the identifier")),
        }
    }

    /// Recompute every hash of the chain.
    pub async fn verify(&self) -> Result<Verification> {
        let mut connection = self.database.read().await?;
        let (mut checked, mut previous, mut last) = (0, String::new(), 0);
        loop {
            let filter = Filter { since_seq: Some(last), ..Filter::default() };
            let entries = store::entries(&mut connection, &filter, 1000, 0).await?;
            if entries.is_empty() {
                return Ok(Verification { entries: checked, intact: true, broken_at: None });
            }
            for entry in entries {
                if entry.previous != previous
                    || entry.seq != last + 1
                    || entry.hash != entry.expected_hash()?
                {
                    return Ok(Verification { entries: checked, intact: false, broken_at: Some(entry.seq) });
                }
                checked += 1;
                last = entry.seq;
                previous = entry.hash;
            }
        }
    }

    /// A receiver that changes whenever this process has appended.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::Actor;
    use crate::testing::each_database;

    fn entry(verb: &'static str, subject: &str, inputs: &[&str], outputs: &[&str]) -> NewEntry {
        let references = |list: &[&str]| list.iter().map(|text| Reference::parse(text).unwrap()).collect();
        NewEntry {
            actor: Actor::user("ann"),
            verb,
            subject: Reference::parse(subject).unwrap(),
            inputs: references(inputs),
            outputs: references(outputs),
            facts: json!({"z": 1, "a": [0.1, 1e-7], "text": "größe"}),
        }
    }

    #[tokio::test]
    async fn the_chain_holds_and_a_changed_entry_is_found() {
        each_database(&[], |core| async move {
            let appends = (0..20).map(|_| core.journal.append(entry("commit", "dataset:wine@1", &[], &[])));
            for appended in futures::future::join_all(appends).await {
                appended.unwrap();
            }
            let verified = core.journal.verify().await.unwrap();
            assert_eq!((verified.entries, verified.intact), (20, true));

            core.database
                .write(|transaction| {
                    Box::pin(async move {
                        sqlx::query("UPDATE journal_entry SET facts = '{}' WHERE seq = 7")
                            .execute(transaction)
                            .await?;
                        Ok(())
                    })
                })
                .await
                .unwrap();
            assert_eq!(core.journal.verify().await.unwrap().broken_at, Some(7));
        })
        .await;
    }

    #[tokio::test]
    async fn a_line_has_a_thing_and_what_lies_below_it() {
        each_database(&[], |core| async move {
            for subject in
                ["model:m", "model:m/1", "model:m1", "model:m-x/1", "model:M", "model:m/2", "model:n/1"]
            {
                core.journal.append(entry("describe", subject, &[], &[])).await.unwrap();
            }
            let of = |lines: Vec<Line>| {
                let journal = core.journal.clone();
                async move {
                    let page = journal.of_lines(&lines, &Page::first(10)).await.unwrap();
                    page.items.iter().map(|entry| entry.seq).collect::<Vec<_>>()
                }
            };
            let line = |name: &str| Line::whole(Reference::parse(name).unwrap());
            assert_eq!(of(vec![line("model:m")]).await, [6, 2, 1]);
            assert_eq!(
                of(vec![Line { after_seq: 1, before_seq: 6, ..line("model:m") }, line("model:n")]).await,
                [7, 2]
            );
            assert_eq!(of(Vec::new()).await, [] as [i64; 0]);
        })
        .await;
    }

    #[tokio::test]
    async fn lineage_goes_both_ways_and_ends_at_the_depth() {
        each_database(&[], |core| async move {
            for new in [
                entry("commit", "dataset:wine@1", &[], &["dataset:wine@1"]),
                entry("prepare", "prepared:p", &["dataset:wine@1"], &["prepared:p", "pipeline:f"]),
                entry("run.finish", "run:r", &["prepared:p"], &[]),
                entry("register", "model:m/1", &["run:r", "pipeline:f"], &[]),
            ] {
                core.journal.append(new).await.unwrap();
            }
            let subject = Reference::parse("model:m/1").unwrap();
            let up = core.journal.lineage(&subject, Direction::Upstream, 10).await.unwrap();
            let names: Vec<_> = up.nodes.iter().map(|node| node.reference.as_str()).collect();
            assert!(names.contains(&"dataset:wine@1"), "{names:?}");
            let near = core.journal.lineage(&subject, Direction::Upstream, 1).await.unwrap();
            assert!(near.nodes.iter().all(|node| node.reference.as_str() != "dataset:wine@1"));
            let down = Reference::parse("dataset:wine@1").unwrap();
            let down = core.journal.lineage(&down, Direction::Downstream, 10).await.unwrap();
            assert!(down.nodes.iter().any(|node| node.reference.as_str() == "model:m/1"));
            assert_eq!(core.journal.expand(&Reference::parse("model:m").unwrap()).await.unwrap(), subject);
        })
        .await;
    }
}
