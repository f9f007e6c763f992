//! Literals of Python, as which the stock server reads lists.

use crate::json;
use crate::python::characters::is_printable;
use crate::python::{plain_digits, repr, show};

/// Deeper nesting is refused.
const DEPTH: usize = 150;

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Bytes(Vec<u8>),
    /// A number, as Python shows it, or `None`, `True` or `False`.
    Plain(String),
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dictionary(Vec<(Literal, Literal)>),
}

impl Literal {
    /// As Python's `repr` shows it.
    pub(super) fn shown(&self) -> String {
        let all = |items: &[Self]| items.iter().map(Self::shown).collect::<Vec<_>>().join(", ");
        match self {
            Self::Text(text) => repr(text),
            Self::Bytes(bytes) => {
                // Each byte as the character of that number, escaped beyond ASCII.
                let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
                let mut shown = String::from("b");
                show(&text, &mut shown, |character| character.is_ascii() && is_printable(character));
                shown
            }
            Self::Plain(text) => text.clone(),
            Self::Tuple(items) if items.len() == 1 => format!("({},)", all(items)),
            Self::Tuple(items) => format!("({})", all(items)),
            Self::List(items) => format!("[{}]", all(items)),
            Self::Dictionary(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| format!("{}: {}", key.shown(), value.shown()))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }
}

/// Reads a literal, as `ast.literal_eval` does.
pub(super) fn literal(text: &str) -> Option<Literal> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader { text: &text, at: 0 };
    let value = reader.value(0)?;
    reader.blank();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn first(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Skips spaces and comments.
    fn blank(&mut self) {
        loop {
            match self.first() {
                Some(b' ' | b'\t' | b'\n' | b'\x0c') => self.at += 1,
                Some(b'\\') if self.rest().starts_with("\\\n") => self.at += 2,
                Some(b'#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth > DEPTH {
            return None;
        }
        self.blank();
        match self.first()? {
            b'(' => self.items(b')', depth).map(|(mut items, comma)| match items.len() {
                1 if !comma => items.remove(0),
                _ => Literal::Tuple(items),
            }),
            b'[' => self.items(b']', depth).map(|(items, _)| Literal::List(items)),
            b'{' => self.dictionary(depth),
            b'0'..=b'9' | b'.' => self.number().map(Literal::Plain),
            b'+' | b'-' => self.signed(depth),
            _ => self.texts().or_else(|| self.named()),
        }
    }

    fn items(&mut self, close: u8, depth: usize) -> Option<(Vec<Literal>, bool)> {
        self.at += 1;
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            self.blank();
            if self.first()? == close {
                self.at += 1;
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value(depth + 1)?);
            self.blank();
            comma = self.take(",");
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Literal> {
        self.at += 1;
        let mut members = Vec::new();
        let mut comma = true;
        loop {
            self.blank();
            if self.take("}") {
                return Some(Literal::Dictionary(members));
            }
            if !comma {
                return None;
            }
            let key = self.value(depth + 1)?;
            self.blank();
            if !self.take(":") {
                return None;
            }
            members.push((key, self.value(depth + 1)?));
            self.blank();
            comma = self.take(",");
        }
    }

    fn signed(&mut self, depth: usize) -> Option<Literal> {
        let minus = self.first()? == b'-';
        self.at += 1;
        match self.value(depth + 1)? {
            Literal::Plain(number) if number.starts_with(|first: char| first.is_ascii_digit()) => {
                let zero = number == "0";
                Some(Literal::Plain(if minus && !zero { format!("-{number}") } else { number }))
            }
            _ => None,
        }
    }

    fn named(&mut self) -> Option<Literal> {
        let name = ["None", "True", "False"].into_iter().find(|name| self.take(name))?;
        let ends = !self.rest().starts_with(|next: char| next.is_alphanumeric() || next == '_');
        ends.then(|| Literal::Plain(name.to_owned()))
    }

    fn number(&mut self) -> Option<String> {
        let rest = self.rest();
        let mut last = ' ';
        let length = rest
            .find(|next: char| {
                let sign = matches!(next, '+' | '-') && matches!(last, 'e' | 'E') && !rest.starts_with("0x");
                last = next;
                !(next.is_ascii_alphanumeric() || matches!(next, '_' | '.') || sign)
            })
            .unwrap_or(rest.len());
        self.at += length;
        let written = &rest[..length];
        let plain = plain_digits(written)?.to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = written.to_ascii_lowercase().strip_prefix(prefix) {
                let digits = digits.replace('_', "");
                return u128::from_str_radix(&digits, radix).ok().map(|number| number.to_string());
            }
        }
        if plain.bytes().all(|byte| byte.is_ascii_digit()) {
            let short = plain.trim_start_matches('0');
            return match (short.is_empty(), plain.len() == short.len()) {
                (true, _) => Some("0".to_owned()),
                (_, true) => Some(plain),
                // `01` is no number.
                _ => None,
            };
        }
        let digits = plain.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        plain.parse().ok().filter(|_| digits).map(json::float)
    }

    /// Texts one after the other, which are one.
    fn texts(&mut self) -> Option<Literal> {
        let mut whole = self.text()?;
        loop {
            let back = self.at;
            self.blank();
            match (self.text(), &mut whole) {
                (None, _) => {
                    self.at = back;
                    return Some(whole);
                }
                (Some(Literal::Text(more)), Literal::Text(text)) => text.push_str(&more),
                (Some(Literal::Bytes(more)), Literal::Bytes(bytes)) => bytes.extend(more),
                // A broken text shows as no text at all here, and then as something that should not be there.
                _ => return None,
            }
        }
    }

    fn text(&mut self) -> Option<Literal> {
        let rest = self.rest();
        let prefix = rest.bytes().take(3).position(|byte| matches!(byte, b'\'' | b'"'))?;
        let (raw, bytes) = match rest[..prefix].to_ascii_lowercase().as_str() {
            "" | "u" => (false, false),
            "r" => (true, false),
            "b" => (false, true),
            "br" | "rb" => (true, true),
            _ => return None,
        };
        let rest = &rest[prefix..];
        let quote = &rest[..if rest.starts_with("'''") || rest.starts_with("\"\"\"") { 3 } else { 1 }];
        let mut inside = Inside { rest: &rest[quote.len()..], raw, bytes };
        let text = inside.read(quote)?;
        let length = rest.len() - inside.rest.len();
        self.at += prefix + length;
        if !bytes {
            return Some(Literal::Text(text));
        }
        text.chars().map(|character| u8::try_from(character).ok()).collect::<Option<_>>().map(Literal::Bytes)
    }
}

/// What stands between quotes.
struct Inside<'a> {
    rest: &'a str,
    raw: bool,
    bytes: bool,
}

impl Inside<'_> {
    fn read(&mut self, quote: &str) -> Option<String> {
        let mut text = String::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                self.rest = rest;
                return Some(text);
            }
            let character = self.next()?;
            match character {
                '\0' => return None,
                '\n' if quote.len() == 1 => return None,
                other if self.bytes && !other.is_ascii() => return None,
                '\\' if self.raw => {
                    text.push('\\');
                    text.push(self.next()?);
                }
                '\\' => self.escape(&mut text)?,
                other => text.push(other),
            }
        }
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        Some(character)
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let character = match self.next()? {
            '\n' => return Some(()),
            kept @ ('\\' | '\'' | '"') => kept,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hexadecimal(2)?,
            'u' if !self.bytes => self.hexadecimal(4)?,
            'U' if !self.bytes => self.hexadecimal(8)?,
            // The names of characters are not known here.
            'N' if !self.bytes => return None,
            first @ '0'..='7' => {
                let mut number = first.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|next| next.to_digit(8)) else {
                        break;
                    };
                    number = number * 8 + digit;
                    self.next();
                }
                char::from_u32(if self.bytes { number & 0xff } else { number })?
            }
            other if self.bytes && !other.is_ascii() => return None,
            other => {
                text.push('\\');
                other
            }
        };
        text.push(character);
        Some(())
    }

    /// A half of a surrogate pair is no character of a text that can be stored.
    fn hexadecimal(&mut self, length: usize) -> Option<char> {
        let digits = self.rest.get(..length)?;
        self.rest = &self.rest[length..];
        let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all).and_then(char::from_u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        literal(text).map_or("-".to_owned(), |value| value.shown())
    }

    #[test]
    fn literals_read_as_python_reads_them() {
        assert_eq!(shown("('a')"), "'a'");
        assert_eq!(shown("('a',)"), "('a',)");
        assert_eq!(shown("('a' 'b', \"it's\")"), "('ab', \"it's\")");
        assert_eq!(shown("('''a\r\nb''', r'\\t', '\\t', '\\q')"), "('a\\nb', '\\\\t', '\\t', '\\\\q')");
        assert_eq!(
            shown("(1, -2, 1_0, 0x1F, 1e3, .5, None, True)"),
            "(1, -2, 10, 31, 1000.0, 0.5, None, True)"
        );
        assert_eq!(shown("(b'\\xff', [], {}, {'a': (1,)})"), "(b'\\xff', [], {}, {'a': (1,)})");
        assert_eq!(shown("('\\x41\\u00e9\\101\\U0001F600')"), "'AéA😀'");
        assert_eq!(shown("( # one\n 'a', \\\n 'b')"), "('a', 'b')");
        for wrong in [
            "(a)",
            "('a',,)",
            "('a' 1)",
            "('a",
            "(f'a')",
            "('a' b'c')",
            "(01)",
            "('\\x4')",
            "('\\ud800')",
            "(,)",
            "('a') 'b",
            "(1 2)",
            "(--1)",
            "(-True)",
            "('a'; 'b')",
            "('a\nb')",
            "(Nonesuch)",
            "",
        ] {
            assert_eq!(shown(wrong), "-", "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[('\"\\\\,)\\[{}a-c0-9.xé\n#]{0,24}") {
            let _ = literal(&text);
        }

        #[test]
        fn a_shown_text_reads_back(text in "\\PC{0,16}") {
            prop_assert_eq!(literal(&repr(&text)), Some(Literal::Text(text)));
        }
    }
}
