//! The elements of an input tensor, read flat in one pass.

use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Deepest nesting of rows that is read. Our inputs have two dimensions; a little more is read so that the shape
/// check can say what is wrong.
const MAX_NESTING: usize = 4;

/// The elements of a tensor in row-major order, whichever way they were nested.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// Numbers and booleans; a missing value is NaN.
    Number(Vec<f64>),
    /// Strings; a missing value is `None`.
    Text(Vec<Option<String>>),
}

impl TensorData {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Vec<f64>> for TensorData {
    fn from(values: Vec<f64>) -> Self {
        Self::Number(values)
    }
}

impl From<Vec<String>> for TensorData {
    fn from(values: Vec<String>) -> Self {
        Self::Text(values.into_iter().map(Some).collect())
    }
}

impl Serialize for TensorData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // serde_json writes NaN as null, which reads back as a missing value.
            Self::Number(values) => serializer.collect_seq(values),
            Self::Text(values) => serializer.collect_seq(values),
        }
    }
}

impl<'de> Deserialize<'de> for TensorData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut elements = Elements::default();
        deserializer.deserialize_seq(Rows { into: &mut elements, depth: 0 })?;
        Ok(elements.finish())
    }
}

/// What has been read so far. Until the first element that is no `null`, the type is open.
#[derive(Default)]
struct Elements {
    leading_missing: usize,
    data: Option<TensorData>,
}

impl Elements {
    fn push_number(&mut self, value: f64) -> Result<(), &'static str> {
        let leading = self.leading_missing;
        match self.data.get_or_insert_with(|| TensorData::Number(vec![f64::NAN; leading])) {
            TensorData::Number(values) => values.push(value),
            TensorData::Text(_) => return Err("a number among strings"),
        }
        Ok(())
    }

    fn push_text(&mut self, value: String) -> Result<(), &'static str> {
        let leading = self.leading_missing;
        match self.data.get_or_insert_with(|| TensorData::Text(vec![None; leading])) {
            TensorData::Text(values) => values.push(Some(value)),
            TensorData::Number(_) => return Err("a string among numbers"),
        }
        Ok(())
    }

    fn push_missing(&mut self) {
        match &mut self.data {
            None => self.leading_missing += 1,
            Some(TensorData::Number(values)) => values.push(f64::NAN),
            Some(TensorData::Text(values)) => values.push(None),
        }
    }

    fn finish(self) -> TensorData {
        self.data.unwrap_or_else(|| TensorData::Number(vec![f64::NAN; self.leading_missing]))
    }
}

/// Reads one array of elements or of further arrays.
struct Rows<'a> {
    into: &'a mut Elements,
    depth: usize,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of numbers, booleans, strings or null, flat or nested by row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        if self.depth >= MAX_NESTING {
            return Err(A::Error::custom(format!("arrays nested more than {MAX_NESTING} deep")));
        }
        while sequence.next_element_seed(Element { into: &mut *self.into, depth: self.depth })?.is_some() {}
        Ok(())
    }
}

/// Reads one element, or one nested array.
struct Element<'a> {
    into: &'a mut Elements,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a boolean, a string, null or an array of them")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.into.push_number(f64::from(u8::from(value))).map_err(E::custom)
    }

    #[allow(clippy::cast_precision_loss, reason = "columns are 64-bit floats, in training as in serving")]
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.into.push_number(value as f64).map_err(E::custom)
    }

    #[allow(clippy::cast_precision_loss, reason = "columns are 64-bit floats, in training as in serving")]
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.into.push_number(value as f64).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom("a number that is not finite (a missing value is null)"));
        }
        self.into.push_number(value).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.into.push_text(value.to_owned()).map_err(E::custom)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.into.push_missing();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<(), A::Error> {
        Rows { into: self.into, depth: self.depth + 1 }.visit_seq(sequence)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read(text: &str) -> Result<TensorData, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn nested_rows_are_read_flat() {
        assert_eq!(read("[[1, 2.5], [true, -3]]").unwrap(), TensorData::Number(vec![1.0, 2.5, 1.0, -3.0]));
        assert_eq!(read(r#"["a", null]"#).unwrap(), TensorData::Text(vec![Some("a".into()), None]));
        assert_eq!(read(r#"[null, "a"]"#).unwrap(), TensorData::Text(vec![None, Some("a".into())]));
        assert!(matches!(read("[null, 1]").unwrap(), TensorData::Number(v) if v[0].is_nan() && v[1] == 1.0));
        assert!(read("[]").unwrap().is_empty());
        assert_eq!(read("[null, null]").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_tensor_says_so() {
        for (text, reason) in [
            (r#"[1, "a"]"#, "a string among numbers"),
            (r#"["a", 1]"#, "a number among strings"),
            ("[{}]", "a number, a boolean"),
            ("7", "an array of numbers"),
            ("[[[[[1]]]]]", "nested more than"),
            ("[NaN]", "expected"),
            ("[1e999]", "out of range"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["[1.5,null]", r#"["a",null]"#, "[]"] {
            assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        }
    }
}
