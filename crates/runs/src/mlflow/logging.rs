//! MLflow's logging calls.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use ropewalk_mlflow::rules::{invalid_value, missing_value};
use ropewalk_mlflow::{Call, Fields, Json, MlflowError, MlflowResult, Rule, done, json};

use super::batch::{self, Batch};
use super::experiments::tags;
use super::messages;
use crate::model::{DatasetInfo, DatasetInput, Metric, ModelLink, Param, Tag};
use crate::service::Runs;

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
}

fn metric(fields: &Fields) -> Metric {
    let text = |name: &str| fields.some_text(name).map(str::to_owned);
    Metric {
        key: fields.text("key").to_owned(),
        value: fields.number("value").unwrap_or(0.0),
        timestamp: fields.integer("timestamp").unwrap_or(0),
        step: fields.integer("step").unwrap_or(0),
        model_id: text("model_id"),
        dataset_name: text("dataset_name"),
        dataset_digest: text("dataset_digest"),
        run_id: None,
    }
}

async fn log_metric(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::LOG_METRIC,
        &[
            ("run_id", &[Rule::Required, Rule::Text]),
            ("key", &[Rule::Required, Rule::Text]),
            ("value", &[Rule::Required, Rule::Real]),
            ("timestamp", &[Rule::Whole, Rule::Required]),
            ("step", &[Rule::Whole]),
            ("model_id", &[Rule::Text]),
            ("dataset_name", &[Rule::Text]),
            ("dataset_digest", &[Rule::Text]),
        ],
    )?;
    let metric = metric(&fields);
    must_name_whole_datasets(std::slice::from_ref(&metric))?;
    runs.log_one(fields.run_id(), metric).await?;
    Ok(done())
}

const PAIR: &[(&str, &[Rule])] = &[
    ("run_id", &[Rule::Required, Rule::Text]),
    ("key", &[Rule::Required, Rule::Text]),
    ("value", &[Rule::Text]),
];

async fn log_param(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::RUN_PAIR, PAIR)?;
    runs.log_param(fields.run_id(), Param::new(fields.text("key"), fields.text("value"))).await?;
    Ok(done())
}

async fn set_tag(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::RUN_PAIR, PAIR)?;
    runs.set_tag(fields.run_id(), Tag::new(fields.text("key"), fields.text("value"))).await?;
    Ok(done())
}

async fn delete_tag(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::DELETE_TAG,
        &[("run_id", &[Rule::Required, Rule::Text]), ("key", &[Rule::Required, Rule::Text])],
    )?;
    runs.delete_tag(fields.text("run_id"), fields.text("key")).await?;
    Ok(done())
}

/// That each item of a list has these members; `list` is how messages call it.
fn have(items: &Json, list: &str, names: &[&str]) -> Result<(), Option<String>> {
    let Json::List(items) = items else { return Err(None) };
    for (index, item) in items.iter().enumerate() {
        if !matches!(item, Json::Object(_)) {
            return Err(None);
        }
        for name in names {
            let absent = match item.get(name) {
                None | Some(Json::Null) => true,
                Some(value) => value.as_text() == Some(""),
            };
            if absent {
                return Err(Some(missing_value(&format!("{list}[{index}].{name}"))));
            }
        }
    }
    Ok(())
}

async fn log_batch(State(runs): State<Runs>, call: Call) -> MlflowResult {
    call.must_be_json()?;
    let Batch { run_id, metrics, params, tags } = match batch::plain(call.body()) {
        Some(batch) => batch,
        None => any_batch(&call)?,
    };
    must_be_run_id(&run_id)?;
    must_name_whole_datasets(&metrics)?;
    runs.log_owned(&run_id, metrics, params, tags).await?;
    Ok(done())
}

/// Letters, digits, underscores and dashes, at most 256, not a dash or an underscore first.
fn must_be_run_id(id: &str) -> MlflowResult<()> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(plain)
        && id.chars().count() <= 256
    {
        return Ok(());
    }
    Err(MlflowError::invalid(invalid_value("run_id", &Json::Text(id.to_owned()), "")))
}

/// A dataset has a name and a digest, or is not named at all.
fn must_name_whole_datasets(metrics: &[Metric]) -> MlflowResult<()> {
    if metrics.iter().all(|metric| metric.dataset_name.is_some() == metric.dataset_digest.is_some()) {
        return Ok(());
    }
    Err(MlflowError::invalid("Both dataset_name and dataset_digest must be provided if one is provided"))
}

