//! The proof that a table and its rows one by one give the same numbers.

use ropewalk_core::Result;
use ropewalk_data::{Cell, Column, Frame};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::pipeline::FittedPipeline;
use crate::row::RowPlan;

/// What comparing the two paths found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParityReport {
    /// How many rows were compared.
    pub rows: u64,
    /// The greatest absolute difference of any number; 0 if all are equal. A number that is
    /// missing on one side only counts as the greatest finite number.
    pub max_abs_difference: f64,
}

/// Put every row of a table through both paths and compare.
pub fn parity(pipeline: &FittedPipeline, frame: &Frame) -> Result<ParityReport> {
    let matrix = pipeline.apply(frame)?;
    let plan = RowPlan::new(pipeline)?;
    let columns: Vec<&Column> =
        pipeline.inputs.iter().map(|input| frame.column(&input.name)).collect::<Result<_>>()?;
    let mut greatest = 0.0_f64;
    for row in 0..frame.rows() {
        let cells: Vec<Cell> = columns.iter().map(|column| column.cell(row)).collect();
        for (left, right) in matrix.row(row).iter().zip(plan.apply(&cells)?) {
            greatest = greatest.max(difference(*left, right));
        }
    }
    Ok(ParityReport { rows: frame.rows() as u64, max_abs_difference: greatest })
}

#[expect(clippy::float_cmp, reason = "equal infinities have no difference")]
fn difference(left: f32, right: f32) -> f64 {
    match (left.is_nan(), right.is_nan()) {
        (true, true) => 0.0,
        (false, false) if left == right => 0.0,
        (false, false) => (f64::from(left) - f64::from(right)).abs().min(f64::MAX),
        _ => f64::MAX,
    }
}
