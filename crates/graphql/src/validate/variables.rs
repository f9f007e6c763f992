//! Whether the variables that an operation uses are those that it declares, and of the types that stand there.

use super::fragments::reached;
use crate::ast::{Argument, Directive, Document, Operation, Selection, Type, Value, VariableDefinition};
use crate::schema::{COMPONENT, InputDefinition, SCHEMA, TypeDefinition};

/// A place where a variable is used: its name, and the type that is expected there if it is known.
struct Usage<'a> {
    name: &'a str,
    of: Option<&'a Type>,
    has_default: bool,
}

/// What is to say of an operation's variables.
pub(super) fn faults(document: &Document, operation: &Operation) -> Vec<String> {
    let mut usages = Vec::new();
    directives(&operation.directives, &mut usages);
    selections(&operation.selections, SCHEMA.root(operation.kind), &mut usages);
    for fragment in reached(document, &operation.selections) {
        directives(&fragment.directives, &mut usages);
        selections(&fragment.selections, SCHEMA.get(&fragment.on), &mut usages);
    }
    let declared = |name: &str| operation.variables.iter().rev().find(|variable| variable.name == name);
    let mut faults = Vec::new();
    for usage in usages.iter().filter(|usage| declared(usage.name).is_none()) {
        let by = operation.name.as_ref().map(|name| format!(" by operation '{name}'")).unwrap_or_default();
        faults.push(format!("Variable '${}' is not defined{by}.", usage.name));
    }
    for variable in &operation.variables {
        if !usages.iter().any(|usage| usage.name == variable.name) {
            let within =
                operation.name.as_ref().map(|name| format!(" in operation '{name}'")).unwrap_or_default();
            faults.push(format!("Variable '${}' is never used{within}.", variable.name));
        }
    }
    for usage in &usages {
        let (Some(variable), Some(of)) = (declared(usage.name), usage.of) else { continue };
        if SCHEMA.get(variable.of.name()).is_some() && !fits(variable, of, usage.has_default) {
            faults.push(format!(
                "Variable '${}' of type '{}' used in position expecting type '{of}'.",
                usage.name, variable.of
            ));
        }
    }
    faults
}

fn fits(variable: &VariableDefinition, place: &Type, has_default: bool) -> bool {
    if let (Type::NonNull(inner), false) = (place, matches!(variable.of, Type::NonNull(_))) {
        let default = variable.default.as_ref().is_some_and(|value| *value != Value::Null);
        return (default || has_default) && is_within(&variable.of, inner);
    }
    is_within(&variable.of, place)
}

/// Whether every value of one type is one of the other.
fn is_within(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::NonNull(one), Type::NonNull(other)) | (Type::List(one), Type::List(other)) => {
            is_within(one, other)
        }
        (Type::NonNull(one), other) => is_within(one, other),
        (Type::Named(one), Type::Named(other)) => one == other,
        _ => false,
    }
}

fn selections<'a>(all: &'a [Selection], parent: Option<&'a TypeDefinition>, usages: &mut Vec<Usage<'a>>) {
    for selection in all {
        match selection {
            Selection::Field(field) => {
                let found = parent.and_then(|parent| SCHEMA.field(parent, &field.name));
                let inputs = found.map_or(&[][..], |found| &found.arguments);
                arguments(&field.arguments, inputs, usages);
                directives(&field.directives, usages);
                let of = found.and_then(|found| SCHEMA.get(found.of.name()));
                selections(field.selections.as_deref().unwrap_or_default(), of, usages);
            }
            Selection::Inline { on, directives: own, selections: below } => {
                directives(own, usages);
                let within = on.as_deref().map_or(parent, |name| SCHEMA.get(name));
                selections(below, within, usages);
            }
            Selection::Spread { directives: own, .. } => directives(own, usages),
        }
    }
}

fn directives<'a>(all: &'a [Directive], usages: &mut Vec<Usage<'a>>) {
    for directive in all {
        let inputs = if directive.name == "component" { COMPONENT.as_slice() } else { &[] };
        arguments(&directive.arguments, inputs, usages);
    }
}

fn arguments<'a>(all: &'a [Argument], inputs: &'a [InputDefinition], usages: &mut Vec<Usage<'a>>) {
    for argument in all {
        let input = inputs.iter().find(|input| input.name == argument.name);
        let has_default = input.is_some_and(|input| input.default.is_some());
        value(&argument.value, input.map(|input| &input.of), has_default, usages);
    }
}

fn value<'a>(used: &'a Value, of: Option<&'a Type>, has_default: bool, usages: &mut Vec<Usage<'a>>) {
    match used {
        Value::Variable(name) => usages.push(Usage { name, of, has_default }),
        Value::List(items) => {
            let inner = match of.map(Type::nullable) {
                Some(Type::List(inner)) => Some(inner.as_ref()),
                other => other,
            };
            items.iter().for_each(|item| value(item, inner, false, usages));
        }
        Value::Object(members) => {
            let inputs = of.and_then(|of| SCHEMA.get(of.name())).map_or(&[][..], TypeDefinition::inputs);
            for (name, member) in members {
                let input = inputs.iter().find(|input| input.name == *name);
                let has_default = input.is_some_and(|input| input.default.is_some());
                value(member, input.map(|input| &input.of), has_default, usages);
            }
        }
        _ => {}
    }
}
