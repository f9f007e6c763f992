//! The order of spans in a tree.

use std::collections::{HashMap, HashSet};

/// The places of spans, given as identifiers and parents, each after its parent and with how many it lies within. Those
/// with one parent stay in their order; one whose parent is not there counts as a root.
pub(super) fn in_order(spans: &[(u64, Option<u64>)]) -> Vec<(usize, u32)> {
    let there: HashSet<u64> = spans.iter().map(|(id, _)| *id).collect();
    let mut children: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut waiting: Vec<(usize, u32)> = Vec::new();
    for (place, (id, parent)) in spans.iter().enumerate().rev() {
        match parent {
            Some(parent) if there.contains(parent) && parent != id => {
                children.entry(*parent).or_default().push(place);
            }
            _ => waiting.push((place, 0)),
        }
    }
    let mut ordered = Vec::with_capacity(spans.len());
    let mut seen = HashSet::new();
    let mut next = 0;
    while ordered.len() < spans.len() {
        while let Some((place, depth)) = waiting.pop() {
            if !seen.insert(place) {
                continue;
            }
            ordered.push((place, depth));
            let below = children.get(&spans[place].0).into_iter().flatten();
            waiting.extend(below.map(|child| (*child, depth.saturating_add(1))));
        }
        // Spans that lie within one another in a circle hang on no root.
        while next < spans.len() && seen.contains(&next) {
            next += 1;
        }
        if next < spans.len() {
            waiting.push((next, 0));
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn children_follow_their_parents() {
        let spans = [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(2)), (5, Some(9)), (6, Some(6))];
        assert_eq!(in_order(&spans), [(0, 0), (1, 1), (3, 2), (2, 1), (4, 0), (5, 0)]);
        assert_eq!(in_order(&[(1, Some(2)), (2, Some(1))]), [(0, 0), (1, 1)]);
        assert!(in_order(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn every_span_comes_once(spans in prop::collection::vec((0_u64..9, prop::option::of(0_u64..9)), 0..12)) {
            let mut places: Vec<_> = in_order(&spans).into_iter().map(|(place, _)| place).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..spans.len()).collect::<Vec<_>>());
        }
    }
}
