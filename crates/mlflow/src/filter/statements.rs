//! Tokens to statements. A filter must be one, so it matters where sqlparse sees an end: at a semicolon or a `GO`, but not
//! within parentheses or a block.

use super::groups::{Excess, Node, SIZE};
use super::tokens::{Kind, Token, Tokens};
use crate::python::characters::{is_upper, upper};

/// One statement.
pub(super) struct Statement {
    /// Where it ends in the text.
    pub end: usize,
    /// Its tokens, without spaces, and with comments that stand together as one.
    pub nodes: Vec<Node>,
}

/// A text's statements, one after the other. Spaces alone are none.
pub(super) struct Statements<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    /// The token that showed that the statement before had ended.
    first: Option<Token>,
}

impl<'a> Statements<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, tokens: Tokens::new(text), first: None }
    }
}

impl Iterator for Statements<'_> {
    type Item = Result<Statement, Excess>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut splitter = Splitter::default();
        let mut builder = Builder::default();
        let mut blank = true;
        while let Some(token) = self.first.take().or_else(|| self.tokens.next()) {
            if splitter.ended && !matches!(token.kind, Kind::Space | Kind::Comment) {
                self.first = Some(token);
                break;
            }
            splitter.see(token.kind, &self.text[token.start..token.end]);
            blank &= matches!(token.kind, Kind::Space | Kind::Newline);
            builder.add(token);
            if builder.size > SIZE && !blank {
                return Some(Err(Excess::Size));
            }
        }
        (!blank).then(|| builder.finish())
    }
}

/// Leaves spaces out, and joins comments with the comments and newlines after them, unless nothing follows those.
#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    /// How many tokens sqlparse has, spaces included.
    size: usize,
    end: usize,
    /// Comments that stand together.
    comments: Vec<Token>,
    /// How many newlines stand between and after them.
    newlines: usize,
}

impl Builder {
    fn add(&mut self, token: Token) {
        let comment = matches!(token.kind, Kind::Comment | Kind::OtherComment);
        if comment {
            // More than these are too many.
            if self.comments.len() <= SIZE {
                self.comments.push(token);
            }
        } else if token.kind == Kind::Newline && !self.comments.is_empty() {
            self.newlines += 1;
        } else {
            if let Some(first) = self.comments.first() {
                self.nodes.push(Node::comments(first.start, self.end));
                let many = self.comments.len() + self.newlines;
                self.size += if many > SIZE { many } else { 1 };
                self.comments.clear();
                self.newlines = 0;
            }
            self.size += 1;
            if !matches!(token.kind, Kind::Space | Kind::Newline) {
                self.nodes.push(Node::from(token));
            }
        }
        self.end = token.end;
    }

    fn finish(mut self) -> Result<Statement, Excess> {
        self.size += self.comments.len() + self.newlines;
        if self.size > SIZE {
            return Err(Excess::Size);
        }
        self.nodes.extend(self.comments.into_iter().map(Node::from));
        Ok(Statement { end: self.end, nodes: self.nodes })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Declare,
    Begin,
    For,
    While,
    Loop,
    If,
    Case,
}

/// Watches for the end of a statement.
#[derive(Default)]
struct Splitter {
    blocks: Vec<Block>,
    /// A `FOR` or a `WHILE` whose body has not begun.
    loop_head: Option<Block>,
    /// Within a `CREATE`.
    creating: bool,
    /// Right after a `BEGIN`, which may yet turn out to begin a transaction.
    after_begin: bool,
    level: i64,
    /// The statement has ended; spaces and a comment still belong to it.
    ended: bool,
}

impl Splitter {
    fn see(&mut self, kind: Kind, text: &str) {
        self.level += match kind {
            Kind::Semicolon => self.semicolon(),
            Kind::Open => 1,
            Kind::Close => -1,
            kind if kind.is_keyword() => self.keyword(kind, text),
            _ => 0,
        };
        match kind {
            Kind::Semicolon => {
                self.after_begin = false;
                if self.level <= 0 && !self.blocks.contains(&Block::Begin) {
                    self.ended = true;
                }
            }
            Kind::Keyword if text.split_whitespace().next() == Some("GO") => self.ended = true,
            Kind::Space | Kind::Newline | Kind::Comment | Kind::OtherComment => {}
            Kind::Keyword if is_upper(text, "BEGIN") => {}
            _ => self.after_begin = false,
        }
    }

    /// Leaves a block if it is the innermost.
    fn leave(&mut self, among: &[Block]) -> i64 {
        if self.blocks.last().is_some_and(|last| among.contains(last)) {
            self.blocks.pop();
            return -1;
        }
        0
    }

    fn semicolon(&mut self) -> i64 {
        self.loop_head = None;
        if self.after_begin { self.leave(&[Block::Begin]) } else { 0 }
    }

    fn keyword(&mut self, kind: Kind, text: &str) -> i64 {
        // Nothing here is done by the words that filters are made of.
        if text.len() < 2 || is_upper(text, "AND") || is_upper(text, "IN") || is_upper(text, "IS") {
            return 0;
        }
        let word = upper(text);
        let word: &str = &word;
        if kind == Kind::Definition && word.starts_with("CREATE") {
            self.creating = true;
            return 0;
        }
        match word {
            "DECLARE" if self.creating && self.blocks.is_empty() => {
                self.blocks.push(Block::Declare);
                return 1;
            }
            "BEGIN" => {
                self.after_begin = true;
                let declared = self.blocks.last() == Some(&Block::Declare);
                if declared {
                    self.blocks.pop();
                }
                self.blocks.push(Block::Begin);
                return i64::from(!declared);
            }
            "TRANSACTION" | "WORK" | "TRAN" | "DISTRIBUTED" | "DEFERRED" | "IMMEDIATE" | "EXCLUSIVE"
                if self.after_begin && kind == Kind::Keyword =>
            {
                self.after_begin = false;
                return self.leave(&[Block::Begin]);
            }
            _ => {}
        }
        if self.blocks.contains(&Block::Begin) {
            match word {
                "FOR" => {
                    self.loop_head = Some(Block::For);
                    return 0;
                }
                "WHILE" => {
                    self.loop_head = Some(Block::While);
                    return 0;
                }
                "LOOP" | "DO" if self.loop_head.is_some() => {
                    self.blocks.extend(self.loop_head.take());
                    return 1;
                }
                "LOOP" => {
                    self.blocks.push(Block::Loop);
                    return 1;
                }
                "IF" => {
                    self.blocks.push(Block::If);
                    return 1;
                }
                "CASE" => {
                    self.blocks.push(Block::Case);
                    return 1;
                }
                _ => {}
            }
        }
        match word {
            "END IF" => self.leave(&[Block::If]),
            "END FOR" => self.leave(&[Block::For]),
            "END WHILE" => self.leave(&[Block::While]),
            "END LOOP" => self.leave(&[Block::Loop, Block::For, Block::While]),
            "END CASE" => self.leave(&[Block::Case]),
            "END" => {
                self.blocks.pop();
                -1
            }
            _ => 0,
        }
    }
}
