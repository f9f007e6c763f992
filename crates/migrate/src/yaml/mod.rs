//! The part of YAML that MLflow writes into its file stores: block mappings and lists, plain and quoted scalars over
//! several lines. What it never writes (anchors, tags, literal blocks, filled flow collections) is refused.

mod blocks;
mod plain;
mod quoted;

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A truth.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in the order of the file.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A member of a mapping; none if it is missing or null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.members()
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
            .filter(|v| **v != Self::Null)
    }

    /// The members of a mapping; none of anything else.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// A scalar as text: old stores have numbers where newer ones have texts.
    pub(crate) fn as_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Real(number) => Some(number.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// A whole number, also one in quotes.
    pub(crate) fn as_whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A member as text.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.as_text()
    }

    /// A member as a whole number.
    pub(crate) fn whole(&self, key: &str) -> Option<i64> {
        self.get(key)?.as_whole()
    }
}

/// Reads a document.
///
/// # Errors
/// Words that say in which line what cannot be read.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    blocks::Reader::new(text).document()
}

#[cfg(test)]
mod tests;
