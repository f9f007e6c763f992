//! Answers in MLflow's protobuf JSON: what has no value is left out, an empty list too.

use ropewalk_mlflow::Object;
use serde_json::{Value, json};

use crate::logged_model::LoggedModel;
use crate::model::{Experiment, FileInfo, Metric, RunInfo, Tag};
use crate::number;

pub(super) fn pair(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

/// Tags as a list of pairs.
pub(super) fn tags(tags: &[Tag]) -> Vec<Value> {
    tags.iter().map(|tag| pair(&tag.key, &tag.value)).collect()
}

/// A metric.
pub(super) fn metric(metric: &Metric) -> Value {
    Object::default()
        .set("key", metric.key.as_str())
        .set("value", number::to_json(metric.value))
        .set("timestamp", metric.timestamp)
        .set("step", metric.step)
        .maybe("model_id", metric.model_id.as_deref())
        .maybe("dataset_name", metric.dataset_name.as_deref())
        .maybe("dataset_digest", metric.dataset_digest.as_deref())
        .maybe("run_id", metric.run_id.as_deref())
        .into()
}

pub(super) fn experiment(experiment: &Experiment) -> Value {
    Object::default()
        .set("experiment_id", experiment.experiment_id.as_str())
        .set("name", experiment.name.as_str())
        .set("artifact_location", experiment.artifact_location.as_str())
        .set("lifecycle_stage", experiment.lifecycle_stage.as_str())
        .set("last_update_time", experiment.last_update_time)
        .set("creation_time", experiment.creation_time)
        .set("workspace", "default")
        .list("tags", tags(&experiment.tags))
        .into()
}

pub(super) fn run_info(info: &RunInfo) -> Value {
    Object::default()
        .set("run_uuid", info.run_id.as_str())
        .set("experiment_id", info.experiment_id.as_str())
        .set("run_name", info.run_name.as_str())
        .set("user_id", info.user_id.as_str())
        .set("status", info.status.as_str())
        .set("start_time", info.start_time)
        .maybe("end_time", info.end_time.filter(|end| *end != 0))
        .set("artifact_uri", info.artifact_uri.as_str())
        .set("lifecycle_stage", info.lifecycle_stage.as_str())
        .set("run_id", info.run_id.as_str())
        .into()
}

pub(super) fn file(file: &FileInfo) -> Value {
    Object::default()
        .set("path", file.path.as_str())
        .set("is_dir", file.is_dir)
        .maybe("file_size", file.file_size.filter(|size| *size > 0))
        .into()
}

pub(super) fn logged_model(model: &LoggedModel) -> Value {
    let info = Object::default()
        .set("model_id", model.model_id.as_str())
        .set("experiment_id", model.experiment_id.as_str())
        .set("name", model.name.as_str())
        .set("creation_timestamp_ms", model.created_ms)
        .set("last_updated_timestamp_ms", model.updated_ms)
        .set("artifact_uri", model.artifact_uri.as_str())
        .set("status", model.status.wire())
        .maybe("model_type", model.model_type.as_deref())
        .set("source_run_id", model.source_run_id.as_deref().unwrap_or_default())
        .maybe("status_message", model.status_message.as_deref())
        .list("tags", model.tags.iter().map(|(key, value)| pair(key, value)).collect());
    let data = Object::default()
        .list("params", model.params.iter().map(|(key, value)| pair(key, value)).collect())
        .list("metrics", model.metrics.iter().map(metric).collect());
    json!({"info": Value::from(info), "data": Value::from(data)})
}
