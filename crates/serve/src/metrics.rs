//! Figures in Prometheus' text exposition format, version 0.0.4.

use crate::statistics::{Figures, Reading};
use crate::table::Table;
use ropewalk_core::now_ms;
use std::fmt::Write;

/// One revision's line: labels, percent of traffic, whether it is loaded, counters and figures.
type Row = (String, f64, bool, Reading, Figures);

/// Figures of every revision of every endpoint.
pub fn text(table: &Table) -> String {
    let now = now_ms();
    let mut rows: Vec<Row> = Vec::new();
    for routes in table.endpoints.values() {
        for route in &routes.routes {
            let reading = route.statistics.read(now);
            let figures = reading.figures(now);
            let revision = &route.revision;
            let labels = format!(
                "endpoint=\"{}\",revision=\"{}\",model=\"{}\",version=\"{}\"",
                escape(&revision.endpoint),
                revision.revision,
                escape(&revision.model),
                revision.version
            );
            rows.push((labels, revision.percent, route.model.is_some(), reading, figures));
        }
    }
    let mut out = String::new();
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Row) -> f64| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for row in &rows {
            let _ = writeln!(out, "{name}{{{}}} {}", row.0, value(row));
        }
    };
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let count = |value: u64| value as f64;
    family("ropewalk_requests_total", "counter", "Inference requests that reached the revision.", &|row| {
        count(row.4.requests)
    });
    family("ropewalk_rows_total", "counter", "Rows answered.", &|row| count(row.4.rows));
    family(
        "ropewalk_requests_refused_total",
        "counter",
        "Requests refused for the client's mistake (4xx).",
        &|row| count(row.4.refused),
    );
    family("ropewalk_requests_failed_total", "counter", "Requests that failed (5xx).", &|row| {
        count(row.4.failures)
    });
    family(
        "ropewalk_unlogged_total",
        "counter",
        "Requests answered although they could not be logged.",
        &|row| count(row.4.log_failures),
    );
    family("ropewalk_traffic_ratio", "gauge", "Share of the endpoint's traffic, 0 to 1.", &|row| {
        row.1 / 100.0
    });
    family("ropewalk_model_loaded", "gauge", "1 while the model is in memory.", &|row| {
        f64::from(u8::from(row.2))
    });
    let name = "ropewalk_request_duration_seconds";
    let _ = writeln!(
        out,
        "# HELP {name} From receipt to answer, the durable log included.\n# TYPE {name} histogram"
    );
    for (labels, _, _, reading, _) in &rows {
        let latency = reading.latency();
        for (bound, seen) in latency.cumulative_by_octave() {
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{bound}\"}} {seen}");
        }
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", latency.total());
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}", count(latency.sum_us()) / 1e6);
        let _ = writeln!(out, "{name}_count{{{labels}}} {}", latency.total());
    }
    out
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
