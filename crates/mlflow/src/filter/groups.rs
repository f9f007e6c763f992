//! Tokens of a statement to names, values and comparisons, in the order in which sqlparse 0.6.1 groups them: whether
//! `a b = 1` compares `a b` or `b` hangs on that order.
//!
//! What stands within parentheses and other groups does not matter to MLflow but for its text, so only the statement's own
//! level is looked at, and a group is no more than a span with a kind.

use super::statements::Statement;
use super::tokens::{Kind, Token};
use crate::python::characters::is_upper;

/// Deeper nesting is refused.
const DEPTH: u16 = 100;
/// More tokens in one statement are refused.
pub(super) const SIZE: usize = 10_000;

/// A token, or a group of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// How many groups lie within each other in it.
    pub height: u16,
    /// Where a comparison's parts stand among all parts.
    pub(super) parts: usize,
}

impl From<Token> for Node {
    fn from(token: Token) -> Self {
        // A name will become a group of its own.
        let height = u16::from(matches!(token.kind, Kind::Name | Kind::Double));
        Self { kind: token.kind, start: token.start, end: token.end, height, parts: 0 }
    }
}

impl Node {
    /// Comments that stand together.
    pub(super) fn comments(start: usize, end: usize) -> Self {
        Self { kind: Kind::Comments, start, end, height: 1, parts: 0 }
    }
}

/// A comparison's parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub left: Node,
    pub operator: Node,
    pub right: Node,
    /// How many comments came after them.
    pub more: usize,
}

/// Why a statement cannot be grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Depth,
    Size,
}

impl Excess {
    /// sqlparse's words.
    pub(super) fn message(self) -> String {
        match self {
            Self::Depth => format!("Maximum grouping depth exceeded ({DEPTH})."),
            Self::Size => format!("Maximum number of tokens exceeded ({SIZE})."),
        }
    }
}

/// A statement's top level.
pub(super) struct Groups<'a> {
    pub text: &'a str,
    pub nodes: Vec<Node>,
    pub(super) parts: Vec<Parts>,
    pub(super) end: usize,
    /// The kinds that there are, a bit each.
    kinds: u64,
}

/// Which neighbours a group takes in.
pub(super) enum Reach {
    Both,
    Before,
    After,
}

/// Takes in both neighbours if the one after is valid.
pub(super) fn both<'a>(
    valid: impl Fn(&Groups<'a>, &Node) -> bool,
) -> impl Fn(&Groups<'a>, Option<&Node>) -> Option<Reach> {
    move |groups, next| next.filter(|next| valid(groups, next)).map(|_| Reach::Both)
}

impl<'a> Groups<'a> {
    /// Groups a statement.
    pub(super) fn of(text: &'a str, statement: Statement) -> Result<Self, Excess> {
        let mut groups =
            Self { text, nodes: statement.nodes, parts: Vec::new(), end: statement.end, kinds: 0 };
        groups.group()?;
        Ok(groups)
    }

