//! Numbers as Python reads them of texts.

use super::characters::{digit_value, is_digit, strip};

/// Digits of any script as ASCII, without the underscores that may stand between them; none if one stands elsewhere.
pub fn plain_digits(text: &str) -> Option<String> {
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
pub fn float(text: &str) -> Option<f64> {
    let text = plain_digits(strip(text))?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    // Rust reads the same numbers, and as the nearest one too.
    let numeric = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let named = ["inf", "infinity", "nan"].iter().any(|name| unsigned.eq_ignore_ascii_case(name));
    if numeric || named { text.parse().ok() } else { None }
}

/// Python's `int` of a text, if it fits.
pub fn integer(text: &str) -> Integer {
    let Some(text) = plain_digits(strip(text)) else { return Integer::None };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Integer::None;
    }
    text.parse().map_or(Integer::TooLarge, Integer::Some)
}

/// Python's `int` of a text, where it fits 64 bits.
pub fn whole(text: &str) -> Option<i64> {
    match integer(text) {
        Integer::Some(number) => Some(number),
        _ => None,
    }
}

/// What `int` makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integer {
    /// A number.
    Some(i64),
    /// A whole number that no database column holds.
    TooLarge,
    /// No number.
    None,
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

    proptest! {
        #[test]
        fn no_text_panics(text in "[-+0-9.eEnNaAiIfF_ ٣x\n]{0,24}") {
            let _ = float(&text);
            let _ = integer(&text);
        }
    }
}
