//! Answers in MLflow's words.

use std::collections::BTreeMap;

use ropewalk_runs::mlflow::wire::Object;
use serde_json::{Value, json};

use crate::model::{ModelVersion, RegisteredModel};

fn tags(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

pub(super) fn registered(model: &RegisteredModel, latest: &[ModelVersion]) -> Value {
    Object::default()
        .set("name", model.name.as_str())
        .set("creation_timestamp", model.created_ms)
        .set("last_updated_timestamp", model.updated_ms)
        .maybe("description", model.description.as_deref())
        .list("latest_versions", latest.iter().map(version).collect())
        .list("tags", tags(&model.tags))
        .list(
            "aliases",
            model
                .aliases
                .iter()
                .map(|(alias, version)| json!({"alias": alias, "version": version.to_string()}))
                .collect(),
        )
        .into()
}

pub(super) fn version(version: &ModelVersion) -> Value {
    Object::default()
        .set("name", version.name.as_str())
        .set("version", version.version.to_string())
        .set("creation_timestamp", version.created_ms)
        .set("last_updated_timestamp", version.updated_ms)
        .set("current_stage", version.stage.as_str())
        .set("description", version.description.as_deref().unwrap_or_default())
        .set("source", version.source.as_str())
        .set("run_id", version.run_id.as_deref().unwrap_or_default())
        .set("status", version.status.as_str())
        .maybe("status_message", version.status_message.as_deref())
        .set("run_link", version.run_link.as_deref().unwrap_or_default())
        .list("tags", tags(&version.tags))
        .list("aliases", version.aliases.iter().map(|alias| alias.as_str().into()).collect())
        .into()
}
