//! Whether a query fits the schema. Faults come in the order and with the words of the library that MLflow's server uses.

mod fragments;
mod overlap;
mod values;
mod variables;

use crate::ast::{Argument, Definition, Directive, Document, Field, Operation, OperationKind, Selection};
use crate::schema::{COMPONENT, FieldDefinition, SCHEMA, TypeDefinition};
use crate::similar::did_you_mean;

/// The most faults that are told.
const MOST_FAULTS: usize = 100;

/// Every fault of a query; none if it can be executed.
pub(crate) fn validate(document: &Document) -> Vec<String> {
    let compare = overlap::Compare::new(document);
    let mut check = Check { document, compare, faults: Vec::new(), aborted: false };
    check.document();
    let mut faults = check.faults;
    if faults.len() > MOST_FAULTS {
        faults.truncate(MOST_FAULTS);
        faults.push("Too many validation errors, error limit reached. Validation aborted.".to_owned());
    }
    faults
}

/// Where a directive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Location {
    Operation(OperationKind),
    Field,
    FragmentDefinition,
    FragmentSpread,
    InlineFragment,
    VariableDefinition,
}

impl Location {
    const fn name(self) -> &'static str {
        match self {
            Self::Operation(OperationKind::Query) => "query",
            Self::Operation(OperationKind::Mutation) => "mutation",
            Self::Operation(OperationKind::Subscription) => "subscription",
            Self::Field => "field",
            Self::FragmentDefinition => "fragment definition",
            Self::FragmentSpread => "fragment spread",
            Self::InlineFragment => "inline fragment",
            Self::VariableDefinition => "variable definition",
        }
    }
}

struct Check<'a> {
    document: &'a Document,
    compare: overlap::Compare<'a>,
    faults: Vec<String>,
    aborted: bool,
}

impl<'a> Check<'a> {
    fn fault(&mut self, words: impl Into<String>) {
        // One more than is told, so that it can be told that there were more.
        if self.faults.len() <= MOST_FAULTS && !self.aborted {
            self.faults.push(words.into());
        }
    }

    fn document(&mut self) {
        let document = self.document;
        for definition in &document.definitions {
            if let Definition::Other(name) = definition {
                self.fault(format!("The {name} definition is not executable."));
            }
        }
        let (mut operations, mut fragments): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        let mut circles = fragments::Circles::new(document);
        let count = document.operations().count();
        for definition in &document.definitions {
            match definition {
                Definition::Operation(operation) => {
                    if let Some(name) = operation.name.as_deref() {
                        if operations.contains(&name) {
                            self.fault(format!("There can be only one operation named '{name}'."));
                        }
                        operations.push(name);
                    } else if count > 1 {
                        self.fault("This anonymous operation must be the only defined operation.");
                    }
                    self.operation(operation);
                }
                Definition::Fragment(fragment) => {
                    let on = SCHEMA.get(&fragment.on);
                    if on.is_some_and(|on| !on.is_object()) {
                        self.fault(format!(
                            "Fragment '{}' cannot condition on non composite type '{}'.",
                            fragment.name, fragment.on
                        ));
                    }
                    if fragments.contains(&fragment.name.as_str()) {
                        self.fault(format!("There can be only one fragment named '{}'.", fragment.name));
                    }
                    fragments.push(&fragment.name);
                    for words in circles.from(fragment) {
                        self.fault(words);
                    }
                    self.type_name(&fragment.on);
                    self.directives(&fragment.directives, Location::FragmentDefinition);
                    self.selections(&fragment.selections, on.filter(|on| on.is_object()), true);
                }
                Definition::Other(_) => {}
            }
        }
        for words in fragments::unused(document) {
            self.fault(words);
        }
    }

