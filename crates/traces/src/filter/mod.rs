//! What a search for traces asks of each trace, sorted by where the answer is found.

mod spans;

use ropewalk_mlflow::filter::{self, Comparison, Entity, Operator, Order, Regular, Search, Value};
use ropewalk_mlflow::{MlflowError, MlflowResult};

use crate::keys::{metadata, tag};
use crate::model::{COST_NAMES, USAGE_NAMES, count, dollars};
use crate::python::{Letters, dumps};
use crate::store::entries::EntryKind;
use ropewalk_mlflow::json::{Json, parse};

pub(crate) use spans::SpanFilter;

/// What traces must fulfil to be found. The default is found by all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Comparisons of one field each.
    pub(crate) fields: Vec<(Field, Comparison)>,
    /// Regular expressions, which the databases do not have in common.
    pub(crate) regular: Vec<(Field, Regular)>,
    /// Token usage or cost as a whole.
    pub(crate) sums: Vec<Sums>,
    /// Runs that they come from or are linked to.
    pub(crate) runs: Vec<String>,
    /// Prompts that they are linked to, as `name/version`.
    pub(crate) prompts: Vec<String>,
    /// Issues that they have.
    pub(crate) issues: Vec<String>,
    /// What is judged of them.
    pub(crate) judged: Vec<Judged>,
    /// What one of their spans must fulfil.
    pub(crate) spans: Option<SpanFilter>,
}

/// What a comparison or an order looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    /// A column, or what is computed of some; of the table called `t`.
    Column(&'static str),
    /// A tag or metadata that is kept for searches.
    Entry(EntryKind, String),
    /// A tag or metadata that stands in the trace's row only.
    Pair(EntryKind, String),
}

/// A comparison of token usage or cost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sums {
    /// Whether there is any of these.
    There(&'static [&'static str], bool),
    /// Whether all are these, in the order of their columns; there must be some.
    Are(Vec<(&'static str, Option<Amount>)>, bool),
    /// Never.
    Nothing,
}

/// A number of tokens or dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    Tokens(i64),
    Dollars(f64),
}

/// A comparison of an assessment that counts.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// `feedback` or `expectation`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) operator: Operator,
    pub(crate) value: Value,
    /// The compiled value of `RLIKE`.
    pub(crate) regular: Option<Regular>,
}

/// The columns of [`USAGE_NAMES`].
const USAGE_COLUMNS: &[&str] = &[
    "t.input_tokens",
    "t.output_tokens",
    "t.total_tokens",
    "t.cache_read_tokens",
    "t.cache_write_tokens",
    "t.cache_write_1h_tokens",
];
/// The columns of [`COST_NAMES`].
const COST_COLUMNS: &[&str] = &["t.input_cost", "t.output_cost", "t.total_cost"];

impl Filter {
    /// Reads a filter in MLflow's grammar.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for what is no such filter.
    pub(crate) fn read(text: &str) -> MlflowResult<Self> {
        let comparisons = filter::parse(Search::Traces, text)?;
        let mut read = Self::default();
        let from_ms = comparisons.iter().filter_map(earliest).reduce(i128::max);
        for comparison in comparisons {
            read.add(comparison, from_ms)?;
        }
        // Of several runs the stock server minds the last.
        read.runs.drain(..read.runs.len().saturating_sub(1));
        Ok(read)
    }

