//! Comparisons carried out in memory, as the SQL stores carry them out: a value that is missing matches nothing but
//! `IS NULL`.

use super::model::{Operator, Value};
use super::regular::Regular;
use crate::error::{MlflowError, MlflowResult};
use crate::python;

/// A longer pattern of `LIKE` is refused, as SQLite refuses it.
const LONGEST: usize = 50_000;

/// A pattern in which `%` stands for any text and `_` for one character. Neither can be escaped.
#[derive(Debug, Clone)]
pub struct Like {
    pattern: Vec<char>,
    any_case: bool,
}

impl Like {
    /// A pattern; with `any_case`, capital and small letters are the same, in every script.
    pub fn new(pattern: &str, any_case: bool) -> Self {
        let fold = |c| if any_case { folded(c) } else { c };
        let mut characters: Vec<char> = pattern.chars().map(fold).collect();
        characters.dedup_by(|next, before| (*next, *before) == ('%', '%'));
        Self { pattern: characters, any_case }
    }

    /// Whether the whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().map(|c| if self.any_case { folded(c) } else { c }).collect();
        let (mut at, mut from) = (0, 0);
        // Where to go on after the last `%`, in the pattern and in the text.
        let mut again: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.pattern.get(from) {
                Some('%') => {
                    again = Some((from + 1, at));
                    from += 1;
                }
                Some(&wanted) if wanted == '_' || wanted == text[at] => {
                    at += 1;
                    from += 1;
                }
                _ => {
                    let Some((back, start)) = again else { return false };
                    again = Some((back, start + 1));
                    from = back;
                    at = start + 1;
                }
            }
        }
        self.pattern[from..].iter().all(|&rest| rest == '%')
    }
}

/// A character without its case.
fn folded(character: char) -> char {
    if character.is_ascii() {
        return character.to_ascii_lowercase();
    }
    let mut capital = character.to_uppercase();
    let capital = if capital.len() == 1 { capital.next().unwrap_or(character) } else { character };
    let mut small = capital.to_lowercase();
    if small.len() == 1 { small.next().unwrap_or(character) } else { character }
}

/// A comparison of texts.
#[derive(Debug, Clone)]
pub enum TextTest {
    /// By equality or order, byte by byte.
    Order(Operator, String),
    /// With a number; a text that is none does not pass.
    Number(NumberTest),
    /// `LIKE` and `ILIKE`.
    Like(Like),
    /// `RLIKE`.
    Regular(Regular),
    /// `IN`, and `NOT IN`.
    Among(Vec<String>, bool),
    /// `IS NULL`, and `IS NOT NULL`.
    Missing(bool),
}

impl TextTest {
    /// A comparison's test.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for a wrong regular expression, and for a value that is no text or does not suit the
    /// operator.
    pub fn new(operator: Operator, value: &Value) -> MlflowResult<Self> {
        Ok(match (operator, value) {
            (Operator::IsNull, _) => Self::Missing(true),
            (Operator::IsNotNull, _) => Self::Missing(false),
            (Operator::In, Value::List(texts)) => Self::Among(texts.clone(), true),
            (Operator::NotIn, Value::List(texts)) => Self::Among(texts.clone(), false),
            (Operator::Like | Operator::ILike, Value::Text(text)) if text.len() > LONGEST => {
                return Err(MlflowError::invalid(format!(
                    "The pattern of {} is longer than {LONGEST} bytes",
                    operator.as_str()
                )));
            }
            (Operator::Like, Value::Text(text)) => Self::Like(Like::new(text, false)),
            (Operator::ILike, Value::Text(text)) => Self::Like(Like::new(text, true)),
            (Operator::RLike, Value::Text(text)) => Self::Regular(Regular::new(text)?),
            (operator, Value::Text(text)) if operator.is_numeric() => Self::Order(operator, text.clone()),
            (operator, Value::Integer(_) | Value::Real(_)) if operator.is_numeric() => {
                Self::Number(NumberTest::new(operator, value)?)
            }
            _ => return Err(unsuited(operator, value)),
        })
    }