    fn operation(&mut self, operation: &'a Operation) {
        let mut seen: Vec<&str> = Vec::new();
        let mut told: Vec<&str> = Vec::new();
        for variable in &operation.variables {
            let name = variable.name.as_str();
            if seen.contains(&name) && !told.contains(&name) {
                self.fault(format!("There can be only one variable named '${name}'."));
                told.push(name);
            }
            seen.push(name);
        }
        for variable in &operation.variables {
            if SCHEMA.get(variable.of.name()).is_some_and(|of| !of.is_input()) {
                self.fault(format!(
                    "Variable '${}' cannot be non-input type '{}'.",
                    variable.name, variable.of
                ));
            }
            self.type_name(variable.of.name());
            if let Some(default) = &variable.default {
                let known = SCHEMA.get(variable.of.name()).is_some_and(TypeDefinition::is_input);
                values::check(default, Some(&variable.of).filter(|_| known), &mut |words| self.fault(words));
            }
            self.directives(&variable.directives, Location::VariableDefinition);
        }
        self.directives(&operation.directives, Location::Operation(operation.kind));
        self.selections(&operation.selections, SCHEMA.root(operation.kind), true);
        for words in variables::faults(self.document, operation) {
            self.fault(words);
        }
    }

    fn type_name(&mut self, name: &str) {
        if SCHEMA.get(name).is_none() {
            let near = did_you_mean(name, SCHEMA.types.iter().map(|one| one.name.as_str()));
            self.fault(format!("Unknown type '{name}'.{near}"));
        }
    }

    fn directives(&mut self, directives: &'a [Directive], location: Location) {
        let mut seen = 0;
        for directive in directives.iter().filter(|directive| directive.name == "component") {
            seen += 1;
            if seen > 1 {
                self.fault(format!(
                    "The directive '@{}' can only be used once at this location.",
                    directive.name
                ));
            }
        }
        for directive in directives {
            let name = &directive.name;
            let known = name == "component";
            if !known {
                self.fault(format!("Unknown directive '@{name}'."));
            } else if !matches!(location, Location::Operation(OperationKind::Query | OperationKind::Mutation))
            {
                self.fault(format!("Directive '@{name}' may not be used on {}.", location.name()));
            }
            if known {
                for argument in &directive.arguments {
                    if !COMPONENT.iter().any(|input| input.name == argument.name) {
                        let near =
                            did_you_mean(&argument.name, COMPONENT.iter().map(|input| input.name.as_str()));
                        self.fault(format!(
                            "Unknown argument '{}' on directive '@{name}'.{near}",
                            argument.name
                        ));
                    }
                }
            }
            self.unique_arguments(&directive.arguments);
            for argument in &directive.arguments {
                let input = COMPONENT.iter().find(|input| known && input.name == argument.name);
                values::check(&argument.value, input.map(|input| &input.of), &mut |words| self.fault(words));
            }
            for input in COMPONENT.iter().filter(|input| known && input.is_required()) {
                if !directive.arguments.iter().any(|argument| argument.name == input.name) {
                    self.fault(format!(
                        "Directive '@{name}' argument '{}' of type '{}' is required, but it was not provided.",
                        input.name, input.of
                    ));
                }
            }
        }
    }

    fn unique_arguments(&mut self, arguments: &'a [Argument]) {
        let (mut seen, mut told): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for argument in arguments {
            let name = argument.name.as_str();
            if seen.contains(&name) && !told.contains(&name) {
                self.fault(format!("There can be only one argument named '{name}'."));
                told.push(name);
            }
            seen.push(name);
        }
    }

