//! Texts and numbers as Python reads and shows them, which the stock server's messages do too.

use std::fmt::Write;

use super::characters::{digit_value, is_digit, is_printable, is_space, strip};

/// A text as Python's `repr` shows it.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    show(text, &mut shown, is_printable);
    shown
}

pub(super) fn show(text: &str, shown: &mut String, is_printable: impl Fn(char) -> bool) {
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

/// Texts as Python shows a list of them.
pub(super) fn quoted_list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

/// Words as Python shows a set of them; in their order, which Python leaves open.
pub(super) fn quoted_set(words: &[&str]) -> String {
    let mut words = words.to_vec();
    words.sort_unstable();
    format!("{{{}}}", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
}

/// Digits of any script as ASCII, without the underscores that may stand between them; none if one stands elsewhere.
pub(super) fn plain_digits(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == '_' {
            let after = text[at + 1..].chars().next().is_some_and(is_digit);
            if !is_digit(before) || !after {
                return None;
            }
        } else {
            plain.push(digit_value(character).map_or(character, |digit| char::from(b'0' + digit)));
        }
        before = character;
    }
    Some(plain)
}

/// Python's `float` of a text.
pub(super) fn float(text: &str) -> Option<f64> {
    let text = plain_digits(strip(text))?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    // Rust reads the same numbers, and as the nearest one too.
    let numeric = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let named = ["inf", "infinity", "nan"].iter().any(|name| unsigned.eq_ignore_ascii_case(name));
    if numeric || named { text.parse().ok() } else { None }
}

/// Python's `int` of a text, if it fits.
pub(super) fn integer(text: &str) -> Integer {
    let Some(text) = plain_digits(strip(text)) else { return Integer::None };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Integer::None;
    }
    text.parse().map_or(Integer::TooLarge, Integer::Some)
}

/// What `int` makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    Some(i64),
    /// A whole number that no database column holds.
    TooLarge,
    None,
}

/// The words of a line, as Python's `shlex.split` cuts them; none if a quote is not closed.
pub(super) fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(characters.next()?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            kept @ ('"' | '\\') => word.push(kept),
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// Python's `str.split` without arguments.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split(is_space).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_read_as_python_reads_them() {
        for (text, number) in
            [("1_000", 1000.0), (" 1.5 ", 1.5), ("٣", 3.0), ("-inf", f64::NEG_INFINITY), ("1e5", 1e5)]
        {
            assert_eq!(float(text), Some(number), "{text}");
        }
        assert!(float("NaN").unwrap().is_nan());
        for wrong in ["", "_1", "1_", "1__0", "0x1", "1e", "'5'", "infin", "+ 5", "1._5"] {
            assert_eq!(float(wrong), None, "{wrong}");
        }
        assert_eq!(integer(" 1_0 "), Integer::Some(10));
        assert_eq!(integer("9223372036854775808"), Integer::TooLarge);
        assert_eq!(integer("1.0"), Integer::None);
    }

    #[test]
    fn shell_words_are_cut_as_python_cuts_them() {
        let cut = |text: &str| shell_words(text).map(|words| words.join("|"));
        assert_eq!(cut("metrics.\"a b\" DESC").unwrap(), "metrics.a b|DESC");
        assert_eq!(cut(r#"a\ b "c\"d\e" 'f\g'"#).unwrap(), r#"a b|c"d\e|f\g"#);
        assert_eq!(cut("'' \"\"").unwrap(), "|");
        assert_eq!(cut("a'b"), None);
        assert_eq!(cut("a\\"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[('\"\\\\,)a-c0-9.xé_ \n]{0,24}") {
            let _ = shell_words(&text);
            let _ = float(&text);
            let _ = integer(&text);
        }
    }
}
