//! Traces, spans and assessments as the web app reads them.

use std::collections::BTreeMap;

use ropewalk_mlflow::json::{Json, parse};
use serde::{Deserialize, Serialize};

use super::tree;
use crate::keys::{attribute, metadata};
use crate::model::{Assessment, TraceInfo, TraceState};
use crate::python::loads_or_text;
use crate::service::{Links, Trace};
use crate::store::spans::StoredSpan;

/// One trace in a listing.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct TraceSummary {
    trace_id: String,
    experiment_id: String,
    name: Option<String>,
    state: TraceState,
    /// Milliseconds since 1970.
    start_ms: i64,
    /// None while it is not known.
    duration_ms: Option<i64>,
    /// The conversation that it belongs to.
    session: Option<String>,
    user: Option<String>,
    /// The run that made it.
    run_id: Option<String>,
    /// The beginning of what went in.
    request_preview: Option<String>,
    /// The beginning of what came out.
    response_preview: Option<String>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    total_tokens: Option<i64>,
    /// US dollars.
    cost: Option<f64>,
    tags: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
    assessments: Vec<AssessmentRow>,
}

/// What somebody or something judged of a trace.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct AssessmentRow {
    assessment_id: String,
    name: String,
    /// `feedback`, `expectation` or `issue`.
    kind: String,
    #[schema(value_type = Object)]
    value: serde_json::Value,
    /// Why there is no value.
    error: Option<String>,
    rationale: Option<String>,
    /// `HUMAN`, `LLM_JUDGE`, `CODE` or `SOURCE_TYPE_UNSPECIFIED`.
    source_type: String,
    source_id: Option<String>,
    span_id: Option<String>,
    /// Milliseconds since 1970.
    created_ms: i64,
    /// Milliseconds since 1970.
    updated_ms: i64,
    /// Whether no later one takes its place.
    valid: bool,
    metadata: BTreeMap<String, String>,
}

/// All about one trace.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct TraceOverview {
    #[serde(flatten)]
    trace: TraceSummary,
    /// Runs that it is linked to, besides the one that made it.
    runs: Vec<String>,
    /// Prompts that it is linked to, as `name/version`.
    prompts: Vec<String>,
    /// Spans, each after the one that it belongs to.
    spans: Vec<SpanRow>,
}

/// A step of a trace.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct SpanRow {
    /// 16 hexadecimal digits.
    span_id: String,
    /// The span that it belongs to, whether that has arrived or not.
    parent_id: Option<String>,
    /// How many spans it lies within.
    depth: u32,
    name: String,
    /// E.g. `LLM`.
    span_type: Option<String>,
    /// `OK`, `ERROR` or `UNSET`.
    status: String,
    /// Why it failed.
    message: Option<String>,
    /// Milliseconds since 1970, with a fraction.
    start_ms: f64,
    /// With a fraction; none if it has not ended.
    duration_ms: Option<f64>,
    #[schema(value_type = Object)]
    inputs: Option<serde_json::Value>,
    #[schema(value_type = Object)]
    outputs: Option<serde_json::Value>,
    /// All other attributes.
    #[schema(value_type = BTreeMap<String, Object>)]
    attributes: BTreeMap<String, serde_json::Value>,
    events: Vec<SpanEvent>,
}

/// Something that happened within a span, e.g. an exception.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct SpanEvent {
    name: String,
    /// Milliseconds since 1970, with a fraction.
    time_ms: f64,
    #[schema(value_type = BTreeMap<String, Object>)]
    attributes: BTreeMap<String, serde_json::Value>,
}

