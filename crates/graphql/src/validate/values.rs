//! Whether a written value is of the type that stands there.

use crate::ast::{Type, Value};
use crate::schema::{InputDefinition, Kind, SCHEMA, TypeDefinition};
use crate::similar::did_you_mean;

/// Tells every fault of a value. Without a type only doubled names within it are faults.
pub(super) fn check(value: &Value, of: Option<&Type>, fault: &mut dyn FnMut(String)) {
    match value {
        Value::Variable(_) => {}
        Value::Null => {
            if let Some(of @ Type::NonNull(_)) = of {
                fault(format!("Expected value of type '{of}', found null."));
            }
        }
        Value::List(items) => {
            let inner = match of.map(Type::nullable) {
                Some(Type::List(inner)) => Some(inner.as_ref()),
                Some(_) => return leaf(value, of, fault),
                None => None,
            };
            items.iter().for_each(|item| check(item, inner, fault));
        }
        Value::Object(members) => {
            let named = of.and_then(|of| SCHEMA.get(item(of).name()));
            let inputs = match named {
                Some(named) if matches!(named.kind, Kind::Input(_)) => Some(named),
                Some(_) => return leaf(value, of, fault),
                None => None,
            };
            object(members, inputs, fault);
        }
        _ => leaf(value, of, fault),
    }
}

/// A single value may stand for a list of one.
fn item(of: &Type) -> &Type {
    match of.nullable() {
        Type::List(inner) => item(inner),
        other => other,
    }
}

fn object(members: &[(String, Value)], of: Option<&TypeDefinition>, fault: &mut dyn FnMut(String)) {
    if let Some(of) = of {
        for input in of.inputs().iter().filter(|input| input.is_required()) {
            if !members.iter().any(|(name, _)| *name == input.name) {
                fault(format!(
                    "Field '{}.{}' of required type '{}' was not provided.",
                    of.name, input.name, input.of
                ));
            }
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in members {
        let input: Option<&InputDefinition> =
            of.and_then(|of| of.inputs().iter().find(|input| input.name == *name));
        if let (Some(of), None) = (of, input) {
            let near = did_you_mean(name, of.inputs().iter().map(|input| input.name.as_str()));
            fault(format!("Field '{name}' is not defined by type '{}'.{near}", of.name));
        }
        if seen.contains(&name.as_str()) {
            fault(format!("There can be only one input field named '{name}'."));
        }
        seen.push(name);
        check(value, input.map(|input| &input.of), fault);
    }
}

fn leaf(value: &Value, of: Option<&Type>, fault: &mut dyn FnMut(String)) {
    let Some(of) = of else { return };
    let Some(named) = SCHEMA.get(of.name()) else { return };
    let shown = shorten(&value.to_string());
    match (&named.kind, named.name.as_str()) {
        (Kind::Enum(words), _) => match value {
            Value::Word(word) if words.contains(word) => {}
            Value::Word(_) => {
                let near = did_you_mean(&shown, words.iter().map(String::as_str))
                    .replace(" Did you mean ", " Did you mean the enum value ");
                fault(format!("Value '{shown}' does not exist in '{}' enum.{near}", named.name));
            }
            _ => {
                let near = did_you_mean(&shown, words.iter().map(String::as_str))
                    .replace(" Did you mean ", " Did you mean the enum value ");
                fault(format!("Enum '{}' cannot represent non-enum value: {shown}.{near}", named.name));
            }
        },
        (Kind::Scalar, "String") if !matches!(value, Value::Text(_)) => {
            fault(format!("String cannot represent a non string value: {shown}"));
        }
        (Kind::Scalar, "Boolean") if !matches!(value, Value::Truth(_)) => {
            fault(format!("Boolean cannot represent a non boolean value: {shown}"));
        }
        (Kind::Scalar, "Float") if !matches!(value, Value::Int(_) | Value::Float(_)) => {
            fault(format!("Float cannot represent non numeric value: {shown}"));
        }
        (Kind::Scalar, "Int") => match value {
            Value::Int(text) if text.parse::<i32>().is_ok() => {}
            Value::Int(_) => {
                fault(format!("Int cannot represent non 32-bit signed integer value: {shown}"));
            }
            _ => fault(format!("Int cannot represent non-integer value: {shown}")),
        },
        // A long number that is written as anything but a number counts as null.
        (Kind::Scalar, _) => {}
        (Kind::Object(_) | Kind::Input(_), _) => {
            fault(format!("Expected value of type '{of}', found {shown}."));
        }
    }
}

/// A value as it is shown in a fault.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 100;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST - 3).collect();
    cut + "..."
}
