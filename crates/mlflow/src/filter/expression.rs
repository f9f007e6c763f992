//! A richer language than MLflow's, on the same words: comparisons are joined by `AND` and `OR`, turned around by `NOT` and
//! grouped by parentheses; `BETWEEN a AND b` takes both ends in; a run's parameters and tags may be compared with numbers;
//! and a metric's key may be followed by `.min`, `.max`, `.first` or `.last`. Whatever MLflow accepts means the same here,
//! but for a key that ends in one of these: it needs backticks, ``metrics.`loss.min` ``.

use ropewalk_core::{Error, Result};

use super::model::{Comparison, Entity, Operator, Search, Value};
use super::rules::{self, Found, strip_key};
use super::tokens::{Kind, Token, Tokens};
use crate::python::characters::is_upper;

/// Deeper parentheses are refused.
const DEPTH: usize = 100;
/// Longer filters are refused.
const SIZE: usize = 10_000;

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Nothing must.
    All,
    /// One condition.
    Comparison(Condition),
    /// All of these.
    And(Vec<Expression>),
    /// At least one of these.
    Or(Vec<Expression>),
    /// Not this. A comparison with something that is missing does not hold, so its opposite does.
    Not(Box<Expression>),
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub entity: Entity,
    /// Its key, without quotes.
    pub key: String,
    /// Which of a metric's values; the latest where nothing is said.
    pub aggregate: Option<Aggregate>,
    /// What must hold of it.
    pub test: Test,
}

/// Which of a metric's values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// The one of the first step.
    First,
    /// The one of the last step.
    Last,
}

/// What must hold of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It compares so.
    Compare(Operator, Value),
    /// It lies between these, both included: two numbers or two texts.
    Between(Value, Value),
}

/// Reads an expression; an empty one is [`Expression::All`].
///
/// # Errors
/// `invalid` with what is wrong, where, and a filter that works.
pub fn parse_expression(search: Search, text: &str) -> Result<Expression> {
    if text.trim().is_empty() {
        return Ok(Expression::All);
    }
    if let Ok(found) = rules::read(search, text) {
        return Ok(all(found.into_iter().map(|found| condition(search, found)).collect()));
    }
    let words = Tokens::new(text).filter(|token| !matches!(token.kind, Kind::Space | Kind::Newline));
    let tokens: Vec<Token> = words.take(SIZE + 1).collect();
    let mut parser = Parser { search, text, tokens, at: 0 };
    if parser.tokens.len() > SIZE {
        return Err(parser
            .wrong("the filter is too long", 0, text.len())
            .why(format!("it has more than {SIZE} words")));
    }
    let expression = parser.either(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(parser.wrong("the filter cannot be read", token.start, text.len())),
    }
}

fn all(mut parts: Vec<Expression>) -> Expression {
    match parts.len() {
        0 => Expression::All,
        1 => parts.remove(0),
        _ => Expression::And(parts),
    }
}

fn condition(search: Search, found: Found<'_>) -> Expression {
    let left = found.left.text;
    let Comparison { entity, key, operator, value } = found.comparison;
    let (key, aggregate) = aggregated(search, entity, left).unwrap_or((key, None));
    Expression::Comparison(Condition { entity, key, aggregate, test: Test::Compare(operator, value) })
}

/// A metric's key without `.min` and the like, if it ends so outside of quotes.
fn aggregated(search: Search, entity: Entity, left: &str) -> Option<(String, Option<Aggregate>)> {
    if entity != Entity::Metric {
        return None;
    }
    let (rest, word) = left.rsplit_once('.')?;
    let aggregate = match word {
        "min" => Aggregate::Minimum,
        "max" => Aggregate::Maximum,
        "first" => Aggregate::First,
        "last" => Aggregate::Last,
        _ => return None,
    };
    let (_, key) = rest.split_once('.')?;
    let key = if search == Search::LoggedModels { key.trim_matches('`') } else { strip_key(key) };
    (!key.is_empty()).then(|| (key.to_owned(), Some(aggregate)))
}

