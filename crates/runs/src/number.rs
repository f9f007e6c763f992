//! Numbers that JSON has no word for: NaN and the infinities travel as text, as protobuf's JSON form has them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;

/// The JSON form of a number: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
pub fn to_json(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None => Value::String(word(value).to_owned()),
    }
}

/// Reads a number from a JSON number or from a number's text, also `NaN` and the infinities.
pub fn from_json(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" | "nan" => Some(f64::NAN),
            "Infinity" | "inf" => Some(f64::INFINITY),
            "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
            other => other.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    }
}

fn word(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.serialize_str(word(*value)) }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    from_json(&value).ok_or_else(|| D::Error::custom("not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_json_lacks_goes_as_text() {
        assert_eq!(to_json(f64::NAN), json!("NaN"));
        assert_eq!(to_json(f64::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(to_json(0.5), json!(0.5));
        assert_eq!(from_json(&json!("0.25")), Some(0.25));
        assert!(from_json(&json!("NaN")).is_some_and(f64::is_nan));
        assert_eq!(from_json(&json!("x")), None);
        assert_eq!(from_json(&json!(true)), None);
    }
}
