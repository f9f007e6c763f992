//! MLflow's logging calls.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::json;

use super::error::{MlflowError, MlflowResult};
use super::request::Fields;
use super::wire::{self, Object};
use super::{answer, done};
use crate::limits::HISTORY_RESULTS;
use crate::model::{DatasetInfo, DatasetInput, ModelLink, Param, Tag};
use crate::service::{Runs, page_limit};

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/runs/log-metric", post(log_metric))
        .route("/2.0/mlflow/runs/log-parameter", post(log_param))
        .route("/2.0/mlflow/runs/log-batch", post(log_batch))
        .route("/2.0/mlflow/runs/set-tag", post(set_tag))
        .route("/2.0/mlflow/runs/delete-tag", post(delete_tag))
        .route("/2.0/mlflow/runs/log-inputs", post(log_inputs))
        .route("/2.0/mlflow/runs/outputs", post(log_outputs))
        .route("/2.0/mlflow/runs/log-model", post(log_model))
        .route("/2.0/mlflow/metrics/get-history", get(history))
        .route("/2.0/mlflow/metrics/get-history-bulk", get(history_bulk))
        .route("/2.0/mlflow/metrics/get-history-bulk-interval", get(history_sample))
}

async fn log_metric(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.log_metric(&fields.run_id()?, fields.metric("")?).await?;
    Ok(done())
}

async fn log_param(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let param = Param::new(fields.required("key")?, fields.any_text("value")?.unwrap_or_default());
    runs.log_param(&fields.run_id()?, param).await?;
    Ok(done())
}

async fn log_batch(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let run_id = fields.run_id()?;
    let mut metrics = Vec::new();
    for (index, metric) in fields.parts("metrics")?.iter().enumerate() {
        metrics.push(metric.metric(&format!("metrics[{index}]."))?);
    }
    runs.log_batch(&run_id, &metrics, &fields.params("params")?, &fields.tags("tags")?).await?;
    Ok(done())
}

async fn set_tag(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let tag = Tag::new(fields.required("key")?, fields.any_text("value")?.unwrap_or_default());
    runs.set_tag(&fields.run_id()?, tag).await?;
    Ok(done())
}

async fn delete_tag(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.delete_tag(&fields.run_id()?, &fields.required("key")?).await?;
    Ok(done())
}

fn dataset(input: &Fields) -> MlflowResult<DatasetInput> {
    let dataset = input.part("dataset")?.ok_or_else(|| MlflowError::missing("dataset"))?;
    Ok(DatasetInput {
        dataset: DatasetInfo {
            name: dataset.required("name")?,
            digest: dataset.required("digest")?,
            source_type: dataset.any_text("source_type")?.unwrap_or_default(),
            source: dataset.any_text("source")?.unwrap_or_default(),
            schema: dataset.text("schema")?,
            profile: dataset.text("profile")?,
        },
        tags: input.tags("tags")?,
    })
}

fn links(fields: &Fields) -> MlflowResult<Vec<ModelLink>> {
    fields
        .parts("models")?
        .iter()
        .map(|model| {
            Ok(ModelLink { model_id: model.required("model_id")?, step: model.integer("step")?.unwrap_or(0) })
        })
        .collect()
}

async fn log_inputs(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let run_id = fields.run_id()?;
    let datasets = fields.parts("datasets")?.iter().map(dataset).collect::<MlflowResult<Vec<_>>>()?;
    runs.log_inputs(&run_id, datasets, links(&fields)?).await?;
    Ok(done())
}

async fn log_outputs(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    runs.log_outputs(&fields.run_id()?, links(&fields)?).await?;
    Ok(done())
}

