//! Commits and who follows whom.

use std::collections::HashMap;

use ropewalk_core::{Connection, Result};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{BATCH, count, placeholders, signed};
use crate::chunker::Digest;
use crate::model::CommitInfo;
use crate::objects::Object;

/// A commit as it is stored.
#[derive(Clone)]
pub(crate) struct StoredCommit {
    pub(crate) info: CommitInfo,
    pub(crate) tree: Object,
    /// One more than the largest of its parents': ancestors always have a smaller one.
    pub(crate) generation: i64,
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
