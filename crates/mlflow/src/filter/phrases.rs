//! Keywords of several words, and keywords that are never names.

use super::tokens::Kind;
use crate::python::characters::{is_digit, is_same_letter, is_space, is_word};

/// Words that are keywords wherever they stand.
pub(super) fn is_reserved(word: &str) -> bool {
    matches!(word.len(), 2..=8)
        && ["CASE", "IN", "VALUES", "USING", "FROM", "AS"].iter().any(|reserved| same(word, reserved))
}

/// Whether two words are the same, whatever the case.
fn same(word: &str, capitals: &str) -> bool {
    if word.is_ascii() {
        return word.eq_ignore_ascii_case(capitals);
    }
    let mut letters = capitals.bytes();
    word.chars().all(|c| letters.next().is_some_and(|letter| is_same_letter(c, letter)))
        && letters.next().is_none()
}

/// The rest of a text, word by word.
#[derive(Clone, Copy)]
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn run(text: &str, from: usize, class: fn(char) -> bool) -> usize {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.find(|c| !class(c)).unwrap_or(rest.len())
    }

    /// The next word after spaces.
    fn word(&mut self) -> &'a str {
        let start = Self::run(self.text, self.at, is_space);
        if start == self.at {
            return "";
        }
        self.at = Self::run(self.text, start, is_word);
        &self.text[start..self.at]
    }

    /// Whether these words follow; where they end.
    fn follow(mut self, words: &[&[&str]]) -> Option<usize> {
        for choice in words {
            let word = self.word();
            choice.iter().find(|one| same(word, one))?;
        }
        Some(self.at)
    }
}

/// The keyword that starts with the word between these places.
pub(super) fn phrase(text: &str, start: usize, end: usize) -> Option<(Kind, usize)> {
    let word = &text[start..end];
    // Most words start none of these.
    if !matches!(word.len(), 2..=16) {
        return None;
    }
    let is = |capitals: &str| same(word, capitals);
    let any = |all: &[&str]| all.iter().any(|one| is(one));
    let rest = Rest { text, at: end };
    let follow = |words: &[&[&str]]| rest.follow(words);
    let found = |kind| move |end| (kind, end);
    match word.as_bytes()[0].to_ascii_uppercase() {
        b'A' | b'D' if any(&["ASC", "DESC"]) => Some((Kind::Order, nulls(rest).unwrap_or(end))),
        b'N' if is("NULLS") => follow(&[&["FIRST", "LAST"]]).map(found(Kind::Order)),
        b'L' | b'I' | b'R' | 0xc4 if any(&["LIKE", "ILIKE", "RLIKE"]) => Some((Kind::Compare, end)),
        b'R' if is("REGEXP") => Some((Kind::Compare, follow(&[&["BINARY"]]).unwrap_or(end))),
        b'N' if is("NOT") => follow(&[&["NULL"]])
            .map(found(Kind::Keyword))
            .or_else(|| follow(&[&["LIKE", "ILIKE", "RLIKE"]]).map(found(Kind::Compare)))
            .or_else(|| follow(&[&["REGEXP"], &["BINARY"]]).map(found(Kind::Compare)))
            .or_else(|| follow(&[&["REGEXP"]]).map(found(Kind::Compare))),
        b'E' if is("END") => {
            Some((Kind::Keyword, follow(&[&["IF", "LOOP", "WHILE", "FOR", "CASE"]]).unwrap_or(end)))
        }
        b'I' | 0xc4 if is("IF") => {
            follow(&[&["EXISTS"]]).or_else(|| follow(&[&["NOT"], &["EXISTS"]])).map(found(Kind::Keyword))
        }
        b'J' if is("JOIN") => Some((Kind::Keyword, end)),
        b'L' | b'R' | b'F' if any(&["LEFT", "RIGHT", "FULL"]) => {
            follow(&[&["INNER", "OUTER", "STRAIGHT"], &["JOIN"]])
                .or_else(|| follow(&[&["JOIN"]]))
                .map(found(Kind::Keyword))
        }
        b'I' | b'O' | b'S' | b'C' | b'N' | 0xc4 | 0xc5
            if any(&["INNER", "OUTER", "STRAIGHT", "CROSS", "NATURAL"]) =>
        {
            follow(&[&["JOIN"]]).map(found(Kind::Keyword))
        }
        b'U' if is("UNION") => follow(&[&["ALL"]]).map(found(Kind::Keyword)),
        b'C' if is("CREATE") => Some((Kind::Definition, follow(&[&["OR"], &["REPLACE"]]).unwrap_or(end))),
        b'D' if is("DOUBLE") => follow(&[&["PRECISION"]]).map(found(Kind::Type)),
        b'G' | b'O' if any(&["GROUP", "ORDER"]) => follow(&[&["BY"]]).map(found(Kind::Keyword)),
        b'P' if is("PRIMARY") => follow(&[&["KEY"]]).map(found(Kind::Keyword)),
        b'H' if is("HANDLER") => follow(&[&["FOR"]]).map(found(Kind::Keyword)),
        b'G' if is("GO") => go(text, end).map(found(Kind::Keyword)),
        b'L' if is("LATERAL") => {
            follow(&[&["VIEW"], &["EXPLODE", "INLINE", "PARSE_URL_TUPLE", "POSEXPLODE", "STACK"]])
                .map(found(Kind::Keyword))
        }
        b'A' if is("AT") => zone(rest).map(found(Kind::Zone)),
        b'W' if is("WITH") && text.as_bytes().get(end) == Some(&b'\'') => {
            zone(Rest { text, at: end + 1 }).map(found(Kind::Zone))
        }
        _ => None,
    }
}

fn nulls(rest: Rest<'_>) -> Option<usize> {
    rest.follow(&[&["NULLS"], &["FIRST", "LAST"]])
}

/// `GO 2`, with one space.
fn go(text: &str, end: usize) -> Option<usize> {
    let space = text[end..].chars().next().filter(|&c| is_space(c))?;
    let digits = end + space.len_utf8();
    let end = Rest::run(text, digits, is_digit);
    (end > digits && !text[end..].starts_with(is_word)).then_some(end)
}

/// `AT TIME ZONE 'UTC'`
fn zone(rest: Rest<'_>) -> Option<usize> {
    let text = rest.text;
    let end = rest.follow(&[&["TIME"], &["ZONE"]])?;
    let quote = Rest::run(text, end, is_space);
    let inside = text[quote..].strip_prefix('\'').filter(|_| quote > end)?;
    let close = inside.find('\'').filter(|&close| close > 0)?;
    Some(quote + close + 2)
}
