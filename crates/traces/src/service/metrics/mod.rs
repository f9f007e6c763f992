//! Statistics over traces, their spans and assessments.

mod catalogue;
mod stats;

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::filter::{self, Entity, Search, Value};

use self::stats::{Groups, Stats, bucket};
use super::searching::Scan;
use super::{Traces, experiment_number};
use crate::filter::Filter;
use crate::model::{Correlation, DataPoint, MetricQuery, View, dollars};
use crate::span::summary::Summary;
use crate::store::metrics::{self as store, Grouped};
use crate::store::search::TraceQuery;
use crate::store::spans;

/// Traces whose spans are counted together.
const BATCH: usize = 500;
const NS_PER_MS: i128 = 1_000_000;

/// A query's filters, sorted by what they ask of.
struct Asked {
    traces: Filter,
    /// Fields of spans or assessments, and their values.
    fields: Vec<(&'static str, String)>,
}

impl Traces {
    /// Statistics in groups.
    ///
    /// # Errors
    /// `invalid` for what is not counted, or not so.
    pub(crate) async fn metrics(&self, query: &MetricQuery) -> Result<Vec<DataPoint>> {
        catalogue::check(query)?;
        let interval = query.interval.filter(|seconds| *seconds != 0);
        if interval.is_some() && (query.from_ms.is_none() || query.until_ms.is_none()) {
            return Err(Error::invalid(
                "start_time_ms and end_time_ms are required if time_interval_seconds is set",
            ));
        }
        let experiments =
            query.experiment_ids.iter().map(|id| experiment_number(id)).collect::<Result<Vec<_>>>()?;
        let asked = read_filters(query)?;
        let mut traces = TraceQuery::new(Some(experiments), asked.traces);
        let by_span_time = query.view == View::Spans && query.metric.ends_with("_cost");
        if !by_span_time {
            traces.between_ms = (query.from_ms, query.until_ms);
        }
        let groups = match query.view {
            View::Spans => self.span_groups(query, traces, &asked.fields, interval, by_span_time).await?,
            view => {
                let percentiles = has_percentile(query);
                let grouped = Grouped {
                    assessments: view == View::Assessments,
                    metric: &query.metric,
                    dimensions: &query.dimensions,
                    fields: &asked.fields,
                    interval_ms: interval.map(|seconds| seconds.saturating_mul(1000)),
                    by_value: percentiles,
                };
                let mut connection = self.core.database.read().await?;
                let dialect = self.core.database.dialect();
                let rows = store::groups(&mut connection, dialect, &traces, &grouped).await?;
                let mut groups = Groups::default();
                for row in rows {
                    let values = row.minimum.filter(|_| percentiles).map(|value| (value, row.count));
                    let stats = Stats {
                        count: row.count,
                        sum: row.sum.unwrap_or(0.0),
                        minimum: row.minimum,
                        maximum: row.maximum,
                        values: values.into_iter().collect(),
                    };
                    let start =
                        interval.map_or(0, |seconds| start_of(i128::from(row.bucket) * NS_PER_MS, seconds));
                    groups.add(start, row.dimensions, stats);
                }
                groups
            }
        };
        let most = usize::try_from(query.max_results).unwrap_or(usize::MAX);
        Ok(groups.points(&query.dimensions, interval.is_some(), &query.aggregations, most))
    }

