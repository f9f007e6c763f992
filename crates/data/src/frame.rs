//! The table that every room works with: named columns of numbers or text, held in memory.
//!
//! Two kinds are enough for tabular learning and keep every consumer small: a number column marks a
//! missing value with NaN, a text column with `None`.

use ropewalk_core::{Error, Result};

use crate::column::{Cell, Column, hash_value, truncated};

/// A table: named columns of one length.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Frame {
    names: Vec<String>,
    columns: Vec<Column>,
}

impl Frame {
    /// A table of these columns. Refuses columns of different lengths and two columns of one name.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        let mut seen = std::collections::HashSet::new();
        for (name, column) in &columns {
            if column.len() != rows {
                return Err(Error::invalid(format!(
                    "column {name:?} has {} rows, the columns before it have {rows}",
                    column.len()
                )));
            }
            if !seen.insert(name.as_str()) {
                return Err(Error::invalid(format!("two columns have the name {name:?}")));
            }
        }
        drop(seen);
        let (names, columns) = columns.into_iter().unzip();
        Ok(Self { names, columns })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    /// The column names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns, in the order of [`Frame::names`].
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Names and columns, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.names.iter().map(String::as_str).zip(&self.columns)
    }

    /// Takes the table apart.
    pub fn into_columns(self) -> Vec<(String, Column)> {
        self.names.into_iter().zip(self.columns).collect()
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Where the column stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|candidate| candidate == name)
    }

    /// The column of this name; Invalid, naming the columns there are, if there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.position(name).and_then(|at| self.columns.get(at)).ok_or_else(|| {
            Error::invalid(format!("there is no column {name:?}"))
                .why(format!("the columns are: {}", self.names.join(", ")))
        })
    }

    /// The numbers of a number column; Invalid if it is missing or holds text, naming the first
    /// value that is no number.
    pub fn number(&self, name: &str) -> Result<&[f64]> {
        match self.column(name)? {
            Column::Number(values) => Ok(values),
            Column::Text(values) => {
                let stray = values.iter().enumerate().find_map(|(row, value)| {
                    let text = value.as_deref()?;
                    text.trim().parse::<f64>().is_err().then_some((row, text))
                });
                let error = Error::invalid(format!("column {name:?} holds text, not numbers"));
                Err(match stray {
                    Some((row, text)) => error.why(format!("row {} holds {text:?}", row + 1)),
                    None => error,
                })
            }
        }
    }

    /// The text of a text column; Invalid if it is missing or holds numbers.
    pub fn text(&self, name: &str) -> Result<&[Option<String>]> {
        match self.column(name)? {
            Column::Text(values) => Ok(values),
            Column::Number(_) => Err(Error::invalid(format!("column {name:?} holds numbers, not text"))),
        }
    }

    /// One row as cells, in column order.
    pub fn row(&self, row: usize) -> Vec<Cell> {
        self.columns.iter().map(|column| column.cell(row)).collect()
    }

    /// The rows at these positions, in that order (a position may come twice).
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column.select(rows)).collect(),
        }
    }

    /// The first `rows` rows.
    pub fn head(&self, rows: usize) -> Self {
        let kept: Vec<usize> = (0..self.rows().min(rows)).collect();
        self.select(&kept)
    }

    /// These columns only, in this order; Invalid if one of them is missing.
    pub fn with_only(&self, names: &[String]) -> Result<Self> {
        let columns = names
            .iter()
            .map(|name| Ok((name.clone(), self.column(name)?.clone())))
            .collect::<Result<Vec<_>>>()?;
        Self::new(columns)
    }

    /// The table with this column added at the end, or replaced where it stands.
    pub fn with_column(mut self, name: &str, column: Column) -> Result<Self> {
        if !self.columns.is_empty() && column.len() != self.rows() {
            return Err(Error::invalid(format!(
                "column {name:?} has {} rows, the table has {}",
                column.len(),
                self.rows()
            )));
        }
        match self.position(name).and_then(|at| self.columns.get_mut(at)) {
            Some(slot) => *slot = column,
            None => {
                self.names.push(name.to_owned());
                self.columns.push(column);
            }
        }
        Ok(self)
    }

    /// The table without this column; unchanged if there is none.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        if let Some(at) = self.position(name) {
            self.names.remove(at);
            self.columns.remove(at);
        }
        self
    }

    /// This table's rows followed by the other's. Columns are matched by name; both must have the
    /// same ones. A column whose values are all missing takes the other side's kind.
    pub fn concat(&self, other: &Self) -> Result<Self> {
        let lacking = |there: &Self, here: &Self| -> Vec<String> {
            there.names.iter().filter(|name| !here.has(name)).cloned().collect()
        };
        let (only_other, only_self) = (lacking(other, self), lacking(self, other));
        if !only_other.is_empty() || !only_self.is_empty() {
            let mut reasons = Vec::new();
            if !only_self.is_empty() {
                reasons.push(format!("only the first has: {}", only_self.join(", ")));
            }
            if !only_other.is_empty() {
                reasons.push(format!("only the second has: {}", only_other.join(", ")));
            }
            return Err(Error::invalid("the tables have different columns").why(reasons.join("; ")));
        }
        let columns = self
            .iter()
            .map(|(name, column)| Ok((name.to_owned(), concat_columns(name, column, other.column(name)?)?)))
            .collect::<Result<Vec<_>>>()?;
        Self::new(columns)
    }

    /// A hash of one row's values in column order (the first 128 bits of BLAKE3): equal rows have
    /// equal hashes, in this run and the next. Names do not enter; 0 and −0 are one value.
    pub fn row_hash(&self, row: usize) -> u128 {
        let mut hasher = blake3::Hasher::new();
        for column in &self.columns {
            hash_value(&mut hasher, column, row);
        }
        truncated(&hasher)
    }
}

