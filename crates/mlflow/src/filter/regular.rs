//! Regular expressions as MLflow's filters have them, which are Python's.

use regex::{Regex, RegexBuilder};

use crate::error::{MlflowError, MlflowResult};

/// A longer pattern is refused.
const LENGTH: usize = 10_000;
/// A pattern that becomes larger than these bytes is refused: time to match grows with it.
const SIZE: usize = 1 << 20;
/// Deeper nesting in a pattern is refused.
const DEPTH: u32 = 100;

/// A regular expression that is searched for in a text.
#[derive(Debug, Clone)]
pub struct Regular(Regex);

impl Regular {
    /// Compiles a pattern of Python's `re`.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for a pattern that is wrong, too large, or has what can take forever to match:
    /// references back and looks around.
    pub fn new(pattern: &str) -> MlflowResult<Self> {
        let wrong = |why: &str| {
            let shown: String = pattern.chars().take(100).collect();
            MlflowError::invalid(format!("Invalid regular expression '{shown}' for RLIKE: {why}"))
        };
        if pattern.len() > LENGTH {
            return Err(wrong(&format!("it is longer than {LENGTH} bytes")));
        }
        let Some(translated) = translate(pattern) else {
            return Err(wrong("a repetition that gives nothing back, such as a*+, is not known here"));
        };
        let compiled = RegexBuilder::new(&translated).size_limit(SIZE).nest_limit(DEPTH).build();
        compiled.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => wrong("it is too large"),
            other => {
                // The last line says what is wrong; those before it show where.
                let text = other.to_string();
                let line = text.lines().last().unwrap_or_default();
                wrong(line.strip_prefix("error: ").unwrap_or(line))
            }
        })
    }

    /// Whether it is found in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// A pattern of Python's in the words of the `regex` crate, which says a few things otherwise; none if it has no words
/// for it.
fn translate(pattern: &str) -> Option<String> {
    let characters: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 8);
    let lines = has_flag(pattern, 'm');
    let mut class = false;
    let mut repeated = false;
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let rest = &characters[at + 1..];
        at += 1;
        if repeated && character == '+' {
            return None;
        }
        repeated = !class && matches!(character, '*' | '+' | '?');
        match character {
            '\\' => {
                let Some(&next) = rest.first() else {
                    out.push('\\');
                    break;
                };
                at += 1;
                match next {
                    'b' if class => out.push_str("\\x08"),
                    'Z' if !class => out.push_str("\\z"),
                    '0' => out.push_str("\\x00"),
                    // An escaped character that would mean something else here.
                    '<' | '>' => out.push(next),
                    other if !other.is_ascii() => out.push(other),
                    other => out.extend(['\\', other]),
                }
            }
            '[' if class => out.push_str("\\["),
            '[' => {
                class = true;
                out.push('[');
                if rest.first() == Some(&'^') {
                    out.push('^');
                    at += 1;
                }
                // A bracket that comes first stands for itself.
                if characters.get(at) == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '&' | '~' if class => out.extend(['\\', character]),
            '{' if !class => match repetition(rest) {
                Some(close) => {
                    out.push_str(if close > 0 && rest[0] == ',' { "{0" } else { "{" });
                    out.extend(&rest[..=close]);
                    at += close + 1;
                    repeated = true;
                }
                None => out.push_str("\\{"),
            },
            // Python's `$` is also right before a newline at the end.
            '$' if !class && !lines => out.push_str("(?:\\n?\\z)"),
            other => out.push(other),
        }
    }
    Some(out)
}

/// Where `{2}`, `{2,}`, `{,3}` or `{2,3}` ends, if a brace begins one.
fn repetition(rest: &[char]) -> Option<usize> {
    let close = rest.iter().take(24).position(|&character| character == '}')?;
    let inside = &rest[..close];
    let digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    let mut parts = inside.splitn(2, |&character| character == ',');
    (!inside.is_empty() && parts.all(digits)).then_some(close)
}

/// Whether a group such as `(?im)` sets a flag.
fn has_flag(pattern: &str, flag: char) -> bool {
    pattern.match_indices("(?").any(|(at, _)| {
        let flags = pattern[at + 2..].split([')', ':', '-']).next().unwrap_or_default();
        flags.contains(flag) && flags.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_python_s_search_does() {
        for (pattern, text, found) in [
            ("^a.c$", "abc", true),
            ("^a.c$", "abc\n", true),
            ("^a.c$", "abc\n\n", false),
            ("b", "abc", true),
            ("B", "abc", false),
            ("(?i)B", "abc", true),
            ("a.c", "a\nc", false),
            ("c\\Z", "abc\n", false),
            ("\\d+", "٣", true),
            ("\"k\": {\"v\"", "{\"k\": {\"v\": 1}}", true),
            ("a{2}$", "baa", true),
            ("^a{,2}$", "aaa", false),
            ("a{x}", "a{x}", true),
            ("[[]", "[", true),
            ("[]a]+", "]", true),
            ("[^]]", "]", false),
            ("[a&&b]", "&", true),
            ("[\\b]", "\x08", true),
            ("a{,}b", "b", true),
            ("\\<b\\>", "<b>", true),
            ("(?m)^b$", "a\nb\nc", true),
            ("(?P<name>b)", "b", true),
            ("$", "", true),
        ] {
            assert_eq!(Regular::new(pattern).unwrap().is_match(text), found, "{pattern} in {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_matched_safely_is_refused() {
        for wrong in
            ["(", "[a", "(?=a)", "(a)\\1", "x{100000}", "a*+", "a{2}+", "((a{50}){50}){50}", "\\", "*"]
        {
            let error = Regular::new(wrong).unwrap_err();
            assert!(
                error.message().starts_with("Invalid regular expression"),
                "{wrong}: {}",
                error.message()
            );
        }
        assert!(Regular::new(&"(".repeat(5000)).is_err());
        assert!(Regular::new(&"a".repeat(20_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "[\\[\\](){}a-c^$|.*+?\\\\0-9,&~<>é-]{0,24}", text in "\\PC{0,12}") {
            if let Ok(regular) = Regular::new(&pattern) {
                regular.is_match(&text);
            }
        }
    }
}
