//! MLflow's logged-model calls.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::routing::{delete, get, patch, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_mlflow::filter::{self, Search};
use ropewalk_mlflow::{
    Call, ErrorCode, Fields, Json, MlflowError, MlflowResult, Object, Rule, answer, done, page, path,
};
use serde_json::json;

use super::artifacts::file_or_url;
use super::experiments::{page_size, tags};
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
    let model = runs
        .create_logged_model(NewLoggedModel {
            experiment_id: fields.text("experiment_id").to_owned(),
            name: fields.some_text("name").map(str::to_owned),
            model_type: Some(fields.text("model_type").to_owned()),
            source_run_id: Some(fields.text("source_run_id").to_owned()),
            params: params(&fields),
            tags: tags(&fields, "tags"),
        })
        .await?;
    Ok(answer(json!({"model": wire::logged_model(&model)})))
}

async fn get_one(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let deleted = call.query("allow_deleted").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let model = runs.any_logged_model(&id, deleted).await?;
    Ok(answer(json!({"model": wire::logged_model(&model)})))
}

async fn finalize(State(runs): State<Runs>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::FINALIZE_LOGGED_MODEL,
        &[("model_id", &[Rule::Text, Rule::Required]), ("status", &[Rule::Whole, Rule::Required])],
    )?;
    let status = fields.word("status").and_then(LoggedModelStatus::parse).ok_or_else(|| {
        MlflowError::invalid(
            "Invalid value for parameter 'status' supplied. It must be a status of a logged model.",
        )
    })?;
    let model = runs.finalize_logged_model(&id, status).await?;
    Ok(answer(json!({"model": wire::logged_model(&model)})))
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
    runs.log_model_params(&id, params(&fields)).await?;
    Ok(done())
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
    filter: serde_json::Value,
    orders: serde_json::Value,
}

impl Asked {
    fn new(fields: &Fields) -> Self {
        let some = |fields: &Fields, name: &str| serde_json::Value::from(fields.some_text(name));
        let orders: Vec<_> = fields
            .parts("order_by")
            .map(|order| {
                json!({
                    "field_name": order.text("field_name"),
                    "ascending": order.truth("ascending").unwrap_or(true),
                    "dataset_name": some(order, "dataset_name"),
                    "dataset_digest": some(order, "dataset_digest"),
                })
            })
            .collect();
        Self {
            experiments: fields.texts("experiment_ids"),
            filter: some(fields, "filter"),
            orders: if orders.is_empty() { serde_json::Value::Null } else { orders.into() },
        }
    }

    fn token(&self, offset: i64) -> String {
        STANDARD.encode(
            json!({
                "experiment_ids": self.experiments, "filter_string": self.filter, "order_by": self.orders, "offset": offset,
            })
            .to_string(),
        )
    }

    /// The offset of a token that was given out for the same search.
    fn offset(&self, token: &str) -> MlflowResult<i64> {
        let parsed = page::parsed(token)
            .ok()
            .filter(|parsed| matches!(parsed, Json::Object(_)))
            .ok_or_else(|| MlflowError::invalid(format!("Invalid page token: {token}")))?;
        let member = |name: &str| parsed.get(name).map(Json::to_serde).unwrap_or_default();
        let differs = |what: &str, expected: &serde_json::Value, found: &serde_json::Value| {
            MlflowError::invalid(format!(
                "{what} in the page token does not match the requested {}. Expected: {expected}. Found: {found}",
                what.to_lowercase().replace("ids", "IDs")
            ))
        };
        for (what, name, expected) in [
            ("Experiment IDs", "experiment_ids", &json!(self.experiments)),
            ("Filter string", "filter_string", &self.filter),
            ("Order by", "order_by", &self.orders),
        ] {
            let found = member(name);
            let same = found == *expected || (found == json!("") && expected.is_null());
            if !same {
                return Err(match what {
                    "Experiment IDs" => MlflowError::invalid(format!(
                        "Experiment IDs in the page token do not match the requested experiment IDs. Expected: {expected}. Found: \
                         {found}"
                    )),
                    _ => differs(what, expected, &found),
                });
            }
        }
        Ok(member("offset").as_i64().filter(|offset| *offset >= 0).unwrap_or(0))
    }
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