    pub(super) fn slice(&self, node: &Node) -> &'a str {
        &self.text[node.start..node.end]
    }

    pub(super) fn parts(&self, node: &Node) -> Option<&Parts> {
        (node.kind == Kind::Comparison).then(|| self.parts.get(node.parts)).flatten()
    }

    /// Whether a node is this keyword.
    pub(super) fn is(&self, node: &Node, word: &str) -> bool {
        node.kind == Kind::Keyword && is_upper(self.slice(node), word)
    }

    pub(super) fn any(&self, node: &Node, words: &[&str]) -> bool {
        node.kind == Kind::Keyword && words.iter().any(|word| is_upper(self.slice(node), word))
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds & (1 << kind as u8) != 0
    }

    /// Whether there are keywords besides those of every filter.
    fn has_rare_words(&self) -> bool {
        let usual = ["AND", "IN", "IS", "NOT", "NULL", "NOT NULL"];
        self.has(Kind::Keyword)
            && self.nodes.iter().any(|node| node.kind == Kind::Keyword && !self.any(node, &usual))
    }

    fn group(&mut self) -> Result<(), Excess> {
        self.kinds = self.nodes.iter().fold(0, |kinds, node| kinds | 1 << node.kind as u8);
        let rare = self.has_rare_words();
        if self.has(Kind::OpenBracket) {
            let kind = |kind| move |_: &Self, node: &Node| node.kind == kind;
            self.enclose(Kind::Brackets, kind(Kind::OpenBracket), kind(Kind::CloseBracket));
        }
        if self.has(Kind::Open) {
            let kind = |kind| move |_: &Self, node: &Node| node.kind == kind;
            self.enclose(Kind::Parenthesis, kind(Kind::Open), kind(Kind::Close));
        }
        self.check_depth()?;
        if rare {
            let word = |word| move |groups: &Self, node: &Node| groups.is(node, word);
            self.enclose(Kind::Case, word("CASE"), word("END"));
            self.enclose(Kind::Block, word("IF"), word("END IF"));
            let for_each = |groups: &Self, node: &Node| groups.any(node, &["FOR", "FOREACH"]);
            self.enclose(Kind::Block, for_each, word("END LOOP"));
            self.enclose(Kind::Block, word("BEGIN"), word("END"));
            self.over();
        }
        if self.nodes.iter().any(|node| node.kind == Kind::Parenthesis) {
            self.functions();
        }
        if rare {
            self.wheres();
        }
        if self.has(Kind::Dot) || self.has(Kind::Operator) {
            self.paths();
        }
        if self.nodes.iter().any(|node| node.kind == Kind::Brackets) {
            self.arrays();
        }
        for node in &mut self.nodes {
            if matches!(node.kind, Kind::Name | Kind::Double) {
                node.kind = Kind::Identifier;
            }
        }
        if self.has(Kind::Order) {
            self.orders();
        }
        self.check_depth()?;
        self.casts();
        self.operations();
        self.check_depth()?;
        self.comparisons();
        self.check_depth()?;
        if rare {
            self.renames();
        }
        self.aliases();
        self.check_depth()?;
        if self.has(Kind::Assign) {
            self.assignments();
        }
        if self.has(Kind::Comments) {
            self.comments();
            self.check_depth()?;
        }
        if self.has(Kind::Comma) {
            self.lists();
        }
        if rare {
            self.values();
        }
        Ok(())
    }

    fn check_depth(&self) -> Result<(), Excess> {
        if self.nodes.iter().any(|node| node.height > DEPTH) { Err(Excess::Depth) } else { Ok(()) }
    }

    /// Whether a parenthesis after it makes it a function's name.
    pub(super) fn is_called(node: &Node) -> bool {
        matches!(node.kind, Kind::Name | Kind::Type | Kind::Placeholder)
    }

    pub(super) fn span(kind: Kind, nodes: &[Node]) -> Node {
        let height = nodes.iter().map(|node| node.height).max().unwrap_or(0).saturating_add(1);
        let start = nodes.first().map_or(0, |node| node.start);
        Node { kind, start, end: nodes.last().map_or(start, |node| node.end), height, parts: 0 }
    }

    /// Groups what stands between an opening and a closing token, these included.
    fn enclose(
        &mut self,
        kind: Kind,
        opens: impl Fn(&Self, &Node) -> bool,
        closes: impl Fn(&Self, &Node) -> bool,
    ) {
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut open = Vec::new();
        for node in std::mem::take(&mut self.nodes) {
            out.push(node);
            if opens(self, &node) {
                open.push(out.len() - 1);
            } else if closes(self, &node)
                && let Some(from) = open.pop()
            {
                let mut group = Self::span(kind, &out[from..]);
                // A name before a parenthesis will take it into a function.
                let calls = out[from..].windows(2).filter(|pair| pair[1].kind == Kind::Parenthesis);
                let calls = calls.filter(|pair| Self::is_called(&pair[0])).map(|pair| pair[1].height + 2);
                group.height = group.height.max(calls.max().unwrap_or(0));
                out.truncate(from);
                out.push(group);
            }
        }
        self.nodes = out;
    }

    /// Groups what a token in the middle joins. A token that has just been taken in is looked at again as if it stood
    /// alone, so that `a.b.c` becomes one, and `a.* .b` does not.
    pub(super) fn join(
        &mut self,
        kind: Kind,
        joins: impl Fn(&Self, &Node) -> bool,
        before: impl Fn(&Self, &Node) -> bool,
        after: impl Fn(&Self, Option<&Node>) -> Option<Reach>,
    ) {
        let input = std::mem::take(&mut self.nodes);
        if !input.iter().any(|node| joins(self, node)) {
            self.nodes = input;
            return;
        }
        let mut out: Vec<Node> = Vec::with_capacity(input.len());
        let mut previous: Option<Node> = None;
        let mut taken = false;
        for (index, node) in input.iter().enumerate() {
            let was_taken = std::mem::take(&mut taken);
            if !was_taken {
                out.push(*node);
            }
            let next = input.get(index + 1);
            let fits = joins(self, node) && previous.is_some_and(|one| before(self, &one));
            let Some(reach) = fits.then(|| after(self, next)).flatten() else {
                previous = Some(*node);
                continue;
            };
            let mut parts = [*node; 3];
            let mut count = 0;
            if !was_taken {
                out.pop();
            }
            if !matches!(reach, Reach::After)
                && let Some(left) = out.pop()
            {
                parts[0] = left;
                count = 1;
            }
            if !was_taken {
                parts[count] = *node;
                count += 1;
            }
            if !matches!(reach, Reach::Before)
                && let Some(next) = next
            {
                parts[count] = *next;
                count += 1;
                taken = true;
            }
            let mut group = Self::span(kind, &parts[..count]);
            if kind == Kind::Comparison {
                group.parts = self.parts.len();
                self.parts.push(Parts { left: parts[0], operator: parts[1], right: parts[2], more: 0 });
            }
            out.push(group);
            previous = Some(group);
        }
        self.nodes = out;
    }
}
