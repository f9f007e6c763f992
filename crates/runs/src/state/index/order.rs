//! The order of what was found, and one page of it.

use std::cmp::Ordering;
use std::sync::RwLockReadGuard;

use super::{Cell, Index};
use crate::column::{Attribute, Column, Ranking};

/// A row of one of several indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Which index.
    pub(crate) index: u32,
    pub(crate) row: u32,
}

/// What a row is ordered by. What has no value comes last either way; NaN just before it.
#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Number(f64),
    Whole(i64),
    Text(&'a str),
    Nan,
    Absent,
}

impl Key<'_> {
    fn class(&self) -> u8 {
        match self {
            Self::Number(_) | Self::Whole(_) | Self::Text(_) => 0,
            Self::Nan => 1,
            Self::Absent => 2,
        }
    }

    fn compare(&self, other: &Self, ascending: bool) -> Ordering {
        let value = || match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        self.class().cmp(&other.class()).then_with(|| if ascending { value() } else { value().reverse() })
    }
}

impl<'a> From<Cell<'a>> for Key<'a> {
    fn from(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Absent => Self::Absent,
            Cell::Number(number) if number.is_nan() => Self::Nan,
            Cell::Number(number) => Self::Number(number),
            Cell::Whole(number) => Self::Whole(number),
            Cell::Text(text) => Self::Text(text),
        }
    }
}

/// Puts what was found in order, as far as a page needs it, and cuts the page out. Without an order of their own the
/// runs that started last come first; runs that are alike come in the order of their identifiers.
pub(crate) fn page(
    indexes: &[RwLockReadGuard<'_, Index>],
    mut found: Vec<Found>,
    orders: &[Ranking],
    offset: usize,
    limit: usize,
) -> Vec<Found> {
    if offset >= found.len() {
        return Vec::new();
    }
    let at = |found: &Found| &*indexes[found.index as usize];
    let by_start = orders.iter().any(|order| order.column == Column::Attribute(Attribute::StartTime));
    // Keys are looked up once a row, not once a comparison.
    let keys: Vec<Key<'_>> = found
        .iter()
        .flat_map(|found| orders.iter().map(|order| at(found).cell(found.row, &order.column).into()))
        .collect();
    let width = orders.len();
    let mut places: Vec<u32> = (0..found.len() as u32).collect();
    let compare = |a: &u32, b: &u32| {
        let (a, b) = (*a as usize, *b as usize);
        for (place, order) in orders.iter().enumerate() {
            let by_key = keys[a * width + place].compare(&keys[b * width + place], order.ascending);
            if by_key.is_ne() {
                return by_key;
            }
        }
        let (a, b) = (&found[a], &found[b]);
        let (row_a, row_b) = (at(a).row(a.row), at(b).row(b.row));
        let start = if by_start { Ordering::Equal } else { row_b.start_time.cmp(&row_a.start_time) };
        start.then_with(|| row_a.id.cmp(&row_b.id))
    };
    let end = offset.saturating_add(limit).min(places.len());
    if end < places.len() {
        // Only the rows of this page and of those before it need to be told apart.
        places.select_nth_unstable_by(end, compare);
        places.truncate(end);
    }
    if offset > 0 && offset < places.len() {
        places.select_nth_unstable_by(offset, compare);
        places.drain(..offset);
    }
    places.sort_unstable_by(compare);
    let page: Vec<Found> = places.iter().map(|place| found[*place as usize]).collect();
    found.clear();
    page
}
