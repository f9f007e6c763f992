//! Filter text to tokens.

use ropewalk_core::{Error, Result};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: letters, digits and underscores, not starting with a digit.
    Word(String),
    /// Text in single quotes.
    Single(String),
    /// Text in double quotes: a key after a dot, else a value.
    Double(String),
    /// A key in backticks.
    Backtick(String),
    /// A number as it was written.
    Number(String),
    Dot,
    Comma,
    Open,
    Close,
    /// One of `= != < <= > >=`.
    Compare(&'static str),
}

/// Cuts the text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (token, length) = token(rest, first, tokens.last())?;
        tokens.push(token);
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn token(rest: &str, first: char, before: Option<&Token>) -> Result<(Token, usize)> {
    let pair = |word: &'static str| (Token::Compare(word), word.len());
    Ok(match first {
        '\'' => quoted(rest, '\'', Token::Single)?,
        '"' => quoted(rest, '"', Token::Double)?,
        '`' => quoted(rest, '`', Token::Backtick)?,
        '.' if !starts_number(&rest[1..]) || is_name(before) => (Token::Dot, 1),
        ',' => (Token::Comma, 1),
        '(' => (Token::Open, 1),
        ')' => (Token::Close, 1),
        '=' => pair("="),
        '!' if rest.starts_with("!=") => pair("!="),
        '<' if rest.starts_with("<=") => pair("<="),
        '<' => pair("<"),
        '>' if rest.starts_with(">=") => pair(">="),
        '>' => pair(">"),
        // A key's part may start with a digit: `metrics.1st`.
        c if c.is_alphanumeric() && before == Some(&Token::Dot) => word(rest),
        c if c.is_alphabetic() || c == '_' => word(rest),
        c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => number(rest)?,
        _ => return Err(Error::invalid(format!("Invalid clause(s) in filter string: '{first}'"))),
    })
}

fn is_name(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Word(_) | Token::Double(_) | Token::Backtick(_)))
}

fn starts_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn word(rest: &str) -> (Token, usize) {
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (Token::Word(rest[..length].to_owned()), length)
}

fn quoted(rest: &str, quote: char, make: fn(String) -> Token) -> Result<(Token, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            // A doubled quote stands for itself.
            text.push(quote);
            characters.next();
        } else {
            return Ok((make(text), at + 1));
        }
    }
    Err(Error::invalid(format!(
        "Invalid clause(s) in filter string: the quote {quote} is not closed in '{rest}'"
    )))
}

fn number(rest: &str) -> Result<(Token, usize)> {
    let mut length = 0;
    let mut last = ' ';
    for character in rest.chars() {
        let sign = matches!(character, '+' | '-') && (length == 0 || matches!(last, 'e' | 'E'));
        if !(character.is_ascii_digit() || character == '.' || matches!(character, 'e' | 'E') || sign) {
            break;
        }
        last = character;
        length += 1;
    }
    let text = &rest[..length];
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Number(text.to_owned()), length)),
        _ => Err(Error::invalid(format!("Invalid clause(s) in filter string: '{rest}'"))),
    }
}
