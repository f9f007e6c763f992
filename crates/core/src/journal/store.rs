//! The journal's SQL.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::model::{Entry, Filter, Line, Reference};
use crate::database::sql::{Dialect, Sql, text_order};
use crate::{Actor, Connection, Migration, Result};

/// The journal's tables.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "journal",
    version: 1,
    sql: "
    CREATE TABLE journal_head (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL, hash TEXT NOT NULL);
    INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, '');
    CREATE TABLE journal_entry (
        seq BIGINT PRIMARY KEY, time_ms BIGINT NOT NULL, actor TEXT NOT NULL, verb TEXT NOT NULL,
        subject TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL, facts TEXT NOT NULL,
        previous TEXT NOT NULL, hash TEXT NOT NULL);
    CREATE INDEX journal_entry_time ON journal_entry (time_ms);
    CREATE INDEX journal_entry_subject ON journal_entry (subject, seq);
    CREATE TABLE journal_link (
        seq BIGINT NOT NULL, side TEXT NOT NULL, reference TEXT NOT NULL, PRIMARY KEY (seq, side, reference));
    CREATE INDEX journal_link_reference ON journal_link (reference, side, seq)",
    code: None,
}];

/// Take the next place in the chain. The row stays locked until the transaction ends, so that
/// concurrent appenders form one chain.
pub(super) async fn advance(transaction: &mut Connection) -> Result<(i64, String)> {
    let row = sqlx::query("UPDATE journal_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash")
        .fetch_one(transaction)
        .await?;
    Ok((row.try_get("seq")?, row.try_get("hash")?))
}

pub(super) async fn insert(transaction: &mut Connection, entry: &Entry) -> Result<()> {
    sqlx::query("UPDATE journal_head SET hash = $1 WHERE id = 1")
        .bind(&entry.hash)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "INSERT INTO journal_entry (seq, time_ms, actor, verb, subject, inputs, outputs, facts, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(entry.seq)
    .bind(entry.time_ms)
    .bind(entry.actor.as_str())
    .bind(&entry.verb)
    .bind(entry.subject.as_str())
    .bind(serde_json::to_string(&entry.inputs)?)
    .bind(serde_json::to_string(&entry.outputs)?)
    .bind(serde_json::to_string(&entry.facts)?)
    .bind(&entry.previous)
    .bind(&entry.hash)
    .execute(&mut *transaction)
    .await?;
    let subject = std::slice::from_ref(&entry.subject);
    for (side, references) in [("subject", subject), ("input", &entry.inputs), ("output", &entry.outputs)] {
        for reference in references {
            sqlx::query(
                "INSERT INTO journal_link (seq, side, reference) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(entry.seq)
            .bind(side)
            .bind(reference.as_str())
            .execute(&mut *transaction)
            .await?;
        }
    }
    Ok(())
}

/// The entries of several lines, the newest first.
pub(super) async fn of_lines(
    connection: &mut Connection,
    dialect: Dialect,
    lines: &[Line],
    limit: u32,
    offset: u64,
) -> Result<Vec<Entry>> {
    let column = text_order(dialect, "subject");
    let mut sql = Sql::new("SELECT * FROM journal_entry WHERE 1 = 0");
    for line in lines {
        // What lies below begins with a slash; the next character after it ends the range.
        let name = line.subject.as_str();
        sql.push(" OR (seq > ").bind(line.after_seq).push(" AND seq < ").bind(line.before_seq);
        sql.push(&format!(" AND ({column} = ")).bind(name);
        sql.push(&format!(" OR {column} > ")).bind(format!("{name}/"));
        sql.push(&format!(" AND {column} < ")).bind(format!("{name}0")).push("))");
    }
    sql.push(" ORDER BY seq DESC LIMIT ").bind(i64::from(limit));
    sql.push(" OFFSET ").bind(i64::try_from(offset).unwrap_or(i64::MAX));
    sql.fetch(connection).await?.iter().map(read).collect()
}

pub(super) async fn entries(
    connection: &mut Connection,
    filter: &Filter,
    limit: u32,
    offset: u64,
) -> Result<Vec<Entry>> {
    let order = if filter.newest_first { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT * FROM journal_entry e WHERE ($1 = '' OR e.subject = $1) AND ($2 = '' OR e.verb = $2) \
         AND e.seq > $3 AND e.time_ms >= $4 AND e.time_ms < $5 \
         AND ($6 = '' OR EXISTS (SELECT 1 FROM journal_link l WHERE l.seq = e.seq AND l.reference = $6)) \
         ORDER BY e.seq {order} LIMIT $7 OFFSET $8"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(filter.subject.clone().unwrap_or_default())
        .bind(filter.verb.clone().unwrap_or_default())
        .bind(filter.since_seq.unwrap_or(0))
        .bind(filter.since_ms.unwrap_or(0))
        .bind(filter.until_ms.unwrap_or(i64::MAX))
        .bind(filter.about.clone().unwrap_or_default())
        .bind(i64::from(limit))
        .bind(i64::try_from(offset).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// The entries in which a reference stands on one of `sides`, oldest first.
pub(super) async fn linked(
    connection: &mut Connection,
    reference: &Reference,
    sides: [&str; 2],
    limit: i64,
) -> Result<Vec<Entry>> {
    let rows = sqlx::query(
        "SELECT e.* FROM journal_entry e WHERE e.seq IN (SELECT l.seq FROM journal_link l \
         WHERE l.reference = $1 AND l.side IN ($2, $3)) ORDER BY e.seq LIMIT $4",
    )
    .bind(reference.as_str())
    .bind(sides[0])
    .bind(sides[1])
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// The references that begin with a text, for names given short; at most `limit`.
pub(super) async fn references_like(
    connection: &mut Connection,
    beginning: &str,
    limit: i64,
) -> Result<Vec<Reference>> {
    let rows = sqlx::query(
        "SELECT DISTINCT reference FROM journal_link WHERE reference >= $1 AND reference < $2 ORDER BY reference LIMIT $3",
    )
    .bind(beginning)
    // The largest character sorts after everything that goes on from the beginning.
    .bind(format!("{beginning}\u{10FFFF}"))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Reference::parse(&row.try_get::<String, _>("reference")?)).collect()
}

fn read(row: &AnyRow) -> Result<Entry> {
    let json = |column: &str| -> Result<String> { Ok(row.try_get(column)?) };
    Ok(Entry {
        seq: row.try_get("seq")?,
        time_ms: row.try_get("time_ms")?,
        actor: Actor::stored(row.try_get("actor")?),
        verb: row.try_get("verb")?,
        subject: Reference::parse(&json("subject")?)?,
        inputs: serde_json::from_str(&json("inputs")?)?,
        outputs: serde_json::from_str(&json("outputs")?)?,
        facts: serde_json::from_str(&json("facts")?)?,
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}
