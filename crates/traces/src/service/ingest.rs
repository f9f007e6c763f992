//! Taking in spans. What a trace is follows from them, as far as its client does not say it.

use std::collections::HashMap;

use ropewalk_core::database::Connection;
use ropewalk_core::{Code, Error, Result};
use ropewalk_mlflow::Json;
use ropewalk_runs::Experiment;

use super::{Traces, artifact_location, experiment_number, limits};
use crate::keys::{attribute, metadata, tag};
use crate::model::{COST_NAMES, Pairs, TraceInfo, TraceState, USAGE_NAMES};
use crate::numbers;
use crate::otlp::{Attributes, ResourceSpans};
use crate::python::{self, Letters};
use crate::span::aggregate::{Node, Sum, sums};
use crate::span::summary::Summary;
use crate::span::{Span, SpanStatus, Unusable, content, get, known_service, plain_text, preview};
use crate::store::entries::{self, EntryKind};
use crate::store::spans::{self, Part};
use crate::store::traces::{self, TraceRow};
use crate::translate;

/// After so many parts the spans of a trace are packed anew, into one.
const MOST_PARTS: i64 = 64;

/// Why spans were not taken in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A span has no identifier.
    Unconvertible,
    /// A number in a span has no place.
    Unstorable,
    /// The store's own reason.
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What one request brings for one trace.
#[derive(Debug)]
struct Batch {
    trace_id: String,
    part: Part,
    summaries: Vec<Summary>,
    first_ms: i64,
    last_ms: i64,
    /// How the root has ended, if it is among the spans.
    root_state: Option<TraceState>,
    request_preview: Option<String>,
    response_preview: Option<String>,
    session: Option<String>,
    user: Option<String>,
    name: Option<String>,
    tags: Vec<(String, String)>,
}

