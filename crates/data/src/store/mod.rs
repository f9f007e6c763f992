//! The SQL of datasets.

mod chunks;
mod commits;

use ropewalk_core::{Connection, Error, Migration, Result};
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::model::RefInfo;

pub(crate) use chunks::{insert_packs, insert_tables, slots, tables};
pub(crate) use commits::{
    StoredCommit, all_commits, ancestors, commits_beginning, get_commit, insert_commit, latest_commit,
    merge_base,
};

/// The tables of datasets.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "data",
    version: 1,
    sql: "
CREATE TABLE data_dataset (name TEXT PRIMARY KEY, created_ms BIGINT NOT NULL, created_by TEXT NOT NULL);
CREATE TABLE data_commit (
  id TEXT PRIMARY KEY, dataset TEXT NOT NULL,
  tree TEXT NOT NULL, tree_bytes BIGINT NOT NULL, tree_root TEXT NOT NULL, tree_depth BIGINT NOT NULL,
  author TEXT NOT NULL, message TEXT NOT NULL, time_ms BIGINT NOT NULL, generation BIGINT NOT NULL,
  file_count BIGINT NOT NULL, row_count BIGINT NOT NULL, bytes BIGINT NOT NULL, new_bytes BIGINT NOT NULL);
CREATE INDEX data_commit_dataset ON data_commit (dataset, generation);
CREATE TABLE data_parent (
  child TEXT NOT NULL, position BIGINT NOT NULL, parent TEXT NOT NULL, PRIMARY KEY (child, position));
CREATE TABLE data_ref (
  dataset TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, commit_id TEXT NOT NULL,
  updated_ms BIGINT NOT NULL, PRIMARY KEY (dataset, kind, name));
CREATE TABLE data_pack (
  id TEXT PRIMARY KEY, bytes BIGINT NOT NULL, chunks BIGINT NOT NULL, created_ms BIGINT NOT NULL);
CREATE TABLE data_chunk (
  hash TEXT PRIMARY KEY, pack TEXT NOT NULL, start BIGINT NOT NULL, stored BIGINT NOT NULL,
  length BIGINT NOT NULL, codec BIGINT NOT NULL);
CREATE TABLE data_table (
  hash TEXT NOT NULL, format TEXT NOT NULL, summary TEXT NOT NULL, PRIMARY KEY (hash, format))",
    code: None,
}];

/// How many rows one statement asks for or inserts.
const BATCH: usize = 400;

/// The two kinds of references.
#[derive(Clone, Copy)]
pub(crate) enum RefKind {
    Branch,
    Tag,
}

impl RefKind {
    fn text(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }
}

/// Whether the dataset was not there before.
pub(crate) async fn insert_dataset(tx: &mut Connection, name: &str, by: &str, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO data_dataset (name, created_ms, created_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(name)
    .bind(now)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Name, time of creation and creator of one dataset, or of all by name.
pub(crate) async fn datasets(
    connection: &mut Connection,
    name: Option<&str>,
) -> Result<Vec<(String, i64, String)>> {
    let rows = sqlx::query(
        "SELECT name, created_ms, created_by FROM data_dataset \
         WHERE CAST($1 AS TEXT) IS NULL OR name = CAST($2 AS TEXT) ORDER BY name",
    )
    .bind(name)
    .bind(name)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("name")?, row.try_get("created_ms")?, row.try_get("created_by")?)))
        .collect()
}

pub(crate) async fn commit_count(connection: &mut Connection, dataset: &str) -> Result<u64> {
    let row = sqlx::query("SELECT COUNT(*) AS n FROM data_commit WHERE dataset = $1")
        .bind(dataset)
        .fetch_one(connection)
        .await?;
    count(&row, "n")
}

pub(crate) async fn refs(connection: &mut Connection, dataset: &str, kind: RefKind) -> Result<Vec<RefInfo>> {
    let rows = sqlx::query(
        "SELECT name, commit_id, updated_ms FROM data_ref WHERE dataset = $1 AND kind = $2 ORDER BY name",
    )
    .bind(dataset)
    .bind(kind.text())
    .fetch_all(connection)
    .await?;
    rows.iter().map(read_ref).collect()
}

pub(crate) async fn get_ref(
    connection: &mut Connection,
    dataset: &str,
    kind: RefKind,
    name: &str,
) -> Result<Option<RefInfo>> {
    let row = sqlx::query(
        "SELECT name, commit_id, updated_ms FROM data_ref WHERE dataset = $1 AND kind = $2 AND name = $3",
    )
    .bind(dataset)
    .bind(kind.text())
    .bind(name)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read_ref).transpose()
}

fn read_ref(row: &AnyRow) -> Result<RefInfo> {
    Ok(RefInfo {
        name: row.try_get("name")?,
        commit: row.try_get("commit_id")?,
        updated_ms: row.try_get("updated_ms")?,
    })
}

/// Moves a reference from one commit to another, or creates it; false, and nothing done, if it does
/// not stand where it was expected.
pub(crate) async fn move_ref(
    tx: &mut Connection,
    dataset: &str,
    kind: RefKind,
    expected: Option<&str>,
    new: &RefInfo,
) -> Result<bool> {
    let done = match expected {
        Some(expected) => {
            sqlx::query(
                "UPDATE data_ref SET commit_id = $1, updated_ms = $2 \
                 WHERE dataset = $3 AND kind = $4 AND name = $5 AND commit_id = $6",
            )
            .bind(new.commit.as_str())
            .bind(new.updated_ms)
            .bind(dataset)
            .bind(kind.text())
            .bind(new.name.as_str())
            .bind(expected)
            .execute(tx)
            .await?
        }
        None => {
            sqlx::query(
                "INSERT INTO data_ref (commit_id, updated_ms, dataset, kind, name) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(new.commit.as_str())
            .bind(new.updated_ms)
            .bind(dataset)
            .bind(kind.text())
            .bind(new.name.as_str())
            .execute(tx)
            .await?
        }
    };
    Ok(done.rows_affected() == 1)
}

fn placeholders(first: usize, count: usize) -> String {
    let each: Vec<String> = (first..first + count).map(|number| format!("${number}")).collect();
    each.join(", ")
}

fn count(row: &AnyRow, column: &str) -> Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default())
}

fn signed(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|_| Error::invalid("a size is beyond what can be stored"))
}
