//! What single frameworks do in ways of their own.

use ropewalk_mlflow::json::{Json, parse};

use super::conventions::says;
use crate::otlp::Attributes;
use crate::python::{self, Letters, loads_or_text, truthy};
use crate::span::{Event, get};

/// What Claude Code writes where content is held back.
const REDACTED: &str = "<REDACTED>";

/// An attribute's JSON, or its text; null if it is not there.
fn loaded(attributes: &Attributes, name: &str) -> Json {
    match get(attributes, name) {
        Some(Json::Text(text)) => loads_or_text(text),
        Some(other) => other.clone(),
        None => Json::Null,
    }
}

fn escaped(value: &Json) -> Json {
    Json::Text(python::dumps(value, Letters::Escaped))
}

// Gemini CLI

/// Whether Gemini CLI made the span.
pub(super) fn is_gemini_cli(attributes: &Attributes) -> bool {
    loaded(attributes, "gen_ai.agent.name").as_text() == Some("gemini-cli")
}

/// Messages as Gemini's interface has them in a request.
pub(super) fn gemini_inputs(value: Json, attributes: &Attributes) -> Json {
    let mut contents = match &value {
        Json::Text(text) => loads_or_text(text),
        other => other.clone(),
    };
    if contents.get("contents").is_some() {
        return value;
    }
    let operation = get(attributes, "gen_ai.operation.name").and_then(Json::as_text);
    if let (Json::List(items), Some("system_prompt")) = (&mut contents, operation) {
        for item in items {
            if let Json::Object(members) = item {
                for (name, role) in members {
                    if name == "role" && role.as_text() == Some("user") {
                        *role = Json::Text("system".to_owned());
                    }
                }
            }
        }
    }
    match contents {
        Json::List(_) | Json::Text(_) => escaped(&Json::Object(vec![("contents".to_owned(), contents)])),
        _ => value,
    }
}

/// Messages as Gemini's interface has them in a response.
pub(super) fn gemini_outputs(value: Json) -> Json {
    let decoded = match &value {
        Json::Text(text) => loads_or_text(text),
        other => other.clone(),
    };
    let Json::List(items) = decoded else { return value };
    let mut parts = Vec::new();
    for item in items {
        if let Some(Json::List(found)) = item.get("parts") {
            parts.extend(found.iter().cloned());
        }
    }
    if parts.is_empty() {
        return value;
    }
    let object = |members: Vec<(&str, Json)>| {
        Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let content = object(vec![("role", Json::Text("model".to_owned())), ("parts", Json::List(parts))]);
    escaped(&object(vec![("candidates", Json::List(vec![object(vec![("content", content)])]))]))
}

// Claude Code

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claude {
    Interaction,
    Request,
    Tool,
}

fn claude(attributes: &Attributes) -> Option<Claude> {
    let told = loaded(attributes, "span.type");
    let told = told.as_text()?;
    match told.strip_prefix("claude_code.").unwrap_or(told) {
        "interaction" => Some(Claude::Interaction),
        "llm_request" => Some(Claude::Request),
        "tool" => Some(Claude::Tool),
        _ => None,
    }
}

pub(super) fn claude_type(attributes: &Attributes) -> Option<&'static str> {
    Some(match claude(attributes)? {
        Claude::Interaction => "AGENT",
        Claude::Request => "LLM",
        Claude::Tool => "TOOL",
    })
}

/// What an attribute says, unless it is held back.
fn open_content(attributes: &Attributes, name: &str) -> Option<Json> {
    says(attributes, name).filter(|_| loaded(attributes, name).as_text() != Some(REDACTED))
}

pub(super) fn claude_inputs(attributes: &Attributes) -> Option<Json> {
    let content = |name: &str| open_content(attributes, name);
    match claude(attributes)? {
        Claude::Interaction => content("user_prompt").or_else(|| content("new_context")),
        Claude::Request => content("new_context"),
        Claude::Tool => content("tool_input").or_else(|| {
            let details = ["full_command", "file_path", "skill_name", "subagent_type"];
            let told = details.into_iter().filter(|name| content(name).is_some());
            let members: Vec<_> = told.map(|name| (name.to_owned(), loaded(attributes, name))).collect();
            (!members.is_empty()).then(|| escaped(&Json::Object(members)))
        }),
    }
}

pub(super) fn claude_outputs(attributes: &Attributes) -> Option<Json> {
    match claude(attributes)? {
        Claude::Interaction => None,
        Claude::Request => open_content(attributes, "response.model_output"),
        Claude::Tool => open_content(attributes, "new_context"),
    }
}

