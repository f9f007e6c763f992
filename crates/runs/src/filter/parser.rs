//! Tokens to comparisons.

use ropewalk_core::{Error, Result};

use super::lexer::{Token, tokens};

/// What a comparison is about: `metrics.loss` has the entity `metrics` and the key `loss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// The part before the first dot; none for a plain attribute.
    pub entity: Option<String>,
    /// The rest, without quotes.
    pub key: String,
}

/// How the two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    ILike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

impl Operator {
    /// The operator as it is written, which is also its SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    /// Whether it compares by size or equality, as numbers are compared.
    pub fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
        )
    }
}

/// The right-hand side.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `IS NULL` has none.
    Nothing,
    /// Quoted text.
    Text(String),
    /// A number, and how it was written.
    Number(f64, String),
    /// Quoted texts in parentheses.
    List(Vec<String>),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The left-hand side.
    pub identifier: Identifier,
    /// The operator.
    pub operator: Operator,
    /// The right-hand side.
    pub value: Value,
}

/// One order: what by, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What to order by.
    pub identifier: Identifier,
    /// Smallest first.
    pub ascending: bool,
}

/// Reads a filter; an empty one has no comparisons.
///
/// # Errors
/// `invalid` for anything but comparisons joined by `AND`.
pub fn parse(text: &str) -> Result<Vec<Comparison>> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let mut parser = Parser { tokens: &tokens, at: 0, text };
    let mut comparisons = vec![parser.comparison()?];
    while parser.at < tokens.len() {
        if !parser.take_word("AND") {
            return Err(parser.wrong());
        }
        comparisons.push(parser.comparison()?);
    }
    Ok(comparisons)
}

/// Reads an order such as `metrics.loss DESC`; ascending if it does not say.
///
/// # Errors
/// `invalid` when it is not an identifier with at most a direction.
pub fn parse_order(text: &str) -> Result<Order> {
    let wrong = || Error::invalid(format!("Invalid order_by clause '{text}'. Could not be parsed."));
    let tokens = tokens(text).map_err(|_| wrong())?;
    let mut parser = Parser { tokens: &tokens, at: 0, text };
    let identifier = parser.identifier().map_err(|_| wrong())?;
    let ascending = parser.direction();
    if parser.at == tokens.len() { Ok(Order { identifier, ascending }) } else { Err(wrong()) }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    text: &'a str,
}

