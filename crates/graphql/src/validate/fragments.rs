//! Fragments that nobody uses, and fragments that use themselves.

use std::collections::HashSet;

use crate::ast::{Document, Fragment, Selection};

/// The names of the fragments that selections use, in their order.
pub(super) fn spreads(selections: &[Selection]) -> Vec<&str> {
    let mut names = Vec::new();
    let mut waiting: Vec<&Selection> = selections.iter().rev().collect();
    while let Some(selection) = waiting.pop() {
        match selection {
            Selection::Field(field) => waiting.extend(field.selections.iter().flatten().rev()),
            Selection::Inline { selections, .. } => waiting.extend(selections.iter().rev()),
            Selection::Spread { name, .. } => names.push(name.as_str()),
        }
    }
    names
}

/// Every fragment that selections use, also through others.
pub(super) fn reached<'a>(document: &'a Document, selections: &'a [Selection]) -> Vec<&'a Fragment> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    let mut waiting = spreads(selections);
    waiting.reverse();
    while let Some(name) = waiting.pop() {
        if !seen.insert(name) {
            continue;
        }
        if let Some(fragment) = document.fragment(name) {
            found.push(fragment);
            waiting.extend(spreads(&fragment.selections).into_iter().rev());
        }
    }
    found
}

/// What is to say of fragments that no operation uses.
pub(super) fn unused(document: &Document) -> Vec<String> {
    let used: HashSet<&str> = document
        .operations()
        .flat_map(|operation| reached(document, &operation.selections))
        .map(|fragment| fragment.name.as_str())
        .collect();
    let unused = document.fragments().filter(|fragment| !used.contains(fragment.name.as_str()));
    unused.map(|fragment| format!("Fragment '{}' is never used.", fragment.name)).collect()
}

/// Finds fragments that use themselves.
pub(super) struct Circles<'a> {
    document: &'a Document,
    visited: HashSet<&'a str>,
}

/// A fragment on the way, the names that it uses, and how many of them were followed.
struct Step<'a> {
    name: &'a str,
    spreads: Vec<&'a str>,
    followed: usize,
}

impl<'a> Circles<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, visited: HashSet::new() }
    }

    /// What is to say of circles that are met from this fragment.
    pub(super) fn from(&mut self, fragment: &'a Fragment) -> Vec<String> {
        let mut faults = Vec::new();
        let mut way: Vec<Step<'a>> = self.enter(fragment).into_iter().collect();
        while let Some(step) = way.last_mut() {
            let Some(name) = step.spreads.get(step.followed).copied() else {
                way.pop();
                continue;
            };
            step.followed += 1;
            if let Some(index) = way.iter().position(|step| step.name == name) {
                let via: Vec<String> =
                    way[index + 1..].iter().map(|step| format!("'{}'", step.name)).collect();
                let via = if via.is_empty() { String::new() } else { format!(" via {}", via.join(", ")) };
                faults.push(format!("Cannot spread fragment '{name}' within itself{via}."));
            } else if let Some(next) = self.document.fragment(name) {
                way.extend(self.enter(next));
            }
        }
        faults
    }

    fn enter(&mut self, fragment: &'a Fragment) -> Option<Step<'a>> {
        self.visited.insert(&fragment.name).then(|| Step {
            name: &fragment.name,
            spreads: spreads(&fragment.selections),
            followed: 0,
        })
    }
}
