//! MLflow's logged-model calls.

use std::collections::HashSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{delete, get, patch, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::Code;
use ropewalk_mlflow::filter::{self, Search};
use ropewalk_mlflow::rules::as_whole;
use ropewalk_mlflow::{
    Call, ErrorCode, Fields, Json, MlflowError, MlflowResult, Object, Rule, answer, done, json, page, path,
    python,
};
use serde_json::json as value;

use super::artifacts::file_or_url;
use super::experiments::{named_twice, page_size, tags};
use super::{messages, wire};
use crate::logged_model::{LoggedModelStatus, NewLoggedModel};
use crate::model::{Param, experiment_number};
use crate::service::Runs;
use crate::service::logged_models::{LoggedModelOrder, LoggedModelQuery};

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/logged-models", post(create))
        .route("/2.0/mlflow/logged-models/search", post(search))
        .route("/2.0/mlflow/logged-models/{id}", get(get_one).patch(finalize).delete(remove))
        .route("/2.0/mlflow/logged-models/{id}/params", post(log_params))
        .route("/2.0/mlflow/logged-models/{id}/tags", patch(set_tags))
        .route("/2.0/mlflow/logged-models/{id}/tags/{key}", delete(delete_tag))
        .route("/2.0/mlflow/logged-models/{id}/artifacts/directories", get(list_files))
}

/// What is not served under both of MLflow's prefixes.
pub(super) fn page_routes() -> Router<Runs> {
    Router::new().route("/ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files", get(file))
}

fn params(fields: &Fields) -> Vec<Param> {
    fields.pairs("params").into_iter().map(|(key, value)| Param { key, value }).collect()
}

async fn create(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::CREATE_LOGGED_MODEL,
        &[
            ("experiment_id", &[Rule::Text, Rule::Required]),
            ("name", &[Rule::Text]),
            ("model_type", &[Rule::Text]),
            ("source_run_id", &[Rule::Text]),
            ("params", &[Rule::Array]),
            ("tags", &[Rule::Array]),
        ],
    )?;
    let (params, tags) = (params(&fields), tags(&fields, "tags"));
    must_be_unique(&params)?;
    if let Some(twice) = named_twice(&tags) {
        return Err(given_twice("tag", twice));
    }
    let model = runs
        .create_logged_model(NewLoggedModel {
            experiment_id: fields.text("experiment_id").to_owned(),
            name: fields.some_text("name").map(str::to_owned),
            model_type: Some(fields.text("model_type").to_owned()),
            source_run_id: Some(fields.text("source_run_id").to_owned()),
            params,
            tags,
        })
        .await?;
    Ok(answer(value!({"model": wire::logged_model(&model)})))
}

async fn get_one(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let deleted = call.query("allow_deleted").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let model = runs.any_logged_model(&id, deleted).await?;
    Ok(answer(value!({"model": wire::logged_model(&model)})))
}

async fn finalize(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::FINALIZE_LOGGED_MODEL,
        &[("model_id", &[Rule::Text, Rule::Required]), ("status", &[Rule::Whole, Rule::Required])],
    )?;
    // A status that MLflow does not have counts as none.
    let status = fields
        .word("status")
        .and_then(LoggedModelStatus::parse)
        .unwrap_or(LoggedModelStatus::StatusUnspecified);
    let model = runs.finalize_logged_model(&id, status).await?;
    Ok(answer(value!({"model": wire::logged_model(&model)})))
}

async fn remove(State(runs): State<Runs>, Path(id): Path<String>) -> MlflowResult {
    runs.delete_logged_model(&id).await?;
    Ok(done())
}

async fn log_params(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::LOGGED_MODEL_PARAMS,
        &[("model_id", &[Rule::Text, Rule::Required]), ("params", &[Rule::Array])],
    )?;
    let params = params(&fields);
    must_be_unique(&params)?;
    runs.log_model_params(&id, params).await.map_err(|error| {
        if error.code() == Code::AlreadyExists {
            MlflowError::new(ErrorCode::BadRequest, error.what())
        } else {
            error.into()
        }
    })?;
    Ok(done())
}

/// Refuses parameters of one key. The stock server lets its database do that.
fn must_be_unique(params: &[Param]) -> MlflowResult<()> {
    let mut seen = HashSet::new();
    match params.iter().find(|param| !seen.insert(param.key.as_str())) {
        Some(twice) => Err(given_twice("parameter", &twice.key)),
        None => Ok(()),
    }
}

fn given_twice(what: &str, key: &str) -> MlflowError {
    MlflowError::new(ErrorCode::BadRequest, format!("the {what} '{key}' is there twice"))
}

async fn set_tags(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::LOGGED_MODEL_TAGS, &[("tags", &[Rule::Array])])?;
    runs.set_logged_model_tags(&id, tags(&fields, "tags")).await?;
    Ok(done())
}

async fn delete_tag(State(runs): State<Runs>, Path((id, key)): Path<(String, String)>) -> MlflowResult {
    runs.delete_logged_model_tag(&id, &key).await?;
    Ok(done())
}

