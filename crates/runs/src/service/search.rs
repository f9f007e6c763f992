//! The search for runs.

use std::sync::PoisonError;

use bytes::Bytes;
use ropewalk_core::Result;
use ropewalk_core::page::{Paged, decode_offset};
use ropewalk_mlflow::filter::{self, Expression, Search};

use super::Runs;
use super::table::select;
use crate::column::Ranking;
use crate::limits::SEARCH_RESULTS;
use crate::model::{Run, RunInfo, RunLinks, RunSearch, ViewType, experiment_number};
use crate::state::SharedIndex;
use crate::state::document::Document;
use crate::state::index::{self, ReadDatasets};
use crate::store::{experiments, inputs};

/// A search whose filter and orders have been read.
#[derive(Debug, Clone)]
pub(crate) struct RunQuery {
    /// Experiments to look in.
    pub(crate) experiments: Vec<i64>,
    pub(crate) expression: Expression,
    pub(crate) view: ViewType,
    pub(crate) orders: Vec<Ranking>,
    pub(crate) offset: u64,
    pub(crate) limit: u32,
}

/// What a run has logged, as it is at hand.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// As it stands in the database.
    Packed(Bytes),
    /// As it is being written.
    Whole(Document),
}

/// A run on a page of results.
#[derive(Debug, Clone)]
pub(crate) struct PageRun {
    pub(crate) info: RunInfo,
    pub(crate) body: Body,
    pub(crate) links: RunLinks,
}

/// Rows from which a search is worth a thread of its own.
const MANY_ROWS: usize = 20_000;

impl Runs {
    /// A page of runs, found in our own language.
    ///
    /// # Errors
    /// `invalid` for a filter or an order that cannot be read; `not_found` for an experiment that is not there.
    pub async fn search_runs(&self, asked: &RunSearch) -> Result<Paged<Run>> {
        let expression = filter::parse_expression(Search::Runs, &asked.filter)?;
        let orders = asked.order_by.iter().map(|order| Ranking::parse(order)).collect::<Result<Vec<_>>>()?;
        let limit = match asked.max_results {
            0 => 1000,
            number => number.min(SEARCH_RESULTS),
        };
        let offset = decode_offset(asked.page_token.as_deref())?;
        let experiments = if asked.experiment_ids.is_empty() {
            let mut connection = self.core.database.read().await?;
            experiments::numbers(&mut connection).await?
        } else {
            asked.experiment_ids.iter().map(|id| experiment_number(id)).collect::<Result<Vec<_>>>()?
        };
        let query = RunQuery { experiments, expression, view: asked.view, orders, offset, limit };
        let found = self.find_runs(query).await?;
        let items = found.items.into_iter().map(PageRun::into_run).collect::<Result<Vec<_>>>()?;
        Ok(Paged { items, next_token: found.next_token })
    }

    /// A page of runs.
    pub(crate) async fn find_runs(&self, query: RunQuery) -> Result<Paged<PageRun>> {
        let mut indexes = Vec::with_capacity(query.experiments.len());
        let mut experiments = query.experiments.clone();
        experiments.sort_unstable();
        experiments.dedup();
        for experiment in experiments {
            indexes.push(self.state.index(experiment).await?);
        }
        let datasets = self.read_datasets(&query).await?;
        let (offset, limit) = (query.offset, query.limit);
        let rows: usize = indexes.iter().map(|index| read(index).len()).sum();
        // One more than the page tells whether there is a next one.
        let found = if rows > MANY_ROWS {
            tokio::task::spawn_blocking(move || find(&indexes, &query, &datasets))
                .await
                .map_err(|source| ropewalk_core::Error::internal("the search broke off").source(source))??
        } else {
            find(&indexes, &query, &datasets)?
        };
        let mut page = Paged::cut(found, offset, limit);
        self.complete(&mut page.items).await?;
        Ok(Paged {
            items: page
                .items
                .into_iter()
                .filter_map(|row| Some(PageRun { info: row.info, body: row.body?, links: row.links }))
                .collect(),
            next_token: page.next_token,
        })
    }

    pub(crate) async fn read_datasets(&self, query: &RunQuery) -> Result<ReadDatasets> {
        if !index::needs_datasets(&query.expression) {
            return Ok(ReadDatasets::new());
        }
        let mut connection = self.core.database.read().await?;
        inputs::read_datasets(&mut connection, &query.experiments).await
    }

    /// Adds what the index does not hold: documents while memory is short, documents of runs that are being written, links.
    async fn complete(&self, rows: &mut [Row]) -> Result<()> {
        let missing: Vec<String> =
            rows.iter().filter(|row| row.body.is_none()).map(|row| row.info.run_id.clone()).collect();
        if !missing.is_empty() {
            let mut found: std::collections::HashMap<_, _> =
                self.state.documents(&missing).await?.into_iter().collect();
            for row in rows.iter_mut().filter(|row| row.body.is_none()) {
                row.body = found.remove(&row.info.run_id).map(Body::Whole);
            }
        }
        let linked: Vec<String> =
            rows.iter().filter(|row| row.linked).map(|row| row.info.run_id.clone()).collect();
        if !linked.is_empty() {
            let mut connection = self.core.database.read().await?;
            let mut links = inputs::links(&mut connection, &linked).await?;
            for row in rows.iter_mut().filter(|row| row.linked) {
                row.links = links.remove(&row.info.run_id).unwrap_or_default();
            }
        }
        Ok(())
    }
}

/// A run that was found.
struct Row {
    info: RunInfo,
    body: Option<Body>,
    linked: bool,
    links: RunLinks,
}

pub(super) fn read(index: &SharedIndex) -> std::sync::RwLockReadGuard<'_, index::Index> {
    index.read().unwrap_or_else(PoisonError::into_inner)
}

fn find(indexes: &[SharedIndex], query: &RunQuery, datasets: &ReadDatasets) -> Result<Vec<Row>> {
    let indexes: Vec<_> = indexes.iter().map(read).collect();
    let found = select(&indexes, query.view, &query.expression, datasets)?;
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let page = index::page(&indexes, found, &query.orders, offset, query.limit as usize + 1);
    Ok(page
        .into_iter()
        .map(|found| {
            let index = &indexes[found.index as usize];
            let row = index.row(found.row);
            Row {
                info: index.info(found.row),
                body: row.document.clone().map(Body::Packed),
                linked: row.linked,
                links: RunLinks::default(),
            }
        })
        .collect())
}

impl PageRun {
    /// The run with all that it logged.
    pub(crate) fn into_run(self) -> Result<Run> {
        let document = match self.body {
            Body::Packed(bytes) => Document::unpack(&bytes)?,
            Body::Whole(document) => document,
        };
        Ok(Run { info: self.info, data: document.into_data(), links: self.links })
    }
}
