//! Which fields are asked for, fragments unfolded and those of one name put together.

use std::collections::HashSet;

use crate::ast::{Document, Field, Selection};

/// Fields that stand under one name in the answer: all ask for the same, each perhaps for other parts of it.
pub(crate) struct Group<'a> {
    pub(crate) key: &'a str,
    pub(crate) fields: Vec<&'a Field>,
}

impl<'a> Group<'a> {
    /// The field that is asked for.
    pub(crate) fn field(&self) -> &'a Field {
        self.fields[0]
    }

    /// What is asked for below.
    pub(crate) fn below(&self) -> Vec<&'a [Selection]> {
        self.fields.iter().filter_map(|field| field.selections.as_deref()).collect()
    }
}

/// The fields that are asked of an object of a type.
pub(crate) fn collect<'a>(document: &'a Document, levels: &[&'a [Selection]], of: &str) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut spread: HashSet<&str> = HashSet::new();
    let mut waiting: Vec<&'a Selection> =
        levels.iter().rev().flat_map(|selections| selections.iter().rev()).collect();
    while let Some(selection) = waiting.pop() {
        match selection {
            Selection::Field(field) => match groups.iter_mut().find(|group| group.key == field.key()) {
                Some(group) => group.fields.push(field),
                None => groups.push(Group { key: field.key(), fields: vec![field] }),
            },
            Selection::Inline { on, selections, .. } => {
                if on.as_deref().is_none_or(|on| on == of) {
                    waiting.extend(selections.iter().rev());
                }
            }
            Selection::Spread { name, .. } => {
                let fragment = document.fragment(name).filter(|fragment| fragment.on == of);
                if let Some(fragment) = fragment.filter(|_| spread.insert(name)) {
                    waiting.extend(fragment.selections.iter().rev());
                }
            }
        }
    }
    groups
}
