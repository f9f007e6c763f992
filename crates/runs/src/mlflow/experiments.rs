//! MLflow's experiment calls.

use std::collections::HashSet;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use ropewalk_core::Code;
use ropewalk_mlflow::filter::{self, Search};
use ropewalk_mlflow::{Call, ErrorCode, Fields, MlflowError, MlflowResult, Object, Rule, answer, done, page};
use serde_json::json;

use super::{messages, wire};
use crate::model::{Tag, ViewType};
use crate::service::Runs;

/// Largest page of experiments.
const PAGE: i64 = 50_000;

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/experiments/create", post(create))
        .route("/2.0/mlflow/experiments/get", get(get_one))
        .route("/2.0/mlflow/experiments/get-by-name", get(get_by_name))
        .route("/2.0/mlflow/experiments/search", get(search).post(search))
        .route("/2.0/mlflow/experiments/update", post(update))
        .route("/2.0/mlflow/experiments/delete", post(delete))
        .route("/2.0/mlflow/experiments/restore", post(restore))
        .route("/2.0/mlflow/experiments/set-experiment-tag", post(set_tag))
        .route("/2.0/mlflow/experiments/delete-experiment-tag", post(delete_tag))
}

/// What only MLflow's web app asks for: it is not there under `/api`.
pub(super) fn page_routes() -> Router<Runs> {
    Router::new().route("/ajax-api/2.0/mlflow/experiments/search-datasets", post(search_datasets))
}

/// What a view's word means; without one, only what is in use.
pub(super) fn view(fields: &Fields, name: &str) -> ViewType {
    match fields.word(name) {
        Some("DELETED_ONLY") => ViewType::DeletedOnly,
        Some("ALL") => ViewType::All,
        _ => ViewType::ActiveOnly,
    }
}

/// The tags of a request.
pub(super) fn tags(fields: &Fields, name: &str) -> Vec<Tag> {
    fields.pairs(name).into_iter().map(|(key, value)| Tag { key, value }).collect()
}

/// The first key that is there twice.
pub(super) fn named_twice(tags: &[Tag]) -> Option<&str> {
    let mut seen = HashSet::new();
    tags.iter().map(|tag| tag.key.as_str()).find(|key| !seen.insert(*key))
}

/// A page's size as the stock server checks it.
pub(super) fn page_size(asked: i64, most: i64) -> MlflowResult<u32> {
    let wrong = |why: String| {
        Err(MlflowError::invalid(format!(
            "Invalid value {asked} for parameter 'max_results' supplied. It must be {why}"
        )))
    };
    if asked < 1 {
        return wrong("a positive integer".to_owned());
    }
    if asked > most {
        return wrong(format!("at most {most}"));
    }
    Ok(u32::try_from(asked).unwrap_or(u32::MAX))
}

const BY_ID: &[(&str, &[Rule])] = &[("experiment_id", &[Rule::Required, Rule::Text])];

async fn create(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::CREATE_EXPERIMENT,
        &[
            ("name", &[Rule::Required, Rule::Text]),
            ("artifact_location", &[Rule::Text]),
            ("tags", &[Rule::Array]),
        ],
    )?;
    let name = fields.text("name");
    let taken = |why: &str| {
        MlflowError::new(
            ErrorCode::ResourceAlreadyExists,
            format!("Experiment(name={name}) already exists. Error: {why}"),
        )
    };
    let tags = tags(&fields, "tags");
    if let Some(twice) = named_twice(&tags) {
        return Err(taken(&format!("the tag '{twice}' is there twice")));
    }
    let experiment =
        runs.create_experiment(name, fields.some_text("artifact_location"), tags).await.map_err(|error| {
            if error.code() == Code::AlreadyExists { taken(error.what()) } else { error.into() }
        })?;
    Ok(answer(json!({"experiment_id": experiment.experiment_id})))
}

