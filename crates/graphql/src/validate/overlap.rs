//! Fields that would stand under the same name in an answer and are not the same.

use std::collections::{HashMap, HashSet};

use crate::ast::{Argument, Document, Field, Selection, Value};
use crate::schema::{FieldDefinition, SCHEMA, TypeDefinition};

/// What comparing may cost in one document. Queries that are not made to cost stay far below.
const BUDGET: usize = 500_000;
/// How much is said of what stands below a field, in bytes.
const LONGEST: usize = 1000;

/// That comparing was given up.
pub(super) struct Aborted;

/// A field, the object that it is asked of, and what it is there.
#[derive(Clone, Copy)]
struct Asked<'a> {
    field: &'a Field,
    parent: Option<&'static TypeDefinition>,
    found: Option<&'static FieldDefinition>,
}

/// Compares the fields of one document.
pub(super) struct Compare<'a> {
    document: &'a Document,
    budget: usize,
}

impl<'a> Compare<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, budget: BUDGET }
    }

    /// What is to say of a level's fields, `most` things at most.
    pub(super) fn conflicts(
        &mut self,
        parent: Option<&'static TypeDefinition>,
        selections: &'a [Selection],
        most: usize,
    ) -> Result<Vec<String>, Aborted> {
        let mut faults = Vec::new();
        for group in self.groups(parent, selections) {
            for (index, one) in group.iter().enumerate() {
                for other in &group[index + 1..] {
                    let Some(reason) = self.reason(*one, *other, false)? else { continue };
                    faults.push(format!(
                        "Fields '{}' conflict because {reason}. Use different aliases on the fields to fetch both if \
                         this was intentional.",
                        one.field.key()
                    ));
                    if faults.len() >= most {
                        return Ok(faults);
                    }
                }
            }
        }
        Ok(faults)
    }

    fn spend(&mut self, cost: usize) -> Result<(), Aborted> {
        self.budget = self.budget.checked_sub(cost).ok_or(Aborted)?;
        Ok(())
    }

    /// The fields of a level, fragments unfolded, by the name that they have in the answer.
    fn groups(&self, of: Option<&'static TypeDefinition>, level: &'a [Selection]) -> Vec<Vec<Asked<'a>>> {
        let mut groups: Vec<Vec<Asked<'a>>> = Vec::new();
        let mut spread: HashSet<&str> = HashSet::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut waiting: Vec<_> = level.iter().rev().map(|selection| (of, selection)).collect();
        while let Some((parent, selection)) = waiting.pop() {
            match selection {
                Selection::Field(field) => {
                    let found = parent.and_then(|parent| SCHEMA.field(parent, &field.name));
                    let asked = Asked { field, parent, found };
                    let place = *places.entry(field.key()).or_insert(groups.len());
                    match groups.get_mut(place) {
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

    /// Why two fields cannot stand under one name, if they cannot. Of fields that are `apart` only one can be there.
    fn reason(&mut self, one: Asked<'a>, other: Asked<'a>, apart: bool) -> Result<Option<String>, Aborted> {
        self.spend(2)?;
        let apart =
            apart || matches!((one.parent, other.parent), (Some(one), Some(other)) if one.name != other.name);
        if !apart {
            let (name, other_name) = (&one.field.name, &other.field.name);
            if name != other_name {
                return Ok(Some(format!("'{name}' and '{other_name}' are different fields")));
            }
            self.spend(one.field.arguments.len())?;
            if !are_same(&one.field.arguments, &other.field.arguments) {
                return Ok(Some("they have differing arguments".to_owned()));
            }
        }
        if let (Some(one), Some(other)) = (one.found, other.found)
            && do_differ(one, other)
        {
            return Ok(Some(format!("they return conflicting types '{}' and '{}'", one.of, other.of)));
        }
        let (Some(below), Some(other_below)) = (&one.field.selections, &other.field.selections) else {
            return Ok(None);
        };
        let of = |asked: Asked<'_>| asked.found.and_then(|found| SCHEMA.get(found.of.name()));
        let first = self.groups(of(one), below);
        let second = self.groups(of(other), other_below);
        self.spend(first.len())?;
        let mut reasons = String::new();
        for group in &first {
            let Some(with) = second.iter().find(|with| with[0].field.key() == group[0].field.key()) else {
                continue;
            };
            for one in group {
                for other in with {
                    let Some(reason) = self.reason(*one, *other, apart)? else { continue };
                    // What is said of one pair stays short, however much differs.
                    if reasons.len() <= LONGEST {
                        let and = if reasons.is_empty() { "" } else { " and " };
                        reasons.push_str(&format!(
                            "{and}subfields '{}' conflict because {reason}",
                            one.field.key()
                        ));
                    }
                }
            }
        }
        if reasons.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| reasons.is_char_boundary(*end)).unwrap_or(0);
            reasons.truncate(end);
            reasons.push_str("...");
        }
        Ok((!reasons.is_empty()).then_some(reasons))
    }
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
