//! Texts as Python shows and normalises them: messages of the stock server quote them so.

use std::fmt::Write;

use crate::json::{Json, float};

/// A text as Python's `repr` shows it.
pub fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for character in text.chars() {
        match character {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            same if same == quote => {
                shown.push('\\');
                shown.push(same);
            }
            hidden if !is_printable(hidden) => {
                let code = u32::from(hidden);
                let _ = match code {
                    0..=0xff => write!(shown, "\\x{code:02x}"),
                    0x100..=0xffff => write!(shown, "\\u{code:04x}"),
                    _ => write!(shown, "\\U{code:08x}"),
                };
            }
            other => shown.push(other),
        }
    }
    shown.push(quote);
    shown
}

/// Controls, blanks other than the space, marks of direction and private characters are not printable.
fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{a0}' | '\u{ad}' | '\u{1680}' | '\u{180e}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
                | '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{10ffff}'
        )
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
        Json::Number(number) if number.is_infinite() => {
            if *number > 0.0 { "inf" } else { "-inf" }.to_owned()
        }
        Json::Number(number) => float(*number),
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

/// The zeros of the scripts that have decimal digits (Unicode's category Nd); the other nine follow each.
const ZEROS: [u32; 37] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// A text with the decimal digits of any script as ASCII: Python's `int` takes them all.
pub fn plain_digits(text: &str) -> String {
    let plain = |c: char| {
        let zero = ZEROS.iter().rev().find(|zero| **zero <= u32::from(c))?;
        char::from_digit(u32::from(c) - zero, 10)
    };
    text.chars().map(|c| if c.is_ascii() { c } else { plain(c).unwrap_or(c) }).collect()
}

/// Python's `int` of a text, where it fits 64 bits.
pub fn whole(text: &str) -> Option<i64> {
    crate::message::python_whole(&plain_digits(text))
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
        assert_eq!(plain_digits("１٠९ x²½é"), "109 x²½é");
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
