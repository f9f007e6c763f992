//! What runs lead to: their experiments, and the versions that were made of them.

use std::collections::HashMap;

use ropewalk_mlflow::access::{Rights, Rows};
use serde_json::{Value as Json, json};

use crate::ast::{Document, Selection};
use crate::backend::Backend;
use crate::collect::collect;

/// What was found for the runs of an answer, by experiment and by run.
#[derive(Default)]
pub(crate) struct Further {
    experiments: HashMap<String, Result<Json, String>>,
    versions: HashMap<String, Result<Json, String>>,
}

impl Further {
    /// Asks for what is asked of the runs in an answer.
    pub(crate) async fn ask(
        backend: &Backend,
        rights: &Rights,
        document: &Document,
        answer: &Json,
        levels: &[&[Selection]],
        of: &str,
    ) -> Self {
        let mut further = Self::default();
        let (mut experiments, mut versions) = (false, false);
        for group in collect(document, levels, of) {
            if !["run", "runs"].contains(&group.field().name.as_str()) {
                continue;
            }
            for below in collect(document, &group.below(), "MlflowRunExtension") {
                experiments |= below.field().name == "experiment";
                versions |= below.field().name == "modelVersions";
            }
        }
        let runs = answer.get("runs").and_then(Json::as_array).into_iter().flatten();
        for run in runs.chain(answer.get("run")) {
            let (experiment, id) = (text(run, "experiment_id"), text(run, "run_id"));
            if experiments && !further.experiments.contains_key(experiment) {
                let found = backend.get("experiments/get", &[("experiment_id", experiment.to_owned())]).await;
                let found = found.map(|mut found| found["experiment"].take());
                further.experiments.insert(experiment.to_owned(), found);
            }
            if versions {
                let filter = format!("run_id='{id}'");
                let found = backend.get("model-versions/search", &[("filter", filter)]).await;
                let found = found.map(|mut found| {
                    let rows = found.get_mut("model_versions").map_or(json!([]), Json::take);
                    let mut rows = rows.as_array().cloned().unwrap_or_default();
                    rows.retain(|row| Rows::Versions.shows(rights, row));
                    Json::Array(rows)
                });
                further.versions.insert(id.to_owned(), found);
            }
        }
        further
    }

    /// What a run leads to.
    pub(crate) fn of_run(&self, run: &Json, name: &str) -> Result<Json, String> {
        let found = match name {
            "experiment" => self.experiments.get(text(run, "experiment_id")),
            _ => self.versions.get(text(run, "run_id")),
        };
        found.cloned().unwrap_or(Ok(Json::Null))
    }
}

fn text<'a>(run: &'a Json, name: &str) -> &'a str {
    run.get("info").and_then(|info| info.get(name)).and_then(Json::as_str).unwrap_or_default()
}