struct Parser<'a> {
    search: Search,
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Parser<'a> {
    /// An error about a piece of the text.
    fn wrong(&self, what: impl Into<String>, start: usize, end: usize) -> Error {
        let place = self.text.get(..start).map_or(0, |before| before.chars().count()) + 1;
        let piece = self.text.get(start..end).unwrap_or_default().trim();
        let shown: String = piece.chars().take(60).collect();
        let more = if shown.len() < piece.len() { "…" } else { "" };
        let why = if piece.is_empty() {
            "it ends too early".to_owned()
        } else {
            format!("at character {place}: {shown}{more}")
        };
        Error::invalid(what).why(why).hint(format!("this works: {}", self.search.example()))
    }

    fn end(&self) -> usize {
        self.tokens.get(self.at).map_or(self.text.len(), |token| token.start)
    }

    /// Whether the token there is one of the words that join. Before a parenthesis they count as names.
    fn is_word(&self, at: usize, word: &str) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let kind = match token.kind {
            Kind::Keyword => true,
            Kind::Name => self.is_kind(at + 1, Kind::Open) && !(at > 0 && self.is_kind(at - 1, Kind::Dot)),
            _ => false,
        };
        kind && is_upper(&self.text[token.start..token.end], word)
    }

    fn is_kind(&self, at: usize, kind: Kind) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == kind)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.is_word(self.at, word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<Expression> {
        let mut parts = vec![self.both(depth)?];
        while self.take("OR") {
            parts.push(self.both(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn both(&mut self, depth: usize) -> Result<Expression> {
        let mut parts = vec![self.unit(depth)?];
        while self.take("AND") {
            parts.push(self.unit(depth)?);
        }
        Ok(all(parts))
    }

    fn unit(&mut self, depth: usize) -> Result<Expression> {
        let mut turned = false;
        while self.take("NOT") {
            turned = !turned;
        }
        let unit = if self.is_kind(self.at, Kind::Open) { self.group(depth)? } else { self.clause()? };
        Ok(if turned { Expression::Not(Box::new(unit)) } else { unit })
    }

    fn group(&mut self, depth: usize) -> Result<Expression> {
        let start = self.end();
        if depth >= DEPTH {
            return Err(self.wrong(
                format!("parentheses are nested more than {DEPTH} deep"),
                start,
                self.text.len(),
            ));
        }
        self.at += 1;
        let inner = self.either(depth + 1)?;
        if !self.is_kind(self.at, Kind::Close) {
            return Err(self.wrong("a parenthesis is not closed", start, self.text.len()));
        }
        self.at += 1;
        Ok(inner)
    }

    /// A comparison: what stands up to the next word that joins, or the parenthesis that closes.
    fn clause(&mut self) -> Result<Expression> {
        let first = self.at;
        let mut depth = 0;
        let mut between = None;
        let mut and = None;
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close if depth == 0 => break,
                Kind::Close => depth -= 1,
                _ if depth > 0 => {}
                _ if self.is_word(self.at, "OR") => break,
                _ if self.is_word(self.at, "AND") => {
                    if between.is_none() || and.is_some() {
                        break;
                    }
                    and = Some(self.at);
                }
                _ if between.is_none() && self.is_word(self.at, "BETWEEN") => between = Some(self.at),
                _ => {}
            }
            self.at += 1;
        }
        let (Some(start), Some(last)) = (self.tokens.get(first), self.tokens[..self.at].last()) else {
            return Err(self.wrong("a comparison is missing", self.text.len(), self.text.len()));
        };
        let (start, end) = (start.start, last.end.max(start.start));
        if self.at == first {
            return Err(self.wrong("a comparison is missing", start, self.text.len()));
        }
        if let Some(between) = between {
            let and = and.filter(|&and| and > between + 1 && and + 1 < self.at);
            let Some(and) = and else {
                return Err(self.wrong("BETWEEN needs two values joined by AND", start, end));
            };
            return self.between(first, between, and);
        }
        let found = match rules::read(self.search, &self.text[start..end]) {
            Ok(found) => found,
            Err(error) => {
                return self
                    .numeric_clause(first)
                    .map(Expression::Comparison)
                    .ok_or_else(|| self.wrong(error.message(), start, end));
            }
        };
        if found.is_empty() {
            return Err(self.wrong("a comparison is missing", start, end));
        }
        Ok(all(found.into_iter().map(|found| condition(self.search, found)).collect()))
    }

    /// A run's parameter or tag, a comparison by size or equality, and a number.
    fn numeric_clause(&self, first: usize) -> Option<Condition> {
        let operator_of = |at: usize| {
            let text = self.slice(at, at + 1);
            Operator::from_text(text).filter(|operator| operator.is_numeric())
        };
        let (at, operator) = (first..self.at).find_map(|at| Some((at, operator_of(at)?)))?;
        self.numeric(self.slice(first, at), operator, self.slice(at + 1, self.at))
    }

    /// A run's parameter or tag that is compared with a number: as a number, where it is one.
    fn numeric(&self, left: &str, operator: Operator, value: &str) -> Option<Condition> {
        if self.search != Search::Runs {
            return None;
        }
        let value: f64 = value.replace(' ', "").parse().ok().filter(|value: &f64| value.is_finite())?;
        let text = format!("{left} = '0'");
        let mut found = rules::read(self.search, &text).ok().filter(|found| found.len() == 1)?;
        let Expression::Comparison(condition) = condition(self.search, found.remove(0)) else { return None };
        let is_text = matches!(condition.entity, Entity::Parameter | Entity::Tag);
        is_text.then_some(Condition { test: Test::Compare(operator, Value::Real(value)), ..condition })
    }

    /// The text of some tokens.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        match (self.tokens.get(from), self.tokens.get(to.wrapping_sub(1))) {
            (Some(first), Some(last)) if from < to => &self.text[first.start..last.end],
            _ => "",
        }
    }

    fn between(&self, first: usize, between: usize, and: usize) -> Result<Expression> {
        let turned = between > first && self.is_word(between - 1, "NOT");
        let left = self.slice(first, if turned { between - 1 } else { between });
        let (start, end) = (self.tokens[first].start, self.tokens[self.at - 1].end);
        let wrong = |what: &str| self.wrong(what, start, end);
        let low = self.bound(left, between + 1, and).map_err(|what| wrong(&what))?;
        let high = self.bound(left, and + 1, self.at).map_err(|what| wrong(&what))?;
        let Condition { entity, key, aggregate, test: Test::Compare(_, from) } = low else {
            return Err(wrong("BETWEEN cannot be read"));
        };
        let Test::Compare(_, to) = high.test else { return Err(wrong("BETWEEN cannot be read")) };
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        if is_text(&from) != is_text(&to) {
            return Err(wrong("BETWEEN takes two numbers or two texts"));
        }
        let condition =
            Expression::Comparison(Condition { entity, key, aggregate, test: Test::Between(from, to) });
        Ok(if turned { Expression::Not(Box::new(condition)) } else { condition })
    }

    /// One end, read as a comparison with it: as one by size, or where that is not known, by equality.
    fn bound(&self, left: &str, from: usize, to: usize) -> std::result::Result<Condition, String> {
        let value = self.slice(from, to);
        let is_number =
            self.tokens.get(from).is_some_and(|token| matches!(token.kind, Kind::Integer | Kind::Float));
        let operators = if is_number { [">=", "="] } else { ["=", ">="] };
        let mut first_error = None;
        for operator in operators {
            let text = format!("{left} {operator} {value}");
            match rules::read(self.search, &text) {
                Ok(mut found) if found.len() == 1 => {
                    if let Expression::Comparison(condition) = condition(self.search, found.remove(0)) {
                        return Ok(condition);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    first_error.get_or_insert(error.message().to_owned());
                }
            }
        }
        self.numeric(left, Operator::Equal, value)
            .ok_or_else(|| first_error.unwrap_or_else(|| "BETWEEN takes two numbers or two texts".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn runs(text: &str) -> Expression {
        parse_expression(Search::Runs, text).unwrap()
    }

    /// The expression in a short form.
    fn shown(expression: &Expression) -> String {
        let join = |parts: &[Expression], word: &str| {
            format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word))
        };
        match expression {
            Expression::All => "all".to_owned(),
            Expression::And(parts) => join(parts, " & "),
            Expression::Or(parts) => join(parts, " | "),
            Expression::Not(inner) => format!("!{}", shown(inner)),
            Expression::Comparison(condition) => {
                let aggregate = condition.aggregate.map_or(String::new(), |one| format!(":{one:?}"));
                let value = |value: &Value| match value {
                    Value::Nothing => String::new(),
                    Value::Text(text) => text.clone(),
                    Value::Integer(number) => number.to_string(),
                    Value::Real(number) => number.to_string(),
                    Value::List(texts) => texts.join(","),
                };
                let test = match &condition.test {
                    Test::Compare(operator, right) => format!("{}{}", operator.as_str(), value(right)),
                    Test::Between(low, high) => format!("{}..{}", value(low), value(high)),
                };
                format!("{}{aggregate}{test}", condition.key)
            }
        }
    }

    #[test]
    fn words_join_and_parentheses_group() {
        for (text, expected) in [
            ("", "all"),
            ("  ", "all"),
            ("metrics.a > 1", "a>1"),
            ("metrics.a > 1 AND tags.b = 'x'", "(a>1 & b=x)"),
            ("metrics.a > 1 or tags.b = 'x' AND tags.c = 'y'", "(a>1 | (b=x & c=y))"),
            ("(metrics.a > 1 OR tags.b = 'x') AND tags.c = 'y'", "((a>1 | b=x) & c=y)"),
            ("NOT metrics.a > 1", "!a>1"),
            ("NOT NOT metrics.a > 1", "a>1"),
            ("NOT(metrics.a > 1 OR(tags.b = 'x'))", "!(a>1 | b=x)"),
            ("NOT tags.b IS NULL AND run_id IN ('a', 'b')", "(!bIS NULL & run_idINa,b)"),
            ("((metrics.a > 1))", "a>1"),
            ("metrics.a BETWEEN 1 AND 2 AND tags.b = 'x'", "(a1..2 & b=x)"),
            ("metrics.a NOT BETWEEN 1 AND 2.5", "!a1..2.5"),
            ("params.a BETWEEN 'x' AND 'y' OR start_time BETWEEN 5 AND 6", "(ax..y | start_time5..6)"),
            ("params.lr < 0.1 OR params.lr >= 1e3", "(lr<0.1 | lr>=1000)"),
            ("tags.`a b` != -5 AND params.lr BETWEEN 0.01 AND 1", "(a b!=-5 & lr0.01..1)"),
            ("metrics.loss.min < 0.1", "loss:Minimum<0.1"),
            ("metrics.loss.max BETWEEN 1 AND 2", "loss:Maximum1..2"),
            ("metrics.`loss.min` < 0.1", "loss.min<0.1"),
            ("metrics.`loss.min`.last < 0.1 OR metric.a.b.first = 1", "(loss.min:Last<0.1 | a.b:First=1)"),
            ("metrics.min < 1", "min<1"),
            ("params.loss.min = '1'", "loss.min=1"),
            ("tags.`a OR b` = 'x AND (' OR tags.or = 'y'", "(a OR b=x AND ( | or=y)"),
            ("metrics.a > 1 metrics.b > 2", "(a>1 & b>2)"),
            ("(metrics.a > 1 metrics.b > 2) OR metrics.c > 3", "((a>1 & b>2) | c>3)"),
        ] {
            assert_eq!(shown(&runs(text)), expected, "{text}");
        }
        let models = |text: &str| shown(&parse_expression(Search::LoggedModels, text).unwrap());
        assert_eq!(models("params.lr BETWEEN 1 AND 5 OR metrics.`a b`.min > 1"), "(lr1..5 | a b:Minimum>1)");
        let traces = |text: &str| shown(&parse_expression(Search::Traces, text).unwrap());
        assert_eq!(traces("timestamp BETWEEN 1 AND 5 OR feedback.a > 1"), "(timestamp_ms1..5 | a>1)");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, what, why) in [
            ("metrics.a > 1 OR", "a comparison is missing", "it ends too early"),
            ("metrics.a > 1 OR foo = 'x'", "Invalid attribute key 'foo'", "at character 18: foo = 'x'"),
            ("(metrics.a > 1", "a parenthesis is not closed", "at character 1: (metrics.a > 1"),
            ("metrics.a > 1)", "the filter cannot be read", "at character 14: )"),
            ("é OR metrics.a > 1", "Invalid clause(s)", "at character 1: é"),
            ("()", "a comparison is missing", "at character 2: )"),
            ("NOT", "a comparison is missing", "it ends too early"),
            ("metrics.a BETWEEN 1", "BETWEEN needs two values", "at character 1: metrics.a BETWEEN 1"),
            (
                "metrics.a BETWEEN 1 AND 'x'",
                "Expected numeric value",
                "at character 1: metrics.a BETWEEN 1 AND 'x'",
            ),
            ("BETWEEN 1 AND 2", "", "at character 1: BETWEEN 1 AND 2"),
            ("params.lr < x", "Parameter value is either not quoted", "at character 1: params.lr < x"),
            (
                "run_id = 5 OR tags.a = 1",
                "Expected a quoted string value for attributes",
                "at character 1: run_id = 5",
            ),
            (
                "metrics.a > 1 AND OR metrics.b > 1",
                "a comparison is missing",
                "at character 19: OR metrics.b > 1",
            ),
        ] {
            let error = parse_expression(Search::Runs, text).unwrap_err();
            assert!(error.what().starts_with(what), "{text}: {}", error.what());
            assert_eq!(error.reason(), Some(why), "{text}");
            let hint = error.advice().unwrap().strip_prefix("this works: ").unwrap().to_owned();
            parse_expression(Search::Runs, &hint).unwrap();
        }
    }

    #[test]
    fn every_search_has_an_example_that_works() {
        for search in Search::ALL {
            super::super::parse(search, search.example()).unwrap();
            parse_expression(search, search.example()).unwrap();
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}metrics.a > 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse_expression(Search::Runs, &nested(100)).is_ok());
        assert!(parse_expression(Search::Runs, &nested(101)).is_err());
        assert!(parse_expression(Search::Runs, &"(".repeat(100_000)).is_err());
        assert!(parse_expression(Search::Runs, &"NOT ".repeat(9_000)).is_err());
        assert!(parse_expression(Search::Runs, &format!("{}metrics.a > 1", "NOT ".repeat(9_001))).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(AND|OR|NOT|BETWEEN|\\(|\\)|IN|metrics\\.a|params\\.b|[ =<>]|'x'|1|\\PC){0,24}") {
            for search in Search::ALL {
                let _ = parse_expression(search, &text);
            }
        }

        #[test]
        fn what_mlflow_accepts_means_the_same(
            clauses in prop::collection::vec("(metrics\\.[a-c] (<|>=|!=) [0-9]{1,3}|(tags|params)\\.[a-c] (=|LIKE) '[a-z%]{0,3}'|tags\\.d IS (NOT )?NULL)", 1..5)
        ) {
            let text = clauses.join(" AND ");
            let expected: Vec<_> = super::super::parse(Search::Runs, &text)
                .unwrap()
                .into_iter()
                .map(|one| Expression::Comparison(Condition {
                    entity: one.entity,
                    key: one.key,
                    aggregate: None,
                    test: Test::Compare(one.operator, one.value),
                }))
                .collect();
            prop_assert_eq!(runs(&text), all(expected.clone()));
            prop_assert_eq!(runs(&format!("({})", clauses.join(") AND ("))), all(expected));
        }
    }
}
