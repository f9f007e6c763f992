//! What an answer says, so that two servers' answers can be compared.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::process::Outcome;

/// What was in one answer, or in several that belong together.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    runs: usize,
    metrics: usize,
    params: usize,
    tags: usize,
    /// Of everything in its order, but what differs from server to server: ids and MLflow's own tags.
    content: u64,
}

impl Seen {
    /// Add an answer of runs/search, and give the next page's token if there is one.
    pub(super) fn add_search(&mut self, answer: &Value) -> Option<String> {
        let mut content = DefaultHasher::new();
        self.content.hash(&mut content);
        for run in items(&answer["runs"]) {
            self.runs += 1;
            run["info"]["run_name"].as_str().hash(&mut content);
            self.metrics += add_pairs(&run["data"]["metrics"], &mut content);
            self.params += add_pairs(&run["data"]["params"], &mut content);
            self.tags += add_pairs(&run["data"]["tags"], &mut content);
        }
        self.content = content.finish();
        answer["next_page_token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
    }

    /// Add an answer with a list of metric points.
    pub(super) fn add_points(&mut self, answer: &Value) -> Outcome {
        let mut content = DefaultHasher::new();
        self.content.hash(&mut content);
        for point in items(&answer["metrics"]) {
            self.metrics += 1;
            let step = integer(&point["step"]).ok_or_else(|| format!("a point has no step: {point}"))?;
            let value = point["value"].as_f64().ok_or_else(|| format!("a point has no value: {point}"))?;
            (step, value.to_bits()).hash(&mut content);
        }
        self.content = content.finish();
        Ok(())
    }

    /// Whether there was nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.runs == 0 && self.metrics == 0
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs == 0 {
            return write!(formatter, "{} points [{:08x}]", self.metrics, self.content >> 32);
        }
        write!(
            formatter,
            "{} runs, {} metrics, {} params, {} tags [{:08x}]",
            self.runs,
            self.metrics,
            self.params,
            self.tags,
            self.content >> 32
        )
    }
}

/// The elements of a list; an empty list may be absent.
pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// A whole number, sent as a number or, as JSON of 64-bit numbers has it, as a string.
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn add_pairs(list: &Value, content: &mut DefaultHasher) -> usize {
    let mut pairs: Vec<(&str, Option<u64>, Option<&str>)> = items(list)
        .iter()
        .map(|pair| {
            let number = pair["value"].as_f64().map(f64::to_bits);
            (pair["key"].as_str().unwrap_or_default(), number, pair["value"].as_str())
        })
        .filter(|(key, ..)| !key.starts_with("mlflow."))
        .collect();
    // Within a run the order means nothing.
    pairs.sort_unstable();
    pairs.hash(content);
    pairs.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn search(names: &[&str], value: f64) -> Seen {
        let runs: Vec<Value> = names
            .iter()
            .map(|name| {
                json!({"info": {"run_name": name, "run_id": name.len()}, "data": {
                    "metrics": [{"key": "loss", "value": value}],
                    "tags": [{"key": "mlflow.runName", "value": name}, {"key": "team", "value": "a"}],
                }})
            })
            .collect();
        let mut seen = Seen::default();
        seen.add_search(&json!({"runs": runs}));
        seen
    }

    #[test]
    fn order_and_values_count() {
        assert!(search(&["a", "b"], 0.5) == search(&["a", "b"], 0.5));
        assert!(search(&["a", "b"], 0.5) != search(&["b", "a"], 0.5));
        assert!(search(&["a", "b"], 0.5) != search(&["a", "b"], 0.25));
        assert!(search(&["a", "b"], 0.5).to_string().starts_with("2 runs, 2 metrics, 0 params, 2 tags"));
    }

    #[test]
    fn points_may_have_steps_as_text() {
        let mut one = Seen::default();
        one.add_points(&json!({"metrics": [{"step": 3, "value": 1.5}]})).unwrap();
        let mut other = Seen::default();
        other.add_points(&json!({"metrics": [{"step": "3", "value": 1.5}]})).unwrap();
        assert!(one == other && !one.is_empty());
        assert!(one.add_points(&json!({"metrics": [{"value": 1.5}]})).is_err());
    }
}
