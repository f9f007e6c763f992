//! Tables of runs: any columns of any window of what a filter finds, and groups.

use std::collections::{HashMap, HashSet};
use std::sync::RwLockReadGuard;

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::filter::{self, Expression, Search};

use super::Runs;
use super::search::{RunQuery, read};
use crate::column::{Aggregate, Column, Ranking};
use crate::model::{ViewType, experiment_number};
use crate::state::SharedIndex;
use crate::state::index::{self, Cell, Found, Index, ReadDatasets};
use crate::store::experiments;

/// Which runs a table is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableQuery {
    /// Names or numbers of experiments; none means all.
    pub(crate) experiments: Vec<String>,
    /// In our own language; empty means all runs.
    pub(crate) filter: String,
    pub(crate) view: ViewType,
}

/// A value in a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shown {
    Absent,
    Number(f64),
    Whole(i64),
    Text(String),
}

impl From<Cell<'_>> for Shown {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Absent => Self::Absent,
            Cell::Number(number) => Self::Number(number),
            Cell::Whole(number) => Self::Whole(number),
            Cell::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

/// A window of a table, column by column.
#[derive(Debug)]
pub(crate) struct Window {
    /// How many runs the filter finds.
    pub(crate) total: usize,
    pub(crate) run_ids: Vec<String>,
    pub(crate) columns: Vec<Vec<Shown>>,
}

/// What there is to know of a column.
#[derive(Debug, Clone)]
pub(crate) struct ColumnFacts {
    pub(crate) column: Column,
    /// How many of the runs have it.
    pub(crate) runs: usize,
    /// How many different texts there are, counted up to [`DISTINCT`]; none for numbers.
    pub(crate) distinct: Option<usize>,
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
}

/// Different texts of a column are counted up to here.
const DISTINCT: usize = 1000;

/// Runs that are alike in some columns.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) values: Vec<Shown>,
    pub(crate) runs: usize,
    /// Of each measure the least, the mean and the most; none if no run has it.
    pub(crate) measures: Vec<Option<[f64; 3]>>,
    /// The filter that selects exactly these runs.
    pub(crate) filter: String,
}

/// What was found, with the indexes that it was found in.
struct Matches<'a> {
    indexes: Vec<RwLockReadGuard<'a, Index>>,
    found: Vec<Found>,
}

impl Matches<'_> {
    fn cell(&self, found: Found, column: &Column) -> Cell<'_> {
        self.indexes[found.index as usize].cell(found.row, column)
    }
}