    /// Adds a comparison; traces start at this moment in milliseconds or later, if that is known.
    pub(crate) fn add(&mut self, comparison: Comparison, from_ms: Option<i128>) -> MlflowResult<()> {
        let Comparison { entity, key, operator, value } = &comparison;
        match entity {
            Entity::Issue => self.issues.push(text(&comparison)?),
            Entity::Prompt => self.prompts.push(text(&comparison)?),
            Entity::Feedback | Entity::Expectation => {
                let regular = match (operator, value) {
                    (Operator::RLike, Value::Text(pattern)) => Some(Regular::new(pattern)?),
                    _ => None,
                };
                let kind = if *entity == Entity::Feedback { "feedback" } else { "expectation" };
                let (name, operator, value) = (key.clone(), *operator, value.clone());
                self.judged.push(Judged { kind, name, operator, value, regular });
            }
            Entity::Span => {
                self.spans.get_or_insert_with(|| SpanFilter::new(from_ms)).add(key, *operator, value)?;
            }
            Entity::Metadata if key == metadata::SOURCE_RUN && *operator == Operator::Equal => {
                self.runs.push(text(&comparison)?);
            }
            Entity::Metadata if key == metadata::USAGE || key == metadata::COST => {
                self.sums.push(sums(&comparison));
            }
            _ => {
                let field = Field::of(*entity, key)?;
                match (operator, value) {
                    (Operator::RLike, Value::Text(pattern)) => {
                        self.regular.push((field, Regular::new(pattern)?));
                    }
                    _ => self.fields.push((field, comparison)),
                }
            }
        }
        Ok(())
    }

    /// Whether the database alone can tell which traces fulfil it.
    pub(crate) fn is_plain(&self) -> bool {
        self.regular.is_empty()
            && self.spans.is_none()
            && self.judged.iter().all(|judged| judged.regular.is_none())
    }
}

impl Field {
    /// Where a field of a trace is found.
    pub(crate) fn of(entity: Entity, key: &str) -> MlflowResult<Self> {
        let kept = |kind: EntryKind| {
            if kind.is_kept(key) {
                Self::Entry(kind, key.to_owned())
            } else {
                Self::Pair(kind, key.to_owned())
            }
        };
        Ok(match (entity, key) {
            (Entity::Tag, tag::NAME) => Self::Column("t.name"),
            (Entity::Metadata, metadata::SESSION) => Self::Column("t.session_id"),
            (Entity::Tag, _) => kept(EntryKind::Tag),
            (Entity::Metadata, _) => kept(EntryKind::Metadata),
            (Entity::Attribute, "timestamp_ms") => Self::Column("t.timestamp_ms"),
            (Entity::Attribute, "execution_time_ms") => Self::Column("t.execution_ms"),
            (Entity::Attribute, "end_time_ms") => {
                Self::Column("(t.timestamp_ms + COALESCE(t.execution_ms, 0))")
            }
            (Entity::Attribute, "status") => Self::Column("t.state"),
            (Entity::Attribute, "request_id") => Self::Column("t.id"),
            (Entity::Attribute, "experiment_id") => Self::Column("t.experiment_id"),
            (Entity::Attribute, "client_request_id") => Self::Column("t.client_request_id"),
            _ => {
                return Err(MlflowError::invalid(format!(
                    "Traces cannot be searched by {} '{key}'",
                    entity.name()
                )));
            }
        })
    }
}

/// The orders of a search for traces.
pub(crate) fn orders(texts: &[String]) -> MlflowResult<Vec<(Field, bool)>> {
    let orders = filter::parse_orders(Search::Traces, texts)?;
    orders.iter().map(|Order { entity, key, ascending }| Ok((Field::of(*entity, key)?, *ascending))).collect()
}

/// The right-hand side, where it can only be a text.
fn text(comparison: &Comparison) -> MlflowResult<String> {
    match &comparison.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(MlflowError::invalid(format!(
            "Expected a quoted string value for {}",
            comparison.entity.name()
        ))),
    }
}

/// The moment in milliseconds before which a comparison excludes every trace.
fn earliest(comparison: &Comparison) -> Option<i128> {
    let after = matches!(comparison.operator, Operator::Greater | Operator::GreaterOrEqual);
    if comparison.entity != Entity::Attribute || comparison.key != "timestamp_ms" || !after {
        return None;
    }
    match &comparison.value {
        Value::Integer(ms) => Some(i128::from(*ms)),
        Value::Real(ms) => Some(*ms as i128),
        _ => None,
    }
}

