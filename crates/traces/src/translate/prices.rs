//! What tokens cost.

use std::collections::HashMap;
use std::sync::OnceLock;

use ropewalk_mlflow::json::{Json, parse};

const TABLE: &str = include_str!("../../data/model_prices.csv");
/// Models of these names stand for others, and have no price of their own.
const ROUTED: [&str; 2] = ["gateway:/", "endpoints:/"];
/// Names a folder with a catalog in MLflow's form, a file a provider, which goes before the table.
const CATALOG: &str = "MLFLOW_MODEL_CATALOG_URI";

/// The variables of MLflow's server: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] =
    &[(CATALOG, "", "folder with a catalog of models' prices, which goes before the one that is built in")];

/// US dollars a token.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Prices {
    input: Option<f64>,
    output: Option<f64>,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    cache_write_1h: Option<f64>,
}

/// Prices by model, and of each model by provider, in the table's order.
type Catalog<'a> = HashMap<&'a str, Vec<(&'a str, Prices)>>;

fn table() -> &'static Catalog<'static> {
    static READ: OnceLock<Catalog<'static>> = OnceLock::new();
    READ.get_or_init(|| {
        let mut table = Catalog::new();
        for line in TABLE.lines().skip(1) {
            let mut columns = line.split(',');
            let (Some(provider), Some(model)) = (columns.next(), columns.next()) else { continue };
            let mut price = || columns.next().and_then(|text| text.parse::<f64>().ok()).map(a_token);
            let prices = Prices {
                input: price(),
                output: price(),
                cache_read: price(),
                cache_write: price(),
                cache_write_1h: price(),
            };
            table.entry(model).or_default().push((provider, prices));
        }
        table
    })
}

fn a_token(a_million: f64) -> f64 {
    a_million / 1_000_000.0
}

/// What usage of a model cost, as MLflow tells it: input, output and total; none if nothing was used, or the model is
/// not known.
pub(super) fn cost(model: &str, provider: Option<&str>, usage: &Json) -> Option<Json> {
    if model.is_empty() || ROUTED.iter().any(|prefix| model.starts_with(prefix)) {
        return None;
    }
    let provider = if model.starts_with("databricks-") || model.starts_with("databricks/") {
        Some("databricks")
    } else {
        provider.filter(|provider| !provider.is_empty())
    };
    let Json::Object(used) = usage else { return None };
    if used.is_empty() {
        return None;
    }
    let tokens = |name: &str| match usage.get(name) {
        Some(Json::Integer(number)) => *number as f64,
        Some(Json::Number(number)) => *number,
        _ => 0.0,
    };
    let (input, output) = (tokens("input_tokens"), tokens("output_tokens"));
    if input == 0.0 && output == 0.0 {
        return None;
    }
    let prices = look_up(model, provider)?;
    let input_price = prices.input.unwrap_or(0.0);
    let read = tokens("cache_read_input_tokens");
    let written = tokens("cache_creation_input_tokens");
    let written_1h = tokens("cache_creation_input_tokens_above_1hr").min(written);
    let write_price = prices.cache_write.unwrap_or(input_price);
    let mut input_cost = (input - read - written).max(0.0) * input_price;
    if read > 0.0 {
        input_cost += read * prices.cache_read.unwrap_or(input_price);
    }
    if written - written_1h > 0.0 {
        input_cost += (written - written_1h) * write_price;
    }
    if written_1h > 0.0 {
        input_cost += written_1h * prices.cache_write_1h.unwrap_or(write_price);
    }
    let output_cost = output * prices.output.unwrap_or(0.0);
    let costs = [input_cost, output_cost, input_cost + output_cost];
    let members = crate::model::COST_NAMES.iter().zip(costs);
    Some(Json::Object(members.map(|(name, dollars)| ((*name).to_owned(), Json::Number(dollars))).collect()))
}

/// The provider's price; else that of the first provider that has one.
fn look_up(model: &str, provider: Option<&str>) -> Option<Prices> {
    let bare = model.split_once('/').map_or(model, |(_, bare)| bare);
    let known = table().get(bare);
    if let Some(provider) = provider.map(str::to_lowercase) {
        if let Some(prices) = from_catalog(bare, &provider) {
            return Some(prices);
        }
        let of = known.and_then(|known| known.iter().find(|(name, _)| *name == provider));
        if let Some((_, prices)) = of {
            return Some(*prices);
        }
    }
    let known = known?;
    let priced = known.iter().find(|(_, prices)| prices.input.is_some_and(|price| price != 0.0));
    priced.or(known.first()).map(|(_, prices)| *prices)
}

/// A price in a catalog of the user's own, in a folder.
fn from_catalog(model: &str, provider: &str) -> Option<Prices> {
    static READ: OnceLock<std::sync::Mutex<HashMap<String, Option<Json>>>> = OnceLock::new();
    let folder = std::env::var(CATALOG).ok()?;
    let folder = folder.strip_prefix("file://")?.to_owned();
    if !provider.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return None;
    }
    let mut read = READ.get_or_init(Default::default).lock().ok()?;
    let catalog = read.entry(provider.to_owned()).or_insert_with(|| {
        let file = std::path::Path::new(&folder).join(format!("{provider}.json"));
        std::fs::read_to_string(file).ok().as_deref().and_then(parse)
    });
    let pricing = catalog.as_ref()?.get("models")?.get(model)?.get("pricing");
    let price = |name: &str| match pricing?.get(name)? {
        Json::Integer(number) => Some(a_token(*number as f64)),
        Json::Number(number) => Some(a_token(*number)),
        _ => None,
    };
    Some(Prices {
        input: price("input_per_million_tokens"),
        output: price("output_per_million_tokens"),
        cache_read: price("cache_read_per_million_tokens"),
        cache_write: price("cache_write_per_million_tokens"),
        cache_write_1h: price("cache_write_1hr_per_million_tokens"),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::python::{Letters, dumps};

    fn priced(model: &str, provider: Option<&str>, usage: &str) -> Option<String> {
        cost(model, provider, &parse(usage).unwrap()).map(|cost| dumps(&cost, Letters::Kept))
    }

    #[test]
    fn the_table_is_whole() {
        let lines = TABLE.lines().count() - 1;
        assert_eq!(table().values().map(Vec::len).sum::<usize>(), lines);
        assert!(lines > 4000);
    }

    #[test]
    fn caches_have_prices_of_their_own() {
        assert_eq!(
            priced(
                "claude-3-7-sonnet-20250219",
                Some("Anthropic"),
                r#"{"input_tokens": 1000, "output_tokens": 10,
                "cache_read_input_tokens": 600, "cache_creation_input_tokens": 100}"#
            )
            .unwrap(),
            r#"{"input_cost": 0.0014550000000000001, "output_cost": 0.00015000000000000001, "total_cost": 0.001605}"#
        );
    }

    #[test]
    fn what_has_no_price_costs_nothing_to_say() {
        assert_eq!(priced("no-such-model", None, r#"{"input_tokens": 1}"#), None);
        assert_eq!(priced("gateway:/x", None, r#"{"input_tokens": 1}"#), None);
        assert_eq!(priced("gpt-4o", None, r#"{"input_tokens": 0}"#), None);
        assert_eq!(priced("gpt-4o", None, "{}"), None);
        assert!(priced("openai/gpt-4o", Some("no-such-provider"), r#"{"input_tokens": 1}"#).is_some());
    }
}
