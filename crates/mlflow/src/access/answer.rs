//! What is done with an answer: rows and names that the caller may not read are taken out, and what was made is theirs.

use serde_json::{Map, Value};

use super::artifact::is_run_id;
use super::lookup::Registered;
use super::permission::Action;
use super::registry::PROMPT_TAG;
use super::resource::ResourceType;
use super::rights::{Requirement, Rights};

/// What is done with a good answer.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    /// The caller may manage the experiment that was made.
    OwnExperiment,
    /// The caller may manage the registered model that was made.
    OwnModel,
    /// The caller may manage what an import has made: each row of its answer says so.
    OwnImported,
    /// The registered model that the request names is gone, and so is what was granted on it.
    ForgetModel,
    /// The registered model has another name, and what was granted goes with it.
    RenameModel,
    /// Of this list only the rows stay that the caller may read; further pages fill it up.
    Keep(&'static str, Rows),
    /// Where all of a kind are denied, these members are taken out wherever they stand.
    Withhold(&'static [(ResourceType, &'static [&'static str])]),
    /// Where all versions are denied, registered models show none.
    WithholdVersions,
    /// Where all runs are denied, an experiment's folder does not show which there are.
    HideRuns,
}

/// What a list's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Experiments.
    Experiments,
    /// What belongs to an experiment, and is of this kind.
    Of(ResourceType),
    /// Registered models.
    Models,
    /// Versions.
    Versions,
    /// Traces.
    Traces,
    /// Traces without their spans.
    TraceInfos,
}

impl Rows {
    /// Whether the caller may read a row.
    #[must_use]
    pub fn shows(self, rights: &Rights, row: &Value) -> bool {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        match self {
            Self::Experiments => rights.may_read(ResourceType::Experiment, text("experiment_id")),
            Self::Of(kind) => reads_within(rights, text("experiment_id"), kind),
            Self::Models => rights.may_read(registered(row).kind(), text("name")),
            Self::Versions => {
                let kind = registered(row);
                rights.may_read(kind.kind(), text("name")) && !rights.denies_every(kind.versions())
            }
            Self::Traces => shows_trace(rights, row.get("trace_info")),
            Self::TraceInfos => shows_trace(rights, Some(row)),
        }
    }
}

/// Whether things of a kind may be read in an experiment.
#[must_use]
pub fn reads_within(rights: &Rights, experiment: &str, kind: ResourceType) -> bool {
    let on = ResourceType::Experiment;
    rights.may_read(on, experiment)
        && rights.meet(&Requirement::every(kind, Action::Read).or(on, experiment, Action::Read))
}

fn shows_trace(rights: &Rights, info: Option<&Value>) -> bool {
    let experiment =
        info.and_then(|info| info.pointer("/trace_location/mlflow_experiment/experiment_id")?.as_str());
    experiment.is_some_and(|experiment| reads_within(rights, experiment, ResourceType::Trace))
}

fn registered(row: &Value) -> Registered {
    let is_true = |value: &Value| value.as_str().is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let marked = match row.get("tags") {
        Some(Value::Array(tags)) => tags
            .iter()
            .filter(|tag| tag.get("key").and_then(Value::as_str) == Some(PROMPT_TAG))
            .any(|tag| tag.get("value").is_some_and(is_true)),
        // Our own routes have them by name.
        Some(Value::Object(tags)) => tags.get(PROMPT_TAG).is_some_and(is_true),
        _ => false,
    };
    if marked { Registered::Prompt } else { Registered::Model }
}

/// Whether an answer must be looked at before it goes to the caller.
#[must_use]
pub fn must_be_cut(then: &[Then], rights: &Rights) -> bool {
    then.iter().any(|then| match then {
        Then::Keep(..) => rights.hide_something(),
        Then::Withhold(kinds) => kinds.iter().any(|(kind, _)| rights.denies_every(*kind)),
        Then::WithholdVersions => {
            rights.denies_every(Registered::Model.versions())
                || rights.denies_every(Registered::Prompt.versions())
        }
        Then::HideRuns => rights.denies_every(ResourceType::Run),
        _ => false,
    })
}

/// Takes out of a list what the caller may not read; how many rows the list had. An empty path is the answer itself.
pub fn keep(answer: &mut Value, list: &str, rows: Rows, rights: &Rights) -> usize {
    let found = if list.is_empty() { Some(answer) } else { answer.get_mut(list) };
    let Some(Value::Array(items)) = found else { return 0 };
    let before = items.len();
    items.retain(|row| rows.shows(rights, row));
    before
}

/// Takes members out that name what is denied.
pub fn withhold(answer: &mut Value, then: &[Then], rights: &Rights) {
    let mut names: Vec<&str> = Vec::new();
    for then in then {
        match then {
            Then::Withhold(kinds) => {
                let denied = kinds.iter().filter(|(kind, _)| rights.denies_every(*kind));
                names.extend(denied.flat_map(|(_, names)| names.iter()));
            }
            Then::WithholdVersions => withhold_versions(answer, rights),
            Then::HideRuns if rights.denies_every(ResourceType::Run) => hide_runs(answer),
            _ => {}
        }
    }
    if !names.is_empty() {
        remove(answer, &names);
    }
}

fn withhold_versions(value: &mut Value, rights: &Rights) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| withhold_versions(item, rights)),
        Value::Object(_) => {
            let denied = rights.denies_every(registered(value).versions());
            let Value::Object(members) = value else { return };
            if denied {
                members.remove("latest_versions");
            }
            members.values_mut().for_each(|member| withhold_versions(member, rights));
        }
        _ => {}
    }
}

