//! What can be asked: the types and their fields, read once from the text beside this file.

mod read;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::ast::{OperationKind, Type, Value};

/// The schema.
pub(crate) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| read::read(include_str!("mlflow.graphql")));

/// All types.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// In the order in which they are listed.
    pub(crate) types: Vec<TypeDefinition>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug)]
pub(crate) struct TypeDefinition {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Scalar,
    Object(Vec<FieldDefinition>),
    Enum(Vec<String>),
    Input(Vec<InputDefinition>),
}

#[derive(Debug)]
pub(crate) struct FieldDefinition {
    pub(crate) name: String,
    pub(crate) arguments: Vec<InputDefinition>,
    pub(crate) of: Type,
}

/// An argument, or a field of an input.
#[derive(Debug)]
pub(crate) struct InputDefinition {
    pub(crate) name: String,
    pub(crate) of: Type,
    pub(crate) default: Option<Value>,
}

impl InputDefinition {
    /// Whether it must be given.
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.of, Type::NonNull(_)) && self.default.is_none()
    }
}

impl TypeDefinition {
    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.kind, Kind::Scalar | Kind::Enum(_))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    pub(crate) fn is_input(&self) -> bool {
        !self.is_object()
    }

    /// The fields of an object.
    pub(crate) fn fields(&self) -> &[FieldDefinition] {
        match &self.kind {
            Kind::Object(fields) => fields,
            _ => &[],
        }
    }

    /// The fields of an input.
    pub(crate) fn inputs(&self) -> &[InputDefinition] {
        match &self.kind {
            Kind::Input(fields) => fields,
            _ => &[],
        }
    }
}

/// The only directive, which says which part of a page asks; it changes nothing.
pub(crate) static COMPONENT: LazyLock<Vec<InputDefinition>> = LazyLock::new(|| {
    let of = Type::NonNull(Box::new(Type::Named("String".to_owned())));
    vec![InputDefinition { name: "name".to_owned(), of, default: None }]
});

/// Fields that every object has, and those that only the query has.
static META: LazyLock<[FieldDefinition; 3]> = LazyLock::new(|| {
    let named = |name: &str| Type::Named(name.to_owned());
    let never_null = |name: &str| Type::NonNull(Box::new(named(name)));
    let field = |name: &str, arguments: Vec<InputDefinition>, of: Type| FieldDefinition {
        name: name.to_owned(),
        arguments,
        of,
    };
    let name = InputDefinition { name: "name".to_owned(), of: never_null("String"), default: None };
    [
        field("__typename", Vec::new(), never_null("String")),
        field("__schema", Vec::new(), never_null("__Schema")),
        field("__type", vec![name], named("__Type")),
    ]
});

impl Schema {
    pub(crate) fn get(&self, name: &str) -> Option<&TypeDefinition> {
        self.by_name.get(name).and_then(|index| self.types.get(*index))
    }

    /// The type at which operations of a kind begin.
    pub(crate) fn root(&self, kind: OperationKind) -> Option<&TypeDefinition> {
        match kind {
            OperationKind::Query => self.get("Query"),
            OperationKind::Mutation => self.get("Mutation"),
            OperationKind::Subscription => None,
        }
    }

    /// A field of an object.
    pub(crate) fn field<'a>(&'a self, parent: &'a TypeDefinition, name: &str) -> Option<&'a FieldDefinition> {
        let meta = META.iter().find(|field| field.name == name);
        if let Some(meta) = meta.filter(|_| parent.is_object()) {
            return Some(meta).filter(|_| name == "__typename" || parent.name == "Query");
        }
        parent.fields().iter().find(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_type_that_is_named_is_there() {
        let known = |of: &Type| assert!(SCHEMA.get(of.name()).is_some(), "{of}");
        assert_eq!(SCHEMA.types.len(), 61);
        for one in &SCHEMA.types {
            one.inputs().iter().for_each(|input| known(&input.of));
            for field in one.fields() {
                known(&field.of);
                field.arguments.iter().for_each(|argument| known(&argument.of));
            }
            let empty = one.fields().is_empty() && one.inputs().is_empty();
            assert!(!empty || one.is_leaf(), "{}", one.name);
        }
        let run = SCHEMA.get("MlflowRunExtension").unwrap();
        assert_eq!(SCHEMA.field(run, "modelVersions").unwrap().of.to_string(), "[MlflowModelVersion!]");
        assert!(SCHEMA.field(run, "__typename").is_some() && SCHEMA.field(run, "__schema").is_none());
    }
}
