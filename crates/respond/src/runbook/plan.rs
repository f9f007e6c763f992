//! What the `retrain` runbook will work on, found out beforehand, and its steps in words.

use ropewalk_core::{Error, Result};
use ropewalk_data::{Commit, DatasetSpec};
use ropewalk_models::{Gate, ModelVersion};
use ropewalk_prep::PrepSpec;

use super::model::{RetrainParameters, RunbookStep, StepStatus};
use crate::Respond;
use crate::model::Incident;

/// The names of the steps, in order.
pub const STEPS: [&str; 11] = [
    "export", "commit", "merge", "prepare", "train", "register", "replay", "deploy", "rollout", "alias",
    "resolve",
];

/// Everything that is known before the first step.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The endpoint.
    pub endpoint: String,
    /// The version that serves most of the traffic.
    pub champion: ModelVersion,
    /// The experiment that its run belongs to.
    pub experiment: String,
    /// How its training data was prepared.
    pub spec: PrepSpec,
    /// The dataset as it was prepared from.
    pub commit: Commit,
    /// The branch to commit to.
    pub branch: String,
    /// The file to add.
    pub file: String,
    /// The tag to set.
    pub tag: String,
    /// The alias to move, if the champion carries one.
    pub alias: Option<String>,
    /// Captured requests from this time on.
    pub since_ms: i64,
    /// The gates at registration.
    pub gates: Vec<Gate>,
}

impl Plan {
    /// The spec on the new tag: all tables of it, the captured ones included.
    pub fn new_spec(&self) -> PrepSpec {
        PrepSpec { source: format!("{}@{}", self.commit.dataset, self.tag), ..self.spec.clone() }
    }

    /// The columns of the dataset's tables.
    pub fn columns(&self) -> Result<Vec<String>> {
        let table = self.commit.files.iter().find_map(|file| file.table.as_ref());
        let table = table
            .ok_or_else(|| Error::invalid(format!("dataset '{}' holds no table", self.commit.dataset)))?;
        Ok(table.columns.iter().map(|column| column.name.clone()).collect())
    }

    /// The steps, none of them begun.
    pub fn steps(&self, incident: &Incident, parameters: &RetrainParameters) -> Vec<RunbookStep> {
        let (dataset, model, endpoint) = (&self.commit.dataset, &self.champion.name, &self.endpoint);
        let percents = parameters.rollout.steps.iter().map(|step| format!("{step}")).collect::<Vec<_>>();
        let alias = self.alias.as_deref().unwrap_or("ALIAS");
        let step = |name: &str, title: String, command: String| RunbookStep {
            name: name.to_owned(),
            title,
            command,
            status: StepStatus::Pending,
            text: String::new(),
            outputs: Vec::new(),
            facts: serde_json::Value::Null,
            started_ms: None,
            ended_ms: None,
        };
        vec![
            step(
                "export",
                format!(
                    "Export the labelled requests of {endpoint} since the drift began, {:.0} % held out for the replay",
                    parameters.holdout * 100.0
                ),
                format!(
                    "ropewalk watch captured {endpoint} --labelled --target \"{}\" > {}",
                    self.spec.target.column, self.file
                ),
            ),
            step(
                "commit",
                format!("Commit them as {} on branch {} of {dataset}", self.file, self.branch),
                format!("ropewalk data commit {dataset} {} --branch {}", self.file, self.branch),
            ),
            step(
                "merge",
                format!("Merge {} into main and tag {}", self.branch, self.tag),
                format!(
                    "ropewalk data merge {dataset} {} --into main && ropewalk data tag {dataset} {}",
                    self.branch, self.tag
                ),
            ),
            step(
                "prepare",
                format!("Prepare {dataset}@{} as before, the pipeline fitted anew", self.tag),
                format!("ropewalk prep run {dataset}@{} --target \"{}\"", self.tag, target_text(&self.spec)),
            ),
            step(
                "train",
                format!("Train {} trials over all recipes, best by validation AUC", parameters.trials),
                format!(
                    "ropewalk run sweep PREPARED --trials {} --experiment {}",
                    parameters.trials, self.experiment
                ),
            ),
            step(
                "register",
                format!("Register the best as the next version of {model}, through the same gates"),
                format!("ropewalk model register {model} --run RUN"),
            ),
            step(
                "replay",
                format!(
                    "Replay the held-out requests: the candidate must beat {}/{}",
                    model, self.champion.version
                ),
                String::new(),
            ),
            step(
                "deploy",
                format!("Deploy the candidate at {endpoint} without traffic"),
                format!("ropewalk endpoint deploy {endpoint} --model {model}/VERSION"),
            ),
            step(
                "rollout",
                format!("Roll out {} %, judged and read back at each step", percents.join(" → ")),
                format!("ropewalk endpoint rollout {endpoint} REVISION --steps {}", percents.join(",")),
            ),
            step(
                "alias",
                self.alias.as_ref().map_or_else(
                    || "Move the alias (the champion carries none)".to_owned(),
                    |alias| format!("Move the alias {alias}, once the read-back proves 100 %"),
                ),
                format!("ropewalk model alias {model} {alias} VERSION"),
            ),
            step(
                "resolve",
                "Resolve the incident, add up its cost, write the post-mortem".to_owned(),
                format!("ropewalk incident resolve {}", incident.number),
            ),
        ]
    }
}

