//! Values as Python's `json.dumps` writes them by default, and the few habits of Python that show through in what MLflow
//! stores: attributes of spans are texts of JSON, and people search in them.

use std::borrow::Cow;
use std::fmt::Write;

use ropewalk_mlflow::json::{Json, float, parse};

/// Whether characters beyond ASCII are written as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// `é` stays `é`.
    Kept,
    /// `é` becomes `\u00e9`.
    Escaped,
}

/// The value in one line, members in their order, blanks after commas and colons.
pub(crate) fn dumps(value: &Json, letters: Letters) -> String {
    let mut text = String::new();
    push(&mut text, value, letters);
    text
}

/// Appends a value as [`dumps`] writes it.
pub(crate) fn push(text: &mut String, value: &Json, letters: Letters) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Truth(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Json::Integer(number) => {
            let _ = write!(text, "{number}");
        }
        Json::Huge(digits) => text.push_str(digits),
        Json::Number(number) if number.is_nan() => text.push_str("NaN"),
        Json::Number(number) if number.is_infinite() => {
            text.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Json::Number(number) => text.push_str(&float(*number)),
        Json::Text(content) => push_text(text, content, letters),
        Json::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push(text, item, letters);
            }
            text.push(']');
        }
        Json::Object(members) => push_members(text, members, letters),
    }
}

/// Appends an object.
pub(crate) fn push_members(text: &mut String, members: &[(String, Json)], letters: Letters) {
    text.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        push_text(text, name, letters);
        text.push_str(": ");
        push(text, value, letters);
    }
    text.push('}');
}

/// Appends a text with its quotes.
pub(crate) fn push_text(text: &mut String, content: &str, letters: Letters) {
    text.push('"');
    let mut plain = 0;
    for (at, character) in content.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\0'..='\u{1f}' => "",
            other if letters == Letters::Escaped && !(' '..='~').contains(&other) => "",
            _ => continue,
        };
        text.push_str(&content[plain..at]);
        plain = at + character.len_utf8();
        if escape.is_empty() {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push_str(escape);
        }
    }
    text.push_str(&content[plain..]);
    text.push('"');
}

/// A text as JSON.
pub(crate) fn quoted(content: &str) -> String {
    let mut text = String::with_capacity(content.len() + 2);
    push_text(&mut text, content, Letters::Kept);
    text
}

/// A number as Python shows it.
pub(crate) fn float_shown(number: f64) -> String {
    float(number)
}

/// A value as Python's `str` shows it.
pub(crate) fn shown(value: &Json) -> String {
    let mut text = String::new();
    match value {
        Json::Text(content) => text.push_str(content),
        other => show(&mut text, other),
    }
    text
}

fn show(text: &mut String, value: &Json) {
    match value {
        Json::Null => text.push_str("None"),
        Json::Truth(truth) => text.push_str(if *truth { "True" } else { "False" }),
        Json::Number(number) if number.is_nan() => text.push_str("nan"),
        Json::Number(number) if number.is_infinite() => {
            text.push_str(if *number > 0.0 { "inf" } else { "-inf" })
        }
        Json::Text(content) => show_text(text, content),
        Json::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                show(text, item);
            }
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                show_text(text, name);
                text.push_str(": ");
                show(text, value);
            }
            text.push('}');
        }
        plain => push(text, plain, Letters::Kept),
    }
}

fn show_text(text: &mut String, content: &str) {
    let quote = if content.contains('\'') && !content.contains('"') { '"' } else { '\'' };
    text.push(quote);
    for character in content.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other if other == quote => text.extend(['\\', other]),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{ad}' => {
                let _ = write!(text, "\\x{:02x}", u32::from(character));
            }
            other => text.push(other),
        }
    }
    text.push(quote);
}

/// A text as JSON in ASCII.
pub(crate) fn quoted_ascii(content: &str) -> String {
    let mut text = String::with_capacity(content.len() + 2);
    push_text(&mut text, content, Letters::Escaped);
    text
}

/// What a text of JSON says; the text itself if it is none.
pub(crate) fn loads_or_text(text: &str) -> Json {
    parse(text).unwrap_or_else(|| Json::Text(text.to_owned()))
}

/// What Python takes for true.
pub(crate) fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Truth(truth) => *truth,
        Json::Integer(number) => *number != 0,
        Json::Huge(_) => true,
        Json::Number(number) => *number != 0.0,
        Json::Text(text) => !text.is_empty(),
        Json::List(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
    }
}

/// The first characters of a text.
pub(crate) fn truncated(text: &str, most: usize) -> &str {
    // A text of few bytes has few characters.
    if text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}

/// Whether a text has more characters than that.
pub(crate) fn longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().count() > most
}

/// A text that PostgreSQL can keep: it has no place for NUL.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Bytes as Python's `str` shows them.
pub(crate) fn bytes_shown(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' if char::from(*byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            b' '..=b'~' => text.push(char::from(*byte)),
            other => {
                let _ = write!(text, "\\x{other:02x}");
            }
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let value = parse(r#"{"b": [1, 2.50, 1e16, null, true], "a": "é\"\n\u0001😀"}"#).unwrap();
        assert_eq!(
            dumps(&value, Letters::Kept),
            "{\"b\": [1, 2.5, 1e+16, null, true], \"a\": \"é\\\"\\n\\u0001😀\"}"
        );
        assert_eq!(
            dumps(&value, Letters::Escaped),
            "{\"b\": [1, 2.5, 1e+16, null, true], \"a\": \"\\u00e9\\\"\\n\\u0001\\ud83d\\ude00\"}"
        );
        assert_eq!(dumps(&Json::List(Vec::new()), Letters::Kept), "[]");
    }

    #[test]
    fn texts_are_cut_by_characters() {
        assert_eq!((truncated("äöü", 2), truncated("äöü", 3), truncated("", 0)), ("äö", "äöü", ""));
        assert!(longer("äöü", 2) && !longer("äöü", 3));
    }

    #[test]
    fn bytes_are_shown_as_python_shows_them() {
        assert_eq!(bytes_shown(b"a'\x00\n"), "b\"a'\\x00\\n\"");
        assert_eq!(bytes_shown(b"a'\""), "b'a\\'\"'");
    }

    proptest! {
        #[test]
        fn a_text_reads_back(content in ".*") {
            for letters in [Letters::Kept, Letters::Escaped] {
                let mut text = String::new();
                push_text(&mut text, &content, letters);
                prop_assert_eq!(parse(&text), Some(Json::Text(content.clone())));
            }
        }
    }
}
