//! Classes of characters as Python's regular expressions have them, on which MLflow's tokens rest. The tables here may be
//! of a later edition of Unicode than Python's: what has become a letter since counts as one.

use std::sync::LazyLock;

use regex::Regex;

/// Python's `\s`.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// Python's `\w`: letters, numbers and the underscore, but, unlike elsewhere, no combining marks.
pub(crate) fn is_word(character: char) -> bool {
    static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{N}]$").ok());
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || character == '_';
    }
    // The usual letters are told without the table.
    character.is_lowercase() && !matches!(character, 'ⓐ'..='ⓩ' | '\u{345}') || matches(&WORD, character)
}

/// Python's `\d`.
pub(crate) fn is_digit(character: char) -> bool {
    static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").ok());
    if character.is_ascii() {
        return character.is_ascii_digit();
    }
    character.is_numeric() && matches(&DIGIT, character)
}

fn matches(class: &LazyLock<Option<Regex>>, character: char) -> bool {
    let mut buffer = [0; 4];
    class.as_ref().is_some_and(|class| class.is_match(character.encode_utf8(&mut buffer)))
}

/// What a digit stands for: the digits of a script stand in a row from zero to nine.
pub(crate) fn digit_value(character: char) -> Option<u8> {
    if character.is_ascii() {
        return character.to_digit(10).and_then(|digit| u8::try_from(digit).ok());
    }
    if !is_digit(character) {
        return None;
    }
    let before = |back: u32| char::from_u32(u32::from(character).saturating_sub(back)).is_some_and(is_digit);
    u8::try_from((1..).take_while(|&back| before(back)).count() % 10).ok()
}

/// What a name may start with to be one before a dot or a parenthesis, and what ends a number's being one.
pub(crate) fn is_letter(character: char) -> bool {
    match character {
        'A'..='Z' | 'a'..='z' => true,
        'À'..='Ü' | 'à'..='ö' | 'ø'..='ü' => true,
        // Letters whose small or capital form is one of the above.
        'İ' | 'ı' | 'ſ' | '\u{212a}' | '\u{212b}' => true,
        _ => false,
    }
}

/// Whether a character is a letter A–Z, whatever its case.
pub(crate) fn is_same_letter(character: char, capital: u8) -> bool {
    match character {
        'İ' | 'ı' => capital == b'I',
        'ſ' => capital == b'S',
        '\u{212a}' => capital == b'K',
        _ => character.is_ascii() && character.to_ascii_uppercase() == char::from(capital),
    }
}

/// Whether Python shows a character as it is.
pub(crate) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // Rust's own debug form rests on the same rule. A character that only extends the one before it is shown after one.
    let pair: String = ['a', character].into_iter().collect();
    pair.escape_debug().nth(1) == Some(character)
}

/// Python's `str.upper`, without a copy where there is nothing to change.
pub(crate) fn upper(text: &str) -> std::borrow::Cow<'_, str> {
    if text.bytes().any(|byte| !byte.is_ascii() || byte.is_ascii_lowercase()) {
        text.to_uppercase().into()
    } else {
        text.into()
    }
}

/// Whether a text in capitals is a word.
pub(crate) fn is_upper(text: &str, word: &str) -> bool {
    if text.is_ascii() { text.eq_ignore_ascii_case(word) } else { text.to_uppercase() == word }
}

/// Python's `str.strip`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}
