//! One side of a comparison: all that went into a model version, as its run recorded it.

use std::collections::BTreeMap;

/// What a training run's record says about its making. What is `None` or empty was not recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Dataset and commit.
    pub dataset: Option<String>,
    /// Hash of the fitted pipeline.
    pub pipeline: Option<String>,
    /// Recipe and its parameters.
    pub params: BTreeMap<String, String>,
    /// Version of the code.
    pub code: Option<String>,
    /// Machine, system, threads.
    pub environment: BTreeMap<String, String>,
    /// Measured quality by name.
    pub quality: BTreeMap<String, f64>,
}

/// Prefix of the tags that training writes.
const PREFIX: &str = "ropewalk.";

/// Tags that tell one run from another and nothing about why.
const IDENTITY: &[&str] = &["prepared", "cost", "sweep", "trial", "kind", "name", "run", "reproduces"];

impl Facts {
    /// Sorts a run's parameters, tags and metrics into the aspects of a comparison.
    #[must_use]
    pub fn of_run(
        params: impl IntoIterator<Item = (String, String)>,
        tags: impl IntoIterator<Item = (String, String)>,
        metrics: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        let mut facts = Self::default();
        for (key, value) in params {
            facts.params.insert(key, value);
        }
        for (key, value) in tags {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            facts.take_tag(name, value);
        }
        for (key, value) in metrics {
            if ["auc", "loss", "brier", "accuracy"].iter().any(|word| key.contains(word)) {
                facts.quality.insert(key, value);
            }
        }
        facts
    }

    fn take_tag(&mut self, name: &str, value: String) {
        match name {
            "dataset" => self.dataset = Some(value),
            "pipeline" => self.pipeline = Some(value),
            _ if name.starts_with("code") => self.code = Some(value),
            _ if name == "recipe" || name == "seed" || name.starts_with("param") => {
                self.params.entry(name.to_owned()).or_insert(value);
            }
            _ if name.starts_with("environment") => self.take_environment(name, value),
            _ if IDENTITY.iter().any(|word| name.starts_with(word)) => {}
            _ => {
                self.environment.insert(name.to_owned(), value);
            }
        }
    }

    /// The environment is one JSON object or one tag a part.
    fn take_environment(&mut self, name: &str, value: String) {
        if let Ok(serde_json::Value::Object(parts)) = serde_json::from_str(&value) {
            for (key, part) in parts {
                let text = part.as_str().map_or_else(|| part.to_string(), str::to_owned);
                self.environment.insert(key, text);
            }
            return;
        }
        let name = name.strip_prefix("environment.").unwrap_or(name);
        self.environment.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_run_is_sorted_into_aspects() {
        let facts = Facts::of_run(
            own(&[("depth", "5")]),
            own(&[
                ("ropewalk.dataset", "wine@aa"),
                ("ropewalk.pipeline", "pp"),
                ("ropewalk.code", "0.1.0"),
                ("ropewalk.environment", r#"{"cpu":"x","threads":2}"#),
                ("ropewalk.cost", "{}"),
                ("mlflow.user", "ann"),
            ]),
            [("val_auc".to_owned(), 0.8), ("seconds".to_owned(), 3.0)],
        );
        assert_eq!(facts.dataset.as_deref(), Some("wine@aa"));
        assert_eq!(facts.code.as_deref(), Some("0.1.0"));
        assert_eq!(facts.environment.get("threads").map(String::as_str), Some("2"));
        assert_eq!(facts.environment.len(), 2);
        assert_eq!(facts.quality.keys().collect::<Vec<_>>(), ["val_auc"]);
    }
}