/// Claude Code counts what was read from the cache and written to it apart from the input.
pub(super) fn claude_tokens(attributes: &Attributes) -> [Option<i64>; 5] {
    if claude(attributes) != Some(Claude::Request) {
        return [None; 5];
    }
    let count = |name: &str| match loaded(attributes, name) {
        Json::Integer(number) => Some(number),
        Json::Number(number) if number.is_finite() => Some(number as i64),
        Json::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let (read, written) = (count("cache_read_tokens"), count("cache_creation_tokens"));
    let input = count("input_tokens").map(|input| input + read.unwrap_or(0) + written.unwrap_or(0));
    [input, count("output_tokens"), None, read, written]
}

// Vercel's AI SDK

/// Text that was encoded up to three times.
fn deeply_loaded(value: &Json, depth: u8) -> Json {
    match value {
        Json::Text(text) => match parse(text) {
            Some(parsed) if depth > 0 => deeply_loaded(&parsed, depth - 1),
            Some(parsed) => parsed,
            None => value.clone(),
        },
        other => other.clone(),
    }
}

/// Whether the span is a call of a language model by Vercel's AI SDK.
pub(super) fn is_vercel_chat(attributes: &Attributes) -> bool {
    let Some(told) = get(attributes, "ai.operationId") else { return false };
    let told = deeply_loaded(told, 2);
    matches!(told.as_text(), Some("ai.generateText.doGenerate" | "ai.streamText.doStream"))
}

/// All that begins with a prefix, by what follows it.
pub(super) fn vercel_part(attributes: &Attributes, prefix: &str, request: bool) -> Option<Json> {
    let mut members: Vec<(String, Json)> = Vec::new();
    for (name, value) in attributes {
        if let Some(rest) = name.strip_prefix(prefix) {
            members.push((rest.to_owned(), deeply_loaded(value, 2)));
        }
    }
    if request {
        for (name, value) in &mut members {
            if let ("tools", Json::List(tools)) = (name.as_str(), value) {
                for tool in tools {
                    *tool = deeply_loaded(tool, 2);
                }
            }
        }
    }
    (!members.is_empty()).then(|| escaped(&Json::Object(members)))
}

// VoltAgent

pub(super) fn volt_type(attributes: &Attributes) -> Option<&'static str> {
    // A child says of itself `span.type`; its `entity.type` is that of the agent above it.
    ["span.type", "entity.type"].into_iter().find_map(|name| match loaded(attributes, name).as_text()? {
        "agent" => Some("AGENT"),
        "llm" => Some("LLM"),
        "tool" => Some("TOOL"),
        "memory" => Some("MEMORY"),
        _ => None,
    })
}

// LiveKit Agents

pub(super) fn livekit_type(attributes: &Attributes) -> Option<&'static str> {
    if get(attributes, "gen_ai.request.model").is_some() {
        return Some("LLM");
    }
    if let Some(operation) = get(attributes, "gen_ai.operation.name").filter(|value| truthy(value)) {
        let operation = match operation {
            Json::Text(text) => loads_or_text(text),
            other => other.clone(),
        };
        let lower = operation.as_text().map(|text| Json::Text(text.to_lowercase()));
        let gen_ai = &super::CONVENTIONS[3];
        if let Some(named) = lower.and_then(|word| gen_ai.type_named(&word)) {
            return Some(named);
        }
    }
    attributes.iter().find_map(|(name, _)| match name.as_str() {
        "lk.retry_count" => Some("LLM"),
        name if name.starts_with("lk.function_tool") => Some("TOOL"),
        "lk.agent_name" | "lk.instructions" | "lk.generation_id" => Some("AGENT"),
        "lk.input_text" | "lk.user_transcript" | "lk.transcript_confidence" | "lk.transcription_delay" => {
            Some("UNKNOWN")
        }
        name if name.starts_with("lk.tts") => Some("UNKNOWN"),
        _ => None,
    })
}

// All of them

/// The form of messages, for whoever shows them as a chat.
pub(super) fn message_format(attributes: &Attributes) -> Option<&'static str> {
    let has = |name: &str| get(attributes, name).is_some();
    if is_gemini_cli(attributes) {
        Some("gemini")
    } else if has("voltagent.operation_id") || has("voltagent.conversation_id") {
        Some("voltagent")
    } else if attributes.iter().any(|(name, _)| name.starts_with("lk.")) {
        Some("livekit")
    } else if has("lmnr.span.type") {
        Some("openai")
    } else {
        None
    }
}

/// What went in, as events of the span tell it.
pub(super) fn inputs_of_events(events: &[Event]) -> Option<Json> {
    spring(events, "gen_ai.content.prompt", "gen_ai.prompt").or_else(|| {
        let messages = events.iter().filter_map(|event| {
            let role = match event.name.as_str() {
                "gen_ai.system.message" => "system",
                "gen_ai.user.message" => "user",
                "gen_ai.assistant.message" => "assistant",
                _ => return None,
            };
            message(event, Json::Text(role.to_owned()))
        });
        listed(messages.collect())
    })
}

/// What came out, as events of the span tell it.
pub(super) fn outputs_of_events(events: &[Event], attributes: &Attributes) -> Option<Json> {
    spring(events, "gen_ai.content.completion", "gen_ai.completion")
        .or_else(|| {
            let choices = events.iter().filter(|event| event.name == "gen_ai.choice");
            let messages = choices.filter_map(|event| {
                let role = match get(&event.attributes, "role") {
                    Some(Json::Text(text)) => loads_or_text(text),
                    Some(other) => other.clone(),
                    None => Json::Text("assistant".to_owned()),
                };
                message(event, role)
            });
            listed(messages.collect())
        })
        .or_else(|| claude_tool_output(events, attributes))
}

