//! JSON as MLflow's server reads and shows it. Its parser is Python's, which keeps the order of members and takes `NaN`
//! and the infinities bare; what it makes of a strange body can only be told with the same eyes.

mod read;
mod write;

pub use read::{is_too_deep, parse, parse_bytes};
pub use write::{dumps, float, in_order};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Truth(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// A whole number that does not, as it was written.
    Huge(String),
    /// Any other number, also NaN and the infinities.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object: names are unique, in the order of their first appearance; of two values the later counts.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => {
                members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What Python calls this kind of value.
    pub fn python_type(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Truth(_) => "bool",
            Self::Integer(_) | Self::Huge(_) => "int",
            Self::Number(_) => "float",
            Self::Text(_) => "str",
            Self::List(_) => "list",
            Self::Object(_) => "dict",
        }
    }

    /// The same value for `serde_json`; what has no JSON form (NaN, an infinity) becomes null.
    pub fn to_serde(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Truth(truth) => Value::Bool(*truth),
            Self::Integer(number) => Value::from(*number),
            Self::Huge(digits) => digits
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or(Value::Null, Value::Number),
            Self::Number(number) => serde_json::Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_serde).collect()),
            Self::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), value.to_serde())).collect())
            }
        }
    }
}
