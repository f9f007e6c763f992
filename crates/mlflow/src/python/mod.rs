//! Texts as Python shows and normalises them: messages of the stock server quote them so.

use std::fmt::Write;

pub(crate) mod characters;
mod numbers;
mod words;

use crate::json::{self, Json};
use characters::is_printable;

pub use numbers::{Integer, float, integer, plain_digits, whole};
pub use words::{shell_words, words};

/// A text as Python's `repr` shows it.
pub fn repr(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    show(text, &mut shown, is_printable);
    shown
}

/// Appends a text as `repr` shows it, where `is_printable` says which characters stay as they are.
pub(crate) fn show(text: &str, shown: &mut String, is_printable: impl Fn(char) -> bool) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    shown.push(quote);
    for character in text.chars() {
        // Writing to a text does not fail.
        let _ = match character {
            '\\' => write!(shown, "\\\\"),
            '\n' => write!(shown, "\\n"),
            '\r' => write!(shown, "\\r"),
            '\t' => write!(shown, "\\t"),
            other if other == quote => write!(shown, "\\{other}"),
            other if is_printable(other) => write!(shown, "{other}"),
            other => match u32::from(other) {
                number @ 0..=0xff => write!(shown, "\\x{number:02x}"),
                number @ 0x100..=0xffff => write!(shown, "\\u{number:04x}"),
                number => write!(shown, "\\U{number:08x}"),
            },
        };
    }
    shown.push(quote);
}

/// Words as Python shows a set of them; in their order, which Python leaves open.
pub fn repr_set(words: &[&str]) -> String {
    let mut words = words.to_vec();
    words.sort_unstable();
    format!("{{{}}}", words.into_iter().map(repr).collect::<Vec<_>>().join(", "))
}

/// A list of texts as Python's `repr` shows it.
pub fn repr_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let shown: Vec<String> = texts.into_iter().map(repr).collect();
    format!("[{}]", shown.join(", "))
}

/// A JSON value as Python's `repr` shows what it was read as.
pub fn repr_json(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Truth(truth) => if *truth { "True" } else { "False" }.to_owned(),
        Json::Integer(number) => number.to_string(),
        Json::Huge(digits) => digits.clone(),
        Json::Number(number) if number.is_nan() => "nan".to_owned(),
        Json::Number(number) if number.is_infinite() => if *number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        Json::Number(number) => json::float(*number),
        Json::Text(text) => repr(text),
        Json::List(items) => {
            let shown: Vec<String> = items.iter().map(repr_json).collect();
            format!("[{}]", shown.join(", "))
        }
        Json::Object(members) => {
            let shown: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", repr(name), repr_json(value))).collect();
            format!("{{{}}}", shown.join(", "))
        }
    }
}

/// Whether Python takes a JSON value for true.
pub fn is_true(value: &Json) -> bool {
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

/// What a POSIX path normalises to, as `posixpath.normpath` has it.
pub fn normal_path(path: &str) -> String {
    let lead = if path.starts_with("//") && !path.starts_with("///") {
        "//"
    } else if path.starts_with('/') {
        "/"
    } else {
        ""
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if lead.is_empty() && parts.last().is_none_or(|last| *last == "..") => parts.push(".."),
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let joined = format!("{lead}{}", parts.join("/"));
    if joined.is_empty() { ".".to_owned() } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_as_python_quotes_it() {
        for (text, shown) in [
            ("plain é", "'plain é'"),
            ("it's", "\"it's\""),
            ("it's \"it\"", "'it\\'s \"it\"'"),
            ("a\\b\n\u{0}\u{a0}", "'a\\\\b\\n\\x00\\xa0'"),
            ("\u{200b}\u{e0001}", "'\\u200b\\U000e0001'"),
        ] {
            assert_eq!(repr(text), shown);
        }
        assert_eq!(repr_list(["a", "b"]), "['a', 'b']");
    }

    #[test]
    fn digits_of_any_script_are_digits() {
        assert_eq!(plain_digits("１٠९ x²½é").as_deref(), Some("109 x²½é"));
    }

    #[test]
    fn a_path_is_normalised() {
        for (path, normal) in [
            ("", "."),
            ("a//b/./c", "a/b/c"),
            ("a/../..", ".."),
            ("/../a", "/a"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("../../a", "../../a"),
        ] {
            assert_eq!(normal_path(path), normal, "{path}");
        }
    }
}
