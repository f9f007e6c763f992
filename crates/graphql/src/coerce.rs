//! What arguments and variables come to.

use serde_json::{Map, Number, Value as Json};

use crate::ast::{Argument, Operation, Type, Value};
use crate::python::inspect;
use crate::schema::{InputDefinition, Kind, SCHEMA};
use crate::similar::did_you_mean;

/// The variables of an operation, by name; those that were not given and have no default are not there.
pub(crate) type Variables = Map<String, Json>;

/// The most faults that are told.
const MOST_FAULTS: usize = 50;
/// How deep a given value may be nested; the schema's own inputs are two deep.
const DEEPEST: usize = 32;

/// Reads what was given for an operation's variables.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn variables(operation: &Operation, given: &Map<String, Json>) -> Result<Variables, Vec<String>> {
    let (mut read, mut faults) = (Variables::new(), Vec::new());
    for variable in &operation.variables {
        let (name, of) = (&variable.name, &variable.of);
        let never_null = matches!(of, Type::NonNull(_));
        match given.get(name) {
            None => match &variable.default {
                Some(default) => {
                    if let Some(value) = literal(default, of, &Variables::new()) {
                        read.insert(name.clone(), value);
                    }
                }
                None if never_null => {
                    faults.push(format!("Variable '${name}' of required type '{of}' was not provided."));
                }
                None => {}
            },
            Some(Json::Null) if never_null => {
                faults.push(format!("Variable '${name}' of non-null type '{of}' must not be null."));
            }
            Some(value) => {
                let mut tell = |path: &str, wrong: &Json, words: String| {
                    let at = if path.is_empty() { String::new() } else { format!(" at '{name}{path}'") };
                    faults.push(format!(
                        "Variable '${name}' got invalid value {}{at}; {words}",
                        inspect(wrong)
                    ));
                };
                let value = coerce(value, of, "", 0, &mut tell);
                read.insert(name.clone(), value);
            }
        }
    }
    if faults.is_empty() {
        return Ok(read);
    }
    if faults.len() > MOST_FAULTS {
        faults.truncate(MOST_FAULTS);
        faults
            .push("Too many errors processing variables, error limit reached. Execution aborted.".to_owned());
    }
    Err(faults)
}

type Tell<'a> = dyn FnMut(&str, &Json, String) + 'a;

/// A given value as one of a type.
fn coerce(value: &Json, of: &Type, path: &str, depth: usize, tell: &mut Tell<'_>) -> Json {
    if depth > DEEPEST {
        tell(path, &Json::Null, "Variable values are nested too deeply.".to_owned());
        return Json::Null;
    }
    match of {
        Type::NonNull(inner) if value.is_null() => {
            tell(path, value, format!("Expected non-nullable type '{inner}!' not to be None."));
            Json::Null
        }
        Type::NonNull(inner) => coerce(value, inner, path, depth, tell),
        _ if value.is_null() => Json::Null,
        Type::List(inner) => match value {
            Json::Array(items) => {
                let item = |(index, item): (usize, &Json)| {
                    coerce(item, inner, &format!("{path}[{index}]"), depth + 1, tell)
                };
                Json::Array(items.iter().enumerate().map(item).collect())
            }
            // One stands for a list of one.
            one => Json::Array(vec![coerce(one, inner, path, depth + 1, tell)]),
        },
        Type::Named(name) => named(value, name, path, depth, tell),
    }
}

fn named(value: &Json, name: &str, path: &str, depth: usize, tell: &mut Tell<'_>) -> Json {
    let Some(of) = SCHEMA.get(name) else { return Json::Null };
    let mut wrong = |words: String| {
        tell(path, value, words);
        Json::Null
    };
    match &of.kind {
        Kind::Object(_) => wrong(format!("Expected type '{name}'.")),
        Kind::Enum(words) => match value {
            Json::String(word) if words.contains(word) => value.clone(),
            Json::String(word) => {
                let near = did_you_mean(word, words.iter().map(String::as_str))
                    .replace(" Did you mean ", " Did you mean the enum value ");
                wrong(format!("Value '{word}' does not exist in '{name}' enum.{near}"))
            }
            other => wrong(format!("Enum '{name}' cannot represent non-string value: {}.", inspect(other))),
        },
        Kind::Input(fields) => {
            let Json::Object(given) = value else {
                return wrong(format!("Expected type '{name}' to be a mapping."));
            };
            let mut read = Map::new();
            for field in fields {
                let below = format!("{path}.{}", field.name);
                match given.get(&field.name) {
                    Some(value) => {
                        read.insert(field.name.clone(), coerce(value, &field.of, &below, depth + 1, tell));
                    }
                    None if field.is_required() => {
                        tell(
                            path,
                            value,
                            format!(
                                "Field '{}' of required type '{}' was not provided.",
                                field.name, field.of
                            ),
                        );
                    }
                    None => {}
                }
            }
            for name_given in given.keys() {
                if !fields.iter().any(|field| field.name == *name_given) {
                    let near = did_you_mean(name_given, fields.iter().map(|field| field.name.as_str()));
                    tell(path, value, format!("Field '{name_given}' is not defined by type '{name}'.{near}"));
                }
            }
            Json::Object(read)
        }
        Kind::Scalar => match scalar(value, name) {
            Ok(value) => value,
            Err(words) => wrong(words),
        },
    }
}

