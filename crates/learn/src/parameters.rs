//! A recipe's parameters: what there is, what is allowed, what is usual and where a search looks.

use ropewalk_core::{Error, Result};
use ropewalk_nets::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a parameter's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A list of whole numbers, such as layer widths.
    Integers,
}

/// Where a search looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "search", rename_all = "snake_case")]
pub enum Search {
    /// Nowhere: the default is used.
    Fixed,
    /// Evenly between two bounds.
    Uniform {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Evenly on a logarithmic scale.
    LogUniform {
        /// The lower bound, above 0.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// One of these.
    Choice {
        /// The values.
        #[schema(value_type = Vec<Object>)]
        values: Vec<Value>,
    },
}

/// One parameter of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it does, with its unit.
    pub description: String,
    /// What its value is.
    pub kind: ParameterKind,
    /// The value when none is given.
    #[schema(value_type = Object)]
    pub default: Value,
    /// The smallest allowed value (of each item, for a list).
    pub minimum: f64,
    /// The largest allowed value (of each item, for a list).
    pub maximum: f64,
    /// Where a sweep looks.
    pub search: Search,
}

impl Parameter {
    /// A whole number from `minimum` to `maximum`.
    #[must_use]
    pub fn integer(
        name: &str,
        default: u64,
        [minimum, maximum]: [u64; 2],
        search: Search,
        description: &str,
    ) -> Self {
        Self::new(
            name,
            ParameterKind::Integer,
            json!(default),
            [minimum as f64, maximum as f64],
            search,
            description,
        )
    }

    /// A number from `minimum` to `maximum`.
    #[must_use]
    pub fn number(name: &str, default: f64, bounds: [f64; 2], search: Search, description: &str) -> Self {
        Self::new(name, ParameterKind::Number, json!(default), bounds, search, description)
    }

    /// A list of whole numbers, each from `minimum` to `maximum`.
    #[must_use]
    pub fn integers(
        name: &str,
        default: &[u64],
        [minimum, maximum]: [u64; 2],
        search: Search,
        description: &str,
    ) -> Self {
        Self::new(
            name,
            ParameterKind::Integers,
            json!(default),
            [minimum as f64, maximum as f64],
            search,
            description,
        )
    }

    fn new(
        name: &str,
        kind: ParameterKind,
        default: Value,
        [minimum, maximum]: [f64; 2],
        search: Search,
        description: &str,
    ) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            kind,
            default,
            minimum,
            maximum,
            search,
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        let inside = |number: f64| number >= self.minimum && number <= self.maximum;
        let whole = |value: &Value| value.as_u64().is_some_and(|number| inside(number as f64));
        match self.kind {
            ParameterKind::Integer => whole(value),
            ParameterKind::Number => value.as_f64().is_some_and(inside),
            ParameterKind::Integers => value.as_array().is_some_and(|items| items.iter().all(whole)),
        }
    }

    fn allowed(&self) -> String {
        let what = match self.kind {
            ParameterKind::Integer => "a whole number",
            ParameterKind::Number => "a number",
            ParameterKind::Integers => "a list of whole numbers, each",
        };
        format!("{} is {what} from {} to {}", self.name, self.minimum, self.maximum)
    }

    /// A whole number that came as `8.0`, as from a client without integers, is one.
    fn normal(&self, value: &Value) -> Value {
        let whole = |value: &Value| match value.as_f64() {
            Some(number) if value.is_f64() && number.fract() == 0.0 && (0.0..=9e15).contains(&number) => {
                json!(number as u64)
            }
            _ => value.clone(),
        };
        match (self.kind, value) {
            (ParameterKind::Integer, value) => whole(value),
            (ParameterKind::Integers, Value::Array(items)) => Value::Array(items.iter().map(whole).collect()),
            (ParameterKind::Number, value) => {
                value.as_f64().map_or_else(|| value.clone(), |number| json!(number))
            }
            (_, value) => value.clone(),
        }
    }

    fn draw(&self, random: &mut Random) -> Value {
        let number = match &self.search {
            Search::Fixed => return self.default.clone(),
            Search::Choice { values } if values.is_empty() => return self.default.clone(),
            Search::Choice { values } => return values[random.below(values.len())].clone(),
            Search::Uniform { low, high } => random.between(*low, *high),
            Search::LogUniform { low, high } => random.between(low.ln(), high.ln()).exp(),
        };
        match self.kind {
            ParameterKind::Integer | ParameterKind::Integers => json!(number.round() as u64),
            ParameterKind::Number => json!(four_digits(number)),
        }
    }
}

