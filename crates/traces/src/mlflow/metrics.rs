//! Statistics over traces.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use ropewalk_mlflow::answer::written;
use ropewalk_mlflow::{Call, ErrorCode, Fields, MlflowError, MlflowResult, Rule};

use super::messages::{CORRELATION, METRICS};
use super::wire::Writer;
use crate::model::{Aggregation, MetricQuery, View};
use crate::python::float_shown;
use crate::service::Traces;

/// The routes of statistics.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/3.0/mlflow/traces/metrics", post(metrics))
        .route("/3.0/mlflow/traces/calculate-filter-correlation", post(correlation))
}

async fn metrics(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &METRICS,
        &[
            ("experiment_ids", &[Rule::Array, Rule::Required, Rule::TextItems]),
            ("view_type", &[Rule::Required]),
            ("metric_name", &[Rule::Text, Rule::Required]),
            ("aggregations", &[Rule::Array, Rule::Required]),
            ("dimensions", &[Rule::Array, Rule::TextItems]),
            ("filters", &[Rule::Array, Rule::TextItems]),
            ("time_interval_seconds", &[Rule::Whole]),
            ("start_time_ms", &[Rule::Whole]),
            ("end_time_ms", &[Rule::Whole]),
            ("max_results", &[Rule::Whole]),
            ("page_token", &[Rule::Text]),
        ],
    )?;
    let query = MetricQuery {
        experiment_ids: sent.texts("experiment_ids"),
        view: match sent.word("view_type") {
            Some("SPANS") => View::Spans,
            Some("ASSESSMENTS") => View::Assessments,
            _ => View::Traces,
        },
        metric: sent.text("metric_name").to_owned(),
        aggregations: sent.parts("aggregations").map(aggregation).collect::<MlflowResult<_>>()?,
        dimensions: sent.texts("dimensions"),
        filters: sent.texts("filters"),
        interval: sent.integer("time_interval_seconds"),
        from_ms: sent.integer("start_time_ms"),
        until_ms: sent.integer("end_time_ms"),
        max_results: sent.integer("max_results").unwrap_or(1000),
    };
    let points = traces.metrics(&query).await?;
    if query.aggregations.is_empty() && query.dimensions.is_empty() && query.interval.unwrap_or(0) == 0 {
        return Err(MlflowError::new(
            ErrorCode::BadRequest,
            "Query contains no columns with which to SELECT from.",
        ));
    }
    let mut json = Writer::default();
    json.raw("{");
    if !points.is_empty() {
        json.raw("\"data_points\":[");
        for point in &points {
            json.item().raw("{").text("metric_name", &query.metric);
            if !point.dimensions.is_empty() {
                json.name("dimensions").raw("{");
                for (name, value) in &point.dimensions {
                    json.text(name, value);
                }
                json.raw("}");
            }
            json.name("values").raw("{");
            for (label, value) in &point.values {
                json.number(label, *value);
            }
            json.raw("}}");
        }
        json.raw("]");
    }
    json.raw("}");
    Ok(written(json.into_bytes()))
}

fn aggregation(sent: &Fields) -> MlflowResult<Aggregation> {
    let kind = sent.word("aggregation_type").unwrap_or("COUNT");
    let percent = sent.number("percentile_value");
    match (kind, percent) {
        ("PERCENTILE", Some(percent)) if (0.0..=100.0).contains(&percent) => {
            Ok(Aggregation::Percentile(percent))
        }
        ("PERCENTILE", Some(percent)) => Err(MlflowError::invalid(format!(
            "Percentile value must be between 0 and 100, got {}",
            float_shown(percent)
        ))),
        ("PERCENTILE", None) => {
            Err(MlflowError::invalid("Percentile value is required for PERCENTILE aggregation"))
        }
        (kind, Some(_)) => Err(MlflowError::invalid(format!(
            "Percentile value is only allowed for PERCENTILE aggregation type, got {kind}"
        ))),
        ("SUM", None) => Ok(Aggregation::Sum),
        ("AVG", None) => Ok(Aggregation::Average),
        ("MIN", None) => Ok(Aggregation::Minimum),
        ("MAX", None) => Ok(Aggregation::Maximum),
        _ => Ok(Aggregation::Count),
    }
}

async fn correlation(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &CORRELATION,
        &[
            ("experiment_ids", &[Rule::Array, Rule::Required, Rule::TextItems]),
            ("filter_string1", &[Rule::Text, Rule::Required]),
            ("filter_string2", &[Rule::Text, Rule::Required]),
            ("base_filter", &[Rule::Text]),
        ],
    )?;
    let experiments = sent.texts("experiment_ids");
    let (first, second) = (sent.text("filter_string1"), sent.text("filter_string2"));
    let found = traces.correlation(&experiments, first, second, sent.text("base_filter")).await?;
    let mut json = Writer::default();
    json.raw("{");
    for (name, value) in [("npmi", found.npmi), ("npmi_smoothed", found.npmi_smoothed)] {
        // What is not defined is left out.
        if !value.is_nan() {
            json.number(name, value);
        }
    }
    for (name, count) in [
        ("filter1_count", found.first),
        ("filter2_count", found.second),
        ("joint_count", found.both),
        ("total_count", found.total),
    ] {
        json.integer(name, i64::try_from(count).unwrap_or(i64::MAX));
    }
    json.raw("}");
    Ok(written(json.into_bytes()))
}