impl TraceSummary {
    pub(super) fn of(info: &TraceInfo) -> Self {
        let tags: BTreeMap<_, _> = info.shown_tags().into_iter().collect();
        let facts: BTreeMap<_, _> = info.shown_metadata().into_iter().collect();
        let [input_tokens, output_tokens, total_tokens, ..] = info.usage;
        Self {
            trace_id: info.trace_id.clone(),
            experiment_id: info.experiment_id.to_string(),
            name: info.name.clone(),
            state: info.state,
            start_ms: info.request_time,
            duration_ms: info.execution_duration,
            session: info.session_id.clone(),
            user: facts.get(metadata::USER).cloned(),
            run_id: facts.get(metadata::SOURCE_RUN).cloned(),
            request_preview: info.request_preview.clone(),
            response_preview: info.response_preview.clone(),
            input_tokens,
            output_tokens,
            total_tokens,
            cost: info.cost[2],
            tags,
            metadata: facts,
            assessments: info.assessments.iter().map(AssessmentRow::of).collect(),
        }
    }
}

impl AssessmentRow {
    fn of(assessment: &Assessment) -> Self {
        let error = assessment.error.as_ref();
        Self {
            assessment_id: assessment.assessment_id.clone(),
            name: assessment.name.clone(),
            kind: assessment.kind.as_str().to_owned(),
            value: assessment.value.to_serde(),
            error: error.map(|error| error.error_message.clone().unwrap_or_else(|| error.error_code.clone())),
            rationale: assessment.rationale.clone(),
            source_type: assessment.source_type.to_owned(),
            source_id: assessment.source_id.clone(),
            span_id: assessment.span_id.clone(),
            created_ms: assessment.create_time,
            updated_ms: assessment.last_update_time,
            valid: assessment.valid,
            metadata: assessment.metadata.iter().cloned().collect(),
        }
    }
}

impl TraceOverview {
    pub(super) fn of(trace: &Trace, links: Links) -> Self {
        let places: Vec<_> =
            trace.spans.iter().map(|span| (span.summary.span_id, span.summary.parent_id)).collect();
        let spans = tree::in_order(&places);
        Self {
            trace: TraceSummary::of(&trace.info),
            runs: links.runs,
            prompts: links.prompts,
            spans: spans.into_iter().map(|(place, depth)| SpanRow::of(&trace.spans[place], depth)).collect(),
        }
    }
}

impl SpanRow {
    fn of(span: &StoredSpan, depth: u32) -> Self {
        let summary = &span.summary;
        let content = parse(&span.content).unwrap_or(Json::Null);
        let hex = |id: u64| format!("{id:016x}");
        let message = content.get("status").and_then(|status| status.get("message")).and_then(Json::as_text);
        let mut attributes = members(content.get("attributes"), true);
        let events = match content.get("events") {
            Some(Json::List(events)) => events.iter().map(SpanEvent::of).collect(),
            _ => Vec::new(),
        };
        let length = summary.end_ns.checked_sub(summary.start_ns).filter(|length| *length >= 0);
        Self {
            span_id: hex(summary.span_id),
            parent_id: summary.parent_id.map(hex),
            depth,
            name: summary.name.clone(),
            span_type: summary.span_type.clone(),
            status: summary.status.as_str().to_owned(),
            message: message.filter(|message| !message.is_empty()).map(str::to_owned),
            start_ms: milliseconds(summary.start_ns),
            duration_ms: length.map(milliseconds),
            inputs: attributes.remove(attribute::INPUTS),
            outputs: attributes.remove(attribute::OUTPUTS),
            attributes,
            events,
        }
    }
}

impl SpanEvent {
    fn of(event: &Json) -> Self {
        let time = match event.get("time_unix_nano") {
            Some(Json::Integer(ns)) => *ns,
            _ => 0,
        };
        Self {
            name: event.get("name").and_then(Json::as_text).unwrap_or_default().to_owned(),
            time_ms: milliseconds(time),
            attributes: members(event.get("attributes"), false),
        }
    }
}

fn milliseconds(ns: i64) -> f64 {
    ns as f64 / 1e6
}

/// An object's members, which may be texts of JSON themselves.
fn members(object: Option<&Json>, texts: bool) -> BTreeMap<String, serde_json::Value> {
    let Some(Json::Object(members)) = object else { return BTreeMap::new() };
    let value = |value: &Json| match value {
        Json::Text(text) if texts => loads_or_text(text).to_serde(),
        other => other.to_serde(),
    };
    members.iter().map(|(name, member)| (name.clone(), value(member))).collect()
}
