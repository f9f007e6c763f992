//! What can be counted, how, and told apart by what.

use ropewalk_core::{Error, Result};

use crate::model::{MetricQuery, View};

const COUNT: &[&str] = &["COUNT"];
const NUMBERS: &[&str] = &["AVG", "MAX", "MIN", "PERCENTILE"];
const SUMS: &[&str] = &["AVG", "MAX", "MIN", "PERCENTILE", "SUM"];
const MODEL: &[&str] = &["span_model_name", "span_model_provider"];

/// A metric, its aggregations and its dimensions, both in alphabetical order.
type Entry = (&'static str, &'static [&'static str], &'static [&'static str]);

const TRACES: &[Entry] = &[
    ("trace_count", COUNT, &["trace_name", "trace_status"]),
    ("session_count", COUNT, &[]),
    ("latency", NUMBERS, &["trace_name"]),
    ("input_tokens", SUMS, &["trace_name"]),
    ("output_tokens", SUMS, &["trace_name"]),
    ("total_tokens", SUMS, &["trace_name"]),
    ("cache_read_input_tokens", SUMS, &["trace_name"]),
    ("cache_creation_input_tokens", SUMS, &["trace_name"]),
];
const SPANS: &[Entry] = &[
    (
        "span_count",
        COUNT,
        &["span_model_name", "span_model_provider", "span_name", "span_status", "span_type"],
    ),
    ("latency", NUMBERS, &["span_name", "span_status"]),
    ("input_cost", SUMS, MODEL),
    ("output_cost", SUMS, MODEL),
    ("total_cost", SUMS, MODEL),
];
const ASSESSMENTS: &[Entry] = &[
    ("assessment_count", COUNT, &["assessment_name", "assessment_value"]),
    ("assessment_value", NUMBERS, &["assessment_name"]),
];

/// MLflow's word for a view.
pub(super) fn view_name(view: View) -> &'static str {
    match view {
        View::Traces => "TRACES",
        View::Spans => "SPANS",
        View::Assessments => "ASSESSMENTS",
    }
}

/// Words as Python shows a list of them.
fn shown(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("[{}]", words.join(", "))
}

/// Checks that a query asks for what can be counted.
///
/// # Errors
/// `invalid` with what can be asked for.
pub(super) fn check(query: &MetricQuery) -> Result<()> {
    let entries = match query.view {
        View::Traces => TRACES,
        View::Spans => SPANS,
        View::Assessments => ASSESSMENTS,
    };
    let Some((_, aggregations, dimensions)) = entries.iter().find(|(name, ..)| *name == query.metric) else {
        let names: Vec<_> = entries.iter().map(|(name, ..)| *name).collect();
        return Err(Error::invalid(format!(
            "metric_name must be one of {}, got '{}'",
            shown(&names),
            query.metric
        )));
    };
    let outside = |asked: Vec<&str>, known: &[&str]| {
        let mut outside: Vec<String> =
            asked.into_iter().filter(|one| !known.contains(one)).map(str::to_owned).collect();
        outside.sort();
        outside.dedup();
        outside
    };
    let texts = |texts: &[String]| shown(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let wrong = outside(query.aggregations.iter().map(|one| one.kind()).collect(), aggregations);
    if !wrong.is_empty() {
        return Err(Error::invalid(format!(
            "Found invalid aggregation_type(s): {}. Supported aggregation types: {}",
            texts(&wrong),
            shown(aggregations)
        )));
    }
    let wrong = outside(query.dimensions.iter().map(String::as_str).collect(), dimensions);
    if !wrong.is_empty() {
        return Err(Error::invalid(format!(
            "Found invalid dimension(s): {}. Supported dimensions: {}",
            texts(&wrong),
            shown(dimensions)
        )));
    }
    Ok(())
}
