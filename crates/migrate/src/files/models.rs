//! Logged models.

use std::path::Path;

use super::runs::{Measurement, each_line};
use super::{Files, META, MODELS, folders, meta, named_files, texts};
use crate::database::status;
use crate::number::finite;
use crate::record::{LoggedModelRecord, ModelMetricRecord, Problem};
use crate::yaml::Value;

/// Logged models read at a time.
const PAGE: usize = 200;

impl Files {
    /// The logged models after one, by their identifiers, and those that cannot be read; none at the end.
    pub(crate) fn logged_models(&self, after: &str) -> (Vec<LoggedModelRecord>, Vec<Problem>) {
        let mut all = Vec::new();
        for (number, folder, _) in self.experiment_folders() {
            all.extend(
                folders(&folder.join(MODELS)).into_iter().map(|(name, folder)| (name, folder, number)),
            );
        }
        all.sort();
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for (name, folder, number) in all.into_iter().filter(|(name, ..)| name.as_str() > after) {
            match read_model(&name, &folder, number, &mut problems) {
                Ok(model) => found.push(model),
                Err(why) => problems.push(Problem::new("logged model", name, why)),
            }
            if found.len() >= PAGE {
                break;
            }
        }
        (found, problems)
    }
}

fn read_model(
    name: &str,
    folder: &Path,
    experiment: i64,
    problems: &mut Vec<Problem>,
) -> Result<LoggedModelRecord, String> {
    let told = meta(&folder.join(META))?;
    if told.text("model_id").as_deref() != Some(name) {
        return Err("its meta.yaml is of another model".to_owned());
    }
    let mut metrics = Vec::new();
    for (key, file) in named_files(&folder.join("metrics")) {
        let read = each_line(&file, |parts| {
            metrics.push(measurement(&key, parts)?);
            Ok(true)
        });
        if let Err(why) = read {
            problems.push(Problem::new("metric", format!("{name}/{key}"), why));
        }
    }
    Ok(LoggedModelRecord {
        model_id: name.to_owned(),
        experiment_id: experiment.to_string(),
        name: told.text("name").unwrap_or_default(),
        artifact_uri: told.text("artifact_location").unwrap_or_default(),
        status: match told.get("status") {
            Some(Value::Text(word)) => word.strip_prefix("LOGGED_MODEL_").unwrap_or(word).to_owned(),
            number => status(number.and_then(Value::as_whole).unwrap_or(1)).to_owned(),
        },
        status_message: told.text("status_message"),
        created_ms: told.whole("creation_timestamp").unwrap_or_default(),
        updated_ms: told.whole("last_updated_timestamp").unwrap_or_default(),
        model_type: told.text("model_type"),
        source_run_id: told.text("source_run_id"),
        deleted: told.text("lifecycle_stage").as_deref() == Some("deleted"),
        params: texts(&folder.join("params"))?,
        tags: texts(&folder.join("tags"))?,
        metrics,
        beside: Some(folder.join("artifacts")),
    })
}

/// Time, value, step and run; then maybe a dataset's name, which may have blanks, and its digest.
fn measurement(key: &str, parts: &[&str]) -> Result<ModelMetricRecord, String> {
    let point = Measurement::of_run(parts)?;
    let run_id = parts.get(3).ok_or("it names no run")?;
    let dataset = parts.get(4..).filter(|rest| rest.len() >= 2);
    Ok(ModelMetricRecord {
        key: key.to_owned(),
        value: finite(point.value),
        timestamp: point.timestamp,
        step: point.step,
        run_id: (*run_id).to_owned(),
        dataset_name: dataset.map(|rest| rest[..rest.len() - 1].join(" ")),
        dataset_digest: dataset.and_then(|rest| rest.last()).map(|digest| (*digest).to_owned()),
    })
}
