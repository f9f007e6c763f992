//! Texts by name, in the form in which answers carry them.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::python::truncated;

/// Tags or metadata of a trace, as answers show them: a JSON object of texts, names and values cut to a limit. They are
/// stored in this form, so that a listing passes them on unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(String);

impl Default for Pairs {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl Pairs {
    /// The longest name, in characters.
    const LONGEST_NAME: usize = 250;

    /// Pairs in their order; of two with one name the later counts. Values are cut to `longest` characters.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, longest: usize) -> Self {
        let mut kept: Vec<(&str, &str)> = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (truncated(name, Self::LONGEST_NAME), truncated(value, longest));
            match kept.iter_mut().find(|(known, _)| *known == name) {
                Some(pair) => pair.1 = value,
                None => kept.push((name, value)),
            }
        }
        let mut json = Vec::new();
        for (name, value) in kept {
            json.push(if json.is_empty() { b'{' } else { b',' });
            ropewalk_mlflow::answer::push_text(&mut json, name);
            json.push(b':');
            ropewalk_mlflow::answer::push_text(&mut json, value);
        }
        if json.is_empty() {
            return Self::default();
        }
        json.push(b'}');
        Self(String::from_utf8_lossy(&json).into_owned())
    }

    /// Takes what was stored.
    pub(crate) fn stored(json: String) -> Self {
        Self(json)
    }

    /// The JSON object.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0 == "{}"
    }

    /// All pairs.
    pub fn to_vec(&self) -> Vec<(String, String)> {
        serde_json::from_str::<Read>(&self.0).map(|read| read.0).unwrap_or_default()
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<String> {
        // Most objects do not have the name at all, and can be told by their letters.
        if !self
            .0
            .contains(name.split(|c: char| matches!(c, '"' | '\\') || c < ' ').next().unwrap_or_default())
        {
            return None;
        }
        self.to_vec().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The same with further pairs set, of which the later count.
    #[must_use]
    pub fn with<'a>(&self, further: impl IntoIterator<Item = (&'a str, &'a str)>, longest: usize) -> Self {
        let kept = self.to_vec();
        let mut all: Vec<(&str, &str)> =
            kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for pair in further {
            all.push(pair);
        }
        Self::new(all, longest)
    }

    /// The same without a name.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let kept = self.to_vec();
        let kept = kept.iter().filter(|(known, _)| known != name);
        Self::new(kept.map(|(name, value)| (name.as_str(), value.as_str())), usize::MAX)
    }
}

/// Pairs in their order.
struct Read(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Read;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object of texts")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Read, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Read(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn later_values_count_and_long_ones_are_cut() {
        let pairs = Pairs::new([("b", "1"), ("a", "äöü"), ("b", "2")], 2);
        assert_eq!(pairs.as_json(), r#"{"b":"2","a":"äö"}"#);
        assert_eq!(pairs.get("a").as_deref(), Some("äö"));
        assert_eq!(pairs.with([("c", "3")], 9).without("b").as_json(), r#"{"a":"äö","c":"3"}"#);
        assert!(pairs.without("a").without("b").is_empty());
    }

    proptest! {
        #[test]
        fn pairs_come_back(pairs in prop::collection::btree_map(".{0,9}", ".{0,9}", 0..6)) {
            let made = Pairs::new(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), 250);
            let read: std::collections::BTreeMap<_, _> = made.to_vec().into_iter().collect();
            prop_assert_eq!(&read, &pairs);
            for (name, value) in &pairs {
                prop_assert_eq!(made.get(name), Some(value.clone()));
            }
        }
    }
}
