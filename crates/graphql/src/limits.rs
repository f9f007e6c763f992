//! How much may be asked at once.

use std::collections::{HashSet, VecDeque};

use crate::ast::{Document, Field, Selection};

/// How deep selections may go.
const DEEPEST: usize = 10;
/// How many fields may be selected, those of fragments counted wherever they are used.
const MOST_SELECTIONS: usize = 1000;
const ROOT_FIELDS: &str = "MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS";
const ALIASES: &str = "MLFLOW_SERVER_GRAPHQL_MAX_ALIASES";
/// What the two are if the variables do not say otherwise.
const USUAL: usize = 10;

/// The variables: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (ROOT_FIELDS, "10", "fields that a GraphQL query may ask for at its top"),
    (ALIASES, "10", "aliases that a GraphQL query may have in one selection"),
];

/// What may be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    root_fields: usize,
    aliases: usize,
}

impl Limits {
    pub(crate) fn of_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.trim().parse().ok());
        Self { root_fields: number(ROOT_FIELDS).unwrap_or(USUAL), aliases: number(ALIASES).unwrap_or(USUAL) }
    }

    /// Refuses a query that asks for too much.
    pub(crate) fn check(self, document: &Document) -> Result<(), String> {
        let (mut root_fields, mut aliases, mut selected) = (0, 0, 0);
        let operations = document.operations().map(|operation| (&operation.selections, true));
        // A fragment that no operation uses costs something, too, while it is looked at.
        let fragments = document.fragments().map(|fragment| (&fragment.selections, false));
        for (selections, is_operation) in operations.chain(fragments) {
            let mut counted = 0;
            let mut stack = vec![(selections, 1)];
            while let Some((selections, depth)) = stack.pop() {
                if depth > DEEPEST {
                    return Err(format!("Query exceeds maximum depth of {DEEPEST}"));
                }
                let fields = level(document, selections);
                for field in &fields {
                    if depth == 1 && is_operation {
                        root_fields += 1;
                    }
                    stack.extend(field.selections.as_ref().map(|below| (below, depth + 1)));
                    counted += 1;
                    if counted > MOST_SELECTIONS || is_operation && selected + counted > MOST_SELECTIONS {
                        return Err(format!("Query exceeds maximum total selections of {MOST_SELECTIONS}"));
                    }
                }
                if is_operation {
                    aliases = aliases.max(fields.iter().filter(|field| field.alias.is_some()).count());
                }
            }
            if is_operation {
                selected += counted;
            }
        }
        let words = |most: usize, what: &str, found: usize, variable: &str| {
            format!(
                "GraphQL queries should have at most {most} {what}, got {found} {what}. To increase the limit, set the \
                 {variable} environment variable."
            )
        };
        if root_fields > self.root_fields {
            return Err(words(self.root_fields, "root fields", root_fields, ROOT_FIELDS));
        }
        if aliases > self.aliases {
            return Err(words(self.aliases, "aliases", aliases, ALIASES));
        }
        Ok(())
    }
}

/// The fields of one level, those of fragments among them; each fragment once.
fn level<'a>(document: &'a Document, selections: &'a [Selection]) -> Vec<&'a Field> {
    let mut fields = Vec::new();
    let mut seen = HashSet::new();
    let mut waiting: VecDeque<&Selection> = selections.iter().collect();
    while let Some(selection) = waiting.pop_front() {
        match selection {
            Selection::Field(field) => fields.push(field),
            Selection::Inline { selections, .. } => waiting.extend(selections),
            Selection::Spread { name, .. } => {
                if seen.insert(name.as_str()) {
                    waiting.extend(
                        document.fragment(name).into_iter().flat_map(|fragment| &fragment.selections),
                    );
                }
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::parser::parse;

    fn check(text: &str) -> Result<(), String> {
        Limits { root_fields: 10, aliases: 10 }.check(&parse(text).unwrap())
    }

    #[test]
    fn too_much_is_refused_in_known_words() {
        let many = |count: usize, field: &str| vec![field; count].join(" ");
        assert!(check(&format!("{{ {} }}", many(10, "a"))).is_ok());
        assert_eq!(
            check(&format!("{{ {} }}", many(11, "a"))).unwrap_err(),
            "GraphQL queries should have at most 10 root fields, got 11 root fields. To increase the limit, set the \
             MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS environment variable."
        );
        let aliases = check(&format!("{{ a {{ {} ...F }} }} fragment F on T {{ y: b }}", many(10, "x: b")));
        assert!(aliases.unwrap_err().contains("at most 10 aliases, got 11 aliases"));
        assert!(check(&format!("{{ a {{ {} }} }}", many(999, "b"))).is_ok());
        let words = "Query exceeds maximum total selections of 1000";
        assert_eq!(check(&format!("{{ a {{ {} }} }}", many(1000, "b"))).unwrap_err(), words);
        assert_eq!(check(&format!("{{ a }} fragment F on T {{ {} }}", many(1001, "b"))).unwrap_err(), words);
        let nested = |depth: usize| check(&format!("{}{}", "{ a ".repeat(depth), "}".repeat(depth)));
        assert!(nested(10).is_ok());
        assert_eq!(nested(11).unwrap_err(), "Query exceeds maximum depth of 10");
    }

    #[test]
    fn fragments_in_a_circle_end() {
        assert!(check("{ a { ...A } } fragment A on T { ...B } fragment B on T { ...A b }").is_ok());
        let circle = check("{ ...A } fragment A on T { a { ...A } }");
        assert_eq!(circle.unwrap_err(), "Query exceeds maximum depth of 10");
    }
}
