//! What results are ordered by.

use super::clauses::{self, Statements};
use super::model::{Entity, Order, Search};
use super::rules::{
    ANALYTICS, EXPERIMENTS, MODEL_VERSIONS, RUNS, TRACES, identify_dataset_field, identify_experiment_field,
    identify_run_field, identify_trace_field, logged_model_column, translate_run_key, translate_trace_key,
};
use super::tokens::Kind;
use crate::error::{MlflowError, MlflowResult};
use crate::python::characters::strip;
use crate::python::{self, repr_list, repr_set};

/// Reads an order such as `metrics.loss DESC`; ascending if it does not say.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for what the stock server refuses, with its words, and for what it fails at.
pub fn parse_order(search: Search, text: &str) -> MlflowResult<Order> {
    match search {
        Search::Runs => runs(text),
        Search::Experiments => experiments(text),
        Search::RegisteredModels => registered_models(text),
        Search::ModelVersions => model_versions(text),
        Search::LoggedModels => {
            let (name, ascending) = direction(text)?;
            logged_model_order(strip(&name), ascending)
        }
        Search::Traces => traces(text),
        Search::TraceMetrics => Err(MlflowError::invalid(format!(
            "Invalid order_by clause '{text}'. Metrics of traces have no order."
        ))),
        Search::EvaluationDatasets => evaluation_datasets(text),
    }
}

/// Reads a list of orders.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` as for each, and where the search has it so when one stands there twice.
pub fn parse_orders(search: Search, texts: &[String]) -> MlflowResult<Vec<Order>> {
    let mut orders: Vec<Order> = Vec::with_capacity(texts.len());
    for text in texts {
        let order = parse_order(search, text)?;
        let twice = orders.iter().any(|other| (other.entity, &other.key) == (order.entity, &order.key));
        if twice {
            match search {
                Search::Runs | Search::Traces | Search::RegisteredModels | Search::ModelVersions => {
                    return Err(MlflowError::invalid(format!(
                        "`order_by` contains duplicate fields: {}",
                        repr_list(texts.iter().map(String::as_str))
                    )));
                }
                _ => {}
            }
        }
        orders.push(order);
    }
    Ok(orders)
}

/// The order of logged models by a field's name, or by `metrics.` and a metric's key.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when there is no such field.
pub fn logged_model_order(field_name: &str, ascending: bool) -> MlflowResult<Order> {
    match field_name.split_once('.') {
        Some(("metrics", key)) => Ok(Order { entity: Entity::Metric, key: key.to_owned(), ascending }),
        Some(_) => Err(MlflowError::invalid(format!(
            "Invalid order by field name: {field_name}. Only metrics are supported."
        ))),
        None => match logged_model_column(field_name) {
            Some(column) => Ok(attribute(column, ascending)),
            None => {
                let error = MlflowError::invalid(format!("Invalid order by field name: {field_name}"));
                Err(error.with("sqlstate", "KAM04").with("error_class", "ATTRIBUTE_NOT_FOUND"))
            }
        },
    }
}

fn attribute(key: &str, ascending: bool) -> Order {
    Order { entity: Entity::Attribute, key: key.to_owned(), ascending }
}

