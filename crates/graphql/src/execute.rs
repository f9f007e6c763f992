//! Answers a query.

use ropewalk_mlflow::access::Rights;
use serde_json::{Map, Value as Json, json};

use crate::ast::{Document, Operation};
use crate::backend::Backend;
use crate::coerce::{Variables, arguments, variables};
use crate::collect::collect;
use crate::complete::Completion;
use crate::further::Further;
use crate::introspect::{self, Part};
use crate::resolve::Resolver;
use crate::schema::{SCHEMA, TypeDefinition};

/// What a query comes to: data, or null, and what went wrong.
pub(crate) struct Answer {
    pub(crate) data: Json,
    pub(crate) faults: Vec<String>,
}

impl Answer {
    /// Nothing but what went wrong.
    pub(crate) fn refusal(faults: Vec<String>) -> Self {
        Self { data: Json::Null, faults }
    }
}

/// Answers a query that fits the schema.
pub(crate) async fn execute(
    backend: &Backend,
    rights: &Rights,
    document: &Document,
    name: Option<&str>,
    given: &Map<String, Json>,
) -> Answer {
    let operation = match operation(document, name) {
        Ok(operation) => operation,
        Err(fault) => return Answer::refusal(vec![fault]),
    };
    let variables = match variables(operation, given) {
        Ok(variables) => variables,
        Err(faults) => return Answer::refusal(faults),
    };
    let Some(root) = SCHEMA.root(operation.kind) else {
        return Answer::refusal(vec![
            "Schema is not configured to execute subscription operation.".to_owned(),
        ]);
    };
    let mut asking = Asking { backend, rights, document, operation, variables, faults: Vec::new() };
    let data = asking.root(root).await;
    Answer { data, faults: asking.faults }
}

fn operation<'a>(document: &'a Document, name: Option<&str>) -> Result<&'a Operation, String> {
    match name {
        None => {
            let mut operations = document.operations();
            match (operations.next(), operations.next()) {
                (Some(only), None) => Ok(only),
                (None, _) => Err("Must provide an operation.".to_owned()),
                _ => Err("Must provide operation name if query contains multiple operations.".to_owned()),
            }
        }
        Some(name) => document
            .operations()
            .filter(|operation| operation.name.as_deref() == Some(name))
            .last()
            .ok_or_else(|| format!("Unknown operation named '{name}'.")),
    }
}

struct Asking<'a> {
    backend: &'a Backend,
    rights: &'a Rights,
    document: &'a Document,
    operation: &'a Operation,
    variables: Variables,
    faults: Vec<String>,
}

impl Asking<'_> {
    async fn root(&mut self, root: &'static TypeDefinition) -> Json {
        let mut data = Map::new();
        for group in collect(self.document, &[&self.operation.selections], &root.name) {
            let (field, below) = (group.field(), group.below());
            let introspected = |part: Part| introspect::complete(self.document, part, &below);
            let value = match field.name.as_str() {
                "__typename" => json!(root.name),
                "__schema" => introspected(Part::Schema),
                "__type" => introspect::asked(field, &self.variables).map_or(Json::Null, introspected),
                name => {
                    let Some(definition) = SCHEMA.field(root, name) else { continue };
                    let given = arguments(&field.arguments, &definition.arguments, &self.variables);
                    let resolver = Resolver { backend: self.backend, rights: self.rights };
                    match (
                        resolver.resolve(self.operation.kind, name, &given).await,
                        SCHEMA.get(definition.of.name()),
                    ) {
                        (Ok(Some(found)), Some(of)) => {
                            let further = Further::ask(
                                self.backend,
                                self.rights,
                                self.document,
                                &found,
                                &below,
                                &of.name,
                            )
                            .await;
                            let mut completion =
                                Completion { document: self.document, further: &further, faults: Vec::new() };
                            let value = completion.object(&found, of, &below);
                            self.faults.append(&mut completion.faults);
                            value
                        }
                        (Ok(_), _) => Json::Null,
                        (Err(fault), _) => {
                            self.faults.push(fault);
                            Json::Null
                        }
                    }
                }
            };
            data.insert(group.key.to_owned(), value);
        }
        Json::Object(data)
    }
}