/// Four significant digits are as fine as a random search needs, and a person can still read them.
fn four_digits(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

/// Values for all parameters of a recipe, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Values(Map<String, Value>);

impl Values {
    /// Fills in defaults and refuses what is not allowed.
    ///
    /// # Errors
    /// `invalid`, naming the parameter and what it may be.
    pub fn resolve(recipe: &str, parameters: &[Parameter], given: &Value) -> Result<Self> {
        let empty = Map::new();
        let given = match given {
            Value::Null => &empty,
            Value::Object(given) => given,
            _ => {
                return Err(Error::invalid("parameters are an object of name and value")
                    .hint("{\"learning_rate\": 0.1}"));
            }
        };
        let hint = "ropewalk run recipes";
        if let Some(unknown) =
            given.keys().find(|name| !parameters.iter().any(|parameter| parameter.name == **name))
        {
            let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            return Err(Error::invalid(format!("the recipe {recipe} has no parameter “{unknown}”"))
                .why(format!("it has {}", names.join(", ")))
                .hint(hint));
        }
        let mut values = Map::new();
        for parameter in parameters {
            let value = given
                .get(&parameter.name)
                .map_or_else(|| parameter.default.clone(), |value| parameter.normal(value));
            if !parameter.accepts(&value) {
                return Err(Error::invalid(format!(
                    "{value} is no value for {} of {recipe}",
                    parameter.name
                ))
                .why(parameter.allowed())
                .hint(hint));
            }
            values.insert(parameter.name.clone(), value);
        }
        Ok(Self(values))
    }

    /// Values that a search tries.
    #[must_use]
    pub fn draw(parameters: &[Parameter], random: &mut Random) -> Value {
        Value::Object(
            parameters.iter().map(|parameter| (parameter.name.clone(), parameter.draw(random))).collect(),
        )
    }

    /// Values read back from a run's record, where each is JSON in text.
    #[must_use]
    pub fn recorded<'a>(parameters: &[Parameter], read: impl Fn(&str) -> Option<&'a str>) -> Value {
        let value =
            |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        let found = parameters
            .iter()
            .filter_map(|parameter| Some((parameter.name.clone(), value(read(&parameter.name)?))));
        Value::Object(found.collect())
    }

    /// A number; the default of 0 is never met, for `resolve` has checked.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or_default()
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> usize {
        self.0
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or_default()
    }

    /// A list of whole numbers.
    #[must_use]
    pub fn integers(&self, name: &str) -> Vec<usize> {
        let items = self.0.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|item| usize::try_from(item.as_u64()?).ok()).collect()
    }

    /// Name and value of each, in the recipe's order where the map keeps it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// All as one object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn parameters() -> Vec<Parameter> {
        vec![
            Parameter::integer("depth", 5, [1, 12], Search::Uniform { low: 2.0, high: 8.0 }, "levels"),
            Parameter::number("rate", 0.1, [1e-4, 1.0], Search::LogUniform { low: 0.01, high: 0.3 }, "step"),
            Parameter::integers(
                "hidden",
                &[64],
                [1, 512],
                Search::Choice { values: vec![json!([8]), json!([16, 8])] },
                "widths",
            ),
            Parameter::number("l2", 1.0, [0.0, 10.0], Search::Fixed, "penalty"),
        ]
    }

    #[test]
    fn defaults_fill_in_and_given_values_stand() {
        let values = Values::resolve("r", &parameters(), &json!({"depth": 3.0, "rate": 1})).unwrap();
        assert_eq!(values.integer("depth"), 3);
        assert_eq!(values.number("rate"), 1.0);
        assert_eq!(values.integers("hidden"), vec![64]);
        assert_eq!(Values::resolve("r", &parameters(), &Value::Null).unwrap().number("l2"), 1.0);
    }

    #[test]
    fn what_is_not_allowed_is_refused_by_name() {
        for (given, word) in [
            (json!({"dpeth": 3}), "dpeth"),
            (json!({"depth": 0}), "1 to 12"),
            (json!({"depth": 2.5}), "2.5"),
            (json!({"rate": "fast"}), "fast"),
            (json!({"rate": null}), "null"),
            (json!({"hidden": [8, 0]}), "hidden"),
            (json!([1]), "object"),
        ] {
            let error = Values::resolve("r", &parameters(), &given).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn what_a_search_draws_is_allowed_and_follows_the_seed() {
        let mut random = Random::new(1);
        for _ in 0..200 {
            let drawn = Values::draw(&parameters(), &mut random);
            Values::resolve("r", &parameters(), &drawn).unwrap();
            assert_eq!(drawn["l2"], json!(1.0));
        }
        assert_eq!(
            Values::draw(&parameters(), &mut Random::new(2)),
            Values::draw(&parameters(), &mut Random::new(2))
        );
    }

    #[test]
    fn a_record_reads_back_to_the_same_values() {
        let mut random = Random::new(4);
        let values = Values::resolve("r", &parameters(), &Values::draw(&parameters(), &mut random)).unwrap();
        let record: Vec<(String, String)> =
            values.iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
        let read = |name: &str| record.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str());
        let again = Values::resolve("r", &parameters(), &Values::recorded(&parameters(), read)).unwrap();
        assert_eq!(again, values);
    }
}
