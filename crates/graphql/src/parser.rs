//! Reads a query.

use crate::ast::{
    Argument, Definition, Directive, Document, Field, Fragment, Operation, OperationKind, Selection, Type,
    Value, VariableDefinition,
};
use crate::lexer::{Token, tokens};

/// How deep selections, values and types may be nested.
const DEEPEST: usize = 100;

/// Reads a query's text.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn parse(text: &str) -> Result<Document, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let mut document = Document::default();
    loop {
        document.push(parser.definition()?);
        if *parser.peek() == Token::End {
            return Ok(document);
        }
    }
}

pub(crate) struct Parser {
    pub(crate) tokens: Vec<Token>,
    pub(crate) at: usize,
    pub(crate) depth: usize,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    pub(crate) fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn unexpected<T>(&self) -> Parsed<T> {
        Err(format!("Unexpected {}.", self.peek()))
    }

    pub(crate) fn takes(&mut self, sign: char) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, sign: char) -> Parsed<()> {
        if self.takes(sign) { Ok(()) } else { Err(format!("Expected '{sign}', found {}.", self.peek())) }
    }

    pub(crate) fn name(&mut self) -> Parsed<String> {
        match self.advance() {
            Token::Name(name) => Ok(name),
            other => Err(format!("Expected Name, found {other}.")),
        }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if name == word)
    }

    /// One or more, between two signs.
    fn many<T>(&mut self, open: char, close: char, one: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect(open)?;
        let mut all = vec![one(self)?];
        while !self.takes(close) {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// One or more between two signs, or nothing at all.
    fn maybe_many<T>(&mut self, open: char, close: char, one: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        if *self.peek() == Token::Sign(open) { self.many(open, close, one) } else { Ok(Vec::new()) }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("Document is nested deeper than {DEEPEST} levels."));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn definition(&mut self) -> Parsed<Definition> {
        if *self.peek() == Token::Sign('{') {
            return Ok(Definition::Operation(Operation {
                kind: OperationKind::Query,
                name: None,
                variables: Vec::new(),
                directives: Vec::new(),
                selections: self.selections()?,
            }));
        }
        let Token::Name(word) = self.peek().clone() else { return self.unexpected() };
        let kind = match word.as_str() {
            "query" => OperationKind::Query,
            "mutation" => OperationKind::Mutation,
            "subscription" => OperationKind::Subscription,
            "fragment" => return self.fragment(),
            "schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input" | "directive"
            | "extend" => {
                return self.part_of_a_schema(&word);
            }
            _ => return self.unexpected(),
        };
        self.at += 1;
        let name = if matches!(self.peek(), Token::Name(_)) { Some(self.name()?) } else { None };
        Ok(Definition::Operation(Operation {
            kind,
            name,
            variables: self.maybe_many('(', ')', Self::variable_definition)?,
            directives: self.directives()?,
            selections: self.selections()?,
        }))
    }

    /// Passes over a definition that cannot be executed: to the end of the text, or to what can.
    fn part_of_a_schema(&mut self, word: &str) -> Parsed<Definition> {
        self.at += 1;
        let name = match self.peek() {
            Token::Name(name) if word != "schema" => format!("'{name}'"),
            _ => "schema".to_owned(),
        };
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Token::End => break,
                Token::Sign('{' | '(' | '[') => open += 1,
                Token::Sign('}' | ')' | ']') => {
                    open = open.saturating_sub(1);
                    if open == 0 && *self.peek() == Token::Sign('}') {
                        self.at += 1;
                        break;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(Definition::Other(name))
    }

    fn fragment(&mut self) -> Parsed<Definition> {
        self.at += 1;
        if self.is_word("on") {
            return self.unexpected();
        }
        let name = self.name()?;
        if !self.is_word("on") {
            return Err(format!("Expected 'on', found {}.", self.peek()));
        }
        self.at += 1;
        Ok(Definition::Fragment(Fragment {
            name,
            on: self.name()?,
            directives: self.directives()?,
            selections: self.selections()?,
        }))
    }

    fn variable_definition(&mut self) -> Parsed<VariableDefinition> {
        self.expect('$')?;
        let name = self.name()?;
        self.expect(':')?;
        let of = self.type_reference()?;
        let default = if self.takes('=') { Some(self.value(true)?) } else { None };
        Ok(VariableDefinition { name, of, default, directives: self.directives()? })
    }

    pub(crate) fn type_reference(&mut self) -> Parsed<Type> {
        self.nested(|this| {
            let of = if this.takes('[') {
                let inner = this.type_reference()?;
                this.expect(']')?;
                Type::List(Box::new(inner))
            } else {
                Type::Named(this.name()?)
            };
            Ok(if this.takes('!') { Type::NonNull(Box::new(of)) } else { of })
        })
    }

    fn selections(&mut self) -> Parsed<Vec<Selection>> {
        self.nested(|this| this.many('{', '}', Self::selection))
    }

    fn selection(&mut self) -> Parsed<Selection> {
        if *self.peek() != Token::Spread {
            return Ok(Selection::Field(self.field()?));
        }
        self.at += 1;
        if matches!(self.peek(), Token::Name(_)) && !self.is_word("on") {
            return Ok(Selection::Spread { name: self.name()?, directives: self.directives()? });
        }
        let on = if self.is_word("on") {
            self.at += 1;
            Some(self.name()?)
        } else {
            None
        };
        Ok(Selection::Inline { on, directives: self.directives()?, selections: self.selections()? })
    }

    fn field(&mut self) -> Parsed<Field> {
        let first = self.name()?;
        let (alias, name) = if self.takes(':') { (Some(first), self.name()?) } else { (None, first) };
        Ok(Field {
            alias,
            name,
            arguments: self.maybe_many('(', ')', Self::argument)?,
            directives: self.directives()?,
            selections: if *self.peek() == Token::Sign('{') { Some(self.selections()?) } else { None },
        })
    }

    fn argument(&mut self) -> Parsed<Argument> {
        let name = self.name()?;
        self.expect(':')?;
        Ok(Argument { name, value: self.value(false)? })
    }

    fn directives(&mut self) -> Parsed<Vec<Directive>> {
        let mut all = Vec::new();
        while self.takes('@') {
            let name = self.name()?;
            all.push(Directive { name, arguments: self.maybe_many('(', ')', Self::argument)? });
        }
        Ok(all)
    }

    pub(crate) fn value(&mut self, constant: bool) -> Parsed<Value> {
        self.nested(|this| match this.peek().clone() {
            Token::Sign('$') if !constant => {
                this.at += 1;
                Ok(Value::Variable(this.name()?))
            }
            Token::Sign('[') => {
                this.at += 1;
                let mut items = Vec::new();
                while !this.takes(']') {
                    items.push(this.value(constant)?);
                }
                Ok(Value::List(items))
            }
            Token::Sign('{') => {
                this.at += 1;
                let mut members = Vec::new();
                while !this.takes('}') {
                    let name = this.name()?;
                    this.expect(':')?;
                    members.push((name, this.value(constant)?));
                }
                Ok(Value::Object(members))
            }
            token => {
                let value = match token {
                    Token::Int(text) => Value::Int(text),
                    Token::Float(text) => Value::Float(text),
                    Token::Text(text) => Value::Text(text),
                    Token::Name(word) => match word.as_str() {
                        "true" => Value::Truth(true),
                        "false" => Value::Truth(false),
                        "null" => Value::Null,
                        _ => Value::Word(word),
                    },
                    _ => return this.unexpected(),
                };
                this.at += 1;
                Ok(value)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_query_is_read() {
        let text = "query Q($a: [Int!]! = [1, 2], $b: In) @component(name: \"x\") { \
            one: field(a: $a, o: {k: [WORD, null, true, 1.5, \"t\"]}) { ...F ... on T { x } ... { y } } } \
            fragment F on T { z } { w } type X { a(b: Int = 1): Y } mutation { m }";
        let document = parse(text).unwrap();
        assert_eq!(document.definitions.len(), 5);
        assert_eq!(document.operations().count(), 3);
        let first = document.operations().next().unwrap();
        assert_eq!(first.variables[0].of.to_string(), "[Int!]!");
        let Selection::Field(field) = &first.selections[0] else { unreachable!() };
        assert_eq!((field.key(), field.name.as_str()), ("one", "field"));
        assert_eq!(field.arguments[1].value.to_string(), r#"{k: [WORD, null, true, 1.5, "t"]}"#);
        assert!(matches!(&document.definitions[3], Definition::Other(name) if name == "'X'"));
    }

    #[test]
    fn what_is_no_query_is_refused_in_words() {
        for (text, words) in [
            ("", "Unexpected <EOF>."),
            ("x", "Unexpected Name 'x'."),
            ("{", "Expected Name, found <EOF>."),
            ("{ }", "Expected Name, found '}'."),
            ("query", "Expected '{', found <EOF>."),
            ("{ a(b: ) }", "Unexpected ')'."),
            ("fragment on on T { a }", "Unexpected Name 'on'."),
            ("query($a: Int = $b) { c }", "Unexpected '$'."),
        ] {
            assert_eq!(parse(text).unwrap_err(), words, "{text}");
        }
        assert!(parse(&"{a".repeat(1000)).is_err());
        assert!(parse(&format!("{{ a(b: {}) }}", "[".repeat(1000))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[ {}()\[\]$:!@=."a-z0-9#\n]{0,80}"#) {
            let _ = parse(&text);
        }
    }
}
