//! Cuts a query's text into tokens.

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Name(String),
    Int(String),
    Float(String),
    Text(String),
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Sign(char),
    /// `...`
    Spread,
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(formatter, "Name '{name}'"),
            Self::Int(text) => write!(formatter, "Int '{text}'"),
            Self::Float(text) => write!(formatter, "Float '{text}'"),
            Self::Text(text) => write!(formatter, "String '{text}'"),
            Self::Sign(sign) => write!(formatter, "'{sign}'"),
            Self::Spread => formatter.write_str("'...'"),
            Self::End => formatter.write_str("<EOF>"),
        }
    }
}

/// The most tokens of a query. A text with as many as the limits of what is executed allow has far fewer.
const MOST_TOKENS: usize = 30_000;

/// Cuts a text into tokens; the last is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token == Token::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
        if tokens.len() > MOST_TOKENS {
            return Err(format!("Document contains more than {MOST_TOKENS} tokens. Parsing aborted."));
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn begins(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, c)| self.peek(index) == Some(c))
    }

    fn next(&mut self) -> Result<Token, String> {
        loop {
            match self.peek(0) {
                None => return Ok(Token::End),
                Some('\u{feff}' | ' ' | '\t' | '\n' | '\r' | ',') => self.at += 1,
                Some('#') => {
                    while self.peek(0).is_some_and(|c| c != '\n' && c != '\r') {
                        self.at += 1;
                    }
                }
                Some(sign) if "!$&():=@[]{|}".contains(sign) => {
                    self.at += 1;
                    return Ok(Token::Sign(sign));
                }
                Some('.') if self.begins("...") => {
                    self.at += 3;
                    return Ok(Token::Spread);
                }
                Some('"') if self.begins("\"\"\"") => return self.block(),
                Some('"') => return self.text(),
                Some(c) if c.is_ascii_digit() || c == '-' => return self.number(),
                Some(c) if c.is_ascii_alphabetic() || c == '_' => return Ok(self.name()),
                Some(c) => return Err(format!("Unexpected character: {}.", shown(c))),
            }
        }
    }

    fn name(&mut self) -> Token {
        let from = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        Token::Name(self.chars[from..self.at].iter().collect())
    }

    fn digits(&mut self) -> Result<(), String> {
        if !self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            let found = self.peek(0).map_or("<EOF>".to_owned(), shown);
            return Err(format!("Invalid number, expected digit but got: {found}."));
        }
        while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Token, String> {
        let from = self.at;
        let mut whole = true;
        if self.peek(0) == Some('-') {
            self.at += 1;
        }
        if self.peek(0) == Some('0') {
            self.at += 1;
            if let Some(digit) = self.peek(0).filter(char::is_ascii_digit) {
                return Err(format!("Invalid number, unexpected digit after 0: {}.", shown(digit)));
            }
        } else {
            self.digits()?;
        }
        if self.peek(0) == Some('.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if self.peek(0).is_some_and(|c| matches!(c, 'e' | 'E')) {
            whole = false;
            self.at += 1;
            if self.peek(0).is_some_and(|c| matches!(c, '+' | '-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if let Some(c) = self.peek(0).filter(|c| *c == '.' || c.is_ascii_alphabetic() || *c == '_') {
            return Err(format!("Invalid number, expected digit but got: {}.", shown(c)));
        }
        let text = self.chars[from..self.at].iter().collect();
        Ok(if whole { Token::Int(text) } else { Token::Float(text) })
    }

    fn text(&mut self) -> Result<Token, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.peek(0).filter(|c| *c != '\n' && *c != '\r') else {
                return Err("Unterminated string.".to_owned());
            };
            self.at += 1;
            match c {
                '"' => return Ok(Token::Text(text)),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let Some(c) = self.peek(0) else { return Err("Unterminated string.".to_owned()) };
        self.at += 1;
        Ok(match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            other => return Err(format!("Invalid character escape sequence: '\\{other}'.")),
        })
    }

    fn unicode(&mut self) -> Result<char, String> {
        let invalid = || "Invalid Unicode escape sequence.".to_owned();
        if self.peek(0) == Some('{') {
            self.at += 1;
            let mut digits = String::new();
            while let Some(c) = self.peek(0).filter(char::is_ascii_hexdigit) {
                digits.push(c);
                self.at += 1;
            }
            let closed = self.peek(0) == Some('}');
            self.at += 1;
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| closed && digits.len() <= 8);
            return code.and_then(char::from_u32).ok_or_else(invalid);
        }
        let first = self.four().ok_or_else(invalid)?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        // Two halves of one character.
        if !self.begins("\\u") {
            return Err(invalid());
        }
        self.at += 2;
        let second = self.four().ok_or_else(invalid)?;
        let halves = [first, second].map(|half| u16::try_from(half).unwrap_or_default());
        char::decode_utf16(halves).next().and_then(Result::ok).ok_or_else(invalid)
    }

    fn four(&mut self) -> Option<u32> {
        let digits: String = self.chars.get(self.at..self.at + 4)?.iter().collect();
        self.at += 4;
        // `from_str_radix` would take a sign.
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(&digits, 16).ok().filter(|_| plain)
    }

    fn block(&mut self) -> Result<Token, String> {
        self.at += 3;
        let mut raw = String::new();
        loop {
            if self.begins("\"\"\"") {
                self.at += 3;
                return Ok(Token::Text(dedent(&raw)));
            }
            if self.begins("\\\"\"\"") {
                raw.push_str("\"\"\"");
                self.at += 4;
                continue;
            }
            let Some(c) = self.peek(0) else { return Err("Unterminated string.".to_owned()) };
            raw.push(c);
            self.at += 1;
        }
    }
}

