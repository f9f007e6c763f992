//! Fields that would stand under the same name in an answer and are not the same.

use std::collections::HashSet;

use crate::ast::{Argument, Document, Field, Selection, Value};
use crate::schema::{FieldDefinition, SCHEMA, TypeDefinition};

/// The most pairs of fields that are compared for one level. The limits on a query leave room for fewer, unless it is made
/// to cost.
const MOST_PAIRS: usize = 200_000;

/// A field, the object that it is asked of, and what it is there.
#[derive(Clone, Copy)]
struct Asked<'a> {
    field: &'a Field,
    parent: Option<&'static TypeDefinition>,
    found: Option<&'static FieldDefinition>,
}

/// What is to say of a level's fields.
pub(super) fn conflicts(
    document: &Document,
    parent: Option<&'static TypeDefinition>,
    selections: &[Selection],
) -> Vec<String> {
    if selections.len() == 1 && matches!(selections[0], Selection::Field(_)) {
        return Vec::new();
    }
    let mut compare = Compare { document, pairs: 0 };
    let mut faults = Vec::new();
    for group in compare.groups(&[(parent, selections)]) {
        for (index, one) in group.iter().enumerate() {
            for other in &group[index + 1..] {
                if let Some(reason) = compare.reason(*one, *other) {
                    faults.push(format!(
                        "Fields '{}' conflict because {reason}. Use different aliases on the fields to fetch both if \
                         this was intentional.",
                        one.field.key()
                    ));
                }
            }
        }
    }
    faults
}

struct Compare<'a> {
    document: &'a Document,
    pairs: usize,
}

impl<'a> Compare<'a> {
    /// The fields of a level, fragments unfolded, by the name that they have in the answer. Those that are the same in
    /// every letter and have nothing below count once.
    fn groups(&self, levels: &[(Option<&'static TypeDefinition>, &'a [Selection])]) -> Vec<Vec<Asked<'a>>> {
        let mut groups: Vec<Vec<Asked<'a>>> = Vec::new();
        let mut spread: HashSet<&str> = HashSet::new();
        let mut waiting: Vec<(Option<&'static TypeDefinition>, &'a Selection)> = levels
            .iter()
            .rev()
            .flat_map(|(parent, all)| all.iter().rev().map(move |selection| (*parent, selection)))
            .collect();
        while let Some((parent, selection)) = waiting.pop() {
            match selection {
                Selection::Field(field) => {
                    let found = parent.and_then(|parent| SCHEMA.field(parent, &field.name));
                    let asked = Asked { field, parent, found };
                    match groups.iter_mut().find(|group| group[0].field.key() == field.key()) {
                        Some(group) if group.iter().any(|one| is_same_leaf(one, &asked)) => {}
                        Some(group) => group.push(asked),
                        None => groups.push(vec![asked]),
                    }
                }
                Selection::Inline { on, selections, .. } => {
                    let within = on.as_deref().map_or(parent, |name| SCHEMA.get(name));
                    waiting.extend(selections.iter().rev().map(|selection| (within, selection)));
                }
                Selection::Spread { name, .. } => {
                    if let Some(fragment) = self.document.fragment(name).filter(|_| spread.insert(name)) {
                        let on = SCHEMA.get(&fragment.on);
                        waiting.extend(fragment.selections.iter().rev().map(|selection| (on, selection)));
                    }
                }
            }
        }
        groups
    }

    /// Why two fields cannot stand under one name, if they cannot.
    fn reason(&mut self, one: Asked<'a>, other: Asked<'a>) -> Option<String> {
        self.pairs += 1;
        if self.pairs > MOST_PAIRS {
            return Some("there are too many fields of that name to compare".to_owned());
        }
        // Of two different objects only one can be there.
        let apart = matches!((one.parent, other.parent), (Some(one), Some(other)) if one.name != other.name);
        if !apart {
            let (name, other_name) = (&one.field.name, &other.field.name);
            if name != other_name {
                return Some(format!("'{name}' and '{other_name}' are different fields"));
            }
            if !are_same(&one.field.arguments, &other.field.arguments) {
                return Some("they have differing arguments".to_owned());
            }
        }
        if let (Some(one), Some(other)) = (one.found, other.found)
            && do_differ(one, other)
        {
            return Some(format!("they return conflicting types '{}' and '{}'", one.of, other.of));
        }
        let (Some(below), Some(other_below)) = (&one.field.selections, &other.field.selections) else {
            return None;
        };
        let of = |asked: Asked<'_>| asked.found.and_then(|found| SCHEMA.get(found.of.name()));
        let first = self.groups(&[(of(one), below)]);
        let second = self.groups(&[(of(other), other_below)]);
        let mut reasons = Vec::new();
        for group in &first {
            let Some(with) = second.iter().find(|with| with[0].field.key() == group[0].field.key()) else {
                continue;
            };
            for one in group {
                for other in with {
                    if let Some(reason) = self.reason(*one, *other) {
                        reasons.push(format!("subfields '{}' conflict because {reason}", one.field.key()));
                    }
                }
            }
        }
        (!reasons.is_empty()).then(|| reasons.join(" and "))
    }
}

fn is_same_leaf(one: &Asked<'_>, other: &Asked<'_>) -> bool {
    let leaf = |asked: &Asked<'_>| asked.field.selections.is_none() && asked.field.arguments.is_empty();
    leaf(one)
        && leaf(other)
        && one.field.name == other.field.name
        && one.parent.map(|parent| &parent.name) == other.parent.map(|parent| &parent.name)
}

fn do_differ(one: &FieldDefinition, other: &FieldDefinition) -> bool {
    let leaf = |field: &FieldDefinition| SCHEMA.get(field.of.name()).is_some_and(TypeDefinition::is_leaf);
    let shape = |field: &FieldDefinition| field.of.to_string().replace(field.of.name(), "");
    shape(one) != shape(other) || (leaf(one) || leaf(other)) && one.of.name() != other.of.name()
}

fn are_same(one: &[Argument], other: &[Argument]) -> bool {
    one.len() == other.len()
        && one.iter().all(|argument| {
            let same = other.iter().rev().find(|same| same.name == argument.name);
            same.is_some_and(|same| is_same(&argument.value, &same.value))
        })
}

/// Whether two values are the same, in whatever order the members of objects stand.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let sorted = |members: &[(String, Value)]| {
                let mut members: Vec<(String, Value)> = members.to_vec();
                members.sort_by(|one, other| one.0.cmp(&other.0));
                members
            };
            let (one, other) = (sorted(one), sorted(other));
            one.len() == other.len()
                && one.iter().zip(&other).all(|(one, other)| one.0 == other.0 && is_same(&one.1, &other.1))
        }
        (one, other) => one == other,
    }
}
