//! Where chunks lie, and what is known of tables.

use std::collections::{BTreeMap, HashMap, HashSet};

use ropewalk_core::{Connection, Result};
use sqlx::{AssertSqlSafe, Row};

use super::{BATCH, count, placeholders, signed};
use crate::chunker::Digest;
use crate::objects::StagedPack;
use crate::pack::{Codec, Slot};

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