/// What to order by as it was written, and which way.
fn direction(text: &str) -> MlflowResult<(String, bool)> {
    let wrong = || MlflowError::invalid(format!("Invalid order_by clause '{text}'. Could not be parsed."));
    let groups = match clauses::groups(text) {
        Ok(Statements::One(groups)) => groups,
        Ok(_) => return Err(wrong()),
        Err(_) => {
            return Err(MlflowError::invalid(format!("Error on parsing order_by clause '{text}'")));
        }
    };
    let (first, last) = match groups.nodes.as_slice() {
        [one] => (one, one),
        [first, last] => (first, last),
        _ => return Err(wrong()),
    };
    let is_whole = first.start == 0 && last.end == text.len();
    // `timestamp` is a type in SQL, and no name.
    let is_timestamp = first.kind == Kind::Type && groups.slice(first) == "timestamp";
    let written = match (groups.nodes.len(), first.kind) {
        _ if !is_whole => return Err(wrong()),
        (1, Kind::Identifier) => text.to_owned(),
        (1, _) if is_timestamp => "timestamp".to_owned(),
        (2, _) if is_timestamp && last.kind == Kind::Order => format!("timestamp {}", groups.slice(last)),
        _ => return Err(wrong()),
    };
    let mut words = python::shell_words(&written.replace('`', "\"")).ok_or_else(wrong)?;
    match words.len() {
        0 | 1 => Ok((written, true)),
        2 => {
            let ascending = match words.remove(1).to_lowercase().as_str() {
                "asc" => true,
                "desc" => false,
                _ => {
                    return Err(MlflowError::invalid(format!(
                        "Invalid ordering key in order_by clause '{text}'."
                    )));
                }
            };
            Ok((words.remove(0), ascending))
        }
        _ => Err(wrong()),
    }
}

fn runs(text: &str) -> MlflowResult<Order> {
    let (name, ascending) = direction(text)?;
    let (entity, key) = identify_run_field(strip(&name), RUNS.orderable)?;
    if entity == Entity::Dataset {
        return Err(MlflowError::invalid("Invalid identifier type 'dataset'"));
    }
    Ok(Order { entity, key: translate_run_key(key), ascending })
}

fn experiments(text: &str) -> MlflowResult<Order> {
    let (name, ascending) = direction(text)?;
    let (entity, key) = identify_experiment_field(strip(&name), EXPERIMENTS.orderable)?;
    attributes_only(entity)?;
    Ok(Order { entity, key, ascending })
}

fn attributes_only(entity: Entity) -> MlflowResult<()> {
    if entity == Entity::Attribute {
        return Ok(());
    }
    Err(MlflowError::invalid(format!("Invalid order_by entity: {}", entity.name())))
}

fn registered_models(text: &str) -> MlflowResult<Order> {
    let (name, ascending) = direction(text)?;
    match strip(&name) {
        "name" => Ok(attribute("name", ascending)),
        "timestamp" | "last_updated_timestamp" => Ok(attribute("last_updated_timestamp", ascending)),
        other => Err(MlflowError::invalid(format!(
            "Invalid order by key '{other}' specified. Valid keys are '{}'",
            repr_set(&["name", "timestamp"])
        ))),
    }
}

fn model_versions(text: &str) -> MlflowResult<Order> {
    let (name, ascending) = direction(text)?;
    // A tag of a field's name counts as the field.
    let (_, key) = identify_experiment_field(strip(&name), MODEL_VERSIONS.orderable)?;
    if MODEL_VERSIONS.orderable.contains(&key.as_str()) {
        return Ok(attribute(&key, ascending));
    }
    Err(MlflowError::invalid(format!(
        "Invalid order by key '{key}' specified. Valid keys are {}",
        repr_set(MODEL_VERSIONS.orderable)
    )))
}

fn traces(text: &str) -> MlflowResult<Order> {
    let (name, ascending) = direction(text)?;
    let (entity, key) = identify_trace_field(strip(&name), TRACES.orderable)?;
    let (entity, key) = translate_trace_key(entity, key);
    if entity == Entity::Metadata && ANALYTICS.contains(&key.as_str()) {
        return Err(MlflowError::invalid(format!(
            "Ordering by reserved metadata '{key}' is not supported because it is represented by multiple columns."
        )));
    }
    if !matches!(entity, Entity::Attribute | Entity::Tag | Entity::Metadata) {
        return Err(MlflowError::invalid(format!("Invalid identifier type '{}'", entity.name())));
    }
    Ok(Order { entity, key, ascending })
}

fn evaluation_datasets(text: &str) -> MlflowResult<Order> {
    let (name, ascending) = direction(text)?;
    let (entity, key) = identify_dataset_field(strip(&name), &["created_time", "last_update_time", "name"])?;
    attributes_only(entity)?;
    Ok(Order { entity, key, ascending })
}