impl Traces {
    /// Takes in spans; answers the traces whose roots are among them. All of them stand afterwards, or none.
    pub(crate) async fn log_spans(
        &self,
        experiment: &str,
        sent: Vec<ResourceSpans>,
    ) -> Result<Vec<String>, Refused> {
        let mut batches = batches(sent)?;
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let finished = batches.iter().filter(|batch| batch.root_state.is_some());
        let finished = finished.map(|batch| batch.trace_id.clone()).collect();
        let experiment = match self.runs.get_experiment(experiment).await {
            Ok(found) => found,
            Err(error) => return Err(self.instead_of_unknown(experiment, &batches, error).await.into()),
        };
        // All writers take traces in the same order, so that none waits for another in a ring.
        batches.sort_by(|a, b| a.trace_id.cmp(&b.trace_id));
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let number = experiment_number(&experiment.experiment_id)?;
                    for batch in batches {
                        take(tx, number, &experiment, batch).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(finished)
    }

    /// An experiment that does not exist matters only to a trace that does not.
    async fn instead_of_unknown(&self, experiment: &str, batches: &[Batch], error: Error) -> Error {
        if error.code() != Code::NotFound && error.code() != Code::Invalid {
            return error;
        }
        let mut ids: Vec<_> = batches.iter().map(|batch| batch.trace_id.clone()).collect();
        ids.sort();
        let missing = async {
            let mut connection = self.core.database.read().await?;
            traces::missing(&mut connection, &ids).await
        };
        match missing.await {
            Ok(missing) if missing.is_empty() && experiment_number(experiment).is_ok() => foreign(&ids[0]),
            Ok(_) => error,
            Err(failure) => failure,
        }
    }
}

fn foreign(trace_id: &str) -> Error {
    Error::invalid(format!("Trace with ID '{trace_id}' already exists in another experiment."))
}

/// What was sent, by trace.
fn batches(sent: Vec<ResourceSpans>) -> Result<Vec<Batch>, Refused> {
    let mut by_trace: Vec<(u128, Attributes, Vec<Span>)> = Vec::new();
    let mut places: HashMap<u128, usize> = HashMap::new();
    let mut too_large = false;
    for ResourceSpans { resource, spans } in sent {
        let service = known_service(&resource);
        for span in spans {
            let span = match Span::from_exported(span, service) {
                Ok(span) => span,
                Err(Unusable::Unnamed) => return Err(Refused::Unconvertible),
                Err(Unusable::TooLarge) => {
                    too_large = true;
                    continue;
                }
            };
            let place = *places.entry(span.otel_trace_id).or_insert_with(|| {
                by_trace.push((span.otel_trace_id, Attributes::new(), Vec::new()));
                by_trace.len() - 1
            });
            let (_, kept, spans) = &mut by_trace[place];
            if kept.is_empty() {
                kept.clone_from(&resource);
            }
            spans.push(span);
        }
    }
    if too_large {
        return Err(Refused::Unstorable);
    }
    let batches = by_trace.into_iter().map(|(_, resource, spans)| batch(&resource, &spans));
    Ok(batches.collect::<Result<_>>()?)
}

fn batch(resource: &Attributes, spans: &[Span]) -> Result<Batch> {
    let mut batch = Batch {
        trace_id: spans.first().map(Span::trace_id).unwrap_or_default(),
        part: Part { summaries: Vec::new(), contents: Vec::new() },
        summaries: Vec::with_capacity(spans.len()),
        first_ms: spans.iter().map(|span| span.start_ns).min().unwrap_or_default().div_euclid(1_000_000),
        last_ms: spans.iter().map(|span| span.end_ns).max().unwrap_or_default().div_euclid(1_000_000),
        root_state: spans.iter().find(|span| span.is_root()).map(|root| match root.status {
            SpanStatus::Error => TraceState::Error,
            SpanStatus::Ok | SpanStatus::Unset => TraceState::Ok,
        }),
        request_preview: None,
        response_preview: None,
        session: None,
        user: None,
        name: None,
        tags: resource_tags(resource),
    };
    let mut contents = Vec::with_capacity(spans.len());
    for span in spans {
        let attributes = translate::attributes(span);
        if batch.session.is_none() {
            let named = [attribute::SESSION, attribute::CONVERSATION];
            let named =
                named.iter().find_map(|name| get(&attributes, name).filter(|value| python::truthy(value)));
            if let Some(session) = named.and_then(plain_text) {
                limits::check_session(&session)?;
                batch.session = Some(session);
            }
        }
        if batch.user.is_none() {
            let named = get(&attributes, attribute::USER).filter(|value| python::truthy(value));
            batch.user = named.and_then(plain_text).filter(|user| !user.is_empty());
        }
        if span.is_root() {
            let preview = |name: &str, role: &str| {
                get(&attributes, name)
                    .filter(|value| python::truthy(value))
                    .and_then(|value| preview::of(value, role))
            };
            batch.request_preview = preview(attribute::INPUTS, "user");
            batch.response_preview = preview(attribute::OUTPUTS, "assistant");
            take_tags(&attributes, &mut batch)?;
        }
        batch.summaries.push(Summary::of(span, &attributes));
        contents.push(content::write(span, &attributes));
    }
    batch.part = Part::pack(&batch.summaries, contents.iter().map(String::as_str))?;
    Ok(batch)
}

/// Tags that say what made the spans.
fn resource_tags(resource: &Attributes) -> Vec<(String, String)> {
    let told = resource
        .iter()
        .filter(|(name, _)| !name.starts_with("telemetry.sdk.") && !name.starts_with("mlflow."));
    let texts = told.filter_map(|(name, value)| {
        let text = match value {
            Json::Text(text) => text.clone(),
            other => python::dumps(other, Letters::Escaped),
        };
        let kept = limits::check_tag(name, &text).ok()?.to_owned();
        Some((name.clone(), kept))
    });
    texts.collect()
}

/// Tags that the client has put on the root span.
fn take_tags(attributes: &Attributes, batch: &mut Batch) -> Result<()> {
    for (name, value) in attributes {
        let Some(key) = name.strip_prefix(attribute::TAG_PREFIX) else { continue };
        let text = plain_text(value).unwrap_or_else(|| python::dumps(value, Letters::Kept));
        if key == tag::NAME {
            limits::check_name(&text)?;
            batch.name = Some(text);
            continue;
        }
        let Ok(text) = limits::check_tag(key, &text) else { continue };
        match batch.tags.iter_mut().find(|(known, _)| known == key) {
            Some(kept) => kept.1 = text.to_owned(),
            None => batch.tags.push((key.to_owned(), text.to_owned())),
        }
    }
    Ok(())
}

/// Takes in what belongs to one trace.
async fn take(tx: &mut Connection, experiment_id: i64, experiment: &Experiment, batch: Batch) -> Result<()> {
    let mut fresh = TraceRow { n: numbers::next(), ..TraceRow::default() };
    fresh.info.trace_id.clone_from(&batch.trace_id);
    fresh.info.experiment_id = experiment_id;
    let location = artifact_location(experiment, &batch.trace_id);
    fresh.info.tags = Pairs::new([(tag::ARTIFACT_LOCATION, location.as_str())], TraceInfo::LONGEST_TAG);
    fresh.info.request_time = batch.first_ms;
    fresh.info.execution_duration = (batch.last_ms != 0).then(|| batch.last_ms - batch.first_ms);
    fresh.info.state = batch.root_state.unwrap_or(TraceState::InProgress);
    let changed = Changed::apply(&mut fresh, &batch, None);
    let (stands, created) = traces::insert_or_hold(tx, &fresh).await?;
    let (n, number, changed) = if created {
        (fresh.n, 0, changed)
    } else {
        let mut row = stands;
        if row.info.experiment_id != experiment_id {
            return Err(foreign(&row.info.trace_id));
        }
        let counts = batch.summaries.iter().any(|summary| summary.usage.is_some() || summary.cost.is_some());
        let stored = if counts { spans::summaries(tx, &[row.n]).await?.remove(&row.n) } else { None };
        let changed = Changed::apply(&mut row, &batch, Some(stored.unwrap_or_default()));
        if row.parts > MOST_PARTS {
            repack(tx, &mut row).await?;
        }
        traces::update(tx, &row).await?;
        (row.n, row.parts - 1, changed)
    };
    spans::insert(tx, n, number, batch.part).await?;
    let user = changed.user.iter().map(|user| (EntryKind::Metadata, metadata::USER, user.as_str()));
    let tags = batch.tags.iter().map(|(key, value)| (EntryKind::Tag, key.as_str(), value.as_str()));
    entries::put(tx, n, user.chain(tags)).await
}

/// Packs all spans of a trace into its first part. The next part then is the second.
async fn repack(tx: &mut Connection, row: &mut TraceRow) -> Result<()> {
    let kept = spans::whole(tx, &[row.n]).await?.remove(&row.n).unwrap_or_default();
    let summaries: Vec<_> = kept.iter().map(|span| span.summary.clone()).collect();
    let part = Part::pack(&summaries, kept.iter().map(|span| span.content.as_str()))?;
    spans::clear(tx, row.n).await?;
    spans::insert(tx, row.n, 0, part).await?;
    row.parts = 2;
    Ok(())
}

/// What a batch changes apart from the trace's row.
struct Changed {
    user: Option<String>,
}

impl Changed {
    /// Puts what a batch tells into a trace's row. `stored` are the spans that it has already; none for a new trace.
    fn apply(row: &mut TraceRow, batch: &Batch, stored: Option<Vec<Summary>>) -> Self {
        let usage = |nodes: &[Node]| sums(nodes, Sum::Whole(0), &USAGE_NAMES[..3], &USAGE_NAMES[3..]);
        let cost = |nodes: &[Node]| sums(nodes, Sum::Real(0.0), &COST_NAMES, &[]);
        let usage_nodes: Vec<_> = batch.summaries.iter().map(Summary::usage_node).collect();
        let cost_nodes: Vec<_> = batch.summaries.iter().map(Summary::cost_node).collect();
        let (own_usage, own_cost) = (usage(&usage_nodes), cost(&cost_nodes));
        // Only where there is something to count does the stock server look whether the client has told all.
        let finalized =
            row.finalized && (own_usage.is_some() || own_cost.is_some() || batch.session.is_some());
        let info = &mut row.info;
        if !finalized {
            let start = info.request_time.min(batch.first_ms);
            let known_end = info.execution_duration.map(|length| info.request_time + length);
            let end = known_end.filter(|end| *end > batch.last_ms).unwrap_or(batch.last_ms);
            info.request_time = start;
            info.execution_duration = Some(end - start);
        }
        if matches!(info.state, TraceState::InProgress | TraceState::StateUnspecified)
            && let Some(state) = batch.root_state
        {
            info.state = state;
        }
        for (kept, told) in [
            (&mut info.request_preview, &batch.request_preview),
            (&mut info.response_preview, &batch.response_preview),
        ] {
            if kept.is_none() {
                kept.clone_from(told);
            }
        }
        if let Some(name) = &batch.name {
            info.name = Some(name.clone());
        }
        let resent: std::collections::HashSet<u64> =
            batch.summaries.iter().map(|summary| summary.span_id).collect();
        let mut earlier = stored.unwrap_or_default();
        earlier.retain(|summary| !resent.contains(&summary.span_id));
        earlier.sort_by_key(|summary| summary.start_ns);
        let told = finalized && info.usage.iter().any(Option::is_some);
        if own_usage.is_some() && !told {
            let nodes: Vec<_> =
                usage_nodes.into_iter().chain(earlier.iter().map(Summary::usage_node)).collect();
            for (name, sum) in usage(&nodes).unwrap_or_default() {
                if let (Some(place), Some(count)) =
                    (USAGE_NAMES.iter().position(|known| *known == name), sum.count())
                {
                    info.usage[place] = Some(count);
                }
            }
        }
        let told = finalized && info.cost.iter().any(Option::is_some);
        if own_cost.is_some() && !told {
            let nodes: Vec<_> =
                cost_nodes.into_iter().chain(earlier.iter().map(Summary::cost_node)).collect();
            for (name, sum) in cost(&nodes).unwrap_or_default() {
                if let (Some(place), Some(dollars)) =
                    (COST_NAMES.iter().position(|known| *known == name), sum.finite())
                {
                    info.cost[place] = Some(dollars);
                }
            }
        }
        if info.session_id.is_none() {
            info.session_id = batch.session.clone().filter(|session| !session.is_empty());
        }
        let user = batch.user.clone().filter(|_| info.metadata.get(metadata::USER).is_none());
        if let Some(user) = &user {
            info.metadata =
                info.metadata.with([(metadata::USER, user.as_str())], TraceInfo::LONGEST_METADATA);
        }
        let tags = batch.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let located = std::iter::once((tag::SPANS_LOCATION, tag::TRACKING_STORE));
        info.tags = info.tags.with(located.chain(tags), TraceInfo::LONGEST_TAG);
        row.parts += 1;
        Self { user }
    }
}
