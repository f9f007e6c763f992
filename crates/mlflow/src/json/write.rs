//! Values as Python's `json.dumps` shows them in messages: ordered, compact, in ASCII.

use std::fmt::Write;

use super::Json;

/// The value in one line, members ordered by name.
pub fn dumps(value: &Json) -> String {
    let mut text = String::new();
    write(value, &mut text, true);
    text
}

/// The value in one line, members in their order.
pub fn in_order(value: &Json) -> String {
    let mut text = String::new();
    write(value, &mut text, false);
    text
}

fn write(value: &Json, text: &mut String, sort: bool) {
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
        Json::Text(content) => string(content, text),
        Json::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text, sort);
            }
            text.push(']');
        }
        Json::Object(members) => {
            let mut ordered: Vec<_> = members.iter().collect();
            if sort {
                ordered.sort_by(|a, b| a.0.cmp(&b.0));
            }
            text.push('{');
            for (index, (name, value)) in ordered.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                string(name, text);
                text.push(':');
                write(value, text, sort);
            }
            text.push('}');
        }
    }
}

fn string(content: &str, text: &mut String) {
    text.push('"');
    for character in content.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}

/// A number as Python shows it: the shortest digits that read back, an exponent of at least two digits.
pub fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format!("{number:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, size) = match exponent.strip_prefix('-') {
                Some(size) => ('-', size),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{size:0>2}")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_shown_as_python_shows_them() {
        let value = super::super::parse(r#"{"b": [1, 2.50, 1e16, 1e-5, null, true], "a": "é\"\n"}"#).unwrap();
        assert_eq!(dumps(&value), r#"{"a":"\u00e9\"\n","b":[1,2.5,1e+16,1e-05,null,true]}"#);
        assert_eq!(dumps(&Json::Number(f64::NAN)), "NaN");
        assert_eq!(float(1e300), "1e+300");
        assert_eq!(float(0.0001), "0.0001");
        assert_eq!(float(1e15), "1000000000000000.0");
        assert_eq!(float(f64::NEG_INFINITY), "-inf");
    }
}