fn scalar(value: &Json, name: &str) -> Result<Json, String> {
    let shown = || inspect(value);
    match (name, value) {
        ("String", Json::String(_)) | ("Boolean", Json::Bool(_)) => Ok(value.clone()),
        ("String", _) => Err(format!("String cannot represent a non string value: {}", shown())),
        ("Boolean", _) => Err(format!("Boolean cannot represent a non boolean value: {}", shown())),
        ("Float", Json::Number(number)) => Ok(number.as_f64().map_or(Json::Null, Json::from)),
        ("Float", _) => Err(format!("Float cannot represent non numeric value: {}", shown())),
        ("Int", Json::Number(number)) => {
            let whole = number.as_i64().or_else(|| whole(number));
            match whole {
                Some(whole) if i32::try_from(whole).is_ok() => Ok(whole.into()),
                None if number.is_f64() && number.as_f64().is_some_and(|real| real.fract() != 0.0) => {
                    Err(format!("Int cannot represent non-integer value: {}", shown()))
                }
                _ => Err(format!("Int cannot represent non 32-bit signed integer value: {}", shown())),
            }
        }
        ("Int", _) => Err(format!("Int cannot represent non-integer value: {}", shown())),
        _ => long(value).ok_or_else(|| match value {
            Json::String(_) => {
                format!("Expected type '{name}'. invalid literal for int() with base 10: {}", shown())
            }
            other => format!(
                "Expected type '{name}'. int() argument must be a string, a bytes-like object or a real number, not \
                 '{}'",
                if other.is_array() { "list" } else { "dict" }
            ),
        }),
    }
}

/// A whole number that is written with a point.
fn whole(number: &Number) -> Option<i64> {
    let real = number.as_f64().filter(|real| real.fract() == 0.0 && real.abs() < 9.0e15)?;
    Some(real as i64)
}

/// A long number, however it is given.
fn long(value: &Json) -> Option<Json> {
    match value {
        Json::Number(number) => {
            let cut = || number.as_f64().filter(|real| real.is_finite()).map(|real| real.trunc() as i64);
            number.as_i64().or_else(cut).map(Json::from)
        }
        Json::Bool(truth) => Some(i64::from(*truth).into()),
        Json::String(text) => text.trim().parse::<i64>().ok().map(Json::from),
        _ => None,
    }
}

/// What a field's arguments come to, by name; those that are not given are not there.
pub(crate) fn arguments(
    given: &[Argument],
    inputs: &[InputDefinition],
    variables: &Variables,
) -> Map<String, Json> {
    let mut read = Map::new();
    for input in inputs {
        let argument = given.iter().rev().find(|argument| argument.name == input.name);
        let value = match argument {
            Some(argument) => literal(&argument.value, &input.of, variables),
            None => input.default.as_ref().and_then(|default| literal(default, &input.of, variables)),
        };
        if let Some(value) = value {
            read.insert(input.name.clone(), value);
        }
    }
    read
}

/// A written value as one of a type; none for a variable that was not given. It was checked before.
fn literal(value: &Value, of: &Type, variables: &Variables) -> Option<Json> {
    if let Value::Variable(name) = value {
        return variables.get(name).cloned();
    }
    if *value == Value::Null {
        return Some(Json::Null);
    }
    match of.nullable() {
        Type::List(inner) => Some(Json::Array(match value {
            Value::List(items) => {
                items.iter().map(|item| literal(item, inner, variables).unwrap_or(Json::Null)).collect()
            }
            one => vec![literal(one, inner, variables)?],
        })),
        other => Some(single(value, other.name(), variables)),
    }
}

