//! The packed spans of traces.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_core::database::{Connection, Sql};
use sqlx::Row;

use super::LIST_LIMIT;
use crate::span::pack;
use crate::span::summary::{self, Summary};

/// A span as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredSpan {
    pub(crate) summary: Summary,
    /// The span's JSON.
    pub(crate) content: String,
}

/// Spans that arrived together, packed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) summaries: Vec<u8>,
    pub(crate) contents: Vec<u8>,
}

impl Part {
    /// Packs spans.
    pub(crate) fn pack<'a>(
        summaries: &[Summary],
        contents: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        Ok(Self { summaries: summary::pack(summaries), contents: pack::contents(contents)? })
    }
}

/// Adds a part.
pub(crate) async fn insert(tx: &mut Connection, trace: i64, number: i64, part: Part) -> Result<()> {
    let mut sql = Sql::new("INSERT INTO trace_spans (trace, part, summaries, contents) VALUES (");
    sql.bind(trace).push(", ").bind(number).push(", ").bind(part.summaries);
    sql.push(", ").bind(part.contents).push(")");
    sql.execute(tx).await?;
    Ok(())
}

/// Removes all parts of a trace.
pub(crate) async fn clear(tx: &mut Connection, trace: i64) -> Result<()> {
    let mut sql = Sql::new("DELETE FROM trace_spans WHERE trace = ");
    sql.bind(trace);
    sql.execute(tx).await?;
    Ok(())
}

/// The summaries of traces' spans by trace; of a span that came twice the later counts.
pub(crate) async fn summaries(
    connection: &mut Connection,
    traces: &[i64],
) -> Result<HashMap<i64, Vec<Summary>>> {
    let mut found: HashMap<i64, Vec<Summary>> = HashMap::new();
    for part in traces.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT trace, summaries FROM trace_spans WHERE trace IN ");
        sql.bind_list(part.iter().copied()).push(" ORDER BY trace, part");
        for row in sql.fetch(connection).await? {
            let kept = found.entry(row.try_get(0)?).or_default();
            merge(kept, summary::unpack(&row.try_get::<Vec<u8>, _>(1)?)?, |summary| summary.span_id);
        }
    }
    Ok(found)
}

/// Traces' spans by trace, as they came; of a span that came twice the later counts.
pub(crate) async fn whole(
    connection: &mut Connection,
    traces: &[i64],
) -> Result<HashMap<i64, Vec<StoredSpan>>> {
    let mut found: HashMap<i64, Vec<StoredSpan>> = HashMap::new();
    for part in traces.chunks(LIST_LIMIT) {
        let mut sql = Sql::new("SELECT trace, summaries, contents FROM trace_spans WHERE trace IN ");
        sql.bind_list(part.iter().copied()).push(" ORDER BY trace, part");
        for row in sql.fetch(connection).await? {
            let summaries = summary::unpack(&row.try_get::<Vec<u8>, _>(1)?)?;
            let contents = pack::unpack_contents(&row.try_get::<Vec<u8>, _>(2)?)?;
            let spans = summaries.into_iter().zip(contents);
            let spans = spans.map(|(summary, content)| StoredSpan { summary, content }).collect();
            merge(found.entry(row.try_get(0)?).or_default(), spans, |span| span.summary.span_id);
        }
    }
    Ok(found)
}

/// A part as it lies in the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed {
    pub(crate) trace: i64,
    pub(crate) summaries: Vec<u8>,
    /// Nothing unless it was asked for.
    pub(crate) contents: Vec<u8>,
}

/// The parts of traces' spans, a trace's own in their order.
pub(crate) async fn parts(
    connection: &mut Connection,
    traces: &[i64],
    with_contents: bool,
) -> Result<Vec<Packed>> {
    let mut found = Vec::new();
    let columns = if with_contents { "trace, summaries, contents" } else { "trace, summaries" };
    for part in traces.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!("SELECT {columns} FROM trace_spans WHERE trace IN "));
        sql.bind_list(part.iter().copied()).push(" ORDER BY trace, part");
        for row in sql.fetch(connection).await? {
            let contents = if with_contents { row.try_get(2)? } else { Vec::new() };
            found.push(Packed { trace: row.try_get(0)?, summaries: row.try_get(1)?, contents });
        }
    }
    Ok(found)
}

/// Puts later spans over earlier ones.
fn merge<T>(kept: &mut Vec<T>, later: Vec<T>, id: fn(&T) -> u64) {
    let mut places: HashMap<u64, usize> =
        kept.iter().enumerate().map(|(place, span)| (id(span), place)).collect();
    for span in later {
        match places.get(&id(&span)) {
            Some(place) => kept[*place] = span,
            None => {
                places.insert(id(&span), kept.len());
                kept.push(span);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_counts() {
        let mut kept = vec![(1_u64, "a"), (2, "b")];
        merge(&mut kept, vec![(2, "c"), (3, "d"), (3, "e")], |span| span.0);
        assert_eq!(kept, [(1, "a"), (2, "c"), (3, "e")]);
    }
}
