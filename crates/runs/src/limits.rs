//! What a client may send: lengths, counts and names, with the messages that MLflow's clients know.

use std::collections::HashSet;

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::json::{Json, float};
use ropewalk_mlflow::python;
use ropewalk_mlflow::rules::invalid_value;

use crate::model::{Metric, Param, Tag};

/// Most metrics in one batch.
pub const METRICS_PER_BATCH: usize = 1000;
/// Most parameters, and most tags, in one batch.
pub const PARAMS_PER_BATCH: usize = 100;
/// Most metrics, parameters and tags together in one batch.
pub const ENTITIES_PER_BATCH: usize = 1000;
/// Longest key of a metric, parameter or tag.
pub const KEY_LENGTH: usize = 250;
/// Longest parameter value; longer ones are cut.
pub const PARAM_VALUE_LENGTH: usize = 6000;
/// Longest tag value; longer ones are cut.
pub const TAG_VALUE_LENGTH: usize = 8000;
/// Longest experiment tag value.
pub const EXPERIMENT_TAG_VALUE_LENGTH: usize = 20_000;
/// Longest experiment name.
pub const EXPERIMENT_NAME_LENGTH: usize = 500;
/// Largest page of runs.
pub const SEARCH_RESULTS: u32 = 50_000;
/// Largest page of a metric's history.
pub const HISTORY_RESULTS: u32 = 25_000;

/// Refuses keys that are empty of meaning, too long or would be another path when written to a disk.
///
/// # Errors
/// `invalid`, naming `path` (where in the request the key stands).
pub fn check_key(path: &str, key: &str) -> Result<()> {
    check_named_key(path, path, key)
}

/// As [`check_key`]; `what` is how a message on the length calls it.
fn check_named_key(path: &str, what: &str, key: &str) -> Result<()> {
    let plain = key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':'));
    let refuse = |why: &str| Err(Error::invalid(invalid_value(path, &Json::Text(key.to_owned()), why)));
    if !plain {
        return refuse(
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
        );
    }
    let normal = python::normal_path(key);
    if normal != key || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        return refuse(&format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name \
             would resolve to {}",
            python::repr(&normal)
        ));
    }
    check_length(what, KEY_LENGTH, key)
}

/// Refuses a text longer than `limit` characters.
pub fn check_length(path: &str, limit: usize, value: &str) -> Result<()> {
    if value.len() <= limit || value.chars().count() <= limit {
        return Ok(());
    }
    Err(Error::invalid(format!("'{path}' exceeds the maximum length of {limit} characters")))
}

/// Refuses an experiment name that is blank or too long.
pub fn check_experiment_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(format!("Invalid experiment name: '{name}'")));
    }
    check_length("name", EXPERIMENT_NAME_LENGTH, name)
}

/// Checks a batch whole, and cuts over-long values as MLflow does. Infinities become the largest finite numbers.
pub fn check_batch(metrics: &mut [Metric], params: &mut [Param], tags: &mut [Tag]) -> Result<()> {
    check_count("metrics", METRICS_PER_BATCH, metrics.len())?;
    check_count("params", PARAMS_PER_BATCH, params.len())?;
    check_count("tags", PARAMS_PER_BATCH, tags.len())?;
    check_count("metrics, params, and tags", ENTITIES_PER_BATCH, metrics.len() + params.len() + tags.len())?;
    for (index, metric) in metrics.iter_mut().enumerate() {
        check_metric(&format!("metrics[{index}]."), metric)?;
    }
    for (index, param) in params.iter_mut().enumerate() {
        check_param(&format!("params[{index}].key"), param)?;
    }
    for (index, tag) in tags.iter_mut().enumerate() {
        check_key(&format!("tags[{index}].key"), &tag.key)?;
        cut(&mut tag.value, TAG_VALUE_LENGTH);
    }
    check_unique(params)
}

/// Checks one parameter, and cuts its value; `path` is where in the request the key stands.
pub fn check_param(path: &str, param: &mut Param) -> Result<()> {
    check_named_key(path, "Param key", &param.key)?;
    cut(&mut param.value, PARAM_VALUE_LENGTH);
    Ok(())
}

/// Checks one metric; `path` precedes the field names in messages.
pub fn check_metric(path: &str, metric: &mut Metric) -> Result<()> {
    check_named_key(&format!("{path}name"), "Metric name", &metric.key)?;
    if metric.timestamp < 0 {
        return Err(Error::invalid(format!(
            "Invalid value {} for parameter '{path}timestamp' supplied: metric '{}' (value={}). Timestamp must be a nonnegative \
             long (64-bit integer) ",
            metric.timestamp,
            metric.key,
            float(metric.value)
        )));
    }
    if metric.value.is_infinite() {
        metric.value = f64::MAX.copysign(metric.value);
    }
    Ok(())
}

fn check_count(what: &str, limit: usize, got: usize) -> Result<()> {
    if got <= limit {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "A batch logging request can contain at most {limit} {what}. Got {got} {what}. Please split up {what} across multiple \
         requests and try again."
    )))
}

fn check_unique(params: &[Param]) -> Result<()> {
    let mut seen = HashSet::new();
    let twice: Vec<_> =
        params.iter().map(|param| param.key.as_str()).filter(|key| !seen.insert(*key)).collect();
    if twice.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Duplicate parameter keys have been submitted: {}. Please ensure the request contains only one param value per param key.",
        python::repr_list(twice)
    )))
}

fn cut(value: &mut String, limit: usize) {
    if value.len() > limit
        && let Some((end, _)) = value.char_indices().nth(limit)
    {
        value.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_that_are_other_paths_are_refused() {
        for wrong in ["", ".", "..", "../a", "/a", "a/../b", "a//b", "a/", "a;b", "a\nb"] {
            assert!(check_key("key", wrong).is_err(), "{wrong:?}");
        }
        for right in ["a", "a/b", "a.b", "a b", "mlflow.source.name", "größe", "a:b", "a..b"] {
            check_key("key", right).unwrap();
        }
        assert!(check_key("key", &"k".repeat(251)).is_err());
    }

    #[test]
    fn a_batch_is_cut_and_counted() {
        let mut params = vec![Param::new("p", "é".repeat(6001))];
        let mut metrics = vec![Metric::new("m", f64::NEG_INFINITY, 0, 0)];
        check_batch(&mut metrics, &mut params, &mut []).unwrap();
        assert_eq!(params[0].value.chars().count(), 6000);
        assert_eq!(metrics[0].value, f64::MIN);
        let mut many = vec![Metric::new("m", 0.0, 0, 0); 1001];
        assert!(check_batch(&mut many, &mut [], &mut []).is_err());
        let mut twice = vec![Param::new("p", "1"), Param::new("p", "1")];
        assert!(check_batch(&mut [], &mut twice, &mut []).is_err());
        assert!(check_batch(&mut [Metric::new("m", 0.0, -1, 0)], &mut [], &mut []).is_err());
    }
}