    async fn span_groups(
        &self,
        query: &MetricQuery,
        traces: TraceQuery,
        fields: &[(&'static str, String)],
        interval: Option<i64>,
        by_span_time: bool,
    ) -> Result<Groups> {
        let mut connection = self.core.database.read().await?;
        let dialect = self.core.database.dialect();
        let numbers = Scan::new(&mut connection, dialect, traces).await?.numbers(&mut connection).await?;
        let keep = has_percentile(query);
        let mut groups = Groups::default();
        for batch in numbers.chunks(BATCH) {
            for (_, found) in spans::summaries(&mut connection, batch).await? {
                for span in found {
                    let held = !by_span_time || is_within(&span, query);
                    if !held || !fields.iter().all(|(field, wanted)| part(&span, field) == Some(wanted)) {
                        continue;
                    }
                    let Some(value) = measure(&span, &query.metric) else { continue };
                    let dimensions = query.dimensions.iter().map(|name| {
                        part(&span, name.strip_prefix("span_").unwrap_or(name)).map(str::to_owned)
                    });
                    let Some(dimensions) = dimensions.collect() else { continue };
                    let start = interval.map_or(0, |seconds| start_of(i128::from(span.start_ns), seconds));
                    groups.add(start, dimensions, Stats::of(value, keep));
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(groups)
    }

    /// How two filters hang together, among the traces that fulfil a third.
    ///
    /// # Errors
    /// `invalid` for what is no filter.
    pub(crate) async fn correlation(
        &self,
        experiment_ids: &[String],
        first: &str,
        second: &str,
        base: &str,
    ) -> Result<Correlation> {
        let experiments =
            experiment_ids.iter().map(|id| experiment_number(id)).collect::<Result<Vec<_>>>()?;
        let with_base =
            |filter: &str| if base.is_empty() { filter.to_owned() } else { format!("{base} and {filter}") };
        let read = |filter: &str| Filter::read(filter).map_err(Error::from);
        let (first, second, base) = (read(&with_base(first))?, read(&with_base(second))?, read(base)?);
        let mut connection = self.core.database.read().await?;
        let dialect = self.core.database.dialect();
        let mut sets = Vec::with_capacity(2);
        for filter in [first, second] {
            let mut query = TraceQuery::new(Some(experiments.clone()), filter);
            query.narrow(&mut connection).await?;
            let mut numbers =
                Scan::new(&mut connection, dialect, query).await?.numbers(&mut connection).await?;
            numbers.sort_unstable();
            sets.push(numbers);
        }
        let query = TraceQuery::new(Some(experiments), base);
        let total = if query.filter.is_plain() {
            let count = query.count(&mut connection, dialect).await?;
            u64::try_from(count).unwrap_or(0)
        } else {
            Scan::new(&mut connection, dialect, query).await?.numbers(&mut connection).await?.len() as u64
        };
        let both = sets[0].iter().filter(|n| sets[1].binary_search(n).is_ok()).count() as u64;
        Ok(Correlation::of(sets[0].len() as u64, sets[1].len() as u64, both, total))
    }
}

fn has_percentile(query: &MetricQuery) -> bool {
    query.aggregations.iter().any(|aggregation| aggregation.kind() == "PERCENTILE")
}

/// The beginning of the length of time in which a moment lies, in milliseconds.
fn start_of(ns: i128, seconds: i64) -> i64 {
    let start = bucket(ns, i128::from(seconds) * 1000 * NS_PER_MS) / NS_PER_MS;
    i64::try_from(start).unwrap_or(if start > 0 { i64::MAX } else { i64::MIN })
}

fn is_within(span: &Summary, query: &MetricQuery) -> bool {
    let start = i128::from(span.start_ns);
    query.from_ms.is_none_or(|from| start >= i128::from(from) * NS_PER_MS)
        && query.until_ms.is_none_or(|until| start < (i128::from(until) + 1) * NS_PER_MS)
}

/// A field or dimension of a span.
fn part<'a>(span: &'a Summary, name: &str) -> Option<&'a str> {
    match name {
        "name" => Some(&span.name),
        "type" => span.span_type.as_deref(),
        "status" => Some(span.status.as_str()),
        "model_name" => span.model.as_deref(),
        "model_provider" => span.provider.as_deref(),
        _ => None,
    }
}

/// What is counted of a span; nothing where it has no such value.
fn measure(span: &Summary, metric: &str) -> Option<f64> {
    match metric {
        "span_count" => Some(1.0),
        "latency" => Some((span.end_ns.wrapping_sub(span.start_ns) / 1_000_000) as f64),
        cost => dollars(ropewalk_mlflow::json::parse(span.cost.as_deref()?)?.get(cost)?),
    }
}

fn read_filters(query: &MetricQuery) -> Result<Asked> {
    let mut asked = Asked { traces: Filter::default(), fields: Vec::new() };
    for text in &query.filters {
        for comparison in filter::parse(Search::TraceMetrics, text)? {
            let (view, column) = match (comparison.entity, comparison.key.as_str()) {
                (Entity::Span, "name") => (View::Spans, "name"),
                (Entity::Span, "type") => (View::Spans, "type"),
                (Entity::Span, _) => (View::Spans, "status"),
                (Entity::Assessment, "name") => (View::Assessments, "name"),
                (Entity::Assessment, _) => (View::Assessments, "kind"),
                _ => {
                    asked.traces.add(comparison, None)?;
                    continue;
                }
            };
            if view != query.view {
                let (what, only) =
                    if view == View::Spans { ("span", "SPANS") } else { ("assessment", "ASSESSMENTS") };
                return Err(Error::invalid(format!(
                    "Filtering by {what} is only supported for {only} view type, got {}",
                    catalogue::view_name(query.view)
                )));
            }
            if let Value::Text(value) = comparison.value {
                asked.fields.push((column, value));
            }
        }
    }
    Ok(asked)
}