/// A comparison of token usage or cost, which only has the one text that answers show.
fn sums(comparison: &Comparison) -> Sums {
    let usage = comparison.key == metadata::USAGE;
    let columns = if usage { USAGE_COLUMNS } else { COST_COLUMNS };
    let equal = match comparison.operator {
        Operator::IsNull => return Sums::There(columns, false),
        Operator::IsNotNull => return Sums::There(columns, true),
        operator => operator == Operator::Equal,
    };
    let names: &[&str] = if usage { &USAGE_NAMES } else { &COST_NAMES };
    let sent = match &comparison.value {
        Value::Text(text) => parse(text).map(|parsed| (text, parsed)),
        _ => None,
    };
    let amount = |value: &Json| {
        if usage { count(value).map(Amount::Tokens) } else { dollars(value).map(Amount::Dollars) }
    };
    let amounts =
        |parsed: &Json| names.iter().map(|name| parsed.get(name).and_then(amount)).collect::<Vec<_>>();
    let shown = |amounts: &[Option<Amount>]| {
        let members = names.iter().zip(amounts).filter_map(|(name, amount)| {
            let value = match (*amount)? {
                Amount::Tokens(count) => Json::Integer(count),
                Amount::Dollars(dollars) => Json::Number(dollars),
            };
            Some(((*name).to_owned(), value))
        });
        dumps(&Json::Object(members.collect()), Letters::Escaped)
    };
    let found = sent.and_then(|(text, parsed)| {
        let amounts = amounts(&parsed);
        (amounts.iter().any(Option::is_some) && *text == shown(&amounts)).then_some(amounts)
    });
    match (found, equal) {
        (Some(amounts), _) => Sums::Are(columns.iter().copied().zip(amounts).collect(), equal),
        (None, true) => Sums::Nothing,
        (None, false) => Sums::There(columns, true),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comparisons_are_sorted_by_where_they_are_answered() {
        let read = Filter::read(
            "status = 'OK' AND tags.team = 'x' AND name RLIKE 'a' AND run_id = 'r1' AND run_id = 'r2' AND \
             prompt = 'p/1' AND feedback.f > 1 AND span.name = 'llm' AND timestamp_ms > 20000",
        )
        .unwrap();
        assert_eq!(read.fields.len(), 3);
        assert_eq!(read.fields[1].0, Field::Entry(EntryKind::Tag, "team".into()));
        assert_eq!(
            (read.runs.as_slice(), read.prompts.as_slice()),
            (["r2".to_owned()].as_slice(), ["p/1".to_owned()].as_slice())
        );
        assert_eq!((read.regular.len(), read.judged.len()), (1, 1));
        assert!(read.spans.is_some() && !read.is_plain());
        assert!(Filter::read("status = 'OK'").unwrap().is_plain());
        assert!(Filter::read("").unwrap().is_plain());
    }

    #[test]
    fn usage_is_compared_with_the_text_that_answers_show() {
        let sums = |text: &str| Filter::read(text).unwrap().sums.remove(0);
        let one = r#"{"input_tokens": 1}"#;
        let mut parts: Vec<_> = USAGE_COLUMNS.iter().map(|column| (*column, None)).collect();
        parts[0].1 = Some(Amount::Tokens(1));
        assert_eq!(sums(&format!("metadata.`mlflow.trace.tokenUsage` = '{one}'")), Sums::Are(parts, true));
        for other in [r#"{"input_tokens":1}"#, r#"{"input_tokens": 1, "x": 2}"#, "{}", "x"] {
            assert_eq!(sums(&format!("metadata.`mlflow.trace.tokenUsage` = '{other}'")), Sums::Nothing);
        }
        let cost = sums(r#"metadata.`mlflow.trace.cost` != '{"total_cost": 0.5}'"#);
        assert!(matches!(cost, Sums::Are(_, false)));
        assert_eq!(sums("metadata.`mlflow.trace.cost` IS NULL"), Sums::There(COST_COLUMNS, false));
    }

    proptest! {
        #[test]
        fn no_filter_panics(text in ".*") {
            let _ = Filter::read(&text);
            let _ = orders(&[text]);
        }
    }
}
