//! Many frameworks write down what a span took, gave, used and cost, each under names of its own. Here these become the
//! names that MLflow has for them, once, when a span is stored; the order of the conventions decides.

mod conventions;
mod frameworks;
mod prices;

pub use prices::VARIABLES;

use ropewalk_mlflow::json::{Json, parse};

use crate::keys::attribute;
use crate::otlp::{Attributes, set};
use crate::python::{self, Letters, loads_or_text, truthy};
use crate::span::{Event, Span, get};
use conventions::{CONVENTIONS, Convention, Key, Peculiar};

/// A span's attributes with those added that MLflow has names for.
pub(crate) fn attributes(span: &Span) -> Attributes {
    let mut attributes = span.attributes.clone();
    let foreign = attributes.iter().any(|(name, _)| !name.starts_with("mlflow."));
    let mut span_type = known_type(&attributes);
    if span_type.as_deref().is_none_or(|known| known == "UNKNOWN")
        && foreign
        && let Some(translated) = translated_type(&attributes)
    {
        put(&mut attributes, attribute::SPAN_TYPE, &Json::Text(translated.to_owned()));
        span_type = Some(translated.to_owned());
    }
    if foreign || !span.events.is_empty() {
        add_contents(&mut attributes, &span.events);
    }
    add_model(&mut attributes);
    // An agent's usage is the sum of what it called: priced here, it would hide the prices below it.
    if span_type.as_deref() != Some("AGENT") {
        add_cost(&mut attributes);
    }
    attributes
}

/// Inputs, outputs, usage, the form of messages, and tools.
fn add_contents(attributes: &mut Attributes, events: &[Event]) {
    if get(attributes, attribute::INPUTS).is_none() {
        let mut found = None;
        let mut vercel = false;
        for convention in &CONVENTIONS {
            // The stock server notes the form of Vercel's messages while it looks for the input.
            vercel |= convention.peculiar == Peculiar::Vercel && frameworks::is_vercel_chat(attributes);
            found = convention.inputs(attributes);
            if found.is_some() {
                break;
            }
        }
        let found = found.or_else(|| frameworks::inputs_of_events(events));
        if vercel {
            set(attributes, attribute::MESSAGE_FORMAT.to_owned(), Json::Text("vercel_ai".to_owned()));
        }
        if let Some(found) = found {
            set(attributes, attribute::INPUTS.to_owned(), found);
        }
    }
    if get(attributes, attribute::OUTPUTS).is_none() {
        let found = first(|convention| convention.outputs(attributes));
        if let Some(found) = found.or_else(|| frameworks::outputs_of_events(events, attributes)) {
            set(attributes, attribute::OUTPUTS.to_owned(), found);
        }
    }
    if get(attributes, attribute::USAGE).is_none()
        && let Some(usage) = first(|convention| usage(convention, attributes))
    {
        put(attributes, attribute::USAGE, &usage);
    }
    if get(attributes, attribute::MESSAGE_FORMAT).is_none()
        && let Some(form) = frameworks::message_format(attributes)
    {
        put(attributes, attribute::MESSAGE_FORMAT, &Json::Text(form.to_owned()));
    }
    if get(attributes, attribute::CHAT_TOOLS).is_none()
        && let Some(tools) = first(|convention| value_of(attributes, convention.tools))
    {
        set(attributes, attribute::CHAT_TOOLS.to_owned(), tools);
    }
}

fn add_model(attributes: &mut Attributes) {
    if get(attributes, attribute::MODEL).is_none() {
        let named = first(|convention| value_of(attributes, convention.models).map(decoded).filter(truthy));
        if let Some(model) = named.or_else(|| model_within(attributes)) {
            put(attributes, attribute::MODEL, &model);
        }
    }
    if get(attributes, attribute::PROVIDER).is_none()
        && let Some(provider) =
            first(|convention| checked(attributes, convention.provider?).map(decoded).filter(truthy))
    {
        put(attributes, attribute::PROVIDER, &provider);
    }
}

/// The model that a request or a response names.
fn model_within(attributes: &Attributes) -> Option<Json> {
    [attribute::INPUTS, attribute::OUTPUTS].into_iter().find_map(|name| {
        let value = match get(attributes, name)? {
            // Most texts do not name one at all.
            Json::Text(text) if text.contains("\"model\"") => parse(text)?,
            Json::Text(_) => return None,
            other => other.clone(),
        };
        match value.get("model") {
            Some(Json::Text(model)) if !model.is_empty() => Some(Json::Text(model.clone())),
            _ => None,
        }
    })
}

fn add_cost(attributes: &mut Attributes) {
    if get(attributes, attribute::COST).is_some() {
        return;
    }
    let parsed = |name: &str| match get(attributes, name) {
        Some(Json::Text(text)) => parse(text),
        _ => None,
    };
    let (Some(usage), Some(Json::Text(model))) = (parsed(attribute::USAGE), parsed(attribute::MODEL)) else {
        return;
    };
    let provider = parsed(attribute::PROVIDER);
    let provider = provider.as_ref().and_then(Json::as_text);
    if let Some(cost) = prices::cost(&model, provider, &usage) {
        put(attributes, attribute::COST, &cost);
    }
}

/// The type that a client gave.
fn known_type(attributes: &Attributes) -> Option<String> {
    match get(attributes, attribute::SPAN_TYPE).filter(|value| truthy(value))? {
        Json::Text(text) => match loads_or_text(text) {
            Json::Text(name) => Some(name),
            Json::Null => None,
            other => Some(python::dumps(&other, Letters::Kept)),
        },
        _ => None,
    }
}