    /// Whether a text, or the lack of one, passes.
    pub fn matches(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return matches!(self, Self::Missing(true)) };
        match self {
            Self::Order(operator, wanted) => holds(*operator, text.cmp(wanted)),
            Self::Number(test) => python::float(text).is_some_and(|number| test.matches(number)),
            Self::Like(like) => like.matches(text),
            Self::Regular(regular) => regular.is_match(text),
            Self::Among(texts, within) => texts.iter().any(|one| one == text) == *within,
            Self::Missing(missing) => !missing,
        }
    }
}

fn unsuited(operator: Operator, value: &Value) -> MlflowError {
    let kind = match value {
        Value::Nothing => "nothing",
        Value::Text(_) => "a text",
        Value::Integer(_) | Value::Real(_) => "a number",
        Value::List(_) => "a list",
    };
    MlflowError::invalid(format!("Comparator '{}' does not suit {kind}", operator.as_str()))
}

fn holds(operator: Operator, order: std::cmp::Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}

/// A comparison of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberTest {
    /// With a whole number.
    Integer(Operator, i64),
    /// With any other.
    Real(Operator, f64),
}

impl NumberTest {
    /// A comparison's test. A text that is a number counts as one.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for a value that is no number, and for an operator that does not compare numbers.
    pub fn new(operator: Operator, value: &Value) -> MlflowResult<Self> {
        let unsuited = || unsuited(operator, value);
        if !operator.is_numeric() {
            return Err(unsuited());
        }
        match value {
            Value::Integer(number) => Ok(Self::Integer(operator, *number)),
            Value::Real(number) => Ok(Self::Real(operator, *number)),
            Value::Text(text) => match python::integer(text) {
                python::Integer::Some(number) => Ok(Self::Integer(operator, number)),
                _ => python::float(text).map(|number| Self::Real(operator, number)).ok_or_else(unsuited),
            },
            _ => Err(unsuited()),
        }
    }

    /// Whether a number passes. NaN is unequal to every number, and nothing else.
    pub fn matches(&self, number: f64) -> bool {
        let (operator, order) = match self {
            // A metric is a float, so the whole number is one too, as in the stores.
            #[allow(clippy::cast_precision_loss)]
            Self::Integer(operator, wanted) => (*operator, number.partial_cmp(&(*wanted as f64))),
            // To a database, NaN is no value at all.
            Self::Real(_, wanted) if wanted.is_nan() => return false,
            Self::Real(operator, wanted) => (*operator, number.partial_cmp(wanted)),
        };
        order.map_or(operator == Operator::NotEqual, |order| holds(operator, order))
    }

    /// Whether a whole number, such as a time, passes; exactly, also beyond what a float holds.
    pub fn matches_integer(&self, number: i64) -> bool {
        match self {
            Self::Integer(operator, wanted) => holds(*operator, number.cmp(wanted)),
            Self::Real(_, wanted) if wanted.is_nan() => false,
            Self::Real(operator, wanted) => holds(*operator, against(number, *wanted)),
        }
    }
}

