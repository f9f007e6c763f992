//! Searching traces.

use std::collections::HashSet;
use std::sync::Arc;

use ropewalk_core::database::{Connection, Dialect};
use ropewalk_core::page::Paged;
use ropewalk_core::{Error, Result};

use super::Traces;
use super::reading::with_assessments;
use crate::filter::{Filter, Judged, SpanFilter, orders};
use crate::model::TraceInfo;
use crate::python::truncated;
use crate::store::search::{self, Candidate, TraceQuery};
use crate::store::spans;

/// Traces whose spans are looked at together.
const BATCH: usize = 250;
/// Candidates that are fetched at first; each time they run out, more are fetched at once.
const FIRST_WINDOW: i64 = 1000;
const LARGEST_WINDOW: i64 = 32_000;

/// What a search for traces asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceSearch {
    /// Experiments to look in, of which none finds nothing; if it is not said, all.
    pub(crate) experiment_ids: Option<Vec<String>>,
    /// MLflow's filter grammar; empty means all.
    pub(crate) filter: String,
    /// E.g. `timestamp_ms DESC`; afterwards the newest first.
    pub(crate) order_by: Vec<String>,
    /// Page size.
    pub(crate) max_results: u32,
    /// How many to pass over.
    pub(crate) offset: u64,
}

impl Traces {
    /// A page of traces without their spans.
    pub(crate) async fn search_traces(&self, asked: &TraceSearch) -> Result<Paged<TraceInfo>> {
        let experiments = asked.experiment_ids.as_deref().map(locations).transpose()?;
        let orders = orders(&asked.order_by)?;
        let filter = Filter::read(&asked.filter)?;
        let mut query = TraceQuery::new(experiments, filter);
        query.orders = orders;
        let mut connection = self.core.database.read().await?;
        query.narrow(&mut connection).await?;
        let dialect = self.core.database.dialect();
        let limit = asked.max_results as usize + 1;
        let rows = if query.filter.is_plain() {
            let offset = i64::try_from(asked.offset).unwrap_or(i64::MAX);
            query.page(&mut connection, dialect, limit as i64, offset).await?
        } else {
            let offset = usize::try_from(asked.offset).unwrap_or(usize::MAX);
            let mut scan = Scan::new(&mut connection, dialect, query).await?;
            let mut found = scan.collect(&mut connection, offset.saturating_add(limit)).await?;
            let page = if offset < found.len() { found.split_off(offset) } else { Vec::new() };
            search::by_numbers(&mut connection, &page).await?
        };
        let page = Paged::cut(rows, asked.offset, asked.max_results);
        Ok(Paged { items: with_assessments(&mut connection, page.items).await?, next_token: page.next_token })
    }
}

/// Goes through what may fulfil a filter, a window at a time, and asks what the database cannot tell.
pub(super) struct Scan {
    dialect: Dialect,
    query: TraceQuery,
    spans: Option<Arc<SpanFilter>>,
    judged: Vec<Covered>,
    offset: i64,
    window: i64,
    done: bool,
}

/// Traces that are judged so.
struct Covered {
    traces: HashSet<i64>,
    sessions: HashSet<String>,
}

impl Scan {
    /// A search from its beginning.
    pub(super) async fn new(
        connection: &mut Connection,
        dialect: Dialect,
        mut query: TraceQuery,
    ) -> Result<Self> {
        query.until = Some(search::latest(connection).await?);
        let mut judged = Vec::new();
        for one in query.filter.judged.iter().filter(|judged| judged.regular.is_some()) {
            judged.push(Covered::by(connection, query.experiments.as_deref(), one).await?);
        }
        let spans = query.filter.spans.clone().map(Arc::new);
        Ok(Self { dialect, query, spans, judged, offset: 0, window: FIRST_WINDOW, done: false })
    }

    /// The numbers of the first traces that fulfil it, in the order asked for.
    pub(super) async fn collect(&mut self, connection: &mut Connection, most: usize) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        while !self.done && found.len() < most {
            let (window, offset) = (self.window, self.offset);
            let candidates = self.query.candidates(connection, self.dialect, window, offset).await?;
            self.done = (candidates.len() as i64) < window;
            self.offset += window;
            self.window = (window * 4).min(LARGEST_WINDOW);
            let fit: Vec<i64> =
                candidates.iter().filter(|candidate| self.fits(candidate)).map(|fit| fit.n).collect();
            for batch in fit.chunks(BATCH) {
                if found.len() >= most {
                    break;
                }
                let kept = self.with_spans(connection, batch).await?;
                found.extend(batch.iter().filter(|n| kept.as_ref().is_none_or(|kept| kept.contains(n))));
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// The numbers of all traces that fulfil it, in no particular order.
    pub(super) async fn numbers(mut self, connection: &mut Connection) -> Result<Vec<i64>> {
        if self.query.filter.is_plain() {
            return Ok(self.query.numbers(connection, self.dialect).await?);
        }
        self.collect(connection, usize::MAX).await
    }

    fn fits(&self, candidate: &Candidate) -> bool {
        let regular = self.query.filter.regular.iter().zip(&candidate.values);
        regular.into_iter().all(|((_, regular), value)| value.as_deref().is_some_and(|v| regular.is_match(v)))
            && self.judged.iter().all(|covered| {
                covered.traces.contains(&candidate.n)
                    || candidate.session_id.as_ref().is_some_and(|session| covered.sessions.contains(session))
            })
    }

    /// Which of these traces have a span that fulfils all that is asked of one; none if nothing is.
    async fn with_spans(&self, connection: &mut Connection, traces: &[i64]) -> Result<Option<HashSet<i64>>> {
        let Some(filter) = &self.spans else { return Ok(None) };
        let parts = spans::parts(connection, traces, filter.needs_content()).await?;
        let filter = Arc::clone(filter);
        // To unpack and look through contents keeps a thread busy for a while.
        let looked = tokio::task::spawn_blocking(move || filter.found(&parts)).await;
        looked.map_err(|error| Error::internal("the search in spans was ended").source(error))?.map(Some)
    }
}

impl Covered {
    async fn by(connection: &mut Connection, experiments: Option<&[i64]>, judged: &Judged) -> Result<Self> {
        let mut covered = Self { traces: HashSet::new(), sessions: HashSet::new() };
        for verdict in search::verdicts(connection, experiments, judged.kind, &judged.name).await? {
            if judged.regular.as_ref().is_some_and(|regular| regular.is_match(&verdict.value)) {
                covered.traces.insert(verdict.trace);
                covered.sessions.extend(verdict.session_id);
            }
        }
        Ok(covered)
    }
}

/// Experiments by their numbers.
fn locations(ids: &[String]) -> Result<Vec<i64>> {
    let wrong: Vec<_> = ids.iter().filter(|id| id.contains('.')).map(String::as_str).collect();
    if !wrong.is_empty() {
        let mut shown = wrong.join(", ");
        if shown.chars().count() > 20 {
            shown = format!("{}...", truncated(&shown, 20));
        }
        return Err(Error::invalid(format!(
            "Locations must be a list of experiment IDs. Found invalid experiment IDs: {shown}."
        )));
    }
    ids.iter().map(|id| super::experiment_number(id)).collect()
}
