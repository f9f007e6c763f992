//! MLflow's calls about registered models.

use std::collections::HashMap;

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, patch, post};
use ropewalk_core::Actor;
use ropewalk_mlflow::filter::{self, Search};
use ropewalk_mlflow::message::{integer, parts, text, texts};
use ropewalk_mlflow::{Call, Message, MlflowResult, Object, Rule, answer, done};
use serde_json::json;

use super::paging::Paging;
use super::{REQUIRED, TEXT, TEXTS, wire};
use crate::model::{ModelVersion, RegisteredModel};
use crate::service::{Models, NewModel};

pub(super) static TAG: Message = Message(&[text("key"), text("value")]);
static CREATE: Message =
    Message(&[text("name"), parts("tags", &TAG), text("description"), text("deployment_job_id")]);
static NAME: Message = Message(&[text("name")]);
static UPDATE: Message = Message(&[text("name"), text("description"), text("deployment_job_id")]);
static RENAME: Message = Message(&[text("name"), text("new_name")]);
static LATEST: Message = Message(&[text("name"), texts("stages")]);
pub(super) static SEARCH: Message =
    Message(&[text("filter"), integer("max_results"), texts("order_by"), text("page_token")]);

pub(super) fn routes() -> Router<Models> {
    Router::new()
        .route("/2.0/mlflow/registered-models/create", post(create))
        .route("/2.0/mlflow/registered-models/get", get(get_one))
        .route("/2.0/mlflow/registered-models/search", get(search))
        .route("/2.0/mlflow/registered-models/update", patch(update))
        .route("/2.0/mlflow/registered-models/rename", post(rename))
        .route("/2.0/mlflow/registered-models/delete", delete(remove))
        .route("/2.0/mlflow/registered-models/get-latest-versions", get(latest).post(latest))
}

async fn full(models: &Models, model: &RegisteredModel) -> MlflowResult {
    let latest = match model.latest_version {
        Some(_) => models.latest_versions(&model.name, &[]).await?,
        None => Vec::new(),
    };
    Ok(answer(json!({"registered_model": wire::registered(model, &latest)})))
}

async fn create(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[("name", REQUIRED), ("tags", &[Rule::Array]), ("description", TEXT)];
    let fields = call.read(&CREATE, rules)?;
    let new = NewModel {
        name: fields.text("name").to_owned(),
        description: fields.text("description").to_owned(),
        tags: fields.pairs("tags"),
    };
    full(&models, &models.create_model(new, &actor).await?).await
}

async fn get_one(State(models): State<Models>, call: Call) -> MlflowResult {
    let fields = call.read(&NAME, &[("name", REQUIRED)])?;
    full(&models, &models.model(fields.text("name")).await?).await
}

async fn search(State(models): State<Models>, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[
        ("filter", TEXT),
        ("max_results", &[Rule::Whole, Rule::AtMost(1000)]),
        ("order_by", TEXTS),
        ("page_token", TEXT),
    ];
    let fields = call.read(&SEARCH, rules)?;
    let comparisons = filter::parse(Search::RegisteredModels, fields.text("filter"))?;
    let orders = filter::parse_orders(Search::RegisteredModels, &fields.texts("order_by"))?;
    let paging = Paging::of(&fields, fields.integer("max_results").unwrap_or(100))?;
    let (found, next) = paging.cut(models.search_models(&comparisons, &orders, paging.window()).await?);
    let mut latest: HashMap<String, Vec<ModelVersion>> = HashMap::new();
    for version in models.latest_of_all(&found).await? {
        latest.entry(version.name.clone()).or_default().push(version);
    }
    let shown = |model: &RegisteredModel| {
        wire::registered(model, latest.get(&model.name).map_or(&[][..], Vec::as_slice))
    };
    Ok(answer(Object::default().list("registered_models", found.iter().map(shown).collect()).next(next)))
}

async fn update(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&UPDATE, &[("name", REQUIRED), ("description", TEXT)])?;
    let model = models.describe_model(fields.text("name"), fields.text("description"), &actor).await?;
    full(&models, &model).await
}

async fn rename(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&RENAME, &[("name", REQUIRED), ("new_name", REQUIRED)])?;
    let model = models.rename_model(fields.text("name"), fields.text("new_name"), &actor).await?;
    full(&models, &model).await
}

async fn remove(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&NAME, &[("name", REQUIRED)])?;
    models.delete_model(fields.text("name"), &actor).await?;
    Ok(done())
}

async fn latest(State(models): State<Models>, call: Call) -> MlflowResult {
    let fields = call.read(&LATEST, &[("name", REQUIRED), ("stages", TEXTS)])?;
    let found = models.latest_versions(fields.text("name"), &fields.texts("stages")).await?;
    Ok(answer(Object::default().list("model_versions", found.iter().map(wire::version).collect())))
}
