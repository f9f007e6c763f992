//! Columns: one value a run, where most runs or only few have one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::column::Aggregate;

/// A cell's value, one of which stands for none: a list needs no room beside it.
trait Cell: Copy {
    const ABSENT: Self;
    fn is_absent(&self) -> bool;
}

impl Cell for u32 {
    const ABSENT: Self = Self::MAX;

    fn is_absent(&self) -> bool {
        *self == Self::ABSENT
    }
}

/// Where a metric of a run stands, and between which values it has moved. NaN where there is no such value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MetricCell {
    pub(crate) last: f64,
    pub(crate) first: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl MetricCell {
    /// One of its values.
    pub(crate) fn value(&self, which: Aggregate) -> f64 {
        match which {
            Aggregate::Last => self.last,
            Aggregate::First => self.first,
            Aggregate::Min => self.least,
            Aggregate::Max => self.most,
        }
    }
}

/// A NaN that no measurement has.
const NO_METRIC: u64 = 0x7ff8_0000_dead_0001;

impl Cell for MetricCell {
    const ABSENT: Self = {
        let none = f64::from_bits(NO_METRIC);
        Self { last: none, first: none, least: none, most: none }
    };

    fn is_absent(&self) -> bool {
        self.last.to_bits() == NO_METRIC
    }
}

/// Cells by row. Held as a list while many rows have a cell, by number while few have.
#[derive(Debug)]
enum Cells<T> {
    Many(Vec<T>),
    Few(HashMap<u32, T>),
}

/// One row in this many must have a cell for a list to be smaller than a map.
const LIST_PAYS: usize = 3;

impl<T: Cell> Cells<T> {
    fn get(&self, row: u32) -> Option<T> {
        match self {
            Self::Many(cells) => cells.get(row as usize).copied().filter(|cell| !cell.is_absent()),
            Self::Few(cells) => cells.get(&row).copied(),
        }
    }

    fn set(&mut self, row: u32, value: Option<T>) {
        match self {
            Self::Many(cells) => {
                let place = row as usize;
                if place >= cells.len() {
                    if value.is_none() {
                        return;
                    }
                    cells.resize(place + 1, T::ABSENT);
                }
                cells[place] = value.unwrap_or(T::ABSENT);
            }
            Self::Few(cells) => {
                match value {
                    Some(value) => cells.insert(row, value),
                    None => cells.remove(&row),
                };
            }
        }
    }

    /// Changes the form where the other is smaller now. `rows` is how many rows there are.
    fn fit(&mut self, rows: usize) {
        if let Self::Few(few) = self
            && few.len() * LIST_PAYS > rows
            && few.len() > 64
        {
            let mut cells = vec![T::ABSENT; rows];
            for (row, value) in few.drain() {
                cells[row as usize] = value;
            }
            *self = Self::Many(cells);
        }
    }
}

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self::Few(HashMap::new())
    }
}

/// A metric of an experiment's runs.
#[derive(Debug, Default)]
pub(crate) struct MetricColumn(Cells<MetricCell>);

impl MetricColumn {
    pub(crate) fn get(&self, row: u32) -> Option<MetricCell> {
        self.0.get(row)
    }

    pub(crate) fn set(&mut self, row: u32, cell: Option<MetricCell>, rows: usize) {
        self.0.set(row, cell);
        self.0.fit(rows);
    }
}

/// A parameter or tag of an experiment's runs: each different text is kept once.
#[derive(Debug, Default)]
pub(crate) struct TextColumn {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    cells: Cells<u32>,
    filled: usize,
}

impl TextColumn {
    /// The number of a row's text; see [`TextColumn::text`].
    pub(crate) fn number(&self, row: u32) -> Option<u32> {
        self.cells.get(row)
    }

    /// A row's text.
    pub(crate) fn get(&self, row: u32) -> Option<&str> {
        self.number(row).map(|number| self.text(number))
    }

    /// The text of a number.
    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }

    /// The different texts, also those that no row has any more.
    pub(crate) fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    pub(crate) fn set(&mut self, row: u32, text: Option<&str>, rows: usize) {
        let number = text.map(|text| self.intern(text));
        let before = self.cells.get(row).is_some();
        self.filled = self.filled + usize::from(number.is_some()) - usize::from(before);
        self.cells.set(row, number);
        self.cells.fit(rows);
        if self.texts.len() > 2 * self.filled + 1024 {
            self.forget_unused(rows);
        }
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        let shared: Arc<str> = text.into();
        self.texts.push(shared.clone());
        self.numbers.insert(shared, number);
        number
    }

    /// A tag that is set anew again and again leaves texts that no row has.
    fn forget_unused(&mut self, rows: usize) {
        let mut fresh = Self::default();
        for row in 0..rows as u32 {
            if let Some(number) = self.cells.get(row) {
                let number = fresh.intern(self.text(number));
                fresh.cells.set(row, Some(number));
                fresh.filled += 1;
            }
        }
        fresh.cells.fit(rows);
        *self = fresh;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_become_many_and_nothing_is_lost() {
        let mut column = MetricColumn::default();
        let cell = |number: u32| {
            let value = f64::from(number);
            Some(MetricCell { last: value, first: value, least: value, most: value })
        };
        for row in 0..200 {
            column.set(row, cell(row), 200);
        }
        column.set(7, None, 200);
        assert!(matches!(column.0, Cells::Many(_)));
        assert_eq!(column.get(199).map(|cell| cell.last), Some(199.0));
        assert!(column.get(7).is_none() && column.get(500).is_none());
    }

    #[test]
    fn texts_that_nobody_has_are_forgotten() {
        let mut column = TextColumn::default();
        for number in 0..5000 {
            column.set(0, Some(&format!("text {number}")), 2);
        }
        column.set(1, Some("text 4999"), 2);
        assert!(column.texts().len() < 2000);
        assert_eq!((column.get(0), column.get(1)), (Some("text 4999"), Some("text 4999")));
        column.set(0, None, 2);
        assert_eq!(column.get(0), None);
    }
}