    /// `compares` says whether the fields of this level are compared here; those of inline fragments are with the level
    /// around them.
    fn selections(
        &mut self,
        selections: &'a [Selection],
        parent: Option<&'static TypeDefinition>,
        compares: bool,
    ) {
        if self.aborted {
            return;
        }
        if compares {
            // One more than is told, see `fault`.
            match self.compare.conflicts(parent, selections, MOST_FAULTS + 1) {
                Ok(conflicts) => conflicts.into_iter().for_each(|words| self.fault(words)),
                Err(overlap::Aborted) => {
                    self.fault("Validation aborted.");
                    self.aborted = true;
                }
            }
        }
        for selection in selections {
            match selection {
                Selection::Field(field) => self.field(field, parent),
                Selection::Inline { on, directives, selections } => {
                    let on_type = on.as_deref().map(|name| SCHEMA.get(name));
                    let within = match (on.as_deref(), on_type) {
                        (Some(name), Some(Some(of))) if !of.is_object() => {
                            self.fault(format!("Fragment cannot condition on non composite type '{name}'."));
                            None
                        }
                        (_, Some(of)) => of,
                        (_, None) => parent,
                    };
                    if let (Some(of), Some(parent)) = (within, parent)
                        && of.name != parent.name
                    {
                        self.fault(format!(
                            "Fragment cannot be spread here as objects of type '{}' can never be of type '{}'.",
                            parent.name, of.name
                        ));
                    }
                    if let Some(name) = on {
                        self.type_name(name);
                    }
                    self.directives(directives, Location::InlineFragment);
                    self.selections(selections, within, false);
                }
                Selection::Spread { name, directives } => {
                    match self.document.fragment(name) {
                        None => self.fault(format!("Unknown fragment '{name}'.")),
                        Some(fragment) => {
                            let on = SCHEMA.get(&fragment.on).filter(|on| on.is_object());
                            if let (Some(on), Some(parent)) = (on, parent)
                                && on.name != parent.name
                            {
                                self.fault(format!(
                                    "Fragment '{name}' cannot be spread here as objects of type '{}' can never be of \
                                     type '{}'.",
                                    parent.name, on.name
                                ));
                            }
                        }
                    }
                    self.directives(directives, Location::FragmentSpread);
                }
            }
        }
    }

    fn field(&mut self, field: &'a Field, parent: Option<&'static TypeDefinition>) {
        let found = parent.and_then(|parent| SCHEMA.field(parent, &field.name));
        let of = found.and_then(|found| SCHEMA.get(found.of.name()));
        if let (Some(found), Some(of)) = (found, of) {
            self.leaf(field, found, of);
        }
        if let (Some(parent), None) = (parent, found) {
            let near = did_you_mean(&field.name, parent.fields().iter().map(|field| field.name.as_str()));
            self.fault(format!("Cannot query field '{}' on type '{}'.{near}", field.name, parent.name));
        }
        self.unique_arguments(&field.arguments);
        if field.name == "__schema" || field.name == "__type" {
            let lists = introspection_lists(self.document, field.selections.as_deref().unwrap_or_default());
            if lists >= 3 {
                self.fault("Maximum introspection depth exceeded");
            }
        }
        for argument in &field.arguments {
            let input = found
                .and_then(|found| found.arguments.iter().find(|argument_| argument_.name == argument.name));
            if let (Some(found), Some(parent), None) = (found, parent, input) {
                let near =
                    did_you_mean(&argument.name, found.arguments.iter().map(|input| input.name.as_str()));
                self.fault(format!(
                    "Unknown argument '{}' on field '{}.{}'.{near}",
                    argument.name, parent.name, field.name
                ));
            }
            values::check(&argument.value, input.map(|input| &input.of), &mut |words| self.fault(words));
        }
        self.directives(&field.directives, Location::Field);
        if let Some(selections) = &field.selections {
            self.selections(selections, of.filter(|of| of.is_object()), true);
        }
        for input in found.into_iter().flat_map(|found| &found.arguments) {
            if input.is_required() && !field.arguments.iter().any(|argument| argument.name == input.name) {
                self.fault(format!(
                    "Field '{}' argument '{}' of type '{}' is required, but it was not provided.",
                    field.name, input.name, input.of
                ));
            }
        }
    }

    fn leaf(&mut self, field: &Field, found: &FieldDefinition, of: &TypeDefinition) {
        match (of.is_leaf(), &field.selections) {
            (true, Some(_)) => self.fault(format!(
                "Field '{}' must not have a selection since type '{}' has no subfields.",
                field.name, found.of
            )),
            (false, None) => self.fault(format!(
                "Field '{0}' of type '{1}' must have a selection of subfields. Did you mean '{0} {{ ... }}'?",
                field.name, found.of
            )),
            _ => {}
        }
    }
}

