//! The SQL of traces.

pub(crate) mod assessments;
pub(crate) mod datasets;
pub(crate) mod entries;
pub(crate) mod links;
pub(crate) mod metrics;
pub(crate) mod search;
pub(crate) mod spans;
pub(crate) mod traces;

/// Identifiers in one `IN (…)`; below every database's limit of arguments.
pub(crate) const LIST_LIMIT: usize = 500;

/// Appends a placeholder for a number, or nothing in its place.
fn bind_real(sql: &mut ropewalk_core::database::Sql, number: Option<f64>) {
    match number {
        Some(number) => sql.bind(number),
        None => sql.push("NULL"),
    };
}
