//! The search for traces.

mod conditions;

use std::collections::HashSet;

use ropewalk_core::Result;
use ropewalk_core::database::sql::text_order;
use ropewalk_core::database::{Connection, Dialect, Sql};
use ropewalk_mlflow::MlflowResult;
use sqlx::Row;

use super::LIST_LIMIT;
use super::traces::{self, TraceRow};
use crate::filter::{Field, Filter};

/// Which traces are looked for.
#[derive(Debug, Clone)]
pub(crate) struct TraceQuery {
    /// The numbers of the experiments, of which none finds nothing; if it is not said, all.
    pub(crate) experiments: Option<Vec<i64>>,
    pub(crate) filter: Filter,
    /// What to order by, and whether the smallest comes first; afterwards the newest first.
    pub(crate) orders: Vec<(Field, bool)>,
    /// Up to which number, so that a search in several steps sees the same traces throughout.
    pub(crate) until: Option<i64>,
    /// From which moment on and up to which, in milliseconds since 1970.
    pub(crate) between_ms: (Option<i64>, Option<i64>),
    /// Few traces that some of the filter's conditions leave, if they do.
    narrowed: Option<Vec<i64>>,
}

/// A trace that fulfils what the database can tell, with what remains to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) n: i64,
    pub(crate) session_id: Option<String>,
    /// The values that regular expressions are looked for in.
    pub(crate) values: Vec<Option<String>>,
}

impl TraceQuery {
    /// A search in these experiments, or in all.
    pub(crate) fn new(experiments: Option<Vec<i64>>, filter: Filter) -> Self {
        Self {
            experiments,
            filter,
            orders: Vec::new(),
            until: None,
            between_ms: (None, None),
            narrowed: None,
        }
    }

    /// Looks up conditions that few traces fulfil, so that the search can begin with these.
    pub(crate) async fn narrow(&mut self, connection: &mut Connection) -> Result<()> {
        for mut sql in conditions::lookups(&self.filter) {
            sql.push(" LIMIT ").bind(LIST_LIMIT as i64 + 1);
            let rows = sql.fetch(connection).await?;
            if rows.len() > LIST_LIMIT {
                continue;
            }
            let found =
                rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<HashSet<i64>, _>>()?;
            self.narrowed = Some(match self.narrowed.take() {
                Some(known) => known.into_iter().filter(|n| found.contains(n)).collect(),
                None => found.into_iter().collect(),
            });
        }
        Ok(())
    }

    /// Appends tables and conditions; with the assessments of the traces as `a`, if they are asked for.
    pub(crate) fn push_from(&self, sql: &mut Sql, dialect: Dialect, assessments: bool) -> MlflowResult<()> {
        sql.push(" FROM trace_trace t");
        if assessments {
            sql.push(" JOIN trace_assessment a ON a.trace = t.n");
        }
        for (index, (field, _)) in self.orders.iter().enumerate() {
            if let Field::Entry(kind, key) = field {
                let alias = format!("o{index}");
                sql.push(&format!(
                    " LEFT JOIN trace_entry {alias} ON {alias}.trace = t.n AND {alias}.kind = {} AND {alias}.key = ",
                    kind.number()
                ));
                sql.bind(key.as_str());
            }
        }
        sql.push(" WHERE ");
        push_experiments(sql, "t", self.experiments.as_deref());
        if let Some(until) = self.until {
            sql.push(" AND t.n <= ").bind(until);
        }
        if let Some(from) = self.between_ms.0 {
            sql.push(" AND t.timestamp_ms >= ").bind(from);
        }
        if let Some(to) = self.between_ms.1 {
            sql.push(" AND t.timestamp_ms <= ").bind(to);
        }
        if let Some(narrowed) = &self.narrowed {
            sql.push(" AND t.n IN ").bind_list(narrowed.iter().copied());
        }
        conditions::push(sql, dialect, &self.filter, self.experiments.as_deref())
    }

    fn push_order(&self, sql: &mut Sql, dialect: Dialect) {
        sql.push(" ORDER BY ");
        let (mut by_time, mut by_id) = (false, false);
        for (index, (field, ascending)) in self.orders.iter().enumerate() {
            let value = |sql: &mut Sql| match field {
                Field::Column(column) if conditions::is_number(column) => {
                    sql.push(column);
                }
                Field::Column(column) => {
                    sql.push(&text_order(dialect, column));
                }
                Field::Entry(..) => {
                    sql.push(&text_order(dialect, &format!("o{index}.value")));
                }
                Field::Pair(kind, key) => conditions::push_pair(sql, dialect, *kind, key),
            };
            if !conditions::is_always_there(field) {
                sql.push("CASE WHEN ");
                value(sql);
                sql.push(" IS NULL THEN 1 ELSE 0 END, ");
            }
            value(sql);
            sql.push(if *ascending { ", " } else { " DESC, " });
            by_time |= *field == Field::Column("t.timestamp_ms");
            by_id |= *field == Field::Column("t.id");
        }
        if self.experiments.is_none() && self.orders.is_empty() {
            // There is no index of all traces by their time, but they are numbered as they come.
            sql.push("t.n DESC, ");
        }
        if !by_time {
            sql.push("t.timestamp_ms DESC, ");
        }
        sql.push(if by_id { "t.n" } else { "t.id" });
    }