/// How a whole number stands to another that is not NaN.
fn against(number: i64, wanted: f64) -> std::cmp::Ordering {
    use std::cmp::Ordering;
    // The first float that is larger than every whole number of 64 bits.
    const LARGEST: f64 = 9_223_372_036_854_775_808.0;
    if wanted >= LARGEST {
        return Ordering::Less;
    }
    if wanted < -LARGEST {
        return Ordering::Greater;
    }
    let floor = wanted.floor();
    #[allow(clippy::cast_possible_truncation)]
    let whole = floor as i64;
    number.cmp(&whole).then(if wanted > floor { Ordering::Less } else { Ordering::Equal })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn text(operator: Operator, value: &str) -> TextTest {
        TextTest::new(operator, &Value::Text(value.into())).unwrap()
    }

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, value, fits) in [
            ("a%", "abc", true),
            ("%c", "abc", true),
            ("%b%", "abc", true),
            ("a_c", "abc", true),
            ("a_c", "aéc", true),
            ("a_c", "ac", false),
            ("abc", "ABC", false),
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("%%_%", "", false),
            ("a\\%", "a\\x", true),
            ("a\\%", "a%", false),
            ("%ab%ab", "abxab", true),
            ("%ab%ab", "ab", false),
        ] {
            assert_eq!(Like::new(pattern, false).matches(value), fits, "{pattern} {value}");
        }
        assert!(Like::new("%ΣΑΣ", true).matches("σας"));
        assert!(Like::new("ÉCOLE", true).matches("école"));
        assert!(!Like::new("ÉCOLE", false).matches("école"));
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = "%a".repeat(1000);
        assert!(!Like::new(&(pattern + "b"), false).matches(&"a".repeat(20_000)));
    }

    #[test]
    fn what_is_missing_matches_nothing() {
        let all = [Operator::Equal, Operator::NotEqual, Operator::Like, Operator::Greater];
        assert!(all.iter().all(|operator| !text(*operator, "a").matches(None)));
        let none = TextTest::new(Operator::NotIn, &Value::List(vec!["a".into()])).unwrap();
        assert!(!none.matches(None) && none.matches(Some("b")) && !none.matches(Some("a")));
        let null = TextTest::new(Operator::IsNull, &Value::Nothing).unwrap();
        assert!(null.matches(None) && !null.matches(Some("")));
        let null = TextTest::new(Operator::IsNotNull, &Value::Nothing).unwrap();
        assert!(!null.matches(None) && null.matches(Some("")));
        assert!(text(Operator::RLike, "b$").matches(Some("ab")));
        assert!(text(Operator::Less, "b").matches(Some("a")));
        assert!(TextTest::new(Operator::Like, &Value::Integer(1)).is_err());
        let below = TextTest::new(Operator::Less, &Value::Real(1e-3)).unwrap();
        assert!(below.matches(Some("1e-4")) && !below.matches(Some("0.1")) && !below.matches(Some("low")));
        assert!(TextTest::new(Operator::In, &Value::Text("a".into())).is_err());
        assert!(TextTest::new(Operator::RLike, &Value::Text("(".into())).is_err());
    }

    #[test]
    fn numbers_compare_as_in_the_stores() {
        let nan = |operator| NumberTest::Real(operator, 1.0).matches(f64::NAN);
        assert!(nan(Operator::NotEqual));
        assert!(!nan(Operator::Equal) && !nan(Operator::Less) && !nan(Operator::Greater));
        assert!(!NumberTest::Real(Operator::NotEqual, f64::NAN).matches(1.0));
        assert!(!NumberTest::Real(Operator::NotEqual, f64::NAN).matches_integer(1));
        assert!(NumberTest::Integer(Operator::Equal, 1).matches(1.0));
        assert!(NumberTest::Real(Operator::Greater, f64::NEG_INFINITY).matches_integer(i64::MIN));
        let text = |text: &str| NumberTest::new(Operator::Equal, &Value::Text(text.into()));
        assert_eq!(text(" 5 ").unwrap(), NumberTest::Integer(Operator::Equal, 5));
        assert_eq!(text("5.5").unwrap(), NumberTest::Real(Operator::Equal, 5.5));
        assert!(text("x").is_err());
        assert!(NumberTest::new(Operator::Like, &Value::Integer(5)).is_err());
    }

    proptest! {
        #[test]
        fn whole_numbers_compare_exactly_with_floats(number in any::<i64>(), wanted in any::<f64>()) {
            // Against a float that holds no fraction the comparison is one of whole numbers.
            let near = number as f64 + 0.5;
            if near.fract() != 0.0 {
                prop_assert!(against(number, near).is_lt());
            }
            if wanted.abs() < 9e18 && !wanted.is_nan() {
                let whole = wanted.trunc() as i64;
                prop_assert_eq!(against(number, wanted.trunc()), number.cmp(&whole));
            }
        }

        #[test]
        fn a_pattern_without_wildcards_is_equality(one in "[a-c]{0,3}", other in "[a-c]{0,3}") {
            prop_assert_eq!(Like::new(&one, false).matches(&other), one == other);
        }
    }
}