fn single(value: &Value, name: &str, variables: &Variables) -> Json {
    match (value, name) {
        (Value::Object(members), _) => {
            let inputs = SCHEMA.get(name).map_or(&[][..], |of| of.inputs());
            let mut read = Map::new();
            for input in inputs {
                let member = members.iter().rev().find(|(member, _)| *member == input.name);
                if let Some(value) = member.and_then(|(_, value)| literal(value, &input.of, variables)) {
                    read.insert(input.name.clone(), value);
                }
            }
            Json::Object(read)
        }
        (Value::Text(text), "String") | (Value::Word(text), _) => Json::String(text.clone()),
        (Value::Truth(truth), "Boolean") => Json::Bool(*truth),
        (Value::Int(text), "Float") | (Value::Float(text), "Float") => {
            text.parse::<f64>().map_or(Json::Null, Json::from)
        }
        (Value::Int(text), _) => text.parse::<i64>().map_or(Json::Null, Json::from),
        // A long number that is written as anything but a number counts as null.
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ast::Selection;
    use crate::parser::parse;
    use serde_json::json;

    fn read(declared: &str, given: Json) -> Result<Json, Vec<String>> {
        let document = parse(&format!("query({declared}) {{ x }}")).unwrap();
        let Json::Object(given) = given else { unreachable!() };
        variables(document.operations().next().unwrap(), &given).map(Json::Object)
    }

    #[test]
    fn variables_are_read_by_their_types() {
        let runs = "$data: MlflowSearchRunsInput!";
        let given =
            json!({"data": {"experimentIds": "0", "maxResults": 5.0, "runViewType": "ALL", "filter": null}});
        let expected =
            json!({"data": {"experimentIds": ["0"], "maxResults": 5, "runViewType": "ALL", "filter": null}});
        assert_eq!(read(runs, given), Ok(expected));
        let versions = "$data: MlflowSearchModelVersionsInput";
        assert_eq!(
            read(versions, json!({"data": {"maxResults": "7"}})),
            Ok(json!({"data": {"maxResults": 7}}))
        );
        assert_eq!(read("$a: String = \"x\", $b: Int", json!({})), Ok(json!({"a": "x"})));
    }

    #[test]
    fn what_is_wrong_with_variables_is_told_in_known_words() {
        let told = |declared: &str, given: Json| read(declared, given).unwrap_err().remove(0);
        assert_eq!(
            told("$a: String!", json!({})),
            "Variable '$a' of required type 'String!' was not provided."
        );
        assert_eq!(
            told("$a: String!", json!({"a": null})),
            "Variable '$a' of non-null type 'String!' must not be null."
        );
        assert_eq!(
            told("$input: MlflowGetRunInput!", json!({"input": {"runId": 5}})),
            "Variable '$input' got invalid value 5 at 'input.runId'; String cannot represent a non string value: 5"
        );
        assert_eq!(
            told("$input: MlflowGetRunInput!", json!({"input": "x"})),
            "Variable '$input' got invalid value 'x'; Expected type 'MlflowGetRunInput' to be a mapping."
        );
        assert_eq!(
            told("$input: MlflowGetRunInput!", json!({"input": {"nonsense": 1}})),
            "Variable '$input' got invalid value {'nonsense': 1}; Field 'nonsense' is not defined by type \
             'MlflowGetRunInput'."
        );
        assert_eq!(
            told("$d: MlflowSearchRunsInput", json!({"d": {"runViewType": "X"}})),
            "Variable '$d' got invalid value 'X' at 'd.runViewType'; Value 'X' does not exist in 'MlflowViewType' enum."
        );
        assert_eq!(
            told("$d: MlflowSearchRunsInput", json!({"d": {"experimentIds": ["a", 1]}})),
            "Variable '$d' got invalid value 1 at 'd.experimentIds[1]'; String cannot represent a non string value: 1"
        );
        assert_eq!(
            told("$d: MlflowSearchModelVersionsInput", json!({"d": {"maxResults": "x"}})),
            "Variable '$d' got invalid value 'x' at 'd.maxResults'; Expected type 'LongString'. invalid literal for int() \
             with base 10: 'x'"
        );
    }

    #[test]
    fn arguments_take_variables_in() {
        let document =
            parse("{ mlflowSearchRuns(input: {experimentIds: [$a, \"1\"], maxResults: $b, filter: $none}) }")
                .unwrap();
        let Selection::Field(field) = &document.operations().next().unwrap().selections[0] else {
            unreachable!()
        };
        let Json::Object(given) = json!({"a": "0", "b": 3}) else { unreachable!() };
        let query = SCHEMA.get("Query").unwrap();
        let inputs = &SCHEMA.field(query, "mlflowSearchRuns").unwrap().arguments;
        assert_eq!(
            Json::Object(arguments(&field.arguments, inputs, &given)),
            json!({"input": {"experimentIds": ["0", "1"], "maxResults": 3}})
        );
    }
}