async fn get_one(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::EXPERIMENT, BY_ID)?;
    let experiment = runs.get_experiment(fields.text("experiment_id")).await?;
    Ok(answer(json!({"experiment": wire::experiment(&experiment)})))
}

async fn get_by_name(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields =
        call.read(&messages::EXPERIMENT_BY_NAME, &[("experiment_name", &[Rule::Required, Rule::Text])])?;
    let experiment = runs.get_experiment_by_name(fields.text("experiment_name")).await?;
    Ok(answer(json!({"experiment": wire::experiment(&experiment)})))
}

async fn search(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::SEARCH_EXPERIMENTS,
        &[
            ("view_type", &[Rule::Whole]),
            ("max_results", &[Rule::Whole]),
            ("order_by", &[Rule::Array]),
            ("filter", &[Rule::Text]),
            ("page_token", &[Rule::Text]),
        ],
    )?;
    let limit = page_size(fields.integer("max_results").unwrap_or(0), PAGE)?;
    let comparisons = filter::parse(Search::Experiments, fields.text("filter"))?;
    let orders = filter::parse_orders(Search::Experiments, &fields.texts("order_by"))?;
    let offset = page::offset(fields.text("page_token"))?;
    let found =
        runs.find_experiments(&comparisons, view(&fields, "view_type"), &orders, limit, offset).await?;
    Ok(answer(
        Object::default()
            .list("experiments", found.items.iter().map(wire::experiment).collect())
            .next(found.next_token),
    ))
}

async fn update(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::UPDATE_EXPERIMENT,
        &[("experiment_id", &[Rule::Required, Rule::Text]), ("new_name", &[Rule::Text, Rule::Required])],
    )?;
    if let Some(name) = fields.some_text("new_name") {
        // The stock server lets its database refuse a name that is taken.
        runs.rename_experiment(fields.text("experiment_id"), name).await.map_err(|error| {
            if error.code() == Code::AlreadyExists {
                MlflowError::new(ErrorCode::BadRequest, error.what())
            } else {
                error.into()
            }
        })?;
    }
    Ok(done())
}

async fn delete(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::EXPERIMENT, BY_ID)?;
    runs.delete_experiment(fields.text("experiment_id")).await?;
    Ok(done())
}

async fn restore(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::EXPERIMENT, BY_ID)?;
    runs.restore_experiment(fields.text("experiment_id")).await?;
    Ok(done())
}

async fn set_tag(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::EXPERIMENT_TAG,
        &[
            ("experiment_id", &[Rule::Required, Rule::Text]),
            ("key", &[Rule::Required, Rule::Text]),
            ("value", &[Rule::Text]),
        ],
    )?;
    let tag = Tag::new(fields.text("key"), fields.text("value"));
    runs.set_experiment_tag(fields.text("experiment_id"), tag).await?;
    Ok(done())
}

async fn delete_tag(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::EXPERIMENT_TAG,
        &[("experiment_id", &[Rule::Required, Rule::Text]), ("key", &[Rule::Required, Rule::Text])],
    )?;
    runs.delete_experiment_tag(fields.text("experiment_id"), fields.text("key")).await?;
    Ok(done())
}

async fn search_datasets(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let ids = call.read(&messages::SEARCH_DATASETS, &[])?.texts("experiment_ids");
    if ids.is_empty() {
        return Err(MlflowError::invalid("SearchDatasets request must specify at least one experiment_id."));
    }
    if ids.len() > 20 {
        return Err(MlflowError::invalid(format!(
            "SearchDatasets request cannot specify more than 20 experiment_ids. Received {} experiment_ids.",
            ids.len()
        )));
    }
    let found = runs.dataset_summaries(&ids).await?;
    let list = found.into_iter().map(|(experiment, name, digest, context)| {
        Object::default()
            .set("experiment_id", experiment.to_string())
            .set("name", name)
            .set("digest", digest)
            .maybe("context", context)
            .into()
    });
    Ok(answer(Object::default().list("dataset_summaries", list.collect())))
}
