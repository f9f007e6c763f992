//! Values as Python shows them, as far as faults show values.

use serde_json::Value;

/// The longest text that is shown whole, the most items of a list, and how deep they are shown.
const LONGEST: usize = 240;
const MOST_ITEMS: usize = 10;
const DEEPEST: usize = 5;

/// A value as it is shown in a fault.
pub(crate) fn inspect(value: &Value) -> String {
    show(value, 0)
}

fn show(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => {
            let text = number.to_string();
            if number.is_f64() && !text.contains(['.', 'e', 'E']) { format!("{text}.0") } else { text }
        }
        Value::String(text) => shorten(&quoted(text)),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Array(_) if depth >= DEEPEST => "[...]".to_owned(),
        Value::Object(_) if depth >= DEEPEST => "{...}".to_owned(),
        Value::Array(items) => {
            let shown: Vec<String> = items.iter().map(|item| show(item, depth + 1)).collect();
            format!("[{}]", some(shown).join(", "))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}: {}", shorten(&quoted(name)), show(value, depth + 1))
            };
            format!("{{{}}}", some(members.iter().map(member).collect()).join(", "))
        }
    }
}

fn some(mut items: Vec<String>) -> Vec<String> {
    if items.len() > MOST_ITEMS {
        let last = items.split_off(items.len() - (MOST_ITEMS / 2 - 1));
        items.truncate(MOST_ITEMS / 2);
        items.push("...".to_owned());
        items.extend(last);
    }
    items
}

fn shorten(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= LONGEST {
        return text.to_owned();
    }
    let begin = (LONGEST - 3) / 2;
    let end = LONGEST - 3 - begin;
    let (first, last) = (&chars[..begin], &chars[chars.len() - end..]);
    format!("{}...{}", first.iter().collect::<String>(), last.iter().collect::<String>())
}

/// A text in quotes.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c == quote => {
                shown.push('\\');
                shown.push(c);
            }
            c if (c as u32) < 0x20 || (0x7f..0xa0).contains(&(c as u32)) => {
                shown.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::inspect;
    use serde_json::json;

    #[test]
    fn values_are_shown_as_python_shows_them() {
        let value = json!({"a": [1, 2.0, null, true], "b": "it's \"x\"\n"});
        assert_eq!(inspect(&value), r#"{'a': [1, 2.0, None, True], 'b': 'it\'s "x"\n'}"#);
        assert_eq!(inspect(&json!("it's")), "\"it's\"");
        assert_eq!(inspect(&json!((0..12).collect::<Vec<_>>())), "[0, 1, 2, 3, 4, ..., 8, 9, 10, 11]");
        assert_eq!(inspect(&json!([[[[[[1]]]]]])), "[[[[[[...]]]]]]");
        assert!(inspect(&json!("x".repeat(300))).len() == 240);
    }
}
