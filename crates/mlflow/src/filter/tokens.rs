//! Text to tokens, cut where sqlparse 0.6.1 cuts them: MLflow reads filters as SQL, and what a filter may say follows from
//! what counts as a name, a number or a keyword there.

use std::collections::HashMap;

use super::{phrases, words};
use crate::python::characters::{is_digit, is_letter, is_space, is_word};

/// What a token, or a group of them, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    // Tokens.
    Space,
    Newline,
    /// From `--` or `# ` to the end of the line.
    Comment,
    /// `/* … */`, and comments that are hints for a database.
    OtherComment,
    /// `:=`
    Assign,
    /// `*`
    Wildcard,
    Name,
    /// `?`, `%s`, `:name`, `$name`
    Placeholder,
    /// `\name`
    Command,
    Keyword,
    /// `ASC`, `DESC`, `NULLS FIRST`
    Order,
    /// `SELECT` and the like.
    Manipulation,
    /// `CREATE` and the like.
    Definition,
    /// `GRANT` and `REVOKE`.
    Control,
    With,
    /// `AT TIME ZONE '…'`
    Zone,
    /// A type's name, such as `date` and, not least, `timestamp`.
    Type,
    Integer,
    Float,
    Hexadecimal,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `$$…$$`
    Dollars,
    Dot,
    Comma,
    Semicolon,
    Colon,
    DoubleColon,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Operator,
    Compare,
    /// A character that means nothing.
    Unknown,
    // Groups.
    Comments,
    Brackets,
    Parenthesis,
    /// `CASE … END`
    Case,
    /// Other blocks that end with `END`.
    Block,
    Over,
    Function,
    Where,
    Identifier,
    TypedLiteral,
    Operation,
    Comparison,
    Assignment,
    List,
    Values,
}

impl Kind {
    /// Whether the token is a keyword of some sort, which is compared in capitals.
    pub(super) fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Keyword
                | Self::Order
                | Self::Manipulation
                | Self::Definition
                | Self::Control
                | Self::With
                | Self::Zone
        )
    }

    pub(super) fn is_group(self) -> bool {
        self as u8 >= Self::Comments as u8
    }
}

