//! MLflow's search language: comparisons joined by `AND`, e.g. ``metrics.loss < 0.1 AND params.`my key` = 'x'``, and the
//! orders `metrics.loss DESC`.
//!
//! What is understood and what is refused, and with which words, is what MLflow 3.18 says: [`parse`] and [`parse_orders`].
//! [`parse_expression`] reads more: `OR`, `NOT`, parentheses, `BETWEEN` and metrics' minima and maxima.
//!
//! A text is cut into [tokens], these into [statements], [groups] and [clauses]; the [rules] of each search make
//! comparisons of clauses.

mod clauses;
mod expression;
mod groups;
mod literal;
mod matching;
mod model;
mod orders;
mod passes;
mod phrases;
mod regular;
mod rules;
mod statements;
mod tokens;
mod words;

pub use expression::{Aggregate, Condition, Expression, Test, parse_expression};
pub use matching::{Like, NumberTest, TextTest};
pub use model::{Comparison, Entity, Operator, Order, Search, Value};
pub use orders::{logged_model_order, parse_order, parse_orders};
pub use regular::Regular;

use crate::error::MlflowResult;

/// Reads a filter; an empty one has no comparisons.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for what the stock server refuses, with its words, and for what it fails at.
pub fn parse(search: Search, filter: &str) -> MlflowResult<Vec<Comparison>> {
    Ok(rules::read(search, filter)?.into_iter().map(|found| found.comparison).collect())
}
