//! The search index: an experiment's runs as rows, what they logged as columns, in memory. It holds nothing that is not in
//! the database, and is built from there when it is first asked for.

mod column;
mod order;
mod select;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ropewalk_core::Result;

use super::change::Change;
use super::document::{self, Document, Summary, Visitor};
use crate::column::{Attribute, Column};
use crate::model::{Lifecycle, RunInfo, RunStatus};
use column::{MetricCell, MetricColumn, TextColumn};

pub(crate) use order::{Found, page};
pub(crate) use select::{ReadDataset, ReadDatasets, needs_datasets};

/// A run of the experiment.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) user: Arc<str>,
    pub(crate) status: RunStatus,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) start_time: i64,
    pub(crate) end_time: Option<i64>,
    pub(crate) artifact_uri: Box<str>,
    /// What it has logged, packed; none while memory is short: then it is read from the database.
    pub(crate) document: Option<Bytes>,
    pub(crate) linked: bool,
    /// Whether the run is still in this experiment.
    present: bool,
}

/// What a run's row is made of.
pub(crate) enum Content<'a> {
    /// As it stands in the database.
    Packed(&'a Bytes),
    /// As it is being written.
    Live(&'a Document),
}

/// The runs of an experiment.
#[derive(Debug)]
pub(crate) struct Index {
    experiment: String,
    rows: Vec<Row>,
    places: HashMap<Box<str>, u32>,
    metrics: HashMap<Box<str>, MetricColumn>,
    params: HashMap<Box<str>, TextColumn>,
    tags: HashMap<Box<str>, TextColumn>,
    users: Vec<Arc<str>>,
    /// Bytes of documents held.
    held: usize,
}

/// What stands in a row's column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Absent,
    /// A metric's value; NaN where all are.
    Number(f64),
    Whole(i64),
    Text(&'a str),
}

/// Bytes of packed documents that an index holds at most. Beyond, pages read them from the database.
const HOLD: usize = 64 << 20;

impl Index {
    /// An index of no runs.
    pub(crate) fn new(experiment: i64) -> Self {
        Self {
            experiment: experiment.to_string(),
            rows: Vec::new(),
            places: HashMap::new(),
            metrics: HashMap::new(),
            params: HashMap::new(),
            tags: HashMap::new(),
            users: Vec::new(),
            held: 0,
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.held
            + self.rows.len() * 400
            + self.metrics.len() * self.rows.len() * 32
            + (self.params.len() + self.tags.len()) * self.rows.len() * 8
    }

    /// How many rows there are, also of runs that have left.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row.
    pub(crate) fn row(&self, row: u32) -> &Row {
        &self.rows[row as usize]
    }

    /// The row of a run.
    pub(crate) fn place(&self, id: &str) -> Option<u32> {
        self.places.get(id).copied()
    }

    /// A row's run, without what it logged.
    pub(crate) fn info(&self, row: u32) -> RunInfo {
        let row = self.row(row);
        RunInfo {
            run_id: row.id.to_string(),
            experiment_id: self.experiment.clone(),
            run_name: row.name.to_string(),
            user_id: row.user.to_string(),
            status: row.status,
            start_time: row.start_time,
            end_time: row.end_time,
            artifact_uri: row.artifact_uri.to_string(),
            lifecycle_stage: row.lifecycle,
        }
    }

    /// Puts a run's row as it is now.
    ///
    /// # Errors
    /// `corrupt` when a packed document cannot be read.
    pub(crate) fn put(&mut self, info: &RunInfo, content: Content<'_>) -> Result<()> {
        let place = match self.places.get(info.run_id.as_str()) {
            Some(place) => {
                // Only tags can be taken away from a run.
                let (place, rows) = (*place, self.rows.len());
                for column in self.tags.values_mut().filter(|column| column.number(place).is_some()) {
                    column.set(place, None, rows);
                }
                place
            }
            None => {
                let place = self.rows.len() as u32;
                self.places.insert(info.run_id.as_str().into(), place);
                self.rows.push(Row {
                    id: info.run_id.as_str().into(),
                    name: "".into(),
                    user: "".into(),
                    status: info.status,
                    lifecycle: info.lifecycle_stage,
                    start_time: 0,
                    end_time: None,
                    artifact_uri: info.artifact_uri.as_str().into(),
                    document: None,
                    linked: false,
                    present: true,
                });
                place
            }
        };
        let user = self.user(&info.user_id);
        let row = &mut self.rows[place as usize];
        if *row.name != *info.run_name {
            row.name = info.run_name.as_str().into();
        }
        row.user = user;
        (row.status, row.lifecycle) = (info.status, info.lifecycle_stage);
        (row.start_time, row.end_time) = (info.start_time, info.end_time);
        row.present = true;
        let before = row.document.take().map_or(0, |document| document.len());
        self.held -= before;
        let linked = match content {
            Content::Packed(bytes) => {
                let linked = document::visit(bytes, &mut Filler { index: self, place })?;
                if self.held + bytes.len() <= HOLD {
                    self.held += bytes.len();
                    self.rows[place as usize].document = Some(bytes.clone());
                }
                linked
            }
            Content::Live(document) => {
                document.visit(&mut Filler { index: self, place });
                document.linked
            }
        };
        self.rows[place as usize].linked = linked;
        Ok(())
    }

    /// Takes in what a change has done to a run that is being written.
    pub(crate) fn touch(&mut self, info: &RunInfo, document: &Document, change: &Change) -> Result<()> {
        let Some(place) = self.place(&info.run_id) else { return self.put(info, Content::Live(document)) };
        let rows = self.rows.len();
        for (key, _) in &change.params {
            set_text(&mut self.params, key, place, document.params.get(key).map(String::as_str), rows);
        }
        for (key, value) in &change.tags {
            set_text(&mut self.tags, key, place, value.as_deref(), rows);
        }
        for key in change.series.keys() {
            if let Some(summary) = document.metrics.get(key) {
                Filler { index: self, place }.metric(key, summary);
            }
        }
        let row = &mut self.rows[place as usize];
        if *row.name != *info.run_name {
            row.name = info.run_name.as_str().into();
        }
        (row.status, row.lifecycle) = (info.status, info.lifecycle_stage);
        (row.end_time, row.linked) = (info.end_time, document.linked);
        // What is packed is older now; the run's live document stands beside the index.
        self.held -= row.document.take().map_or(0, |document| document.len());
        Ok(())
    }

    /// Takes a run out: it was deleted for good, or went to another experiment.
    pub(crate) fn remove(&mut self, id: &str) {
        let Some(place) = self.places.remove(id) else { return };
        let row = &mut self.rows[place as usize];
        row.present = false;
        self.held -= row.document.take().map_or(0, |document| document.len());
    }

    fn user(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.users.iter().find(|user| ***user == *name) {
            return known.clone();
        }
        let user: Arc<str> = name.into();
        if self.users.len() < 64 {
            self.users.push(user.clone());
        }
        user
    }

    /// What stands in a row's column.
    pub(crate) fn cell(&self, row: u32, column: &Column) -> Cell<'_> {
        match column {
            Column::Metric(key, which) => match self.metric(key).and_then(|column| column.get(row)) {
                None => Cell::Absent,
                Some(cell) => Cell::Number(cell.value(*which)),
            },
            Column::Param(key) => match self.param(key).and_then(|column| column.get(row)) {
                Some(text) => Cell::Text(text),
                None => Cell::Absent,
            },
            Column::Tag(key) => match self.tag(key).and_then(|column| column.get(row)) {
                Some(text) => Cell::Text(text),
                None => Cell::Absent,
            },
            Column::Attribute(attribute) => {
                let kept = self.row(row);
                match attribute {
                    Attribute::RunId => Cell::Text(&kept.id),
                    Attribute::RunName => Cell::Text(&kept.name),
                    Attribute::Status => Cell::Text(kept.status.as_str()),
                    Attribute::UserId => Cell::Text(&kept.user),
                    Attribute::ArtifactUri => Cell::Text(&kept.artifact_uri),
                    Attribute::ExperimentId => Cell::Text(&self.experiment),
                    Attribute::StartTime => Cell::Whole(kept.start_time),
                    Attribute::EndTime => kept.end_time.map_or(Cell::Absent, Cell::Whole),
                    Attribute::Duration => kept
                        .end_time
                        .map_or(Cell::Absent, |end| Cell::Whole(end.saturating_sub(kept.start_time))),
                }
            }
        }
    }

    /// A metric's column.
    pub(crate) fn metric(&self, key: &str) -> Option<&MetricColumn> {
        self.metrics.get(key)
    }

    /// A parameter's column.
    pub(crate) fn param(&self, key: &str) -> Option<&TextColumn> {
        self.params.get(key)
    }

    /// A tag's column.
    pub(crate) fn tag(&self, key: &str) -> Option<&TextColumn> {
        self.tags.get(key)
    }

    /// The keys of all metrics, parameters and tags.
    pub(crate) fn keys(&self) -> [Vec<String>; 3] {
        fn sorted<T>(columns: &HashMap<Box<str>, T>) -> Vec<String> {
            let mut keys: Vec<String> = columns.keys().map(|key| key.to_string()).collect();
            keys.sort();
            keys
        }
        [sorted(&self.metrics), sorted(&self.params), sorted(&self.tags)]
    }
}

fn set_text(
    columns: &mut HashMap<Box<str>, TextColumn>,
    key: &str,
    place: u32,
    value: Option<&str>,
    rows: usize,
) {
    match columns.get_mut(key) {
        Some(column) => column.set(place, value, rows),
        None => {
            let mut column = TextColumn::default();
            column.set(place, value, rows);
            columns.insert(key.into(), column);
        }
    }
}

/// Fills a row's cells from its document.
struct Filler<'a> {
    index: &'a mut Index,
    place: u32,
}

impl Visitor for Filler<'_> {
    fn param(&mut self, key: &str, value: &str) {
        set_text(&mut self.index.params, key, self.place, Some(value), self.index.rows.len());
    }

    fn tag(&mut self, key: &str, value: &str) {
        set_text(&mut self.index.tags, key, self.place, Some(value), self.index.rows.len());
    }

    fn metric(&mut self, key: &str, summary: &Summary) {
        let value = |extreme: Option<document::Extreme>| extreme.map_or(f64::NAN, |extreme| extreme.value);
        let cell = MetricCell {
            last: summary.last.value,
            first: summary.first.value,
            least: value(summary.least),
            most: value(summary.most),
        };
        let rows = self.index.rows.len();
        match self.index.metrics.get_mut(key) {
            Some(column) => column.set(self.place, Some(cell), rows),
            None => {
                let mut column = MetricColumn::default();
                column.set(self.place, Some(cell), rows);
                self.index.metrics.insert(key.into(), column);
            }
        }
    }
}