    /// A page of rows of a query whose filter is plain.
    pub(crate) async fn page(
        &self,
        connection: &mut Connection,
        dialect: Dialect,
        limit: i64,
        offset: i64,
    ) -> MlflowResult<Vec<TraceRow>> {
        let mut sql = Sql::new(&format!("SELECT {}", traces::columns("t")));
        self.push_from(&mut sql, dialect, false)?;
        self.push_order(&mut sql, dialect);
        sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
        let rows = sql.fetch(connection).await?;
        Ok(rows.iter().map(traces::read).collect::<Result<Vec<_>>>()?)
    }

    /// A window of what may fulfil the filter, in the order asked for.
    pub(crate) async fn candidates(
        &self,
        connection: &mut Connection,
        dialect: Dialect,
        limit: i64,
        offset: i64,
    ) -> MlflowResult<Vec<Candidate>> {
        let mut sql = Sql::new("SELECT t.n, t.session_id");
        for (field, _) in &self.filter.regular {
            sql.push(", ");
            conditions::push_value(&mut sql, dialect, field);
        }
        self.push_from(&mut sql, dialect, false)?;
        self.push_order(&mut sql, dialect);
        sql.push(" LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
        let rows = sql.fetch(connection).await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<Candidate> {
            let values = 2..2 + self.filter.regular.len();
            Ok(Candidate {
                n: row.try_get(0)?,
                session_id: row.try_get(1)?,
                values: values.map(|place| Ok(row.try_get(place)?)).collect::<Result<_>>()?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<Vec<_>>>()?)
    }

    /// The numbers of the traces that fulfil a filter that is plain, in no particular order.
    pub(crate) async fn numbers(
        &self,
        connection: &mut Connection,
        dialect: Dialect,
    ) -> MlflowResult<Vec<i64>> {
        let mut sql = Sql::new("SELECT t.n");
        self.push_from(&mut sql, dialect, false)?;
        let rows = sql.fetch(connection).await?;
        Ok(rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<_>>>()?)
    }

    /// How many traces fulfil a filter that is plain.
    pub(crate) async fn count(&self, connection: &mut Connection, dialect: Dialect) -> MlflowResult<i64> {
        let mut sql = Sql::new("SELECT COUNT(*)");
        self.push_from(&mut sql, dialect, false)?;
        let row = sql.fetch_optional(connection).await?;
        let count = row.map(|row| row.try_get(0)).transpose().map_err(ropewalk_core::Error::from)?;
        Ok(count.unwrap_or(0))
    }
}

/// Appends that a trace belongs to one of these experiments, or to any.
fn push_experiments(sql: &mut Sql, table: &str, experiments: Option<&[i64]>) {
    match experiments {
        None => sql.push("1 = 1"),
        Some(experiments) => {
            sql.push(table).push(".experiment_id IN ").bind_list(experiments.iter().copied())
        }
    };
}

/// The largest number of a trace.
pub(crate) async fn latest(connection: &mut Connection) -> Result<i64> {
    let row = Sql::new("SELECT MAX(n) FROM trace_trace").fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get::<Option<i64>, _>(0)).transpose()?.flatten().unwrap_or(0))
}

/// Rows by their numbers, in that order.
pub(crate) async fn by_numbers(connection: &mut Connection, numbers: &[i64]) -> Result<Vec<TraceRow>> {
    let mut found = Vec::with_capacity(numbers.len());
    for part in numbers.chunks(LIST_LIMIT) {
        let mut sql = Sql::new(&format!("SELECT {} FROM trace_trace t WHERE t.n IN ", traces::columns("t")));
        sql.bind_list(part.iter().copied());
        let mut rows = sql.fetch(connection).await?.iter().map(traces::read).collect::<Result<Vec<_>>>()?;
        let place = |n: i64| part.iter().position(|wanted| *wanted == n);
        rows.sort_by_key(|row| place(row.n));
        found.extend(rows);
    }
    Ok(found)
}

/// A judgement that may fit, with its trace.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) trace: i64,
    /// The conversation, if the judgement is of all of it.
    pub(crate) session_id: Option<String>,
    /// JSON.
    pub(crate) value: String,
}

/// All judgements of a name that count, in these experiments.
pub(crate) async fn verdicts(
    connection: &mut Connection,
    experiments: Option<&[i64]>,
    kind: &str,
    name: &str,
) -> Result<Vec<Verdict>> {
    let mut sql = Sql::new(
        "SELECT a.trace, CASE WHEN a.of_session = 1 THEN s.session_id END, a.value FROM trace_assessment a \
         JOIN trace_trace s ON s.n = a.trace WHERE a.kind = ",
    );
    sql.bind(kind).push(" AND a.name = ").bind(name).push(" AND a.valid = 1 AND ");
    push_experiments(&mut sql, "s", experiments);
    let rows = sql.fetch(connection).await?;
    let read = |row: &sqlx::any::AnyRow| -> Result<Verdict> {
        Ok(Verdict { trace: row.try_get(0)?, session_id: row.try_get(1)?, value: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}
