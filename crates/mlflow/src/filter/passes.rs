//! The groups one by one.

use super::groups::{Groups, Node, Reach, both};
use super::tokens::Kind;
use crate::python::characters::is_upper;

impl Groups<'_> {
    pub(super) fn over(&mut self) {
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for node in std::mem::take(&mut self.nodes) {
            let opens = out.last().is_some_and(|last| self.is(last, "OVER"));
            let last = out.pop_if(|_| {
                opens && matches!(node.kind, Kind::Parenthesis | Kind::Name | Kind::Type | Kind::Placeholder)
            });
            out.push(match last {
                Some(last) => Self::span(Kind::Over, &[last, node]),
                None => node,
            });
        }
        self.nodes = out;
    }

    pub(super) fn functions(&mut self) {
        let word = |word: &str| self.nodes.iter().any(|node| is_upper(self.slice(node), word));
        if word("CREATE") && word("TABLE") && !word("AS") {
            return;
        }
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let named = Self::is_called(node);
            let kind = |ahead: usize| self.nodes.get(at + ahead).map(|node| node.kind);
            let size = match (named, kind(1), kind(2)) {
                (true, Some(Kind::Parenthesis), Some(Kind::Over)) => 3,
                (true, Some(Kind::Parenthesis), _) => 2,
                _ => 1,
            };
            out.push(if size == 1 { *node } else { Self::span(Kind::Function, &self.nodes[at..at + size]) });
            at += size;
        }
        self.nodes = out;
    }

    pub(super) fn wheres(&mut self) {
        const ENDS: [&str; 10] = [
            "ORDER BY",
            "GROUP BY",
            "LIMIT",
            "UNION",
            "UNION ALL",
            "EXCEPT",
            "INTERSECT",
            "HAVING",
            "RETURNING",
            "INTO",
        ];
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            at += 1;
            if !self.is(node, "WHERE") {
                out.push(*node);
                continue;
            }
            let rest = &self.nodes[at..];
            let size = rest.iter().position(|node| self.any(node, &ENDS)).unwrap_or(rest.len());
            let end = rest.get(size).map_or(self.end, |node| node.start);
            let group = Self::span(Kind::Where, &self.nodes[at - 1..at + size]);
            out.push(Node { end, ..group });
            at += size;
        }
        self.nodes = out;
    }

    /// `a.b`, `a.'b'`, `a->b`
    pub(super) fn paths(&mut self) {
        let joins = |groups: &Self, node: &Node| match node.kind {
            Kind::Dot => true,
            Kind::Operator => matches!(groups.slice(node), "->" | "->>"),
            _ => false,
        };
        let before = |_: &Self, node: &Node| {
            matches!(node.kind, Kind::Brackets | Kind::Identifier | Kind::Name | Kind::Double)
        };
        let after = |_: &Self, next: Option<&Node>| {
            Some(match next?.kind {
                Kind::Brackets
                | Kind::Function
                | Kind::Name
                | Kind::Double
                | Kind::Wildcard
                | Kind::Single => Reach::Both,
                _ => Reach::Before,
            })
        };
        let after = |groups: &Self, next: Option<&Node>| after(groups, next).or(Some(Reach::Before));
        self.join(Kind::Identifier, joins, before, after);
    }

    pub(super) fn arrays(&mut self) {
        let before = |_: &Self, node: &Node| {
            let name = matches!(node.kind, Kind::Identifier | Kind::Name | Kind::Double);
            name || matches!(node.kind, Kind::Brackets | Kind::Function)
        };
        let joins = |_: &Self, node: &Node| node.kind == Kind::Brackets;
        self.join(Kind::Identifier, joins, before, |_, _| Some(Reach::Before));
    }

    pub(super) fn orders(&mut self) {
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for node in std::mem::take(&mut self.nodes) {
            let last = out.pop_if(|last| {
                node.kind == Kind::Order
                    && matches!(last.kind, Kind::Identifier | Kind::Integer | Kind::Float | Kind::Hexadecimal)
            });
            out.push(match last {
                Some(last) => Self::span(Kind::Identifier, &[last, node]),
                None => node,
            });
        }
        self.nodes = out;
    }

    /// `a::b`, `a AT TIME ZONE 'UTC'`, `date '2020-01-01'`, `interval '1' day`
    pub(super) fn casts(&mut self) {
        let of = |kind| move |_: &Self, node: &Node| node.kind == kind;
        let any = |_: &Self, _: &Node| true;
        if self.has(Kind::DoubleColon) {
            let after = |_: &Self, next: Option<&Node>| next.map(|_| Reach::Both);
            self.join(Kind::Identifier, of(Kind::DoubleColon), any, after);
        }
        if self.has(Kind::Zone) {
            let after = both(|groups, node| node.kind == Kind::Single || groups.is(node, "AS"));
            self.join(Kind::Identifier, of(Kind::Zone), any, after);
        }
        if self.has(Kind::Type) {
            let after = |_: &Self, next: Option<&Node>| {
                next.filter(|node| node.kind == Kind::Single).map(|_| Reach::After)
            };
            self.join(Kind::TypedLiteral, of(Kind::Type), any, after);
            let units = ["DAY", "HOUR", "MINUTE", "MONTH", "SECOND", "YEAR"];
            let after = |groups: &Self, next: Option<&Node>| {
                next.filter(|node| groups.any(node, &units)).map(|_| Reach::After)
            };
            self.join(Kind::TypedLiteral, of(Kind::TypedLiteral), any, after);
        }
    }

    fn is_operand(node: &Node) -> bool {
        matches!(
            node.kind,
            Kind::Parenthesis
                | Kind::Function
                | Kind::Identifier
                | Kind::Operation
                | Kind::TypedLiteral
                | Kind::Integer
                | Kind::Float
                | Kind::Single
                | Kind::Placeholder
        )
    }

    pub(super) fn operations(&mut self) {
        if !self.has(Kind::Operator) && !self.has(Kind::Wildcard) {
            return;
        }
        let joins = |_: &Self, node: &Node| matches!(node.kind, Kind::Operator | Kind::Wildcard);
        let now = ["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"];
        let valid = |groups: &Self, node: &Node| {
            Self::is_operand(node) || node.kind == Kind::Brackets || groups.any(node, &now)
        };
        self.join(Kind::Operation, joins, valid, both(valid));
    }

    /// Groups comparisons.
    pub(super) fn comparisons(&mut self) {
        let joins = |_: &Self, node: &Node| node.kind == Kind::Compare;
        let valid = |groups: &Self, node: &Node| {
            Self::is_operand(node) || (node.kind.is_keyword() && is_upper(groups.slice(node), "NULL"))
        };
        self.join(Kind::Comparison, joins, valid, both(valid));
    }

    /// `a AS b`
    pub(super) fn renames(&mut self) {
        let joins = |groups: &Self, node: &Node| node.kind.is_keyword() && is_upper(groups.slice(node), "AS");
        let before =
            |groups: &Self, node: &Node| !node.kind.is_keyword() || is_upper(groups.slice(node), "NULL");
        let after =
            |_: &Self, node: &Node| !matches!(node.kind, Kind::Manipulation | Kind::Definition | Kind::With);
        self.join(Kind::Identifier, joins, before, both(after));
    }

    /// `a b`
    pub(super) fn aliases(&mut self) {
        let named = |node: &Node| {
            matches!(
                node.kind,
                Kind::Parenthesis
                    | Kind::Function
                    | Kind::Case
                    | Kind::Identifier
                    | Kind::Operation
                    | Kind::Comparison
                    | Kind::Integer
                    | Kind::Float
                    | Kind::Hexadecimal
            )
        };
        if !self.nodes.windows(2).any(|pair| named(&pair[0]) && pair[1].kind == Kind::Identifier) {
            return;
        }
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            match self.nodes.get(at + 1) {
                Some(next) if named(node) && next.kind == Kind::Identifier => {
                    out.push(Self::span(Kind::Identifier, &[*node, *next]));
                    at += 2;
                }
                _ => {
                    out.push(*node);
                    at += 1;
                }
            }
        }
        self.nodes = out;
    }

    /// `a := b`, up to the semicolon.
    pub(super) fn assignments(&mut self) {
        if !self.has(Kind::Semicolon) {
            let joins = |_: &Self, node: &Node| node.kind == Kind::Assign;
            let valid = |_: &Self, node: &Node| node.kind != Kind::Keyword;
            return self.join(Kind::Assignment, joins, valid, both(valid));
        }
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut at = 0;
        let valid = |node: Option<&Node>| node.is_some_and(|node| node.kind != Kind::Keyword);
        while let Some(node) = self.nodes.get(at) {
            if node.kind != Kind::Assign || !valid(out.last()) || !valid(self.nodes.get(at + 1)) {
                out.push(*node);
                at += 1;
                continue;
            }
            let rest = &self.nodes[at + 2..];
            let semicolon = rest.iter().position(|node| node.kind == Kind::Semicolon);
            let end = at + 2 + semicolon.map_or(0, |place| place + 1);
            let left = out.pop().unwrap_or(*node);
            let group = Self::span(Kind::Assignment, &self.nodes[at..end]);
            out.push(Node { start: left.start, ..group });
            at = end;
        }
        self.nodes = out;
    }

    /// Comments belong to the group before them.
    pub(super) fn comments(&mut self) {
        let mut out: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for node in std::mem::take(&mut self.nodes) {
            match out.last_mut() {
                Some(last) if node.kind == Kind::Comments && last.kind.is_group() => {
                    last.end = node.end;
                    if last.kind == Kind::Comparison
                        && let Some(parts) = self.parts.get_mut(last.parts)
                    {
                        parts.more += 1;
                    }
                }
                _ => out.push(node),
            }
        }
        self.nodes = out;
    }

    /// `a, b`
    pub(super) fn lists(&mut self) {
        let valid = |_: &Self, node: &Node| {
            matches!(
                node.kind,
                Kind::Function
                    | Kind::Case
                    | Kind::Identifier
                    | Kind::Comparison
                    | Kind::List
                    | Kind::Operation
                    | Kind::Integer
                    | Kind::Float
                    | Kind::Single
                    | Kind::Placeholder
                    | Kind::Keyword
                    | Kind::Wildcard
            )
        };
        let joins = |_: &Self, node: &Node| node.kind == Kind::Comma;
        self.join(Kind::List, joins, valid, both(valid));
    }

    /// `VALUES (…) … (…)`
    pub(super) fn values(&mut self) {
        let Some(from) = self.nodes.iter().position(|node| self.is(node, "VALUES")) else { return };
        let Some(to) = self.nodes.iter().rposition(|node| node.kind == Kind::Parenthesis) else { return };
        if to > from {
            let group = Self::span(Kind::Values, &self.nodes[from..=to]);
            self.nodes.splice(from..=to, [group]);
        }
    }
}
