//! What can be shown, ordered and grouped by: the columns of a table of runs.

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::filter;

/// Which value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Aggregate {
    /// That of the highest step.
    Last,
    /// That of the lowest step.
    First,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl From<filter::Aggregate> for Aggregate {
    fn from(aggregate: filter::Aggregate) -> Self {
        match aggregate {
            filter::Aggregate::Minimum => Self::Min,
            filter::Aggregate::Maximum => Self::Max,
            filter::Aggregate::First => Self::First,
            filter::Aggregate::Last => Self::Last,
        }
    }
}

impl Aggregate {
    /// The word at the end of a column's name; the last value needs none.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::First => "first",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Last, Self::First, Self::Min, Self::Max].into_iter().find(|one| one.word() == word)
    }
}

/// A field of the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub(crate) enum Attribute {
    RunId,
    RunName,
    Status,
    StartTime,
    EndTime,
    Duration,
    UserId,
    ArtifactUri,
    ExperimentId,
}

impl Attribute {
    const ALL: [(&'static str, Self); 9] = [
        ("run_id", Self::RunId),
        ("run_name", Self::RunName),
        ("status", Self::Status),
        ("start_time", Self::StartTime),
        ("end_time", Self::EndTime),
        ("duration", Self::Duration),
        ("user_id", Self::UserId),
        ("artifact_uri", Self::ArtifactUri),
        ("experiment_id", Self::ExperimentId),
    ];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, attribute)| *attribute)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("run_id", |(name, _)| name)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    Attribute(Attribute),
    Metric(String, Aggregate),
    Param(String),
    Tag(String),
}

impl Column {
    /// Reads a column's name, such as `metrics.loss.min` or ``params.`my key` ``.
    ///
    /// # Errors
    /// `invalid` when it names none.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!("“{text}” is not a column"))
                .why("a column is attributes.NAME, metrics.KEY (or .min, .max, .first, .last of it), params.KEY or tags.KEY")
                .hint("for example: metrics.loss.min, params.depth, attributes.start_time")
        };
        let (entity, key) = text.trim().split_once('.').unwrap_or(("attributes", text.trim()));
        let quoted = |key: &str| {
            ['`', '"'].into_iter().find_map(|quote| {
                let (inner, rest) = key.strip_prefix(quote)?.split_once(quote)?;
                Some((inner.to_owned(), rest.to_owned()))
            })
        };
        let (key, rest) = quoted(key).unwrap_or_else(|| (key.to_owned(), String::new()));
        let plain = |key: String| if rest.is_empty() && !key.is_empty() { Ok(key) } else { Err(wrong()) };
        match entity {
            "attributes" | "attribute" | "attr" | "run" => {
                plain(key).and_then(|key| Attribute::parse(&key).map(Self::Attribute).ok_or_else(wrong))
            }
            "params" | "param" | "parameters" | "parameter" => plain(key).map(Self::Param),
            "tags" | "tag" => plain(key).map(Self::Tag),
            "metrics" | "metric" => {
                if let Some(word) = rest.strip_prefix('.') {
                    return Aggregate::parse(word).map(|which| Self::Metric(key, which)).ok_or_else(wrong);
                }
                if rest.is_empty()
                    && !text.contains(['`', '"'])
                    && let Some((base, word)) = key.rsplit_once('.')
                    && let Some(which) = Aggregate::parse(word)
                {
                    return Ok(Self::Metric(base.to_owned(), which));
                }
                plain(key).map(|key| Self::Metric(key, Aggregate::Last))
            }
            _ => Err(wrong()),
        }
    }

    /// The name that reads back as this column, and that a filter understands.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Attribute(attribute) => format!("attributes.{}", attribute.name()),
            Self::Metric(key, Aggregate::Last) => format!("metrics.{}", quote(key, true)),
            Self::Metric(key, which) => format!("metrics.{}.{}", quote(key, true), which.word()),
            Self::Param(key) => format!("params.{}", quote(key, false)),
            Self::Tag(key) => format!("tags.{}", quote(key, false)),
        }
    }
}

/// A key in backticks, if it needs them.
fn quote(key: &str, metric: bool) -> String {
    let mut parts = key.split('.');
    let plain = parts.clone().all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    let aggregate = metric && parts.next_back().is_some_and(|last| Aggregate::parse(last).is_some());
    if plain && !aggregate { key.to_owned() } else { format!("`{key}`") }
}

/// A column to order by, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranking {
    pub(crate) column: Column,
    /// Smallest first.
    pub(crate) ascending: bool,
}

impl Ranking {
    /// Reads `COLUMN`, `COLUMN ASC` or `COLUMN DESC`.
    ///
    /// # Errors
    /// `invalid` when it is none of these.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let (column, ascending) = match text.rsplit_once(char::is_whitespace) {
            Some((column, way)) if way.eq_ignore_ascii_case("asc") => (column, true),
            Some((column, way)) if way.eq_ignore_ascii_case("desc") => (column, false),
            _ => (text, true),
        };
        Ok(Self { column: Column::parse(column)?, ascending })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_are_read_in_each_form() {
        let parse = |text: &str| Column::parse(text).unwrap();
        assert_eq!(parse("metrics.loss"), Column::Metric("loss".into(), Aggregate::Last));
        assert_eq!(parse("metrics.val.loss.min"), Column::Metric("val.loss".into(), Aggregate::Min));
        assert_eq!(parse("metrics.`loss.min`"), Column::Metric("loss.min".into(), Aggregate::Last));
        assert_eq!(parse("metrics.`a b`.max"), Column::Metric("a b".into(), Aggregate::Max));
        assert_eq!(parse("params.min"), Column::Param("min".into()));
        assert_eq!(parse("start_time"), Column::Attribute(Attribute::StartTime));
        for wrong in ["", "metrics.", "metrics.`a`.sum", "params.`a`b", "attributes.colour", "x.y"] {
            assert!(Column::parse(wrong).is_err(), "{wrong}");
        }
        let ranking = Ranking::parse("metrics.loss.min DESC").unwrap();
        assert_eq!((ranking.column.name().as_str(), ranking.ascending), ("metrics.loss.min", false));
    }

    proptest! {
        #[test]
        fn a_name_reads_back(key in "[a-zA-Z0-9_./: -]{1,12}", kind in 0..6_u8) {
            let column = match kind {
                0 => Column::Param(key),
                1 => Column::Tag(key),
                2 => Column::Metric(key, Aggregate::Last),
                3 => Column::Metric(key, Aggregate::Min),
                4 => Column::Metric(key, Aggregate::First),
                _ => Column::Attribute(Attribute::Duration),
            };
            prop_assert_eq!(Column::parse(&column.name()).unwrap(), column);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (Column::parse(&text), Ranking::parse(&text));
        }
    }
}
