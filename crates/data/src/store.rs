//! The SQL of datasets.

use std::collections::{BTreeMap, HashMap, HashSet};

use ropewalk_core::{Connection, Error, Migration, Result};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use crate::chunker::Digest;
use crate::model::{CommitInfo, RefInfo};
use crate::objects::{Object, StagedPack};
use crate::pack::{Codec, Slot};

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
}];

/// How many rows one statement asks for or inserts.
const BATCH: usize = 400;

/// A commit as it is stored.
#[derive(Clone)]
pub(crate) struct StoredCommit {
    pub(crate) info: CommitInfo,
    pub(crate) tree: Object,
    /// One more than the largest of its parents': ancestors always have a smaller one.
    pub(crate) generation: i64,
}

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

pub(crate) async fn insert_commit(tx: &mut Connection, commit: &StoredCommit) -> Result<()> {
    let info = &commit.info;
    sqlx::query(
        "INSERT INTO data_commit (id, dataset, tree, tree_bytes, tree_root, tree_depth, author, message, \
         time_ms, generation, file_count, row_count, bytes, new_bytes) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(info.id.as_str())
    .bind(info.dataset.as_str())
    .bind(info.tree.as_str())
    .bind(signed(commit.tree.bytes)?)
    .bind(commit.tree.root.hex())
    .bind(i64::from(commit.tree.depth))
    .bind(info.author.as_str())
    .bind(info.message.as_str())
    .bind(info.time_ms)
    .bind(commit.generation)
    .bind(signed(info.file_count)?)
    .bind(signed(info.rows)?)
    .bind(signed(info.bytes)?)
    .bind(signed(info.new_bytes)?)
    .execute(&mut *tx)
    .await?;
    for (position, parent) in info.parents.iter().enumerate() {
        sqlx::query("INSERT INTO data_parent (child, position, parent) VALUES ($1, $2, $3)")
            .bind(info.id.as_str())
            .bind(position as i64)
            .bind(parent.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

const COMMIT_COLUMNS: &str = "c.id, c.dataset, c.tree, c.tree_bytes, c.tree_root, c.tree_depth, c.author, \
     c.message, c.time_ms, c.generation, c.file_count, c.row_count, c.bytes, c.new_bytes";

pub(crate) async fn get_commit(
    connection: &mut Connection,
    dataset: &str,
    id: &str,
) -> Result<Option<StoredCommit>> {
    let sql = format!("SELECT {COMMIT_COLUMNS} FROM data_commit c WHERE c.dataset = $1 AND c.id = $2");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(dataset).bind(id).fetch_all(&mut *connection).await?;
    Ok(with_parents(connection, &rows).await?.pop())
}

/// Commits of a dataset whose hash begins with `prefix`: two at most, which is enough to tell
/// whether there is exactly one.
pub(crate) async fn commits_beginning(
    connection: &mut Connection,
    dataset: &str,
    prefix: &str,
) -> Result<Vec<String>> {
    let rows = sqlx::query("SELECT id FROM data_commit WHERE dataset = $1 AND id LIKE $2 LIMIT 2")
        .bind(dataset)
        // The prefix is of hexadecimal digits only.
        .bind(format!("{prefix}%"))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// All commits of a dataset, ancestors first.
pub(crate) async fn all_commits(connection: &mut Connection, dataset: &str) -> Result<Vec<StoredCommit>> {
    let sql = format!(
        "SELECT {COMMIT_COLUMNS} FROM data_commit c WHERE c.dataset = $1 ORDER BY c.generation, c.time_ms, c.id"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(dataset).fetch_all(&mut *connection).await?;
    with_parents(connection, &rows).await
}

/// The newest commit of a dataset on any branch.
pub(crate) async fn latest_commit(
    connection: &mut Connection,
    dataset: &str,
) -> Result<Option<StoredCommit>> {
    let sql = format!(
        "SELECT {COMMIT_COLUMNS} FROM data_commit c WHERE c.dataset = $1 \
         ORDER BY c.time_ms DESC, c.generation DESC, c.id LIMIT 1"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(dataset).fetch_all(&mut *connection).await?;
    Ok(with_parents(connection, &rows).await?.pop())
}

const ANCESTORS: &str = "ancestor (id) AS (SELECT CAST($1 AS TEXT) UNION \
     SELECT p.parent FROM data_parent p JOIN ancestor a ON p.child = a.id)";

/// A commit and its ancestors, children before parents.
pub(crate) async fn ancestors(
    connection: &mut Connection,
    id: &str,
    offset: u64,
    limit: u32,
) -> Result<Vec<StoredCommit>> {
    let sql = format!(
        "WITH RECURSIVE {ANCESTORS} SELECT {COMMIT_COLUMNS} FROM data_commit c \
         JOIN ancestor a ON a.id = c.id ORDER BY c.generation DESC, c.time_ms DESC, c.id LIMIT $2 OFFSET $3"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(id)
        .bind(i64::from(limit))
        .bind(signed(offset)?)
        .fetch_all(&mut *connection)
        .await?;
    with_parents(connection, &rows).await
}

/// The common ancestor nearest to both: of all common ones that of the largest generation, which is
/// no other one's ancestor.
pub(crate) async fn merge_base(
    connection: &mut Connection,
    one: &str,
    other: &str,
) -> Result<Option<String>> {
    let sql = format!(
        "WITH RECURSIVE {ANCESTORS}, other (id) AS (SELECT CAST($2 AS TEXT) UNION \
         SELECT p.parent FROM data_parent p JOIN other o ON p.child = o.id) \
         SELECT c.id FROM data_commit c JOIN ancestor a ON a.id = c.id JOIN other o ON o.id = c.id \
         ORDER BY c.generation DESC, c.time_ms DESC, c.id LIMIT 1"
    );
    let row = sqlx::query(AssertSqlSafe(sql)).bind(one).bind(other).fetch_optional(connection).await?;
    row.map(|row| Ok(row.try_get("id")?)).transpose()
}

async fn with_parents(connection: &mut Connection, rows: &[AnyRow]) -> Result<Vec<StoredCommit>> {
    let mut commits = rows.iter().map(read_commit).collect::<Result<Vec<_>>>()?;
    let mut parents: HashMap<String, Vec<String>> = HashMap::new();
    for batch in commits.chunks(BATCH) {
        let sql = format!(
            "SELECT child, parent FROM data_parent WHERE child IN ({}) ORDER BY child, position",
            placeholders(1, batch.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for commit in batch {
            query = query.bind(commit.info.id.as_str());
        }
        for row in query.fetch_all(&mut *connection).await? {
            parents.entry(row.try_get("child")?).or_default().push(row.try_get("parent")?);
        }
    }
    for commit in &mut commits {
        commit.info.parents = parents.remove(&commit.info.id).unwrap_or_default();
    }
    Ok(commits)
}

fn read_commit(row: &AnyRow) -> Result<StoredCommit> {
    let tree: String = row.try_get("tree")?;
    let object = Object {
        hash: Digest::parse(&tree)?,
        bytes: count(row, "tree_bytes")?,
        root: Digest::parse(&row.try_get::<String, _>("tree_root")?)?,
        depth: u32::try_from(row.try_get::<i64, _>("tree_depth")?).unwrap_or_default(),
    };
    let info = CommitInfo {
        id: row.try_get("id")?,
        dataset: row.try_get("dataset")?,
        parents: Vec::new(),
        author: row.try_get("author")?,
        message: row.try_get("message")?,
        time_ms: row.try_get("time_ms")?,
        tree,
        file_count: count(row, "file_count")?,
        rows: count(row, "row_count")?,
        bytes: count(row, "bytes")?,
        new_bytes: count(row, "new_bytes")?,
    };
    Ok(StoredCommit { info, tree: object, generation: row.try_get("generation")? })
}

/// Makes packs known. Chunks go in by hash, so that two writers of the same ones never wait for each
/// other in a circle; a chunk that another pack holds already stays there.
pub(crate) async fn insert_packs(tx: &mut Connection, packs: &[StagedPack], now: i64) -> Result<()> {
    let mut ordered: BTreeMap<Digest, (&str, &Slot)> = BTreeMap::new();
    let mut by_id: Vec<&StagedPack> = packs.iter().collect();
    by_id.sort_unstable_by_key(|pack| pack.id.as_str());
    for pack in by_id {
        sqlx::query(
            "INSERT INTO data_pack (id, bytes, chunks, created_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(pack.id.as_str())
        .bind(signed(pack.bytes)?)
        .bind(pack.slots.len() as i64)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        ordered.extend(pack.slots.iter().map(|slot| (slot.hash, (pack.id.as_str(), slot))));
    }
    let rows: Vec<(&str, &Slot)> = ordered.into_values().collect();
    for batch in rows.chunks(BATCH) {
        let values: Vec<String> =
            (0..batch.len()).map(|row| format!("({})", placeholders(1 + row * 6, 6))).collect();
        let sql = format!(
            "INSERT INTO data_chunk (hash, pack, start, stored, length, codec) VALUES {} ON CONFLICT DO NOTHING",
            values.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (pack, slot) in batch {
            query = query
                .bind(slot.hash.hex())
                .bind(*pack)
                .bind(signed(slot.offset)?)
                .bind(i64::from(slot.stored))
                .bind(i64::from(slot.length))
                .bind(i64::from(slot.codec.number()));
        }
        query.execute(&mut *tx).await?;
    }
    Ok(())
}

/// Where those of the chunks lie that the store has: pack and place in it.
pub(crate) async fn slots(
    connection: &mut Connection,
    hashes: &[Digest],
) -> Result<HashMap<Digest, (String, Slot)>> {
    let distinct: Vec<Digest> = hashes.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    let mut found = HashMap::with_capacity(distinct.len());
    for batch in distinct.chunks(BATCH) {
        let sql = format!(
            "SELECT hash, pack, start, stored, length, codec FROM data_chunk WHERE hash IN ({})",
            placeholders(1, batch.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for hash in batch {
            query = query.bind(hash.hex());
        }
        for row in query.fetch_all(&mut *connection).await? {
            let slot = Slot {
                hash: Digest::parse(&row.try_get::<String, _>("hash")?)?,
                offset: count(&row, "start")?,
                stored: u32::try_from(count(&row, "stored")?).unwrap_or(u32::MAX),
                length: u32::try_from(count(&row, "length")?).unwrap_or(u32::MAX),
                codec: Codec::from_number(row.try_get("codec")?)?,
            };
            found.insert(slot.hash, (row.try_get("pack")?, slot));
        }
    }
    Ok(found)
}

/// Keeps the summaries of tables, as JSON, by content and format.
pub(crate) async fn insert_tables(
    tx: &mut Connection,
    tables: &BTreeMap<(String, &'static str), String>,
) -> Result<()> {
    for ((hash, format), summary) in tables {
        sqlx::query(
            "INSERT INTO data_table (hash, format, summary) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(hash.as_str())
        .bind(*format)
        .bind(summary.as_str())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Summaries by content and format.
pub(crate) async fn tables(
    connection: &mut Connection,
    hashes: &[String],
) -> Result<HashMap<(String, String), String>> {
    let mut found = HashMap::new();
    for batch in hashes.chunks(BATCH) {
        let sql = format!(
            "SELECT hash, format, summary FROM data_table WHERE hash IN ({})",
            placeholders(1, batch.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for hash in batch {
            query = query.bind(hash.as_str());
        }
        for row in query.fetch_all(&mut *connection).await? {
            found.insert((row.try_get("hash")?, row.try_get("format")?), row.try_get("summary")?);
        }
    }
    Ok(found)
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