/// How many lists of the schema are asked for within one another, at most.
fn introspection_lists(document: &Document, selections: &[Selection]) -> usize {
    fn deepest<'a>(
        document: &'a Document,
        selections: &'a [Selection],
        spread: &mut Vec<&'a str>,
        budget: &mut usize,
    ) -> usize {
        let mut most = 0;
        for selection in selections {
            let Some(left) = budget.checked_sub(1) else { return usize::MAX };
            *budget = left;
            let depth = match selection {
                Selection::Field(field) => {
                    let list =
                        ["fields", "interfaces", "possibleTypes", "inputFields"].contains(&&*field.name);
                    let below = field.selections.as_deref().unwrap_or_default();
                    deepest(document, below, spread, budget).saturating_add(usize::from(list))
                }
                Selection::Inline { selections, .. } => deepest(document, selections, spread, budget),
                Selection::Spread { name, .. } if !spread.contains(&name.as_str()) => {
                    let below = document.fragment(name).map_or(&[][..], |fragment| &fragment.selections);
                    spread.push(name);
                    let depth = deepest(document, below, spread, budget);
                    spread.pop();
                    depth
                }
                Selection::Spread { .. } => 0,
            };
            most = most.max(depth);
        }
        most
    }
    deepest(document, selections, &mut Vec::new(), &mut 100_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::validate;
    use crate::parser::parse;

    /// Queries, and what the stock server says of them.
    const KNOWN: &[(&str, &[&str])] = &[
        ("{ __typename }", &[]),
        ("query { nonsense }", &["Cannot query field 'nonsense' on type 'Query'."]),
        (
            "query { mlflowGetRun }",
            &[
                "Field 'mlflowGetRun' of type 'MlflowGetRunResponse' must have a selection of subfields. Did you mean \
               'mlflowGetRun { ... }'?",
            ],
        ),
        (
            "query { mlflowGetRun { run } }",
            &[
                "Field 'run' of type 'MlflowRunExtension' must have a selection of subfields. Did you mean 'run { ... }'?",
            ],
        ),
        (
            "{ mlflowgetrun { x } }",
            &["Cannot query field 'mlflowgetrun' on type 'Query'. Did you mean 'mlflowGetRun'?"],
        ),
        ("query { test(inputString: 5) { output } }", &["String cannot represent a non string value: 5"]),
        ("query($x: Nonsense) { __typename }", &["Unknown type 'Nonsense'.", "Variable '$x' is never used."]),
        ("query { ...Missing }", &["Unknown fragment 'Missing'."]),
        ("query { test(inputString: $missing) { output } }", &["Variable '$missing' is not defined."]),
        ("query A { test(inputString: $x) { output } }", &["Variable '$x' is not defined by operation 'A'."]),
        ("query A($x: String) { __typename }", &["Variable '$x' is never used in operation 'A'."]),
        ("fragment F on Test { output }", &["Fragment 'F' is never used."]),
        (
            "{ __typename } { __typename }",
            &[
                "This anonymous operation must be the only defined operation.",
                "This anonymous operation must be the only defined operation.",
            ],
        ),
        ("query A {__typename} query A {__typename}", &["There can be only one operation named 'A'."]),
        (
            "{ mlflowGetRun(input: {runId: 5, foo: 1}) { run { info { runId } } } }",
            &[
                "String cannot represent a non string value: 5",
                "Field 'foo' is not defined by type 'MlflowGetRunInput'.",
            ],
        ),
        (
            "{ test(inputString: \"x\", foo: 1) { output @skip } }",
            &["Unknown argument 'foo' on field 'Query.test'.", "Unknown directive '@skip'."],
        ),
        (
            "{ test(inputString: \"a\") { ...F } } fragment F on Query { __typename }",
            &["Fragment 'F' cannot be spread here as objects of type 'Test' can never be of type 'Query'."],
        ),
        ("{ test(inputString: \"a\") { ... on Foo { output } } }", &["Unknown type 'Foo'."]),
        (
            "{ mlflowSearchRuns(input: {experimentIds: [\"0\"], runViewType: X}) { nextPageToken } }",
            &["Value 'X' does not exist in 'MlflowViewType' enum."],
        ),
        (
            "{ mlflowSearchRuns(input: {experimentIds: \"0\", maxResults: 1.5}) { nextPageToken } }",
            &["Int cannot represent non-integer value: 1.5"],
        ),
        (
            "{ mlflowSearchRuns(input: {experimentIds: 0, orderBy: [1, true, {a: 1}]}) { nextPageToken } }",
            &[
                "String cannot represent a non string value: 0",
                "String cannot represent a non string value: 1",
                "String cannot represent a non string value: true",
                "String cannot represent a non string value: {a: 1}",
            ],
        ),
        (
            "{ mlflowGetRun(input: [{runId: \"x\"}]) { run { info { runId } } } }",
            &["Expected value of type 'MlflowGetRunInput', found [{runId: \"x\"}]."],
        ),
        (
            "{ mlflowGetRun(input: {runId: \"x\", runId: \"y\"}) { run { info { runId } } } }",
            &["There can be only one input field named 'runId'."],
        ),
        (
            "{ test(inputString: \"a\", inputString: \"b\") { output } }",
            &["There can be only one argument named 'inputString'."],
        ),
        (
            "{ test(inputString: \"a\") { output } test(inputString: \"b\") { output } }",
            &[
                "Fields 'test' conflict because they have differing arguments. Use different aliases on the fields to \
               fetch both if this was intentional.",
            ],
        ),
        (
            "{ test(inputString: \"a\") { o: output o: __typename } }",
            &[
                "Fields 'o' conflict because 'output' and '__typename' are different fields. Use different aliases on \
               the fields to fetch both if this was intentional.",
            ],
        ),
        (
            "query ($a: Int) { test(inputString: $a) { output } }",
            &["Variable '$a' of type 'Int' used in position expecting type 'String'."],
        ),
        (
            "query ($a: String, $a: String) { test(inputString: $a) { output } }",
            &["There can be only one variable named '$a'."],
        ),
        (
            "query @component { __typename }",
            &[
                "Directive '@component' argument 'name' of type 'String!' is required, but it was not provided.",
            ],
        ),
        ("{ __typename @component(name: \"x\") }", &["Directive '@component' may not be used on field."]),
        (
            "query @component(name: 1, nam: 2) { __typename }",
            &[
                "Unknown argument 'nam' on directive '@component'. Did you mean 'name'?",
                "String cannot represent a non string value: 1",
            ],
        ),
        (
            "mutation { __schema { queryType { name } } }",
            &["Cannot query field '__schema' on type 'Mutation'."],
        ),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            &["Maximum introspection depth exceeded"],
        ),
        (
            "fragment F on Test { output } fragment F on Test { output } { test(inputString: \"x\") { ...F } }",
            &["There can be only one fragment named 'F'."],
        ),
        (
            "fragment F on Strin { x } { test(inputString: \"x\") { ...F } }",
            &["Unknown type 'Strin'. Did you mean 'String'?"],
        ),
        (
            "fragment F on String { x } { test(inputString: \"x\") { ...F } }",
            &["Fragment 'F' cannot condition on non composite type 'String'."],
        ),
        (
            "query($x: Test) { __typename }",
            &["Variable '$x' cannot be non-input type 'Test'.", "Variable '$x' is never used."],
        ),
        (
            "{ test(inputString: \"x\") { output { x } } }",
            &["Field 'output' must not have a selection since type 'String' has no subfields."],
        ),
        ("type X { a: Int } { __typename }", &["The 'X' definition is not executable."]),
        (
            "{ test(inputString: \"x\") { ...A } } fragment A on Test { ...B } fragment B on Test { ...A output }",
            &["Cannot spread fragment 'A' within itself via 'B'."],
        ),
    ];

    #[test]
    fn faults_are_told_as_the_stock_server_tells_them() {
        for (query, faults) in KNOWN {
            assert_eq!(validate(&parse(query).unwrap()), *faults, "{query}");
        }
    }

    #[test]
    fn of_many_faults_some_are_told() {
        let faults_of = |text: &str| validate(&parse(text).unwrap());
        let many = format!("{{ {} }}", (0..300).map(|n| format!("x{n}")).collect::<Vec<_>>().join(" "));
        let faults = faults_of(&many);
        assert_eq!(faults.len(), 101);
        assert!(faults[100].starts_with("Too many validation errors"));
        let below = |fields: &str| faults_of(&format!("{{ test(inputString: \"x\") {{ {fields} }} }}"));
        assert!(below(&"output ".repeat(700)).is_empty());
        assert_eq!(below(&"output ".repeat(900)), ["Validation aborted."]);
        let differing: Vec<String> = (0..600).map(|number| format!("output(a: {number})")).collect();
        assert_eq!(below(&differing.join(" ")).len(), 101);
    }
}