/// A block's text without the blanks that its lines have in common, and without empty lines around it.
fn dedent(raw: &str) -> String {
    let plain = raw.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = plain.split('\n').collect();
    let blank = |line: &str| line.chars().all(|c| c == ' ' || c == '\t');
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ' || *c == '\t').count();
    let common = lines.iter().skip(1).filter(|line| !blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    let first = lines.iter().position(|line| !blank(line));
    let last = lines.iter().rposition(|line| !blank(line));
    let (Some(first), Some(last)) = (first, last) else { return String::new() };
    let cut = (first..=last).map(|index| {
        let line = lines[index];
        if index == 0 { line } else { line.get(common.min(indent(line))..).unwrap_or_default() }
    });
    cut.collect::<Vec<_>>().join("\n")
}

fn shown(c: char) -> String {
    match c {
        '"' => "'\"'".to_owned(),
        c if (' '..='~').contains(&c) => format!("'{c}'"),
        c => format!("U+{:04X}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Token {
        tokens(text).unwrap().remove(0)
    }

    #[test]
    fn tokens_are_told_apart() {
        let all = tokens("query($a:[Int!]=1){...F # a comment\n b,c}").unwrap();
        assert_eq!(all.len(), 19);
        assert_eq!(one("-1.5e+3"), Token::Float("-1.5e+3".to_owned()));
        assert_eq!(one("0"), Token::Int("0".to_owned()));
        assert_eq!(one(r#""a\u00fc\n\uD83D\uDE00\u{1F600}""#), Token::Text("aü\n😀😀".to_owned()));
        assert_eq!(one("\"\"\"\n  a\n    b\n  \\\"\"\"\n\"\"\""), Token::Text("a\n  b\n\"\"\"".to_owned()));
        for wrong in [
            "01",
            "1.",
            "1.x",
            "-",
            "1a",
            "\"a",
            "\"\\q\"",
            "\"\\uD83D\"",
            "\"\"\"",
            "?",
            "..",
            "\"\\u+123\"",
        ] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*", piece in "[\"\\\\u{}0-9a-fD.eE+-]{0,40}") {
            let _ = tokens(&text);
            let _ = tokens(&piece);
        }
    }
}
