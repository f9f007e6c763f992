//! The parser.

use std::borrow::Cow;

use super::Json;

/// Deeper nesting is refused: Python's parser gives up as well, some hundred levels further down.
const DEPTH: usize = 500;

/// Reads a whole text; none if it is not JSON.
pub fn parse(text: &str) -> Option<Json> {
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0 };
    let value = reader.value(0)?;
    reader.blank();
    (reader.at == text.len()).then_some(value)
}

/// Reads bytes as Python does: UTF-8, UTF-16 or UTF-32, with a mark of the byte order or without. None if they are not JSON.
pub fn parse_bytes(bytes: &[u8]) -> Option<Json> {
    let text = decode(bytes)?;
    parse(text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// Whether bytes that are not read as JSON are nested more deeply than is read.
pub fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in bytes {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest > DEPTH
}

/// The text in bytes. The first character of JSON is ASCII, so that its zero bytes tell how wide a character is (RFC 4627, 3).
fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let zeros: Vec<bool> = bytes.iter().take(4).map(|byte| *byte == 0).collect();
    let (width, big) = match (bytes, zeros.as_slice()) {
        ([0xff, 0xfe, 0, 0, ..], _) => (4, false),
        ([0, 0, 0xfe, 0xff, ..], _) => (4, true),
        ([0xff, 0xfe, ..], _) => (2, false),
        ([0xfe, 0xff, ..], _) => (2, true),
        (_, [true, true, ..]) => (4, true),
        (_, [true, ..]) => (2, true),
        (_, [false, true, true, true]) => (4, false),
        (_, [false, true, ..]) => (2, false),
        _ => return std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    };
    if !bytes.len().is_multiple_of(width) {
        return None;
    }
    let units = bytes.chunks_exact(width).map(|unit| {
        let add = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        if big { unit.iter().fold(0, add) } else { unit.iter().rev().fold(0, add) }
    });
    let text: Option<String> = if width == 4 {
        units.map(char::from_u32).collect()
    } else {
        let halves = units.filter_map(|unit| u16::try_from(unit).ok());
        char::decode_utf16(halves).map(Result::ok).collect()
    };
    text.map(Cow::Owned)
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn blank(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        self.blank();
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'"' => self.string().map(Json::Text),
            b't' => self.take("true").then_some(Json::Truth(true)),
            b'f' => self.take("false").then_some(Json::Truth(false)),
            b'n' => self.take("null").then_some(Json::Null),
            b'N' => self.take("NaN").then_some(Json::Number(f64::NAN)),
            b'I' => self.take("Infinity").then_some(Json::Number(f64::INFINITY)),
            b'-' if self.take("-Infinity") => Some(Json::Number(f64::NEG_INFINITY)),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        // A map by name pays only for objects with very many members.
        let mut places: Option<std::collections::HashMap<String, usize>> = None;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Json::Object(members));
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let name = self.string()?;
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            if members.len() == 32 && places.is_none() {
                places = Some(members.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect());
            }
            let place = match &places {
                Some(places) => places.get(&name).copied(),
                None => members.iter().position(|(member, _)| *member == name),
            };
            match place {
                Some(at) => members[at].1 = value,
                None => {
                    if let Some(places) = &mut places {
                        places.insert(name.clone(), members.len());
                    }
                    members.push((name, value));
                }
            }
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(Json::Object(members));
                }
                _ => return None,
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(Json::List(items));
                }
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => {
                    let text = self.text.get(start..self.at)?.to_owned();
                    self.at += 1;
                    return Some(text);
                }
                b'\\' => return self.escaped(start),
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
    }

    /// The rest of a string in which an escape was met.
    fn escaped(&mut self, start: usize) -> Option<String> {
        let mut text = self.text.get(start..self.at)?.to_owned();
        loop {
            let plain = self.at;
            while !matches!(self.bytes.get(self.at)?, b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            text.push_str(self.text.get(plain..self.at)?);
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some(text);
                }
                b'\\' => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let second = self.unit()?;
                    if (0xdc00..0xe000).contains(&second) {
                        return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                    }
                    self.at = back;
                }
                // Half of a pair: no text of ours can hold it.
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        match self.bytes.get(self.at)? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        let mut whole = true;
        if self.bytes.get(self.at) == Some(&b'.') && self.digit_at(self.at + 1) {
            whole = false;
            self.at += 1;
            self.digits();
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(self.at + 1), Some(b'+' | b'-')));
            if self.digit_at(self.at + 1 + sign) {
                whole = false;
                self.at += 1 + sign;
                self.digits();
            }
        }
        let written = self.text.get(start..self.at)?;
        if !whole {
            return written.parse().ok().map(Json::Number);
        }
        Some(written.parse().map_or_else(|_| Json::Huge(written.to_owned()), Json::Integer))
    }

    fn digit_at(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(u8::is_ascii_digit)
    }

    fn digits(&mut self) {
        while self.digit_at(self.at) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn python_s_json_is_read() {
        assert_eq!(parse("1e999"), Some(Json::Number(f64::INFINITY)));
        assert!(matches!(parse(" NaN "), Some(Json::Number(n)) if n.is_nan()));
        assert_eq!(parse("-Infinity"), Some(Json::Number(f64::NEG_INFINITY)));
        assert_eq!(parse("9223372036854775808"), Some(Json::Huge("9223372036854775808".into())));
        assert_eq!(parse(r#""\u00e9\ud83d\ude00\n""#), Some(Json::Text("é😀\n".into())));
        assert_eq!(
            parse(r#"{"b":1,"a":2,"b":3}"#),
            Some(Json::Object(vec![("b".into(), Json::Integer(3)), ("a".into(), Json::Integer(2))]))
        );
    }

    #[test]
    fn bytes_are_read_in_every_width() {
        let text = "{\"é😀\":1}";
        let wide = |mark: bool, big: bool, width: usize| -> Vec<u8> {
            let units: Vec<u32> = if width == 2 {
                text.encode_utf16().map(u32::from).collect()
            } else {
                text.chars().map(u32::from).collect()
            };
            let mark = mark.then_some(0xfeff);
            let bytes = mark.into_iter().chain(units).flat_map(|unit| {
                let bytes = unit.to_be_bytes()[4 - width..].to_vec();
                if big { bytes } else { bytes.into_iter().rev().collect() }
            });
            bytes.collect()
        };
        let read = parse(text);
        assert!(read.is_some());
        for mark in [true, false] {
            for big in [true, false] {
                for width in [2, 4] {
                    assert_eq!(parse_bytes(&wide(mark, big, width)), read, "{mark} {big} {width}");
                }
            }
        }
        assert_eq!(parse_bytes("\u{feff}1".as_bytes()), Some(Json::Integer(1)));
        for wrong in [&b""[..], b"\xff", b"\xff\xfe1", b"\xff\xfe\0\xd8", b"\0\0\0"] {
            assert_eq!(parse_bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for wrong in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            "nul",
            "'a'",
            "\"\u{1}\"",
            "[1] 2",
            "{a:1}",
            "+1",
            "-",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn strict_json_reads_the_same(value in strict()) {
            let text = value.to_string();
            prop_assert_eq!(parse(&text).unwrap().to_serde(), value);
        }
    }

    fn strict() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::{Value, json};
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e300f64..1e300).prop_map(|number| json!(number)),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\é]{0,4}", inner, 0..40)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }
}
