//! Answers in MLflow's words.

use std::collections::BTreeMap;

use ropewalk_mlflow::Object;
use serde_json::{Value, json};

use crate::model::{ModelVersion, RegisteredModel};

fn tags(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// A registered model. The latest versions come without their aliases, which stand beside them.
pub(super) fn registered(model: &RegisteredModel, latest: &[ModelVersion]) -> Value {
    let aliases = model
        .aliases
        .iter()
        .map(|(alias, version)| json!({"alias": alias, "version": version.to_string()}))
        .collect();
    Object::default()
        .set("name", model.name.as_str())
        .set("creation_timestamp", model.created_ms)
        .set("last_updated_timestamp", model.updated_ms)
        .text("description", model.description.as_deref().unwrap_or_default())
        .list("latest_versions", latest.iter().map(bare_version).collect())
        .list("tags", tags(&model.tags))
        .list("aliases", aliases)
        .into()
}

/// A version without its aliases: MLflow's server leaves them out of lists.
pub(super) fn bare_version(version: &ModelVersion) -> Value {
    shown(version).into()
}

/// A version.
pub(super) fn version(version: &ModelVersion) -> Value {
    let aliases = version.aliases.iter().map(|alias| alias.as_str().into()).collect();
    shown(version).list("aliases", aliases).into()
}

fn shown(version: &ModelVersion) -> Object {
    Object::default()
        .set("name", version.name.as_str())
        .set("version", version.version.to_string())
        .set("creation_timestamp", version.created_ms)
        .set("last_updated_timestamp", version.updated_ms)
        .set("current_stage", version.stage.as_str())
        .maybe("description", version.description.as_deref())
        .set("source", version.source.as_str())
        .set("run_id", version.run_id.as_deref().unwrap_or_default())
        .set("status", version.status.as_str())
        .text("status_message", version.status_message.as_deref().unwrap_or_default())
        .set("run_link", version.run_link.as_deref().unwrap_or_default())
        .list("tags", tags(&version.tags))
}