/// The target as it is written on the command line.
fn target_text(spec: &PrepSpec) -> String {
    format!("{} {} {}", spec.target.column, spec.target.operator.sign(), spec.target.value)
}

impl Respond {
    /// Finds out what the runbook will work on. Changes nothing.
    ///
    /// # Errors
    /// `NotFound` or `Invalid` when the chain from the endpoint back to its dataset is broken.
    pub(super) async fn plan_retrain(
        &self,
        incident: &Incident,
        number: i64,
        parameters: &RetrainParameters,
    ) -> Result<Plan> {
        let endpoint = self.serve.get(&incident.endpoint).await?;
        let serving = endpoint.revisions.iter().max_by(|a, b| a.percent.total_cmp(&b.percent));
        let serving = serving
            .ok_or_else(|| Error::not_found(format!("endpoint '{}' serves nothing", endpoint.name)))?;
        let champion = self.models.get(&serving.model, serving.version).await?;
        let run_id = champion.run_id.clone().ok_or_else(|| {
            Error::invalid(format!("{} has no run", champion.id()))
                .why("it was not trained here, so nothing says on what")
                .hint("register a version from a run")
        })?;
        let run = self.runs.get_run(&run_id).await?;
        let prepared_id =
            run.tag("ropewalk.prepared").or_else(|| run.param("prepared")).ok_or_else(|| {
                Error::invalid(format!("run {run_id} does not say what it was trained on"))
                    .hint(format!("ropewalk run show {run_id}"))
            })?;
        let prepared = self.prep.get(prepared_id).await?;
        let spec = prepared.spec.clone();
        let commit =
            self.data.show(&DatasetSpec::new(prepared.dataset.as_str(), prepared.commit.as_str())).await?;
        let experiment = self.runs.get_experiment(&run.info.experiment_id).await?.name;
        let tags = self.data.tags(&prepared.dataset).await?;
        let alias = champion
            .aliases
            .iter()
            .find(|alias| *alias == "champion")
            .or_else(|| champion.aliases.first())
            .cloned();
        let since_ms = match parameters.since_ms {
            Some(ms) => ms,
            None => self.drift_began(incident).await?,
        };
        Ok(Plan {
            endpoint: endpoint.name,
            experiment,
            branch: format!("retrain-{number}"),
            file: format!("captured-{number}.csv"),
            tag: next_tag(tags.iter().map(|tag| tag.name.as_str())),
            alias,
            since_ms,
            gates: gates(&champion, parameters.auc_floor),
            spec,
            commit,
            champion,
        })
    }

    /// When the endpoint was last found well before the incident: what came after belongs to the new world. Without
    /// such a report, the begin of the window that first alarmed.
    async fn drift_began(&self, incident: &Incident) -> Result<i64> {
        let first = incident.alerts.iter().map(|alert| alert.first_ms).min().unwrap_or(incident.opened_ms);
        let reports = self.watch.reports(&incident.endpoint, ropewalk_core::Page::first(1000)).await?;
        let well = reports
            .items
            .iter()
            .find(|report| report.created_ms < first && report.status == ropewalk_watch::Status::Ok);
        if let Some(report) = well {
            return Ok(report.created_ms);
        }
        let Some(id) = incident.alerts.iter().find_map(|alert| alert.report.as_deref()) else {
            return Ok(first);
        };
        match self.watch.report(id).await {
            Ok(report) => Ok(report.from_ms.unwrap_or(first)),
            // Old reports are removed; the alert's own time stands.
            Err(error) if error.code() == ropewalk_core::Code::NotFound => Ok(first),
            Err(error) => Err(error),
        }
    }
}

/// The champion's gates, with another floor if one is given; a plain floor and parity where it had none.
fn gates(champion: &ModelVersion, floor: Option<f64>) -> Vec<Gate> {
    let mut gates: Vec<Gate> = champion.gates.iter().map(|result| result.gate.clone()).collect();
    if gates.is_empty() {
        gates = vec![
            Gate::AucFloor { metric: "val_auc".to_owned(), minimum: 0.6 },
            Gate::Parity { tolerance: 1e-6 },
        ];
    }
    for gate in &mut gates {
        if let (Gate::AucFloor { minimum, .. }, Some(floor)) = (gate, floor) {
            *minimum = floor;
        }
    }
    gates
}

/// The tag after the highest of v1, v2, …
fn next_tag<'a>(tags: impl Iterator<Item = &'a str>) -> String {
    let highest = tags.filter_map(|tag| tag.strip_prefix('v')?.parse::<u64>().ok()).max().unwrap_or(0);
    format!("v{}", highest + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn tags_count_up() {
        assert_eq!(next_tag(["v1", "v9", "v10", "vintage", "x"].into_iter()), "v11");
        assert_eq!(next_tag(std::iter::empty()), "v1");
    }
}