impl Runs {
    /// A window of a table.
    ///
    /// # Errors
    /// `invalid` for a filter that cannot be read; `not_found` for an experiment that is not there.
    pub(crate) async fn table(
        &self,
        query: TableQuery,
        columns: Vec<Column>,
        orders: Vec<Ranking>,
        offset: usize,
        limit: usize,
    ) -> Result<Window> {
        let act = move |matches: &mut Matches<'_>| {
            let total = matches.found.len();
            let found = std::mem::take(&mut matches.found);
            let page = index::page(&matches.indexes, found, &orders, offset, limit);
            let id = |found: &Found| matches.indexes[found.index as usize].row(found.row).id.to_string();
            let run_ids = page.iter().map(id).collect();
            let cells =
                |column: &Column| page.iter().map(|found| matches.cell(*found, column).into()).collect();
            Window { total, run_ids, columns: columns.iter().map(cells).collect() }
        };
        self.matched(query, act).await
    }

    /// How many runs there are, and the columns that some of them have, those of most runs first.
    ///
    /// # Errors
    /// As [`Runs::table`].
    pub(crate) async fn columns(&self, query: TableQuery) -> Result<(usize, Vec<ColumnFacts>)> {
        let act = |matches: &mut Matches<'_>| {
            let mut names: Vec<Column> = Vec::new();
            for index in &matches.indexes {
                let [metrics, params, tags] = index.keys();
                names.extend(metrics.into_iter().map(|key| Column::Metric(key, Aggregate::Last)));
                names.extend(params.into_iter().map(Column::Param));
                names.extend(tags.into_iter().map(Column::Tag));
            }
            let mut seen = HashSet::new();
            names.retain(|column| seen.insert(column.clone()));
            let mut facts: Vec<_> =
                names.into_iter().filter_map(|column| column_facts(matches, column)).collect();
            facts.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.column.name().cmp(&b.column.name())));
            (matches.found.len(), facts)
        };
        self.matched(query, act).await
    }

    /// How many groups there are of runs that are alike in some columns, and the first of them: those of most runs, unless
    /// one of the measures is to order by.
    ///
    /// # Errors
    /// As [`Runs::table`].
    pub(crate) async fn groups(
        &self,
        query: TableQuery,
        by: Vec<Column>,
        measures: Vec<Column>,
        order: Option<Ranking>,
        limit: usize,
    ) -> Result<(usize, Vec<Group>)> {
        let base = query.filter.clone();
        let act = move |matches: &mut Matches<'_>| {
            let mut groups = gather(matches, &by, &measures, &base);
            sort_groups(&mut groups, &measures, order.as_ref());
            let total = groups.len();
            groups.truncate(limit);
            (total, groups)
        };
        self.matched(query, act).await
    }

    /// Does something with what a query finds, on a thread for such work.
    async fn matched<T: Send + 'static>(
        &self,
        query: TableQuery,
        act: impl FnOnce(&mut Matches<'_>) -> T + Send + 'static,
    ) -> Result<T> {
        let expression = filter::parse_expression(Search::Runs, &query.filter)?;
        let experiments = self.experiment_numbers(&query.experiments).await?;
        let mut indexes: Vec<SharedIndex> = Vec::with_capacity(experiments.len());
        for experiment in &experiments {
            indexes.push(self.state.index(*experiment).await?);
        }
        let run_query =
            RunQuery { experiments, expression, view: query.view, orders: Vec::new(), offset: 0, limit: 0 };
        let datasets = self.read_datasets(&run_query).await?;
        let work = move || -> Result<T> {
            let guards: Vec<_> = indexes.iter().map(read).collect();
            let found = select(&guards, run_query.view, &run_query.expression, &datasets)?;
            Ok(act(&mut Matches { indexes: guards, found }))
        };
        let broken = |source| Error::internal("the search broke off").source(source);
        tokio::task::spawn_blocking(work).await.map_err(broken)?
    }

    /// The numbers of experiments that are named by name or number; of all if none is named.
    pub(crate) async fn experiment_numbers(&self, named: &[String]) -> Result<Vec<i64>> {
        if named.is_empty() {
            let mut connection = self.core.database.read().await?;
            return experiments::numbers(&mut connection).await;
        }
        let mut numbers = Vec::with_capacity(named.len());
        for name in named {
            numbers.push(experiment_number(&self.experiment_id(name).await?)?);
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

/// What a filter finds in some indexes.
pub(crate) fn select(
    indexes: &[RwLockReadGuard<'_, Index>],
    view: ViewType,
    expression: &Expression,
    datasets: &ReadDatasets,
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for (place, index) in indexes.iter().enumerate() {
        let rows = index.select(view, expression, datasets)?;
        found.extend(rows.into_iter().map(|row| Found { index: place as u32, row }));
    }
    Ok(found)
}

fn column_facts(matches: &Matches<'_>, column: Column) -> Option<ColumnFacts> {
    let (mut runs, mut least, mut most) = (0, f64::INFINITY, f64::NEG_INFINITY);
    let mut texts = HashSet::new();
    for found in &matches.found {
        match matches.cell(*found, &column) {
            Cell::Absent => continue,
            // Neither is ever NaN: the other number wins.
            Cell::Number(number) => (least, most) = (least.min(number), most.max(number)),
            Cell::Whole(_) => {}
            Cell::Text(text) if texts.len() < DISTINCT => {
                texts.insert(text);
            }
            Cell::Text(_) => {}
        }
        runs += 1;
    }
    let distinct = (!matches!(column, Column::Metric(..))).then_some(texts.len());
    (runs > 0).then_some(ColumnFacts {
        column,
        runs,
        distinct,
        least: Some(least).filter(|least| least.is_finite()),
        most: Some(most).filter(|most| most.is_finite()),
    })
}

/// A measure over a group.
#[derive(Debug, Clone, Copy)]
struct Measure {
    least: f64,
    most: f64,
    sum: f64,
    count: usize,
}

impl Measure {
    const NONE: Self = Self { least: f64::INFINITY, most: f64::NEG_INFINITY, sum: 0.0, count: 0 };

    fn take(&mut self, cell: Cell<'_>) {
        let number = match cell {
            Cell::Number(number) if !number.is_nan() => number,
            Cell::Whole(number) => number as f64,
            _ => return,
        };
        self.least = self.least.min(number);
        self.most = self.most.max(number);
        self.sum += number;
        self.count += 1;
    }

    fn finish(&self) -> Option<[f64; 3]> {
        (self.count > 0).then(|| [self.least, self.sum / self.count as f64, self.most])
    }
}

/// The part of a group's key that a cell makes. Numbers are told apart by their bits.
#[derive(PartialEq, Eq, Hash)]
enum Part<'a> {
    Absent,
    Bits(u64),
    Text(&'a str),
}

fn gather(matches: &Matches<'_>, by: &[Column], measures: &[Column], base: &str) -> Vec<Group> {
    let mut groups: HashMap<Vec<Part<'_>>, (Found, usize, Vec<Measure>)> = HashMap::new();
    for found in &matches.found {
        let part = |column: &Column| match matches.cell(*found, column) {
            Cell::Absent => Part::Absent,
            Cell::Number(number) => Part::Bits(number.to_bits()),
            Cell::Whole(number) => Part::Bits(number as u64),
            Cell::Text(text) => Part::Text(text),
        };
        let group = groups
            .entry(by.iter().map(part).collect())
            .or_insert_with(|| (*found, 0, vec![Measure::NONE; measures.len()]));
        group.1 += 1;
        for (measure, column) in group.2.iter_mut().zip(measures) {
            measure.take(matches.cell(*found, column));
        }
    }
    groups
        .into_values()
        .map(|(first, runs, measured)| {
            let values: Vec<Shown> = by.iter().map(|column| matches.cell(first, column).into()).collect();
            let mut conditions: Vec<String> =
                if base.trim().is_empty() { Vec::new() } else { vec![format!("({base})")] };
            conditions.extend(by.iter().zip(&values).map(|(column, value)| condition(column, value)));
            Group {
                values,
                runs,
                measures: measured.iter().map(Measure::finish).collect(),
                filter: conditions.join(" AND "),
            }
        })
        .collect()
}

fn sort_groups(groups: &mut [Group], measures: &[Column], order: Option<&Ranking>) {
    let place = order.and_then(|order| measures.iter().position(|column| *column == order.column));
    let ascending = order.is_some_and(|order| place.is_some() && order.ascending);
    let key = |group: &Group| match place {
        Some(place) => group.measures[place].map(|measure| measure[1]),
        None => Some(group.runs as f64),
    };
    groups.sort_by(|a, b| {
        let by_key = match (key(a), key(b)) {
            (Some(a), Some(b)) if ascending => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_key.then_with(|| a.filter.cmp(&b.filter))
    });
}

/// The condition that holds for exactly the runs with this value.
fn condition(column: &Column, value: &Shown) -> String {
    let name = column.name();
    match value {
        Shown::Text(text) => format!("{name} = '{}'", text.replace('\'', "''")),
        Shown::Whole(number) => format!("{name} = {number}"),
        Shown::Number(number) => format!("{name} = {number}"),
        Shown::Absent => format!("{name} IS NULL"),
    }
}
