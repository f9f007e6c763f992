//! Groups to MLflow's clauses: comparisons, and whatever stands between them.

use super::groups::{Groups, Node};
use super::statements;
use super::tokens::Kind;
use crate::python::characters::is_upper;

pub(super) use super::groups::Excess;

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

impl Side<'_> {
    /// Whether it is a name, or what counts as one: a text in double quotes does.
    pub(super) fn is_identifier(&self) -> bool {
        self.kind == Kind::Identifier
    }

    /// Whether it is a text, or a name that may be one.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Single | Kind::Identifier)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Integer | Kind::Float)
    }
}

/// A comparison.
#[derive(Debug, Clone)]
pub(super) struct Clause<'a> {
    pub left: Side<'a>,
    /// As it was written, but for `IS NULL`, `IS NOT NULL` and `NOT IN`.
    pub operator: &'a str,
    /// Nothing after `IS NULL`.
    pub right: Option<Side<'a>>,
    /// How many parts it has: three, or two, or more with comments.
    pub size: usize,
    /// The whole, unless it was put together.
    whole: Option<&'a str>,
}

impl Clause<'_> {
    /// As messages show it.
    pub(super) fn text(&self) -> String {
        match (self.whole, self.right) {
            (Some(whole), _) => whole.to_owned(),
            (None, Some(right)) => format!("{}{}{}", self.left.text, self.operator, right.text),
            (None, None) => format!("{}{}", self.left.text, self.operator),
        }
    }
}

/// A comparison, or something else.
#[derive(Debug, Clone)]
pub(super) enum Item<'a> {
    Clause(Clause<'a>),
    And(&'a str),
    Other(&'a str),
}

/// How a text is cut into clauses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// `timestamp`, which is a type of SQL, may be compared with a whole number.
    pub timestamps: bool,
    /// `IN` and `IS NULL` are not looked for.
    pub plain: bool,
    /// A keyword that is a name here.
    pub name: Option<&'static str>,
}

/// The statements of a text.
pub(super) enum Statements<T> {
    None,
    One(T),
    Many,
}

impl<T> Statements<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Statements<U> {
        match self {
            Self::None => Statements::None,
            Self::One(one) => Statements::One(change(one)),
            Self::Many => Statements::Many,
        }
    }
}

/// A text's statement as clauses, if it is one.
pub(super) fn read(text: &str, manner: Manner) -> Result<Statements<Vec<Item<'_>>>, Excess> {
    Ok(groups(text)?.map(|groups| items(groups, manner)))
}

/// A text's statement, grouped, if it is one.
pub(super) fn groups(text: &str) -> Result<Statements<Groups<'_>>, Excess> {
    let mut found = Statements::None;
    // All are grouped: one that is too large is told before there being several.
    for statement in statements::Statements::new(text) {
        let groups = Groups::of(text, statement?)?;
        found = if matches!(found, Statements::None) { Statements::One(groups) } else { Statements::Many };
    }
    Ok(found)
}

fn items(mut groups: Groups<'_>, manner: Manner) -> Vec<Item<'_>> {
    if let Some(name) = manner.name {
        let text = groups.text;
        let is_name = |node: &&mut Node| node.kind == Kind::Keyword && text[node.start..node.end] == *name;
        groups.nodes.iter_mut().filter(is_name).for_each(|node| node.kind = Kind::Identifier);
        groups.comparisons();
    }
    let reader = Reader { groups: &groups, found: Vec::with_capacity(groups.nodes.len()) };
    if manner.plain { reader.plain() } else { reader.read(manner) }
}

struct Reader<'a, 'g> {
    groups: &'g Groups<'a>,
    found: Vec<Item<'a>>,
}

impl<'a> Reader<'a, '_> {
    fn plain(mut self) -> Vec<Item<'a>> {
        self.groups.nodes.iter().for_each(|node| self.node(node));
        self.found
    }

    fn read(mut self, manner: Manner) -> Vec<Item<'a>> {
        let mut rest = self.groups.nodes.as_slice();
        while let [first, after @ ..] = rest {
            let [second, third, more @ ..] = after else {
                // Too few for a list.
                rest.iter().for_each(|node| self.node(node));
                break;
            };
            rest = after;
            if manner.timestamps && self.is_timestamp(first) {
                rest = more;
                if self.is_number_comparison(second) && third.kind == Kind::Integer {
                    self.clause(first, None, second, Some(third));
                    continue;
                }
                [first, second, third].into_iter().for_each(|node| self.node(node));
            }
            if first.kind != Kind::Identifier {
                self.node(first);
                continue;
            }
            rest = more;
            if self.groups.is(second, "IN") && third.kind == Kind::Parenthesis {
                self.clause(first, None, second, Some(third));
                continue;
            }
            if self.groups.is(second, "IS") && self.groups.is(third, "NULL") {
                self.clause(first, Some("IS NULL"), second, None);
                continue;
            }
            if self.groups.is(second, "IS") && self.groups.is(third, "NOT NULL") {
                self.clause(first, Some("IS NOT NULL"), second, None);
                continue;
            }
            let [fourth, most @ ..] = more else {
                [first, second, third].into_iter().for_each(|node| self.node(node));
                break;
            };
            rest = most;
            let not_in = self.groups.is(second, "NOT") && self.groups.is(third, "IN");
            if not_in && fourth.kind == Kind::Parenthesis {
                self.clause(first, Some("NOT IN"), second, Some(fourth));
                continue;
            }
            [first, second, third, fourth].into_iter().for_each(|node| self.node(node));
        }
        self.found
    }

    fn is_timestamp(&self, node: &Node) -> bool {
        node.kind == Kind::Type && self.groups.slice(node) == "timestamp"
    }

    fn is_number_comparison(&self, node: &Node) -> bool {
        let operators = ["=", "!=", "<", "<=", ">", ">="];
        node.kind == Kind::Compare && operators.contains(&self.groups.slice(node))
    }

    fn side(&self, node: &Node) -> Side<'a> {
        Side { kind: node.kind, text: self.groups.slice(node) }
    }

    fn clause(&mut self, left: &Node, operator: Option<&'static str>, written: &Node, right: Option<&Node>) {
        let left = self.side(left);
        let operator = operator.unwrap_or_else(|| self.groups.slice(written));
        let right = right.map(|right| self.side(right));
        let size = if right.is_some() { 3 } else { 2 };
        self.found.push(Item::Clause(Clause { left, operator, right, size, whole: None }));
    }

    fn node(&mut self, node: &Node) {
        let text = self.groups.slice(node);
        self.found.push(match self.groups.parts(node) {
            Some(parts) => Item::Clause(Clause {
                left: self.side(&parts.left),
                operator: self.groups.slice(&parts.operator),
                right: Some(self.side(&parts.right)),
                size: 3 + parts.more,
                whole: Some(text),
            }),
            None if self.groups.is(node, "AND") => Item::And(text),
            None => Item::Other(text),
        });
    }
}

/// Whether a text is `AND`.
pub(super) fn is_and(text: &str) -> bool {
    is_upper(crate::python::characters::strip(text), "AND")
}