fn translated_type(attributes: &Attributes) -> Option<&'static str> {
    first(|convention| convention.span_type(attributes))
}

/// What the first convention that has an answer answers.
fn first<T>(ask: impl FnMut(&'static Convention) -> Option<T>) -> Option<T> {
    CONVENTIONS.iter().find_map(ask)
}

/// Tokens by name, as the convention counts them.
fn usage(convention: &Convention, attributes: &Attributes) -> Option<Json> {
    let [input, output, total, cache_read, cache_write] = convention.tokens(attributes);
    let total = total.or_else(|| Some(input? + output?));
    if input.is_none() && output.is_none() && total.is_none() {
        return None;
    }
    let named = [
        ("input_tokens", input),
        ("output_tokens", output),
        ("total_tokens", total),
        ("cache_read_input_tokens", cache_read),
        ("cache_creation_input_tokens", cache_write),
    ];
    let members =
        named.into_iter().filter_map(|(name, count)| Some((name.to_owned(), Json::Integer(count?))));
    Some(Json::Object(members.collect()))
}

/// Sets an attribute to a value's JSON.
fn put(attributes: &mut Attributes, name: &str, value: &Json) {
    set(attributes, name.to_owned(), Json::Text(python::dumps(value, Letters::Kept)));
}

/// An attribute's value, unless it says nothing: an empty text, list or object, null, zero.
fn checked(attributes: &Attributes, name: &str) -> Option<Json> {
    let value = get(attributes, name)?;
    let says = match value {
        Json::Text(text) => parse(text).map_or(!text.is_empty(), |parsed| truthy(&parsed)),
        other => truthy(other),
    };
    says.then(|| value.clone())
}

/// The first of some attributes that says something.
fn value_of(attributes: &Attributes, keys: &[Key]) -> Option<Json> {
    keys.iter().find_map(|key| match key {
        Key::Name(name) => checked(attributes, name),
        Key::Pattern(parts) => attributes
            .iter()
            .filter(|(name, _)| matches_pattern(name, parts))
            .find_map(|(name, _)| checked(attributes, name)),
    })
}

/// Whether a name begins with the parts, digits between each two of them.
fn matches_pattern(name: &str, parts: &[&str]) -> bool {
    let mut rest = name;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return false;
            }
            rest = &rest[digits..];
        }
        match rest.strip_prefix(part) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// A text's JSON, if it is JSON.
fn decoded(value: Json) -> Json {
    match value {
        Json::Text(text) => loads_or_text(&text),
        other => other,
    }
}

/// A whole number, or a text that is one, in JSON or not.
fn whole(value: &Json) -> Option<i64> {
    match value {
        Json::Integer(number) => Some(*number),
        Json::Truth(truth) => Some(i64::from(*truth)),
        Json::Text(text) => match parse(text) {
            Some(Json::Integer(number)) => Some(number),
            Some(Json::Truth(truth)) => Some(i64::from(truth)),
            Some(Json::Text(inner)) => inner.trim().parse().ok().or_else(|| text.trim().parse().ok()),
            _ => text.trim().parse().ok(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::span::SpanStatus;

    fn span(attributes: &[(&str, &str)]) -> Span {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Json::Text((*value).to_owned())))
            .collect();
        Span {
            otel_trace_id: 1,
            span_id: 1,
            parent_id: None,
            name: String::new(),
            kind: "",
            start_ns: 0,
            end_ns: 0,
            status: SpanStatus::Ok,
            message: String::new(),
            attributes,
            events: Vec::new(),
            links: Vec::new(),
        }
    }

    fn translated(attributes: &[(&str, &str)], name: &str) -> Option<String> {
        match get(&super::attributes(&span(attributes)), name) {
            Some(Json::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn open_inference_is_understood() {
        let sent = [
            ("openinference.span.kind", "\"LLM\""),
            ("llm.token_count.prompt", "100"),
            ("llm.token_count.completion", "\"10\""),
            ("llm.model_name", "\"gpt-4o\""),
            ("input.value", "\"hi\""),
            ("output.value", "\"\""),
        ];
        let of = |name: &str| translated(&sent, name);
        assert_eq!(of(attribute::SPAN_TYPE).as_deref(), Some("\"LLM\""));
        assert_eq!(of(attribute::INPUTS).as_deref(), Some("\"hi\""));
        assert_eq!(of(attribute::OUTPUTS), None);
        assert_eq!(
            of(attribute::USAGE).as_deref(),
            Some(r#"{"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}"#)
        );
        assert_eq!(
            of(attribute::COST).as_deref(),
            Some(r#"{"input_cost": 0.00025, "output_cost": 0.0001, "total_cost": 0.00035}"#)
        );
    }

    #[test]
    fn patterns_have_digits_between_their_parts() {
        let parts = ["gen_ai.completion.", ".tool_calls.", ".arguments"];
        assert!(matches_pattern("gen_ai.completion.0.tool_calls.12.arguments", &parts));
        assert!(!matches_pattern("gen_ai.completion.x.tool_calls.1.arguments", &parts));
        assert!(!matches_pattern("gen_ai.completion.0.content", &parts));
    }

    #[test]
    fn what_the_client_said_stays() {
        let sent = [
            ("mlflow.spanType", "\"TOOL\""),
            ("mlflow.spanInputs", "1"),
            ("openinference.span.kind", "\"LLM\""),
            ("input.value", "2"),
        ];
        assert_eq!(translated(&sent, attribute::SPAN_TYPE).as_deref(), Some("\"TOOL\""));
        assert_eq!(translated(&sent, attribute::INPUTS).as_deref(), Some("1"));
    }
}
