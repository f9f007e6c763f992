//! What a query consists of.

use std::collections::HashMap;

/// A whole text: operations, and fragments that they share.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) definitions: Vec<Definition>,
    /// Where the fragments stand, by name.
    named: HashMap<String, usize>,
}

#[derive(Debug)]
pub(crate) enum Definition {
    Operation(Operation),
    Fragment(Fragment),
    /// Part of a schema, which cannot be executed; its name, quoted, or the word `schema`.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) kind: OperationKind,
    pub(crate) name: Option<String>,
    pub(crate) variables: Vec<VariableDefinition>,
    pub(crate) directives: Vec<Directive>,
    pub(crate) selections: Vec<Selection>,
}

#[derive(Debug)]
pub(crate) struct VariableDefinition {
    pub(crate) name: String,
    pub(crate) of: Type,
    pub(crate) default: Option<Value>,
    pub(crate) directives: Vec<Directive>,
}

#[derive(Debug)]
pub(crate) struct Fragment {
    pub(crate) name: String,
    pub(crate) on: String,
    pub(crate) directives: Vec<Directive>,
    pub(crate) selections: Vec<Selection>,
}

#[derive(Debug)]
pub(crate) enum Selection {
    Field(Field),
    Spread { name: String, directives: Vec<Directive> },
    Inline { on: Option<String>, directives: Vec<Directive>, selections: Vec<Selection> },
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) alias: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) directives: Vec<Directive>,
    pub(crate) selections: Option<Vec<Selection>>,
}

impl Field {
    /// Under which name the answer has it.
    pub(crate) fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

#[derive(Debug)]
pub(crate) struct Directive {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Variable(String),
    Int(String),
    Float(String),
    Text(String),
    Truth(bool),
    Null,
    Word(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// A type as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Named(String),
    List(Box<Type>),
    NonNull(Box<Type>),
}

impl Type {
    /// The name within.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.name(),
        }
    }

    /// The type without the mark that it is never null.
    pub(crate) fn nullable(&self) -> &Self {
        match self {
            Self::NonNull(inner) => inner,
            other => other,
        }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => formatter.write_str(name),
            Self::List(inner) => write!(formatter, "[{inner}]"),
            Self::NonNull(inner) => write!(formatter, "{inner}!"),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(formatter, "${name}"),
            Self::Int(text) | Self::Float(text) | Self::Word(text) => formatter.write_str(text),
            Self::Text(text) => {
                // JSON's escapes are GraphQL's, too.
                formatter.write_str(&serde_json::Value::from(text.as_str()).to_string())
            }
            Self::Truth(truth) => write!(formatter, "{truth}"),
            Self::Null => formatter.write_str("null"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(formatter, "[{}]", items.join(", "))
            }
            Self::Object(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                write!(formatter, "{{{}}}", members.join(", "))
            }
        }
    }
}

impl Document {
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.definitions.iter().filter_map(|definition| match definition {
            Definition::Operation(operation) => Some(operation),
            _ => None,
        })
    }

    pub(crate) fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        self.definitions.iter().filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some(fragment),
            _ => None,
        })
    }

    /// The fragment of a name; of several the last.
    pub(crate) fn fragment(&self, name: &str) -> Option<&Fragment> {
        match self.definitions.get(*self.named.get(name)?)? {
            Definition::Fragment(fragment) => Some(fragment),
            _ => None,
        }
    }

    pub(crate) fn push(&mut self, definition: Definition) {
        if let Definition::Fragment(fragment) = &definition {
            self.named.insert(fragment.name.clone(), self.definitions.len());
        }
        self.definitions.push(definition);
    }
}
