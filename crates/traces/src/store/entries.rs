//! Tags and metadata, whole and by name, for searches.

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};

use crate::keys::{metadata, tag};

/// Where an entry belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Tag = 0,
    Metadata = 1,
}

impl EntryKind {
    /// The number in the database.
    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    /// Whether entries of this name are kept for searches. What the server and the client write into every trace, and
    /// nobody looks for, is read from the traces' rows in the rare case.
    pub(crate) fn is_kept(self, name: &str) -> bool {
        const TAGS: [&str; 2] = [tag::ARTIFACT_LOCATION, tag::SPANS_LOCATION];
        const METADATA: [&str; 4] =
            [metadata::FINALIZED, metadata::SIZE_STATS, metadata::SIZE_BYTES, metadata::SCHEMA_VERSION];
        match self {
            Self::Tag => !TAGS.contains(&name),
            Self::Metadata => !METADATA.contains(&name),
        }
    }
}

/// A number of a value, by which equal ones are found.
pub(crate) fn hash(value: &str) -> i64 {
    let hash = blake3::hash(value.as_bytes());
    hash.as_bytes()[..8].iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Sets entries of a trace. No name may come twice.
pub(crate) async fn put(
    tx: &mut Connection,
    trace: i64,
    entries: impl IntoIterator<Item = (EntryKind, &str, &str)>,
) -> Result<()> {
    let kept: Vec<_> = entries.into_iter().filter(|(kind, name, _)| kind.is_kept(name)).collect();
    // Few sizes make few statements, which the database keeps prepared.
    for part in kept.chunks(16) {
        let mut sql = Sql::new("INSERT INTO trace_entry (trace, kind, key, value, hash) VALUES ");
        for (index, (kind, name, value)) in part.iter().enumerate() {
            sql.push(if index > 0 { ", (" } else { "(" }).bind(trace).push(", ").bind(kind.number());
            sql.push(", ").bind(*name).push(", ").bind(*value).push(", ").bind(hash(value)).push(")");
        }
        sql.push(
            " ON CONFLICT (trace, kind, key) DO UPDATE SET value = excluded.value, hash = excluded.hash",
        );
        sql.execute(tx).await?;
    }
    Ok(())
}

/// Removes an entry.
pub(crate) async fn remove(tx: &mut Connection, trace: i64, kind: EntryKind, name: &str) -> Result<()> {
    let mut sql = Sql::new("DELETE FROM trace_entry WHERE trace = ");
    sql.bind(trace).push(" AND kind = ").bind(kind.number()).push(" AND key = ").bind(name);
    sql.execute(tx).await?;
    Ok(())
}
