//! Makes an answer of what MLflow's routes have told: the fields that are asked for, under the names of the schema. What a
//! route leaves out has the value that a protobuf message has for it.

use serde_json::{Map, Value as Json, json};

use crate::ast::{Document, Selection, Type};
use crate::collect::{Group, collect};
use crate::further::Further;
use crate::schema::{Kind, SCHEMA, TypeDefinition};

/// An answer in the making.
pub(crate) struct Completion<'a> {
    pub(crate) document: &'a Document,
    /// What runs lead to and their own route does not tell.
    pub(crate) further: &'a Further,
    pub(crate) faults: Vec<String>,
}

impl<'a> Completion<'a> {
    /// The fields that are asked for of an object.
    pub(crate) fn object(&mut self, value: &Json, of: &TypeDefinition, levels: &[&'a [Selection]]) -> Json {
        let mut answer = Map::new();
        for group in collect(self.document, levels, &of.name) {
            let completed = self.field(value, of, &group);
            answer.insert(group.key.to_owned(), completed);
        }
        Json::Object(answer)
    }

    fn field(&mut self, parent: &Json, of: &TypeDefinition, group: &Group<'a>) -> Json {
        let name = group.field().name.as_str();
        if name == "__typename" {
            return json!(of.name);
        }
        let Some(definition) = SCHEMA.field(of, name) else { return Json::Null };
        let below = group.below();
        match (of.name.as_str(), name) {
            // The server has never filled it.
            (_, "apiError") => return Json::Null,
            ("MlflowRunExtension", "experiment" | "modelVersions") => {
                return match self.further.of_run(parent, name) {
                    Ok(value) => self.value(Some(&value), &definition.of, of, name, &below),
                    Err(fault) => {
                        self.faults.push(fault);
                        Json::Null
                    }
                };
            }
            _ => {}
        }
        self.value(parent.get(snake(name)), &definition.of, of, name, &below)
    }

    fn value(
        &mut self,
        value: Option<&Json>,
        of: &Type,
        parent: &TypeDefinition,
        name: &str,
        below: &[&'a [Selection]],
    ) -> Json {
        match of {
            Type::NonNull(inner) => self.value(value, inner, parent, name, below),
            Type::List(inner) => match value {
                Some(Json::Array(items)) => {
                    let items = items.iter().map(|item| self.value(Some(item), inner, parent, name, below));
                    Json::Array(items.collect())
                }
                Some(Json::Null) => Json::Null,
                _ => json!([]),
            },
            Type::Named(named) => {
                let Some(of) = SCHEMA.get(named) else { return Json::Null };
                match (&of.kind, value) {
                    (_, Some(Json::Null)) => Json::Null,
                    (Kind::Object(_), value) => self.object(value.unwrap_or(&json!({})), of, below),
                    (Kind::Enum(words), Some(value)) => {
                        value.as_str().filter(|word| words.iter().any(|one| one == word)).map_or_else(
                            || self.fault(format!("Enum '{named}' cannot represent value: {value}")),
                            |word| json!(word),
                        )
                    }
                    (Kind::Enum(words), None) => self.first_word(named, words),
                    (Kind::Scalar, value) => self.scalar(value, named, parent, name),
                    (Kind::Input(_), _) => Json::Null,
                }
            }
        }
    }

    /// A word that is not there: the first of the message's words, which for some is none of the schema's.
    fn first_word(&mut self, named: &str, words: &[String]) -> Json {
        if named.contains("Deployment") {
            return self.fault(format!("Enum '{named}' cannot represent value: 0"));
        }
        words.first().map_or(Json::Null, |word| json!(word))
    }

    fn scalar(&mut self, value: Option<&Json>, named: &str, parent: &TypeDefinition, name: &str) -> Json {
        match (named, value) {
            ("String", Some(Json::String(text))) => json!(text),
            ("String", Some(other)) => json!(other.to_string()),
            ("String", None) if (parent.name.as_str(), name) == ("MlflowExperiment", "workspace") => {
                json!("default")
            }
            ("String", None) => json!(""),
            ("Boolean", value) => json!(value.and_then(Json::as_bool).unwrap_or_default()),
            ("Float", Some(Json::String(text))) => {
                // Of what is no number the field of a run's metric says nothing, that of a history complains.
                if parent.name == "MlflowMetricExtension" && text == "NaN" {
                    return Json::Null;
                }
                let shown = match text.as_str() {
                    "Infinity" => "inf",
                    "-Infinity" => "-inf",
                    _ => "nan",
                };
                self.fault(format!("Float cannot represent non numeric value: {shown}"))
            }
            ("Float", value) => json!(value.and_then(Json::as_f64).unwrap_or_default()),
            ("Int", value) => json!(value.and_then(Json::as_i64).unwrap_or_default()),
            (_, Some(Json::String(text))) => json!(text),
            (_, Some(other)) => json!(other.to_string()),
            (_, None) => json!("0"),
        }
    }

    fn fault(&mut self, words: String) -> Json {
        self.faults.push(words);
        Json::Null
    }
}

/// A name as MLflow's routes write it.
fn snake(name: &str) -> String {
    name.chars().fold(String::with_capacity(name.len() + 4), |mut text, c| {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
        text
    })
}
