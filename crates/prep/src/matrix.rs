//! What comes out of a pipeline.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A dense table of numbers, row after row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Matrix {
    /// How many rows.
    pub rows: usize,
    /// The columns' names, in order.
    pub columns: Vec<String>,
    /// `rows` × `columns.len()` values, row-major; NaN is a missing value that no step filled.
    pub values: Vec<f32>,
}

impl Matrix {
    /// How many columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// One row; empty past the end.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        let width = self.width();
        self.values.get(index * width..(index + 1) * width).unwrap_or_default()
    }

    /// The rows at these places, in their order; places past the end are left out.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let mut values = Vec::with_capacity(places.len() * self.width());
        let mut rows = 0;
        for &place in places.iter().filter(|place| **place < self.rows) {
            values.extend_from_slice(self.row(place));
            rows += 1;
        }
        Self { rows, columns: self.columns.clone(), values }
    }
}
