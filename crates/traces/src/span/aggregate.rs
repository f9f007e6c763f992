//! Token usage and cost of a whole trace, from those of its spans. A span that has them stands for all below it: some
//! frameworks put the sum of a part on the span above it, and counting both would count twice.

use std::collections::{HashMap, HashSet};

use ropewalk_mlflow::json::{Json, parse};

/// A span, as far as the sums need it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span_id: u64,
    pub(crate) parent_id: Option<u64>,
    /// What it used or cost, by name.
    pub(crate) data: Option<Vec<(String, Json)>>,
}

/// What an attribute says of usage or cost: an object, or its JSON.
pub(crate) fn data(value: Option<&Json>) -> Option<Vec<(String, Json)>> {
    match value? {
        Json::Object(members) => Some(members.clone()),
        Json::Text(text) => match parse(text) {
            Some(Json::Object(members)) => Some(members),
            _ => None,
        },
        _ => None,
    }
}

/// A sum, whole as long as all of its parts are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sum {
    Whole(i128),
    Real(f64),
}

impl Sum {
    fn add(&mut self, value: &Json) {
        let real = |sum: Self| match sum {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        };
        *self = match (*self, value) {
            (Self::Whole(sum), Json::Integer(number)) => Self::Whole(sum + i128::from(*number)),
            (Self::Whole(sum), Json::Truth(truth)) => Self::Whole(sum + i128::from(*truth)),
            (sum, Json::Integer(number)) => Self::Real(real(sum) + *number as f64),
            (sum, Json::Truth(truth)) => Self::Real(real(sum) + f64::from(u8::from(*truth))),
            (sum, Json::Number(number)) => Self::Real(real(sum) + number),
            // What is no number adds nothing.
            (sum, _) => sum,
        };
    }

    /// The number as a count; none if it is not whole or does not fit.
    pub(crate) fn count(self) -> Option<i64> {
        match self {
            Self::Whole(number) => i64::try_from(number).ok(),
            Self::Real(number) => {
                (number.fract() == 0.0 && (-9.3e18..9.2e18).contains(&number)).then_some(number as i64)
            }
        }
    }

    /// The number; none if it is not finite.
    pub(crate) fn finite(self) -> Option<f64> {
        let number = match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        };
        number.is_finite().then_some(number)
    }
}

/// The sums of `always`, and of those of `sometimes` that occur; none if no node has data.
pub(crate) fn sums<'a>(
    nodes: &[Node],
    zero: Sum,
    always: &[&'a str],
    sometimes: &[&'a str],
) -> Option<Vec<(&'a str, Sum)>> {
    let known: HashSet<u64> = nodes.iter().map(|node| node.span_id).collect();
    let mut children: HashMap<u64, Vec<&Node>> = HashMap::new();
    let mut stack = Vec::new();
    for node in nodes {
        match node.parent_id.filter(|parent| known.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(node),
            None => stack.push((node, false)),
        }
    }
    let mut totals: Vec<(&str, Sum)> = always.iter().map(|name| (*name, zero)).collect();
    let mut found = false;
    while let Some((node, counted)) = stack.pop() {
        if let (Some(data), false) = (&node.data, counted) {
            found = true;
            let value = |name: &str| data.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            for (name, total) in totals.iter_mut().filter(|(name, _)| always.contains(name)) {
                if let Some(value) = value(name) {
                    total.add(value);
                }
            }
            for name in sometimes {
                let Some(value) = value(name) else { continue };
                match totals.iter_mut().find(|(known, _)| known == name) {
                    Some((_, total)) => total.add(value),
                    None => {
                        let mut total = zero;
                        total.add(value);
                        totals.push((name, total));
                    }
                }
            }
        }
        let below = counted || node.data.is_some();
        // A span that names itself as its parent, or a ring of them, is met by nobody: no root leads there.
        stack.extend(children.remove(&node.span_id).into_iter().flatten().map(|child| (child, below)));
    }
    found.then_some(totals)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn node(span_id: u64, parent_id: Option<u64>, json: &str) -> Node {
        Node { span_id, parent_id, data: data(Some(&Json::Text(json.to_owned()))) }
    }

    #[test]
    fn a_span_stands_for_those_below_it() {
        let nodes = [
            node(1, None, ""),
            node(2, Some(1), r#"{"input": 10}"#),
            node(3, Some(2), r#"{"input": 4}"#),
            node(4, Some(1), r#"{"input": 5, "cache": 2}"#),
            node(5, Some(99), r#"{"input": 1.0}"#),
        ];
        let sums = sums(&nodes, Sum::Whole(0), &["input", "output"], &["cache"]).unwrap();
        let counts: Vec<_> = sums.iter().map(|(name, sum)| (*name, sum.count())).collect();
        assert_eq!(counts, [("input", Some(16)), ("output", Some(0)), ("cache", Some(2))]);
    }

    #[test]
    fn rings_and_emptiness_have_no_sum() {
        assert_eq!(sums(&[], Sum::Whole(0), &["a"], &[]), None);
        let ring = [node(1, Some(2), r#"{"a": 1}"#), node(2, Some(1), r#"{"a": 1}"#)];
        assert_eq!(sums(&ring, Sum::Whole(0), &["a"], &[]), None);
        assert_eq!(Sum::Real(1.5).count(), None);
        assert_eq!(Sum::Real(f64::NAN).finite(), None);
    }
}