/// A token, or a group of them: what it is, and where it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// Cuts a text into tokens, one after the other.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Whether a comment may still be closed; looked for once only.
    comments_close: bool,
    /// Where each delimiter such as `$a$` stands last; looked for when one is met.
    dollars: Option<HashMap<&'a str, usize>>,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let (kind, end) = self.token(start, self.peek(start)?);
        self.at = end;
        Some(Token { kind, start, end })
    }
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, comments_close: true, dollars: None }
    }

    fn peek(&self, at: usize) -> Option<char> {
        let first = *self.text.as_bytes().get(at)?;
        if first.is_ascii() { Some(char::from(first)) } else { self.text.get(at..)?.chars().next() }
    }

    fn is(&self, at: usize, class: impl Fn(char) -> bool) -> bool {
        self.peek(at).is_some_and(class)
    }

    fn starts(&self, at: usize, with: &str) -> bool {
        self.text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(with.as_bytes()))
    }

    fn before(&self, at: usize) -> Option<char> {
        self.text.get(..at)?.chars().next_back()
    }

    /// Where a run of such characters ends.
    fn run(&self, mut at: usize, class: impl Fn(char) -> bool) -> usize {
        while let Some(character) = self.peek(at).filter(|&character| class(character)) {
            at += character.len_utf8();
        }
        at
    }

    fn token(&mut self, at: usize, first: char) -> (Kind, usize) {
        let unknown = (Kind::Unknown, at + first.len_utf8());
        let one = |kind| (kind, at + 1);
        match first {
            ' ' | '\t' => one(Kind::Space),
            '\n' => one(Kind::Newline),
            '\r' => (Kind::Newline, at + 1 + usize::from(self.starts(at, "\r\n"))),
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => self.word(at, first),
            '-' if self.starts(at, "--") => self.comment(at),
            '#' if self.starts(at, "# ") => self.comment(at),
            '/' if self.starts(at, "/*") => self.long_comment(at).unwrap_or_else(|| self.operator(at)),
            '$' => match self.dollar_quoted(at) {
                Some(end) => (Kind::Dollars, end),
                None => self.placeholder(at).unwrap_or(unknown),
            },
            ':' if self.starts(at, ":=") => (Kind::Assign, at + 2),
            ':' if self.starts(at, "::") => (Kind::DoubleColon, at + 2),
            ':' => self.placeholder(at).unwrap_or(one(Kind::Colon)),
            '*' => one(Kind::Wildcard),
            '`' | '´' => self.backticked(at, first).map_or(unknown, |end| (Kind::Name, end)),
            '\'' => self.repr(at, b'\'').map_or(unknown, |end| (Kind::Single, end)),
            '"' => self.repr(at, b'"').map_or(unknown, |end| (Kind::Double, end)),
            '?' => one(Kind::Placeholder),
            '%' => self.percent(at).unwrap_or_else(|| self.operator(at)),
            '\\' => match self.run(at + 1, is_word) {
                end if end > at + 1 => (Kind::Command, end),
                _ => unknown,
            },
            '@' | '#' => self.marked(at, first),
            '-' | '.' => self.number(at).unwrap_or_else(|| match first {
                '.' => one(Kind::Dot),
                _ if self.starts(at, "->>") => (Kind::Operator, at + 3),
                _ if self.starts(at, "->") => (Kind::Operator, at + 2),
                _ => one(Kind::Operator),
            }),
            '[' => self.bracketed(at).map_or(one(Kind::OpenBracket), |end| (Kind::Name, end)),
            ']' => one(Kind::CloseBracket),
            '(' => one(Kind::Open),
            ')' => one(Kind::Close),
            ',' => one(Kind::Comma),
            ';' => one(Kind::Semicolon),
            '<' if self.starts(at, "<@") => (Kind::Operator, at + 2),
            '<' | '>' | '=' | '~' | '!' => {
                (Kind::Compare, self.run(at, |c| matches!(c, '<' | '>' | '=' | '~' | '!')))
            }
            '+' | '/' | '&' | '^' | '|' => self.operator(at),
            other if is_space(other) => (Kind::Space, unknown.1),
            other if is_word(other) => self.word(at, first),
            // The sign stands among the letters that a name may start with, but is none.
            '×' if self.is_named(at, self.run(unknown.1, is_word)) => {
                (Kind::Name, self.run(unknown.1, is_word))
            }
            _ => unknown,
        }
    }

    fn operator(&self, at: usize) -> (Kind, usize) {
        let all = |c| matches!(c, '+' | '/' | '@' | '#' | '%' | '^' | '&' | '|' | '-');
        (Kind::Operator, self.run(at, all))
    }

    fn comment(&self, at: usize) -> (Kind, usize) {
        let kind = if self.starts(at + 2, "+") { Kind::OtherComment } else { Kind::Comment };
        let rest = self.text.as_bytes().get(at + 2..).unwrap_or_default();
        let end = match rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            None => self.text.len(),
            Some(place) => at + 2 + place + if self.starts(at + 2 + place, "\r\n") { 2 } else { 1 },
        };
        (kind, end)
    }

    fn long_comment(&mut self, at: usize) -> Option<(Kind, usize)> {
        let inside = at + if self.starts(at, "/*+") { 3 } else { 2 };
        let close = self.comments_close.then(|| self.text.get(inside..)?.find("*/")).flatten();
        self.comments_close = close.is_some();
        close.map(|close| (Kind::OtherComment, inside + close + 2))
    }

    /// A delimiter such as `$$` or `$tag$`.
    fn delimiter(&self, at: usize) -> Option<&'a str> {
        let mut end = at + 1;
        if let Some(first) = self.peek(end).filter(|&c| c == '_' || is_letter(c)) {
            end = self.run(end + first.len_utf8(), is_word);
        }
        if self.starts(end, "$") { self.text.get(at..=end) } else { None }
    }

    fn dollar_quoted(&mut self, at: usize) -> Option<usize> {
        if self.before(at).is_some_and(|c| is_word(c) || matches!(c, '"' | '$')) {
            return None;
        }
        let delimiter = self.delimiter(at)?;
        if self.dollars.is_none() {
            let places = self.text.match_indices('$').map(|(place, _)| place);
            let last = places.filter_map(|place| Some((self.delimiter(place)?, place))).collect();
            self.dollars = Some(last);
        }
        let inside = at + delimiter.len();
        self.dollars.as_ref()?.get(delimiter).filter(|&&last| last >= inside)?;
        Some(inside + self.text.get(inside..)?.find(delimiter)? + delimiter.len())
    }

    fn placeholder(&self, at: usize) -> Option<(Kind, usize)> {
        let end = self.run(at + 1, is_word);
        let alone = !self.before(at).is_some_and(is_word);
        (alone && end > at + 1).then_some((Kind::Placeholder, end))
    }

    /// `%s` and `%(name)s`
    fn percent(&self, at: usize) -> Option<(Kind, usize)> {
        let mut end = at + 1;
        if self.starts(end, "(") {
            let name = self.run(end + 1, is_word);
            if name > end + 1 && self.starts(name, ")") {
                end = name + 1;
            }
        }
        let last = self.peek(end).filter(|c| matches!(c, 's' | 'S' | 'ſ'))?;
        Some((Kind::Placeholder, end + last.len_utf8()))
    }

    /// `@name`, `#name`, `##name`, and operators that start so.
    fn marked(&self, at: usize, first: char) -> (Kind, usize) {
        let marks = if self.starts(at, "##") { at + 2 } else { at + 1 };
        if let Some(letter) = self.peek(marks).filter(|&c| is_letter(c)) {
            let rest = marks + letter.len_utf8();
            let end = self.run(rest, is_word);
            if end > rest {
                return (Kind::Name, end);
            }
        }
        let operators: &[&str] = if first == '@' { &["@>"] } else { &["#>>", "#>", "#-"] };
        match operators.iter().find(|operator| self.starts(at, operator)) {
            Some(operator) => (Kind::Operator, at + operator.len()),
            None => self.operator(at),
        }
    }

    /// A name in backticks; two of them stand for one, unless the name would then not end.
    fn backticked(&self, at: usize, quote: char) -> Option<usize> {
        let size = quote.len_utf8();
        let mut fallback = None;
        let mut rest = at + size;
        loop {
            let Some(found) = self.text.get(rest..)?.find(quote) else { return fallback };
            let close = rest + found + size;
            if !self.is(close, |c| c == quote) {
                return Some(close);
            }
            fallback = Some(close);
            rest = close + size;
        }
    }

    /// A text in quotes. Two quotes and an escaped one stand for one, unless the text would then not end.
    fn repr(&self, at: usize, quote: u8) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut fallback = None;
        let mut rest = at + 1;
        loop {
            let place = bytes.get(rest..)?.iter().position(|&byte| byte == quote || byte == b'\\');
            let Some(place) = place.map(|place| rest + place) else { return fallback };
            let next_is_quote = bytes.get(place + 1) == Some(&quote);
            if bytes[place] == quote && !next_is_quote {
                return Some(place + 1);
            }
            if !next_is_quote {
                rest = place + 1;
                continue;
            }
            // Either `''`, whose first quote might end the text, or `\'`, whose quote might.
            fallback = Some(place + if bytes[place] == quote { 1 } else { 2 });
            rest = place + 2;
        }
    }

    /// A name in square brackets, which no name or bracket stands before.
    fn bracketed(&self, at: usize) -> Option<usize> {
        if self.before(at).is_some_and(|c| is_word(c) || matches!(c, ']' | ')')) {
            return None;
        }
        let rest = self.text.as_bytes().get(at + 1..)?;
        let close = rest.iter().position(|byte| matches!(byte, b'[' | b']'))?;
        (close > 0 && rest[close] == b']').then_some(at + close + 2)
    }

    fn word(&self, at: usize, first: char) -> (Kind, usize) {
        let end = self.run(at, is_word);
        let word = &self.text[at..end];
        if phrases::is_reserved(word) {
            return (Kind::Keyword, end);
        }
        if is_letter(first) {
            if self.is_named(at, end) {
                return (Kind::Name, end);
            }
        } else if let Some(number) = self.number(at) {
            return number;
        }
        if let Some(phrase) = phrases::phrase(self.text, at, end) {
            return phrase;
        }
        let end = self.run(end, |c| is_word(c) || matches!(c, '$' | '#'));
        (words::kind(&self.text[at..end]), end)
    }

    /// Whether a word is a name for what stands beside it: a dot or a parenthesis.
    fn is_named(&self, at: usize, end: usize) -> bool {
        let dot = self.run(end, is_space);
        (self.starts(dot, ".") && !self.is(dot + 1, is_digit))
            || self.starts(end, "(")
            || self.text.as_bytes()[..at].last() == Some(&b'.')
    }

    /// A number, with its sign. A letter right after it takes away its last digit, or makes it none.
    fn number(&self, at: usize) -> Option<(Kind, usize)> {
        let start = at + usize::from(self.starts(at, "-"));
        let is_name = |at| self.is(at, |c| c == '_' || is_letter(c));
        let shorten = |from: usize, end: usize| match self.before(end) {
            _ if !is_name(end) => Some(end),
            Some(last) if end > from => Some(end - last.len_utf8()),
            _ => None,
        };
        if self.starts(start, "0x") || self.starts(start, "0X") {
            let end = self.run(start + 2, |c| is_digit(c) || matches!(c, 'a'..='f' | 'A'..='F'));
            if end > start + 2 {
                return Some((Kind::Hexadecimal, end));
            }
        }
        let whole = self.run(start, is_digit);
        let point = self.starts(whole, ".");
        let fraction = if point { self.run(whole + 1, is_digit) } else { whole };
        if whole == start {
            let first = self.peek(whole + 1).filter(|_| point && fraction > whole + 1)?;
            return shorten(whole + 1 + first.len_utf8(), fraction).map(|end| (Kind::Float, end));
        }
        if fraction != whole + 1
            && let Some(end) = self.exponent(fraction)
        {
            return Some((Kind::Float, end));
        }
        if point && let Some(end) = shorten(whole + 1, fraction) {
            return Some((Kind::Float, end));
        }
        let first = self.peek(start)?;
        shorten(start + first.len_utf8(), whole).map(|end| (Kind::Integer, end))
    }

    /// Where an exponent ends, if there is one. Only a minus is a sign here.
    fn exponent(&self, at: usize) -> Option<usize> {
        if !self.is(at, |c| matches!(c, 'e' | 'E')) {
            return None;
        }
        let digits = at + 1 + usize::from(self.starts(at + 1, "-"));
        let end = self.run(digits, is_digit);
        (end > digits).then_some(end)
    }
}
