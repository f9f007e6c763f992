//! MLflow's filter grammar: comparisons joined by `AND`, e.g. ``metrics.loss < 0.1 AND params.`my key` = 'x'``, and the
//! orders `metrics.loss DESC`.

mod lexer;
mod parser;
mod predicate;

pub use parser::{Comparison, Identifier, Operator, Order, Value, parse, parse_order};
pub use predicate::{expect_list, expect_number, expect_operator, expect_text, push_number, push_text};
