//! What a listing shows of a trace's input and output.

use ropewalk_mlflow::json::{Json, parse};

use crate::python::{self, Letters, longer, truncated, without_nul};

/// The longest preview, in characters.
pub(crate) const LONGEST: usize = 1000;

/// The last message of a role within what a root span took or gave, or all of it, cut to its first 1,000 characters.
pub(crate) fn of(value: &Json, role: &str) -> Option<String> {
    let (whole, parsed) = match value {
        Json::Text(text) => (text.clone(), parse(text)),
        Json::Object(_) => (python::dumps(value, Letters::Escaped), Some(value.clone())),
        _ => return None,
    };
    let message = parsed.as_ref().and_then(messages).and_then(|messages| last(&messages, role).map(text_of));
    let content = message.flatten().filter(|text| !text.is_empty()).unwrap_or(whole);
    let content = without_nul(&content);
    Some(if longer(&content, LONGEST) {
        format!("{}...", truncated(&content, LONGEST - 3))
    } else {
        content.into_owned()
    })
}

/// The messages of a chat's request or response, in the forms that OpenAI's interfaces have.
fn messages(value: &Json) -> Option<Vec<&Json>> {
    let list = |name: &str| match value.get(name) {
        Some(Json::List(items)) if !items.is_empty() => {
            Some(items.iter().filter(|item| is_message(item)).collect::<Vec<_>>())
        }
        _ => None,
    };
    if let Some(found) = list("messages") {
        return Some(found);
    }
    if let Some(Json::List(choices)) = value.get("choices")
        && let Some(message) = choices.first().and_then(|choice| choice.get("message"))
        && is_message(message)
    {
        return Some(vec![message]);
    }
    list("input").or_else(|| list("output")).or_else(|| value.get("request").and_then(messages))
}

fn is_message(value: &Json) -> bool {
    value.get("role").is_some() && value.get("content").is_some()
}

fn last<'a>(messages: &[&'a Json], role: &str) -> Option<&'a Json> {
    let of_role =
        messages.iter().rev().find(|message| message.get("role").and_then(Json::as_text) == Some(role));
    of_role.or(messages.last()).copied()
}

fn text_of(message: &Json) -> Option<String> {
    match message.get("content")? {
        Json::Text(text) => Some(text.clone()),
        Json::List(parts) => parts.iter().find_map(|part| match part {
            Json::Text(text) => Some(text.clone()),
            _ if matches!(part.get("type").and_then(Json::as_text), Some("text" | "output_text")) => {
                Some(part.get("text").and_then(Json::as_text).unwrap_or_default().to_owned())
            }
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn preview(text: &str, role: &str) -> String {
        of(&Json::Text(text.to_owned()), role).unwrap()
    }

    #[test]
    fn the_last_message_of_the_role_is_shown() {
        let chat = r#"{"messages": [{"role": "user", "content": "one"}, {"role": "user", "content": "two"},
            {"role": "assistant", "content": "three"}]}"#;
        assert_eq!((preview(chat, "user").as_str(), preview(chat, "assistant").as_str()), ("two", "three"));
        assert_eq!(preview(r#"{"choices": [{"message": {"role": "x", "content": "c"}}]}"#, "assistant"), "c");
        let parts = r#"{"request": {"input": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "t"}]}]}}"#;
        assert_eq!(preview(parts, "user"), "t");
    }

    #[test]
    fn what_is_no_chat_is_shown_whole_but_cut() {
        assert_eq!(preview(r#"{"x": 1}"#, "user"), r#"{"x": 1}"#);
        assert_eq!(preview(r#"{"messages": [{"role": "user", "content": ""}]}"#, "user").len(), 47);
        assert_eq!(preview("a\0b", "user"), "a\u{fffd}b");
        let long = preview(&"ä".repeat(1001), "user");
        assert_eq!((long.chars().count(), long.ends_with("ä...")), (1000, true));
        assert_eq!(preview(&"ä".repeat(1000), "user").chars().count(), 1000);
    }
}