async fn search(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::SEARCH_LOGGED_MODELS,
        &[
            ("experiment_ids", &[Rule::Array, Rule::TextItems, Rule::Required]),
            ("filter", &[Rule::Text]),
            ("datasets", &[Rule::Array]),
            ("max_results", &[Rule::Whole]),
            ("order_by", &[Rule::Array]),
            ("page_token", &[Rule::Text]),
        ],
    )?;
    let asked = Asked::new(&fields);
    let some = |fields: &Fields, name: &str| fields.some_text(name).map(str::to_owned);
    let datasets: Vec<_> = fields
        .parts("datasets")
        .map(|dataset| (dataset.text("dataset_name").to_owned(), some(dataset, "dataset_digest")))
        .collect();
    if datasets.iter().any(|(name, _)| name.is_empty()) {
        return Err(MlflowError::invalid("`dataset_name` in the `datasets` clause must be specified."));
    }
    let offset = match fields.some_text("page_token") {
        Some(token) => asked.offset(token)?,
        None => 0,
    };
    // None counts as not given.
    let limit = match fields.integer("max_results").unwrap_or(0) {
        0 => 50,
        number => i64::from(page_size(number, 50_000)?),
    };
    let query = LoggedModelQuery {
        experiments: asked
            .experiments
            .iter()
            .map(|id| experiment_number(id))
            .collect::<ropewalk_core::Result<_>>()?,
        comparisons: filter::parse(Search::LoggedModels, fields.text("filter"))?,
        datasets,
        orders: fields
            .parts("order_by")
            .map(|order| LoggedModelOrder {
                field: order.text("field_name").to_owned(),
                ascending: order.truth("ascending").unwrap_or(true),
                dataset: (some(order, "dataset_name"), some(order, "dataset_digest")),
            })
            .collect(),
        limit,
        offset,
    };
    let found = runs.find_logged_models(query).await?;
    let next = found.next_token.map(|_| asked.token(offset + limit));
    Ok(answer(
        Object::default().list("models", found.items.iter().map(wire::logged_model).collect()).next(next),
    ))
}

/// What a page token repeats of the search that it belongs to.
struct Asked {
    experiments: Vec<String>,
    filter: Json,
    orders: Json,
}

impl Asked {
    fn new(fields: &Fields) -> Self {
        let some = |fields: &Fields, name: &str| {
            fields.some_text(name).map_or(Json::Null, |text| Json::Text(text.to_owned()))
        };
        let orders: Vec<_> = fields
            .parts("order_by")
            .map(|order| {
                let members = [
                    ("field_name", Json::Text(order.text("field_name").to_owned())),
                    ("ascending", Json::Truth(order.truth("ascending").unwrap_or(true))),
                    ("dataset_name", some(order, "dataset_name")),
                    ("dataset_digest", some(order, "dataset_digest")),
                ];
                Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
            })
            .collect();
        Self {
            experiments: fields.texts("experiment_ids"),
            filter: some(fields, "filter"),
            orders: if orders.is_empty() { Json::Null } else { Json::List(orders) },
        }
    }

    fn token(&self, offset: i64) -> String {
        let members = [
            ("experiment_ids", texts(&self.experiments)),
            ("filter_string", self.filter.clone()),
            ("order_by", self.orders.clone()),
            ("offset", Json::Integer(offset)),
        ];
        let whole = Json::Object(members.map(|(name, value)| (name.to_owned(), value)).into());
        STANDARD.encode(json::in_order(&whole))
    }

    /// The offset of a token that was given out for the same search.
    fn offset(&self, token: &str) -> MlflowResult<i64> {
        let parsed =
            page::parsed(token).ok().filter(|parsed| matches!(parsed, Json::Object(_))).ok_or_else(|| {
                MlflowError::invalid(format!(
                    "Invalid page token: {token}. Expecting value: line 1 column 1 (char 0)"
                ))
            })?;
        let member = |name: &str| parsed.get(name).filter(|value| python::is_true(value));
        let shown = |value: &Json| value.as_text().map_or_else(|| python::repr_json(value), str::to_owned);
        let experiments = texts(&self.experiments);
        for (what, how, name, expected) in [
            ("Experiment IDs", "do not match the requested experiment IDs", "experiment_ids", &experiments),
            ("Filter string", "does not match the requested filter string", "filter_string", &self.filter),
            ("Order by", "does not match the requested order by", "order_by", &self.orders),
        ] {
            let found = member(name).unwrap_or(&Json::Null);
            if found != expected {
                return Err(MlflowError::invalid(format!(
                    "{what} in the page token {how}. Expected: {}. Found: {}",
                    shown(expected),
                    shown(found)
                )));
            }
        }
        Ok(member("offset").and_then(as_whole).map_or(0, |offset| offset.max(0)))
    }
}

fn texts(texts: &[String]) -> Json {
    Json::List(texts.iter().cloned().map(Json::Text).collect())
}

async fn list_files(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let fields =
        call.read(&messages::LIST_LOGGED_MODEL_FILES, &[("artifact_directory_path", &[Rule::Text])])?;
    let folder = match fields.sent_text("artifact_directory_path") {
        Some(path) => path::safe(path)?,
        None => String::new(),
    };
    let root = runs.get_logged_model(&id).await?.artifact_uri;
    let files = runs.spot(&root).await?.list(&folder).await?;
    Ok(answer(Object::default().set("root_uri", root).list("files", files.iter().map(wire::file).collect())))
}

async fn file(State(runs): State<Runs>, Path(id): Path<String>, method: Method, call: Call) -> MlflowResult {
    let Some(path) = call.query("artifact_file_path").filter(|path| !path.is_empty()) else {
        return Err(MlflowError::new(
            ErrorCode::BadRequest,
            "Request must include the \"artifact_file_path\" query parameter.",
        ));
    };
    let path = path::safe(path)?;
    let root = runs.get_logged_model(&id).await?.artifact_uri;
    file_or_url(&runs, &root, &path, &method, &call).await
}
