//! A request's fields, once read.

use crate::json::Json;

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth value.
    Truth(bool),
    /// A word of an enumeration.
    Word(&'static str),
    /// A message within.
    Part(Fields),
    /// A list.
    List(Vec<Value>),
    /// Texts by name.
    Map(Vec<(String, String)>),
    /// Nanoseconds since 1970.
    Moment(i128),
    /// Nanoseconds.
    Duration(i128),
    /// Any JSON value.
    Any(Json),
}

/// The fields that were sent, each of the kind that its message says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Sets a field.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(kept) => kept.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// A field's value, if it was sent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Which of these fields was sent first, if any was.
    pub fn first_of(&self, names: &[&str]) -> Option<&'static str> {
        self.0.iter().map(|(name, _)| *name).find(|name| names.contains(name))
    }

    /// Whether the field was sent.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.sent_text(name).unwrap_or_default()
    }

    /// A text, if it was sent.
    pub fn sent_text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A text, if it was sent and is not empty.
    pub fn some_text(&self, name: &str) -> Option<&str> {
        self.sent_text(name).filter(|text| !text.is_empty())
    }

    /// The run's identifier, under its new name or its old one.
    pub fn run_id(&self) -> &str {
        self.some_text("run_id").unwrap_or_else(|| self.text("run_uuid"))
    }

    /// A whole number, if it was sent.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A number, if it was sent.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A truth value, if it was sent.
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Truth(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// A word of an enumeration, if it was sent.
    pub fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// A moment in nanoseconds since 1970, if it was sent.
    pub fn moment(&self, name: &str) -> Option<i128> {
        match self.get(name) {
            Some(Value::Moment(moment)) => Some(*moment),
            _ => None,
        }
    }

    /// A length of time in nanoseconds, if it was sent.
    pub fn duration(&self, name: &str) -> Option<i128> {
        match self.get(name) {
            Some(Value::Duration(duration)) => Some(*duration),
            _ => None,
        }
    }

    /// A JSON value, if it was sent.
    pub fn any(&self, name: &str) -> Option<&Json> {
        match self.get(name) {
            Some(Value::Any(value)) => Some(value),
            _ => None,
        }
    }

    /// A message within, if it was sent.
    pub fn part(&self, name: &str) -> Option<&Fields> {
        match self.get(name) {
            Some(Value::Part(fields)) => Some(fields),
            _ => None,
        }
    }

    /// The messages of a list; none if it was not sent.
    pub fn parts(&self, name: &str) -> impl Iterator<Item = &Fields> {
        self.list(name).iter().filter_map(|value| match value {
            Value::Part(fields) => Some(fields),
            _ => None,
        })
    }

    /// The texts of a list; none if it was not sent.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.list(name)
            .iter()
            .filter_map(|value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect()
    }

    /// The words of a list; none if it was not sent.
    pub fn words(&self, name: &str) -> Vec<&'static str> {
        self.list(name)
            .iter()
            .filter_map(|value| match value {
                Value::Word(word) => Some(*word),
                _ => None,
            })
            .collect()
    }

    /// Texts by name; none if they were not sent.
    pub fn map(&self, name: &str) -> &[(String, String)] {
        match self.get(name) {
            Some(Value::Map(pairs)) => pairs,
            _ => &[],
        }
    }

    /// The pairs of a list of messages with a `key` and a `value`.
    pub fn pairs(&self, name: &str) -> Vec<(String, String)> {
        self.parts(name).map(|pair| (pair.text("key").to_owned(), pair.text("value").to_owned())).collect()
    }

    fn list(&self, name: &str) -> &[Value] {
        match self.get(name) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
}