fn any_batch(call: &Call) -> MlflowResult<Batch> {
    let fields = call.read(
        &messages::LOG_BATCH,
        &[
            ("run_id", &[Rule::Text, Rule::Required]),
            (
                "metrics",
                &[Rule::Array, Rule::Check(|list| have(list, "metrics", &["key", "value", "timestamp"]))],
            ),
            ("params", &[Rule::Array, Rule::Check(|list| have(list, "params", &["key"]))]),
            ("tags", &[Rule::Array, Rule::Check(|list| have(list, "tags", &["key"]))]),
        ],
    )?;
    Ok(Batch {
        run_id: fields.text("run_id").to_owned(),
        metrics: fields.parts("metrics").map(metric).collect(),
        params: fields.pairs("params").into_iter().map(|(key, value)| Param { key, value }).collect(),
        tags: tags(&fields, "tags"),
    })
}

/// A dataset that was read. Like the stock server it takes one that says nothing of the dataset.
fn dataset(input: &Fields) -> DatasetInput {
    let dataset = input.part("dataset");
    let sent = |name: &str| dataset.and_then(|dataset| dataset.sent_text(name)).map(str::to_owned);
    let text = |name: &str| sent(name).unwrap_or_default();
    DatasetInput {
        dataset: DatasetInfo {
            name: text("name"),
            digest: text("digest"),
            source_type: text("source_type"),
            source: text("source"),
            schema: sent("schema"),
            profile: sent("profile"),
        },
        tags: tags(input, "tags"),
    }
}

fn links(fields: &Fields) -> Vec<ModelLink> {
    fields
        .parts("models")
        .map(|model| ModelLink {
            model_id: model.text("model_id").to_owned(),
            step: model.integer("step").unwrap_or(0),
        })
        .collect()
}

async fn log_inputs(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::LOG_INPUTS,
        &[
            ("run_id", &[Rule::Required, Rule::Text]),
            ("datasets", &[Rule::Array]),
            ("models", &[Rule::Array]),
        ],
    )?;
    let run_id = fields.text("run_id");
    must_be_run_id(run_id)?;
    let datasets = fields.parts("datasets").map(dataset).collect();
    runs.log_inputs(run_id, datasets, links(&fields)).await?;
    Ok(done())
}

async fn log_outputs(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::LOG_OUTPUTS,
        &[("run_id", &[Rule::Required, Rule::Text]), ("models", &[Rule::Required, Rule::Array])],
    )?;
    runs.log_outputs(fields.text("run_id"), links(&fields)).await?;
    Ok(done())
}

/// The old way to note a model: its description joins the run's `mlflow.log-model.history` tag.
async fn log_model(State(runs): State<Runs>, call: Call) -> MlflowResult {
    const HISTORY: &str = "mlflow.log-model.history";
    let fields = call.read(
        &messages::LOG_MODEL,
        &[("run_id", &[Rule::Text, Rule::Required]), ("model_json", &[Rule::Text, Rule::Required])],
    )?;
    let text = fields.text("model_json");
    let malformed =
        || MlflowError::invalid(format!("Malformed model info. \n {text} \n is not a valid JSON."));
    let model = json::parse(text).ok_or_else(malformed)?;
    if !matches!(model, Json::Object(_)) {
        return Err(malformed());
    }
    let missing: Vec<_> = ["artifact_path", "flavors", "run_id", "utc_time_created"]
        .into_iter()
        .filter(|name| model.get(name).is_none())
        .map(|name| format!("'{name}'"))
        .collect();
    if !missing.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Model json is missing mandatory fields: {{{}}}",
            missing.join(", ")
        )));
    }
    runs.note_model(fields.text("run_id"), HISTORY, history_entry(&model)).await?;
    Ok(done())
}

/// What the history keeps of a model: not its signature and examples, and of its flavours not their configuration.
fn history_entry(model: &Json) -> serde_json::Value {
    let kept = |name: &str| (name.to_owned(), model.get(name).cloned().unwrap_or(Json::Null));
    let mut members: Vec<_> =
        ["run_id", "artifact_path", "utc_time_created", "model_uuid"].map(kept).into_iter().collect();
    let without_config = |(name, flavor): &(String, Json)| match flavor {
        Json::Object(members) => {
            let rest = members.iter().filter(|(name, _)| name != "config").cloned().collect();
            (name.clone(), Json::Object(rest))
        }
        other => (name.clone(), other.clone()),
    };
    if let Some(Json::Object(flavors)) = model.get("flavors") {
        members.push(("flavors".to_owned(), Json::Object(flavors.iter().map(without_config).collect())));
    }
    Json::Object(members).to_serde()
}