impl Parser<'_> {
    fn wrong(&self) -> Error {
        Error::invalid(format!("Invalid clause(s) in filter string: '{}'", self.text))
            .hint("write comparisons joined by AND, e.g. metrics.val_auc > 0.8 AND params.recipe = 'trees'")
    }

    fn next(&mut self) -> Option<&Token> {
        let token = self.tokens.get(self.at);
        self.at += usize::from(token.is_some());
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.at), Some(Token::Word(text)) if text.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn direction(&mut self) -> bool {
        if self.take_word("DESC") {
            return false;
        }
        self.take_word("ASC");
        true
    }

    fn comparison(&mut self) -> Result<Comparison> {
        let identifier = self.identifier()?;
        let operator = self.operator()?;
        let value = match operator {
            Operator::IsNull | Operator::IsNotNull => Value::Nothing,
            Operator::In | Operator::NotIn => Value::List(self.list()?),
            _ => self.value()?,
        };
        Ok(Comparison { identifier, operator, value })
    }

    fn identifier(&mut self) -> Result<Identifier> {
        let mut parts = vec![self.name(true)?];
        while self.tokens.get(self.at) == Some(&Token::Dot) {
            self.at += 1;
            parts.push(self.name(false)?);
        }
        if parts.len() == 1 {
            return Ok(Identifier { entity: None, key: parts.remove(0) });
        }
        let entity = parts.remove(0);
        Ok(Identifier { entity: Some(entity), key: parts.join(".") })
    }

    fn name(&mut self, first: bool) -> Result<String> {
        let name = match self.next() {
            Some(Token::Word(text) | Token::Backtick(text)) => Some(text.clone()),
            Some(Token::Double(text)) if !first => Some(text.clone()),
            // A key's part may be digits: `metrics.top.5`.
            Some(Token::Number(text)) if !first && text.bytes().all(|b| b.is_ascii_digit()) => {
                Some(text.clone())
            }
            _ => None,
        };
        name.ok_or_else(|| self.wrong())
    }

    fn operator(&mut self) -> Result<Operator> {
        let operator = match self.next() {
            Some(Token::Compare(word)) => match *word {
                "=" => Operator::Equal,
                "!=" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                _ => Operator::GreaterOrEqual,
            },
            Some(Token::Word(word)) => match word.to_ascii_uppercase().as_str() {
                "LIKE" => Operator::Like,
                "ILIKE" => Operator::ILike,
                "IN" => Operator::In,
                "NOT" if self.take_word("IN") => Operator::NotIn,
                "IS" if self.take_word("NULL") => Operator::IsNull,
                "IS" if self.take_word("NOT") && self.take_word("NULL") => Operator::IsNotNull,
                _ => return Err(self.wrong()),
            },
            _ => return Err(self.wrong()),
        };
        Ok(operator)
    }

    fn value(&mut self) -> Result<Value> {
        let value = match self.next() {
            Some(Token::Single(text) | Token::Double(text)) => Some(Value::Text(text.clone())),
            Some(Token::Number(text)) => Some(Value::Number(text.parse().unwrap_or(f64::NAN), text.clone())),
            _ => None,
        };
        value.ok_or_else(|| self.wrong())
    }

    fn list(&mut self) -> Result<Vec<String>> {
        let wrong = || {
            Error::invalid(
                "While parsing a list in the query, expected a non-empty list of string values, but got something else.",
            )
        };
        if self.next() != Some(&Token::Open) {
            return Err(wrong());
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some(Token::Single(text) | Token::Double(text)) => values.push(text.clone()),
                _ => return Err(wrong()),
            }
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(values),
                _ => return Err(wrong()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Comparison {
        let mut all = parse(text).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn comparisons_are_read() {
        let metric = one("metrics.loss <= -1.5e-3");
        assert_eq!(metric.identifier, Identifier { entity: Some("metrics".into()), key: "loss".into() });
        assert_eq!(metric.operator, Operator::LessOrEqual);
        assert_eq!(metric.value, Value::Number(-1.5e-3, "-1.5e-3".into()));
        assert_eq!(one("tags.mlflow.source.name = 'x'").identifier.key, "mlflow.source.name");
        assert_eq!(one("params.`my key/1` != \"y\"").identifier.key, "my key/1");
        assert_eq!(one("params.\"a b\" LIKE '%z'").operator, Operator::Like);
        assert_eq!(one("start_time>5").identifier.entity, None);
        assert_eq!(one("tags.a is not null").operator, Operator::IsNotNull);
        assert_eq!(one("run_id NOT IN ('a', 'b')").value, Value::List(vec!["a".into(), "b".into()]));
        assert_eq!(one("tags.a = 'it''s'").value, Value::Text("it's".into()));
        assert_eq!(one("metrics.top.5 > .5").identifier.key, "top.5");
    }

    #[test]
    fn and_joins_and_nothing_else_does() {
        assert_eq!(parse("metrics.a > 1 and tags.b='AND'\n AND params.c ILIKE 'x'").unwrap().len(), 3);
        assert!(parse("").unwrap().is_empty());
        assert!(parse("   ").unwrap().is_empty());
        for wrong in [
            "metrics.a > 1 OR metrics.b > 2",
            "(metrics.a > 1)",
            "metrics.a BETWEEN 1 AND 2",
            "metrics.a >",
            "metrics.a",
            "AND metrics.a > 1",
            "metrics.a > 1 AND",
            "tags.a = 'x",
            "tags.a = x",
            "tags.a IN ()",
            "tags.a IN ('x',)",
            "metrics. > 1",
            "metrics.a == 1",
            "metrics.a > 1; metrics.b > 2",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn orders_are_read() {
        let order = parse_order("metrics.`val loss` DESC").unwrap();
        assert_eq!((order.identifier.key.as_str(), order.ascending), ("val loss", false));
        assert!(parse_order("start_time").unwrap().ascending);
        for wrong in ["", "metrics.a UP", "metrics.a DESC DESC", "Run Name", "'a'", "metrics."] {
            assert!(parse_order(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = parse(&text);
            let _ = parse_order(&text);
        }

        #[test]
        fn token_soup_is_read_or_refused(parts in prop::collection::vec(prop::sample::select(vec![
            "metrics", ".", "`k k`", "=", "!=", "<", "'v'", "\"w\"", "AND", "IN", "NOT", "IS", "NULL", "(", ")", ",", "1.5", "-", "LIKE", " "]), 0..14)) {
            let _ = parse(&parts.concat());
            let _ = parse(&parts.join(" "));
        }

        #[test]
        fn what_is_written_is_read(key in "[a-z_][a-z0-9_ ./-]{0,20}", value in "[^'\"`]{0,30}", number in -1e12f64..1e12) {
            let parsed = parse(&format!("params.`{key}` = '{value}' AND metrics.`{key}` >= {number}")).unwrap();
            prop_assert_eq!(&parsed[0].identifier.key, &key);
            prop_assert_eq!(&parsed[0].value, &Value::Text(value));
            let Value::Number(read, _) = &parsed[1].value else { return Err(TestCaseError::fail("no number")) };
            prop_assert_eq!(*read, number);
        }
    }
}