fn spring(events: &[Event], event_name: &str, attribute: &str) -> Option<Json> {
    let named = events.iter().filter(|event| event.name == event_name);
    named.filter_map(|event| get(&event.attributes, attribute)).find(|value| truthy(value)).cloned()
}

fn message(event: &Event, role: Json) -> Option<Json> {
    let content = get(&event.attributes, "content").filter(|value| truthy(value))?;
    let content = match content {
        Json::Text(text) => loads_or_text(text),
        other => other.clone(),
    };
    Some(Json::Object(vec![("role".to_owned(), role), ("content".to_owned(), content)]))
}

fn listed(messages: Vec<Json>) -> Option<Json> {
    (!messages.is_empty()).then(|| escaped(&Json::List(messages)))
}

fn claude_tool_output(events: &[Event], attributes: &Attributes) -> Option<Json> {
    if claude(attributes) != Some(Claude::Tool) {
        return None;
    }
    let outputs = events.iter().filter(|event| event.name == "tool.output");
    outputs
        .flat_map(|event| ["output", "content", "diff"].map(|name| loaded(&event.attributes, name)))
        .find(|value| truthy(value) && value.as_text() != Some(REDACTED))
        .map(|value| Json::Text(python::dumps(&value, Letters::Kept)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Json::Text((*value).to_owned()))).collect()
    }

    fn event(name: &str, pairs: &[(&str, &str)]) -> Event {
        Event { name: name.to_owned(), time_ns: 0, attributes: attributes(pairs) }
    }

    #[test]
    fn gemini_s_messages_are_put_in_gemini_s_form() {
        let told = attributes(&[
            ("gen_ai.agent.name", "\"gemini-cli\""),
            ("gen_ai.operation.name", "system_prompt"),
        ]);
        assert!(is_gemini_cli(&told));
        let inputs = gemini_inputs(Json::Text(r#"[{"role": "user", "parts": ["é"]}]"#.to_owned()), &told);
        assert_eq!(inputs.as_text().unwrap(), r#"{"contents": [{"role": "system", "parts": ["\u00e9"]}]}"#);
        let outputs = gemini_outputs(Json::Text(r#"[{"parts": [1]}, {"parts": [2]}]"#.to_owned()));
        assert_eq!(
            outputs.as_text().unwrap(),
            r#"{"candidates": [{"content": {"role": "model", "parts": [1, 2]}}]}"#
        );
    }

    #[test]
    fn claude_code_holds_content_back() {
        let told = attributes(&[
            ("span.type", "\"claude_code.llm_request\""),
            ("input_tokens", "5"),
            ("cache_read_tokens", "\"7\""),
            ("new_context", "\"<REDACTED>\""),
            ("response.model_output", "\"out\""),
        ]);
        assert_eq!(claude_type(&told), Some("LLM"));
        assert_eq!(claude_inputs(&told), None);
        assert_eq!(claude_outputs(&told), Some(Json::Text("\"out\"".to_owned())));
        assert_eq!(claude_tokens(&told), [Some(12), None, None, Some(7), None]);
        let tool = attributes(&[("span.type", "\"tool\""), ("full_command", "\"ls\"")]);
        assert_eq!(claude_inputs(&tool).unwrap().as_text().unwrap(), r#"{"full_command": "ls"}"#);
        let events = [event("tool.output", &[("output", ""), ("content", "\"done\"")])];
        assert_eq!(outputs_of_events(&events, &tool).unwrap().as_text().unwrap(), "\"done\"");
    }

    #[test]
    fn vercel_s_parts_are_put_together() {
        let told = attributes(&[
            ("ai.operationId", "\"ai.generateText.doGenerate\""),
            ("ai.prompt.messages", r#""[{\"role\": \"user\"}]""#),
            ("ai.prompt.tools", r#"["{\"a\": 1}"]"#),
        ]);
        assert!(is_vercel_chat(&told));
        assert_eq!(
            vercel_part(&told, "ai.prompt.", true).unwrap().as_text().unwrap(),
            r#"{"messages": [{"role": "user"}], "tools": [{"a": 1}]}"#
        );
    }

    #[test]
    fn events_tell_messages() {
        let events = [
            event("gen_ai.system.message", &[("content", "be brief")]),
            event("gen_ai.user.message", &[("content", "\"hi\"")]),
            event("gen_ai.choice", &[("content", "hello")]),
        ];
        assert_eq!(
            inputs_of_events(&events).unwrap().as_text().unwrap(),
            r#"[{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]"#
        );
        assert_eq!(
            outputs_of_events(&events, &Attributes::new()).unwrap().as_text().unwrap(),
            r#"[{"role": "assistant", "content": "hello"}]"#
        );
    }
}
