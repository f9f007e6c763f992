//! MLflow's calls about model versions.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, patch, post};
use ropewalk_core::Actor;
use ropewalk_mlflow::filter::{self, Search};
use ropewalk_mlflow::json::{self, Json};
use ropewalk_mlflow::message::{parts, text, truth};
use ropewalk_mlflow::{Call, Message, MlflowError, MlflowResult, Object, Rule, answer, done};
use ropewalk_runs::Tag;
use serde_json::json;

use super::paging::Paging;
use super::registered::{SEARCH, TAG};
use super::{REQUIRED, TEXT, TEXTS, number, source, wire};
use crate::model::ModelVersion;
use crate::rules::{check_model_name, check_version_tag, makes_prompt};
use crate::service::{Models, NewVersion};

static CREATE: Message = Message(&[
    text("name"),
    text("source"),
    text("run_id"),
    parts("tags", &TAG),
    text("run_link"),
    text("description"),
    text("model_id"),
]);
static VERSION: Message = Message(&[text("name"), text("version")]);
static UPDATE: Message = Message(&[text("name"), text("version"), text("description")]);
static TRANSITION: Message =
    Message(&[text("name"), text("version"), text("stage"), truth("archive_existing_versions")]);

const CREATE_RULES: &[(&str, &[Rule])] = &[
    ("name", REQUIRED),
    ("source", REQUIRED),
    ("run_id", TEXT),
    ("tags", &[Rule::Array]),
    ("run_link", TEXT),
    ("description", TEXT),
    ("model_id", TEXT),
];
const RULES: &[(&str, &[Rule])] = &[("name", REQUIRED), ("version", REQUIRED)];

/// The tag of a logged model that names the versions made from it.
const VERSIONS_TAG: &str = "mlflow.modelVersions";

pub(super) fn routes() -> Router<Models> {
    Router::new()
        .route("/2.0/mlflow/model-versions/create", post(create))
        .route("/2.0/mlflow/model-versions/get", get(get_one))
        .route("/2.0/mlflow/model-versions/search", get(search))
        .route("/2.0/mlflow/model-versions/update", patch(update))
        .route("/2.0/mlflow/model-versions/delete", delete(remove))
        .route("/2.0/mlflow/model-versions/transition-stage", post(transition))
        .route("/2.0/mlflow/model-versions/get-download-uri", get(download_uri))
}

async fn create(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&CREATE, CREATE_RULES)?;
    let tags = fields.pairs("tags");
    let prompt = makes_prompt(&tags.iter().cloned().collect::<BTreeMap<_, _>>());
    let source = source::check(&models, &fields, prompt).await?;
    let name = fields.text("name");
    check_model_name(name)?;
    for (key, value) in &tags {
        check_version_tag(key, value)?;
    }
    let place = source::locate(&models, &source).await?;
    let new = NewVersion {
        name: name.to_owned(),
        source: source.source,
        storage_location: place.storage_location,
        run_id: place.run_id,
        run_link: Some(fields.text("run_link").to_owned()),
        model_id: place.model_id,
        made_from: place.made_from,
        description: Some(fields.text("description").to_owned()),
        tags,
    };
    let version = models.create_version(new, &actor).await?;
    if !source.model_id.is_empty() && !prompt {
        tag_logged_model(&models, &source.model_id, &version).await?;
    }
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

/// Adds a version to those that a logged model says were made from it.
async fn tag_logged_model(models: &Models, id: &str, version: &ModelVersion) -> MlflowResult<()> {
    let model = models.runs().get_logged_model(id).await?;
    let own = Json::Object(vec![
        ("name".to_owned(), Json::Text(version.name.clone())),
        ("version".to_owned(), Json::Integer(version.version)),
    ]);
    let kept = model.tags.get(VERSIONS_TAG).and_then(|text| json::parse(text));
    let mut list = match kept {
        Some(Json::List(list)) => list,
        _ => Vec::new(),
    };
    if !list.contains(&own) {
        list.push(own);
    }
    // With blanks, as Python writes JSON.
    let list: Vec<String> = list
        .iter()
        .map(|item| match (item.get("name"), item.get("version")) {
            (Some(name), Some(version)) => {
                format!("{{\"name\": {}, \"version\": {}}}", json::dumps(name), json::dumps(version))
            }
            _ => json::dumps(item),
        })
        .collect();
    let tag = Tag { key: VERSIONS_TAG.to_owned(), value: format!("[{}]", list.join(", ")) };
    models.runs().set_logged_model_tags(id, vec![tag]).await?;
    Ok(())
}

async fn get_one(State(models): State<Models>, call: Call) -> MlflowResult {
    let fields = call.read(&VERSION, RULES)?;
    check_model_name(fields.text("name"))?;
    let version = models.get(fields.text("name"), number::of(&fields)?).await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn search(State(models): State<Models>, call: Call) -> MlflowResult {
    const MOST: i64 = 200_000;
    let rules: &[(&str, &[Rule])] = &[
        ("filter", TEXT),
        ("max_results", &[Rule::Whole, Rule::AtMost(MOST)]),
        ("order_by", TEXTS),
        ("page_token", TEXT),
    ];
    let fields = call.read(&SEARCH, rules)?;
    let asked = fields.integer("max_results").unwrap_or(MOST);
    if asked < 1 {
        return Err(MlflowError::invalid(format!(
            "Invalid value for max_results. It must be a positive integer, but got {asked}"
        )));
    }
    let comparisons = filter::parse(Search::ModelVersions, fields.text("filter"))?;
    let orders = filter::parse_orders(Search::ModelVersions, &fields.texts("order_by"))?;
    let paging = Paging::of(&fields, asked)?;
    let (found, next) = paging.cut(models.search_versions(&comparisons, &orders, paging.window()).await?);
    let list = found.iter().map(wire::bare_version).collect();
    Ok(answer(Object::default().list("model_versions", list).next(next)))
}

async fn update(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[("name", REQUIRED), ("version", REQUIRED), ("description", TEXT)];
    let fields = call.read(&UPDATE, rules)?;
    let name = fields.text("name");
    check_model_name(name)?;
    let description = fields.sent_text("description");
    let version = models.describe_version(name, number::of(&fields)?, description, &actor).await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn remove(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&VERSION, RULES)?;
    models.delete_version(fields.text("name"), number::of(&fields)?, &actor).await?;
    Ok(done())
}

async fn transition(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[
        ("name", REQUIRED),
        ("version", REQUIRED),
        ("stage", REQUIRED),
        ("archive_existing_versions", &[Rule::Truth]),
    ];
    let fields = call.read(&TRANSITION, rules)?;
    let (name, stage) = (fields.text("name"), fields.text("stage"));
    let archive = fields.truth("archive_existing_versions").unwrap_or(false);
    crate::service::check_stage(stage, archive)?;
    check_model_name(name)?;
    let version = models.set_stage(name, number::of(&fields)?, stage, archive, &actor).await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn download_uri(State(models): State<Models>, call: Call) -> MlflowResult {
    let fields = call.read(&VERSION, &[])?;
    check_model_name(fields.text("name"))?;
    let version = models.get(fields.text("name"), number::of(&fields)?).await?;
    Ok(answer(json!({"artifact_uri": version.storage_location.unwrap_or(version.source)})))
}