fn hide_runs(answer: &mut Value) {
    if let Some(Value::Array(files)) = answer.get_mut("files") {
        files.retain(|file| {
            let path = file.get("path").and_then(Value::as_str).unwrap_or_default();
            !is_run_id(path.rsplit('/').next().unwrap_or_default())
        });
    }
}

/// Takes members of these names out, and pairs with such a key.
fn remove(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(items) => {
            items.retain(|item| {
                let key = item.get("key").and_then(Value::as_str);
                !key.is_some_and(|key| key.starts_with("mlflow.") && names.contains(&key))
            });
            items.iter_mut().for_each(|item| remove(item, names));
        }
        Value::Object(members) => {
            take_out(members, names);
            members.values_mut().for_each(|member| remove(member, names));
        }
        _ => {}
    }
}

fn take_out(members: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        members.remove(*name);
    }
}

/// What a good answer to a creation tells of what was made: kinds and names.
#[must_use]
pub fn made(answer: &Value, then: Then) -> Vec<(ResourceType, String)> {
    let one = |kind: ResourceType, name: &Value| name.as_str().map(|name| (kind, name.to_owned()));
    match then {
        Then::OwnExperiment => one(ResourceType::Experiment, &answer["experiment_id"]).into_iter().collect(),
        Then::OwnModel => {
            let model = &answer["registered_model"];
            one(registered(model).kind(), &model["name"]).into_iter().collect()
        }
        Then::OwnImported => answer
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| {
                let kind = ResourceType::known(row["made"].as_str()?)?;
                let name = if row["becomes"].is_null() { &row["id"] } else { &row["becomes"] };
                one(kind, name)
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::permission::Permission;
    use super::super::rights::{Grant, Grants};
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn rights(grants: &[(ResourceType, &str, Permission)]) -> Rights {
        let grants = grants.iter().map(|(kind, pattern, permission)| Grant {
            kind: *kind,
            pattern: (*pattern).to_owned(),
            permission: *permission,
        });
        Rights::new(Permission::Edit, Arc::new(Grants::new(grants)))
    }

    #[test]
    fn rows_that_may_not_be_read_are_taken_out() {
        let rights = rights(&[
            (ResourceType::Experiment, "2", Permission::Deny),
            (ResourceType::RegisteredModel, "m", Permission::Deny),
        ]);
        let mut answer = json!({"experiments": [{"experiment_id": "1"}, {"experiment_id": "2"}]});
        assert_eq!(keep(&mut answer, "experiments", Rows::Experiments, &rights), 2);
        assert_eq!(answer, json!({"experiments": [{"experiment_id": "1"}]}));
        let prompt = json!({"name": "m", "tags": [{"key": PROMPT_TAG, "value": "true"}]});
        let mut answer = json!({"registered_models": [{"name": "m"}, prompt, {"name": "n"}]});
        keep(&mut answer, "registered_models", Rows::Models, &rights);
        assert_eq!(answer["registered_models"].as_array().map(Vec::len), Some(2), "a prompt is no model");
        let located = |id: &str| json!({"trace_location": {"mlflow_experiment": {"experiment_id": id}}});
        let mut answer = json!({"traces": [{"trace_info": located("1")}, {"trace_info": located("2")}, {}]});
        keep(&mut answer, "traces", Rows::Traces, &rights);
        assert_eq!(answer["traces"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn names_of_what_is_denied_are_taken_out() {
        let then = &[
            Then::Withhold(&[
                (ResourceType::LoggedModel, &["model_outputs", "model_id"]),
                (ResourceType::Run, &["mlflow.sourceRun", "run_id"]),
            ]),
            Then::WithholdVersions,
        ];
        let whole = || {
            json!({"run": {"outputs": {"model_outputs": [1]}, "metrics": [{"key": "run_id", "model_id": "m"}]},
                "request_metadata": [{"key": "mlflow.sourceRun", "value": "r"}, {"key": "other", "value": "v"}],
                "registered_model": {"latest_versions": [{"run_id": "r"}]}})
        };
        let mut answer = whole();
        let nothing = rights(&[(ResourceType::Experiment, "1", Permission::Deny)]);
        assert!(!must_be_cut(then, &nothing));
        withhold(&mut answer, then, &nothing);
        assert_eq!(answer, whole());
        let denied = rights(&[
            (ResourceType::LoggedModel, "*", Permission::Deny),
            (ResourceType::Run, "*", Permission::Deny),
            (ResourceType::RegisteredModelVersion, "*", Permission::Deny),
        ]);
        assert!(must_be_cut(then, &denied));
        withhold(&mut answer, then, &denied);
        assert_eq!(
            answer,
            json!({"run": {"outputs": {}, "metrics": [{"key": "run_id"}]},
                "request_metadata": [{"key": "other", "value": "v"}], "registered_model": {}})
        );
    }

    #[test]
    fn what_an_import_made_is_found_in_its_rows() {
        let rows = json!([
            {"id": "1", "outcome": "created", "made": "experiment", "becomes": "4"},
            {"id": "2", "outcome": "unchanged", "becomes": "2"},
            {"id": "greeting", "outcome": "created", "made": "prompt"},
        ]);
        let expected =
            [(ResourceType::Experiment, "4".to_owned()), (ResourceType::Prompt, "greeting".to_owned())];
        assert_eq!(made(&rows, Then::OwnImported), expected);
        assert_eq!(
            made(&json!({"experiment_id": "7"}), Then::OwnExperiment),
            [(ResourceType::Experiment, "7".to_owned())]
        );
        assert!(made(&json!({}), Then::OwnModel).is_empty());
    }
}
