//! Runs with the documents of what they logged.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use ropewalk_core::database::sql::Sql;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::runs::{COLUMNS, info};
use super::{LIST_LIMIT, changes};
use crate::model::RunInfo;
use crate::state::change::Change;
use crate::state::document::Document;

/// A run as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) info: RunInfo,
    /// The packed document, in which changes up to `folded` are.
    pub(crate) packed: Vec<u8>,
    pub(crate) folded: i64,
    /// Changes since, in their order.
    pub(crate) changes: Vec<(i64, Vec<u8>)>,
}

impl Loaded {
    /// The document with all changes in it.
    ///
    /// # Errors
    /// `corrupt` when something packed cannot be read.
    pub(crate) fn document(&self) -> Result<Document> {
        let mut document = Document::unpack(&self.packed)?;
        for (_, data) in &self.changes {
            document.apply(&Change::unpack(data)?);
        }
        Ok(document)
    }
}

fn loaded(row: &AnyRow) -> Result<Loaded> {
    Ok(Loaded {
        info: info(row)?,
        packed: row.try_get::<Option<Vec<u8>>, _>("document")?.unwrap_or_default(),
        folded: row.try_get("folded")?,
        changes: Vec::new(),
    })
}

/// Runs by their identifiers, those that there are, in no particular order.
pub(crate) async fn load(connection: &mut Connection, ids: &[String]) -> Result<Vec<Loaded>> {
    // Changes first: one that is folded meanwhile is then met twice, and told by its number, rather than missed.
    let changes = changes::of_runs(connection, ids).await?;
    let mut found = Vec::new();
    for part in ids.chunks(LIST_LIMIT) {
        let mut sql =
            Sql::new(&format!("SELECT {COLUMNS}, r.folded, r.document FROM run_run r WHERE r.id IN "));
        sql.bind_list(part.iter().map(String::as_str));
        for row in sql.fetch(connection).await? {
            found.push(loaded(&row)?);
        }
    }
    add_changes(&mut found, changes);
    Ok(found)
}

/// All runs of an experiment from a place on, in the order of their identifiers.
pub(crate) async fn of_experiment(
    connection: &mut Connection,
    experiment: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<Loaded>> {
    let mut ids = Vec::new();
    let rows =
        sqlx::query("SELECT id FROM run_run WHERE experiment_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(experiment)
            .bind(after)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
    for row in rows {
        ids.push(row.try_get("id")?);
    }
    let mut found = load(connection, &ids).await?;
    found.sort_by(|a, b| a.info.run_id.cmp(&b.info.run_id));
    Ok(found)
}

fn add_changes(runs: &mut [Loaded], mut changes: std::collections::BTreeMap<String, Vec<(i64, Vec<u8>)>>) {
    for run in runs {
        let mut own = changes.remove(&run.info.run_id).unwrap_or_default();
        own.retain(|(number, _)| *number > run.folded);
        run.changes = own;
    }
}

/// Keeps a run's document with changes up to `to` in it, unless another has done so; whether it is kept.
pub(crate) async fn fold(
    tx: &mut Connection,
    run_id: &str,
    document: Vec<u8>,
    (from, to): (i64, i64),
    number: i64,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE run_run SET document = $1, folded = $2, changed = $3 WHERE id = $4 AND folded = $5",
    )
    .bind(document)
    .bind(to)
    .bind(number)
    .bind(run_id)
    .bind(from)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