/// The old way to note a model: its description joins the run's `mlflow.log-model.history` tag.
async fn log_model(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    const HISTORY: &str = "mlflow.log-model.history";
    let run_id = fields.run_id()?;
    let text = fields.required("model_json")?;
    let mut model: serde_json::Value = serde_json::from_str(&text).map_err(|_| {
        MlflowError::invalid(format!("Malformed model info. \n {text} \n is not a valid JSON."))
    })?;
    let Some(members) = model.as_object_mut() else {
        return Err(MlflowError::invalid("Malformed model info: not an object"));
    };
    members.remove("config");
    let missing: Vec<_> = ["artifact_path", "flavors", "utc_time_created", "run_id"]
        .into_iter()
        .filter(|name| !members.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        return Err(MlflowError::invalid(format!("Model json is missing mandatory fields: {missing:?}")));
    }
    let run = runs.get_run(&run_id).await?;
    let mut models: Vec<serde_json::Value> =
        run.tag(HISTORY).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    models.push(model);
    let value = serde_json::Value::from(models).to_string();
    runs.set_tag(&run_id, Tag::new(HISTORY, value)).await?;
    Ok(done())
}

async fn history(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let limit = match fields.integer("max_results")? {
        None => None,
        Some(number) => {
            Some(page_limit(Some(number.min(i64::from(HISTORY_RESULTS))), HISTORY_RESULTS, HISTORY_RESULTS)?)
        }
    };
    let token = fields.text("page_token")?;
    let found = runs
        .metric_history_page(&fields.run_id()?, &fields.required("metric_key")?, limit, token.as_deref())
        .await?;
    Ok(answer(
        Object::default()
            .list("metrics", found.items.iter().map(wire::metric).collect())
            .next(found.next_token),
    ))
}

fn with_run(run_id: &str, metric: &crate::model::Metric) -> serde_json::Value {
    let mut value = wire::metric(metric);
    value["run_id"] = json!(run_id);
    value
}

async fn history_bulk(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    let ids = run_ids(&fields, &["run_id", "run_ids"])?;
    let key = fields.required("metric_key")?;
    let most = page_limit(fields.integer("max_results")?, HISTORY_RESULTS, u32::MAX)?.min(HISTORY_RESULTS);
    let mut metrics = Vec::new();
    let mut sorted = ids;
    sorted.sort();
    for id in &sorted {
        let left = most.saturating_sub(u32::try_from(metrics.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let page = runs.metric_history_page(id, &key, Some(left), None).await?;
        metrics.extend(page.items.iter().map(|metric| with_run(id, metric)));
    }
    Ok(answer(json!({"metrics": metrics})))
}

async fn history_sample(State(runs): State<Runs>, fields: Fields) -> MlflowResult {
    const PER_RUN: i64 = 2500;
    let ids = run_ids(&fields, &["run_ids"])?;
    let key = fields.required("metric_key")?;
    let most = fields.integer("max_results")?.unwrap_or(PER_RUN);
    if !(1..=PER_RUN).contains(&most) {
        return Err(MlflowError::invalid(format!("max_results must be between 1 and {PER_RUN}.")));
    }
    let range = match (fields.integer("start_step")?, fields.integer("end_step")?) {
        (None, None) => None,
        (Some(start), Some(end)) if start <= end => Some((start, end)),
        (Some(start), Some(end)) => {
            return Err(MlflowError::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
            )));
        }
        _ => {
            return Err(MlflowError::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    let found = runs.metric_sample(&ids, &key, range, usize::try_from(most).unwrap_or(usize::MAX)).await?;
    Ok(answer(
        Object::default().list("metrics", found.iter().map(|(id, metric)| with_run(id, metric)).collect()),
    ))
}

fn run_ids(fields: &Fields, names: &[&str]) -> MlflowResult<Vec<String>> {
    let mut ids = Vec::new();
    for name in names {
        ids.extend(fields.texts(name)?);
    }
    match ids.len() {
        0 => Err(MlflowError::missing("run_ids")),
        1..=100 => Ok(ids),
        count => Err(MlflowError::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received {count} run_ids."
        ))),
    }
}
