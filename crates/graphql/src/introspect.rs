//! What the schema says of itself.

use serde_json::{Map, Value as Json, json};

use crate::ast::{Document, Selection, Type};
use crate::coerce::{Variables, arguments};
use crate::collect::collect;
use crate::schema::{COMPONENT, FieldDefinition, InputDefinition, Kind, SCHEMA, TypeDefinition};

/// A part of the schema.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Schema,
    Named(&'static TypeDefinition),
    Wrapped(&'static Type),
    Field(&'static TypeDefinition, &'static FieldDefinition),
    Input(&'static InputDefinition),
    Word(&'static str),
    Directive,
}

/// What a part has under a name.
enum Found {
    Leaf(Json),
    One(Option<Part>),
    Many(Vec<Part>),
}

/// The type of a name, if there is one.
pub(crate) fn named(name: &str) -> Option<Part> {
    SCHEMA.get(name).map(Part::Named)
}

/// The fields that are asked for of a part.
pub(crate) fn complete(document: &Document, part: Part, levels: &[&[Selection]]) -> Json {
    let of = part.type_name();
    let mut answer = Map::new();
    for group in collect(document, levels, of) {
        let field = group.field();
        let below = |part| complete(document, part, &group.below());
        let value = if field.name == "__typename" {
            json!(of)
        } else {
            match part.get(&field.name) {
                Found::Leaf(value) => value,
                Found::One(found) => found.map_or(Json::Null, below),
                Found::Many(found) => Json::Array(found.into_iter().map(below).collect()),
            }
        };
        answer.insert(group.key.to_owned(), value);
    }
    Json::Object(answer)
}

/// The type that a query's `__type` asks for.
pub(crate) fn asked(field: &crate::ast::Field, variables: &Variables) -> Option<Part> {
    let definition = SCHEMA.get("Query").and_then(|query| SCHEMA.field(query, "__type"))?;
    let given = arguments(&field.arguments, &definition.arguments, variables);
    given.get("name").and_then(Json::as_str).and_then(named)
}

fn of_type(of: &'static Type) -> Option<Part> {
    match of {
        Type::Named(name) => named(name),
        wrapped => Some(Part::Wrapped(wrapped)),
    }
}

impl Part {
    fn type_name(self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Named(_) | Self::Wrapped(_) => "__Type",
            Self::Field(..) => "__Field",
            Self::Input(_) => "__InputValue",
            Self::Word(_) => "__EnumValue",
            Self::Directive => "__Directive",
        }
    }

    fn get(self, name: &str) -> Found {
        match (self, name) {
            (_, "isDeprecated") => Found::Leaf(json!(false)),
            (_, "deprecationReason") => Found::Leaf(Json::Null),
            (Self::Schema, "types") => Found::Many(SCHEMA.types.iter().map(Part::Named).collect()),
            (Self::Schema, "queryType") => Found::One(named("Query")),
            (Self::Schema, "mutationType") => Found::One(named("Mutation")),
            (Self::Schema, "subscriptionType") => Found::One(None),
            (Self::Schema, "directives") => Found::Many(vec![Self::Directive]),
            (Self::Named(of), name) => of_named(of, name),
            (Self::Wrapped(of), "kind") => {
                Found::Leaf(json!(if matches!(of, Type::List(_)) { "LIST" } else { "NON_NULL" }))
            }
            (Self::Wrapped(Type::List(inner) | Type::NonNull(inner)), "ofType") => Found::One(of_type(inner)),
            (Self::Field(_, field), "name") => Found::Leaf(json!(field.name)),
            (Self::Field(parent, field), "description") => {
                Found::Leaf(description(&parent.name, Some(&field.name)))
            }
            (Self::Field(_, field), "args") => Found::Many(field.arguments.iter().map(Part::Input).collect()),
            (Self::Field(_, field), "type") => Found::One(of_type(&field.of)),
            (Self::Input(input), "name") => Found::Leaf(json!(input.name)),
            (Self::Input(input), "type") => Found::One(of_type(&input.of)),
            (Self::Input(input), "defaultValue") => {
                Found::Leaf(json!(input.default.as_ref().map(ToString::to_string)))
            }
            (Self::Word(word), "name") => Found::Leaf(json!(word)),
            (Self::Directive, "name") => Found::Leaf(json!("component")),
            (Self::Directive, "isRepeatable") => Found::Leaf(json!(false)),
            (Self::Directive, "locations") => Found::Leaf(json!(["QUERY", "MUTATION"])),
            (Self::Directive, "args") => Found::Many(COMPONENT.iter().map(Part::Input).collect()),
            _ => Found::Leaf(Json::Null),
        }
    }
}

fn of_named(of: &'static TypeDefinition, name: &str) -> Found {
    match (name, &of.kind) {
        ("name", _) => Found::Leaf(json!(of.name)),
        ("description", _) => Found::Leaf(description(&of.name, None)),
        ("kind", kind) => Found::Leaf(json!(match kind {
            Kind::Scalar => "SCALAR",
            Kind::Object(_) => "OBJECT",
            Kind::Enum(_) => "ENUM",
            Kind::Input(_) => "INPUT_OBJECT",
        })),
        ("fields", Kind::Object(fields)) => {
            Found::Many(fields.iter().map(|field| Part::Field(of, field)).collect())
        }
        ("interfaces", Kind::Object(_)) => Found::Many(Vec::new()),
        ("enumValues", Kind::Enum(words)) => Found::Many(words.iter().map(|word| Part::Word(word)).collect()),
        ("inputFields", Kind::Input(fields)) => Found::Many(fields.iter().map(Part::Input).collect()),
        ("isOneOf", Kind::Input(_)) => Found::Leaf(json!(false)),
        _ => Found::Leaf(Json::Null),
    }
}

/// What a type or a field is for, where it is said.
fn description(of: &str, field: Option<&str>) -> Json {
    match (of, field) {
        ("Query", Some("test")) | ("Mutation", Some("testMutation")) => json!("Simple echoing field"),
        ("Test" | "TestMutation", Some("output")) => json!("Echoes the input string"),
        (_, Some(_)) => Json::Null,
        ("LongString", _) => {
            json!("LongString Scalar type to prevent truncation to max integer in JavaScript.")
        }
        ("String", _) => json!(
            "The `String` scalar type represents textual data, represented as UTF-8 character sequences. The String \
             type is most often used by GraphQL to represent free-form human-readable text."
        ),
        ("Int", _) => json!(
            "The `Int` scalar type represents non-fractional signed whole numeric values. Int can represent values \
             between -(2^31) and 2^31 - 1."
        ),
        ("Float", _) => json!(
            "The `Float` scalar type represents signed double-precision fractional values as specified by [IEEE \
             754](https://en.wikipedia.org/wiki/IEEE_floating_point)."
        ),
        ("Boolean", _) => json!("The `Boolean` scalar type represents `true` or `false`."),
        _ => Json::Null,
    }
}