fn concat_columns(name: &str, first: &Column, second: &Column) -> Result<Column> {
    match (first, second) {
        (Column::Number(a), Column::Number(b)) => Ok(Column::Number(a.iter().chain(b).copied().collect())),
        (Column::Text(a), Column::Text(b)) => Ok(Column::Text(a.iter().chain(b).cloned().collect())),
        (a, b) if b.missing() == b.len() => concat_columns(name, a, &Column::all_missing(a.kind(), b.len())),
        (a, b) if a.missing() == a.len() => concat_columns(name, &Column::all_missing(b.kind(), a.len()), b),
        (a, b) => Err(Error::invalid(format!(
            "column {name:?} is {} in one table and {} in the other",
            a.kind(),
            b.kind()
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn numbers(values: &[f64]) -> Column {
        Column::Number(values.to_vec())
    }

    fn texts(values: &[Option<&str>]) -> Column {
        Column::Text(values.iter().map(|value| value.map(str::to_owned)).collect())
    }

    fn sample() -> Frame {
        Frame::new(vec![
            ("pH".into(), numbers(&[3.5, f64::NAN, 3.5])),
            ("colour".into(), texts(&[Some("red"), None, Some("red")])),
        ])
        .unwrap()
    }

    #[test]
    fn refuses_uneven_columns_and_repeated_names() {
        let uneven = vec![("a".into(), numbers(&[1.0])), ("b".into(), numbers(&[]))];
        assert!(Frame::new(uneven).is_err());
        let repeated = vec![("a".into(), numbers(&[1.0])), ("a".into(), numbers(&[2.0]))];
        assert!(Frame::new(repeated).is_err());
    }

    #[test]
    fn equal_rows_have_equal_hashes_and_missing_differs_from_zero() {
        let frame = sample();
        assert_eq!(frame.row_hash(0), frame.row_hash(2));
        assert_ne!(frame.row_hash(0), frame.row_hash(1));
        let zeros = Frame::new(vec![("a".into(), numbers(&[0.0, -0.0, f64::NAN]))]).unwrap();
        assert_eq!(zeros.row_hash(0), zeros.row_hash(1));
        assert_ne!(zeros.row_hash(0), zeros.row_hash(2));
    }

    #[test]
    fn values_cannot_slide_from_one_column_to_the_next() {
        let row = |a: &str, b: &str| {
            Frame::new(vec![("a".into(), texts(&[Some(a)])), ("b".into(), texts(&[Some(b)]))])
                .unwrap()
                .row_hash(0)
        };
        assert_ne!(row("ab", "c"), row("a", "bc"));
    }

    #[test]
    fn concat_matches_columns_by_name() {
        let swapped =
            Frame::new(vec![("colour".into(), texts(&[Some("white")])), ("pH".into(), numbers(&[3.0]))])
                .unwrap();
        let both = sample().concat(&swapped).unwrap();
        assert_eq!(both.rows(), 4);
        assert_eq!(both.number("pH").unwrap()[3], 3.0);
        assert_eq!(both.names(), ["pH", "colour"]);
    }

    #[test]
    fn concat_refuses_other_columns_and_other_kinds() {
        let other = sample().without("pH");
        assert!(sample().concat(&other).is_err());
        let text = sample().with_column("pH", texts(&[Some("x"), None, None])).unwrap();
        assert!(sample().concat(&text).is_err());
        let blank = sample().with_column("pH", texts(&[None, None, None])).unwrap();
        assert_eq!(sample().concat(&blank).unwrap().column("pH").unwrap().missing(), 4);
    }

    #[test]
    fn select_head_and_row() {
        let frame = sample();
        assert_eq!(frame.select(&[2, 0]).rows(), 2);
        assert_eq!(frame.head(1).rows(), 1);
        assert_eq!(frame.row(1), vec![Cell::Missing, Cell::Missing]);
        assert_eq!(frame.row(0), vec![Cell::Number(3.5), Cell::Text("red".into())]);
        assert!(frame.number("colour").is_err());
        assert!(frame.column("none").is_err());
    }
}
