//! Evaluation datasets.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, patch, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::Code;
use ropewalk_mlflow::answer::{answer, written};
use ropewalk_mlflow::json::{Json, parse};
use ropewalk_mlflow::page;
use ropewalk_mlflow::{Call, ErrorCode, Fields, MlflowError, MlflowResult, Object, Rule, done};

use super::messages::{
    CREATE_DATASET, DATASET_EXPERIMENTS, DATASET_RECORDS, DATASET_TAGS, DELETE_RECORDS, PUT_RECORDS,
    SEARCH_DATASETS,
};
use super::wire::Writer;
use crate::model::{DatasetRecord, EvaluationDataset};
use crate::python::{Letters, dumps, shown, truthy};
use crate::service::{DatasetSearch, NewRecord, RecordsFrom, Traces};

/// Records in one page, if nothing is said.
const RECORDS: i64 = 1000;
/// The largest page of datasets.
const MOST: i64 = 50_000;

/// The routes of evaluation datasets.
pub(super) fn routes() -> Router<Traces> {
    Router::new()
        .route("/3.0/mlflow/datasets/create", post(create))
        .route("/3.0/mlflow/datasets/search", get(search).post(search))
        .route("/3.0/mlflow/datasets/{id}", get(show).delete(remove))
        .route("/3.0/mlflow/datasets/{id}/tags", patch(set_tags))
        .route("/3.0/mlflow/datasets/{id}/tags/{key}", delete(delete_tag))
        .route("/3.0/mlflow/datasets/{id}/records", get(records).post(put_records).delete(delete_records))
        .route("/3.0/mlflow/datasets/{id}/experiment-ids", get(experiments))
        .route("/3.0/mlflow/datasets/{id}/add-experiments", post(add))
        .route("/3.0/mlflow/datasets/{id}/remove-experiments", post(take_out))
}

/// Tags as they are sent: an object as a text of JSON.
fn tags(sent: &str) -> MlflowResult<Vec<(String, Json)>> {
    match parse(sent) {
        Some(Json::Object(members)) => Ok(members),
        _ => Err(MlflowError::invalid("The parameter 'tags' must be a text that is a JSON object")),
    }
}

async fn create(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &CREATE_DATASET,
        &[
            ("name", &[Rule::Required, Rule::Text]),
            ("experiment_ids", &[Rule::Array]),
            ("tags", &[Rule::Text]),
        ],
    )?;
    let told = match sent.some_text("tags") {
        // What is nothing to Python is no tags.
        Some(text) if parse(text).is_some_and(|value| !truthy(&value)) => Vec::new(),
        Some(text) => tags(text)?,
        None => Vec::new(),
    };
    let kept = told.iter().map(|(key, value)| Ok((key.clone(), kept(key, value)?)));
    let kept = kept.collect::<MlflowResult<Vec<_>>>()?;
    let experiments = sent.texts("experiment_ids");
    let dataset = traces.create_dataset(sent.text("name"), kept, experiments.clone()).await?;
    let mut writer = Writer::default();
    writer.raw("{\"dataset\":").dataset(&dataset, &Json::Object(told), &experiments).raw("}");
    Ok(written(writer.into_bytes()))
}

/// A tag's value as the stock server's database keeps it.
fn kept(key: &str, value: &Json) -> MlflowResult<Option<String>> {
    Ok(match value {
        Json::Null => None,
        Json::Truth(truth) => Some(u8::from(*truth).to_string()),
        Json::List(_) | Json::Object(_) => {
            return Err(MlflowError::invalid(format!("The value of tag '{key}' must be a text")));
        }
        plain => Some(shown(plain)),
    })
}

fn answer_with(dataset: &EvaluationDataset) -> MlflowResult {
    let mut writer = Writer::default();
    writer.raw("{\"dataset\":").dataset(dataset, &kept_tags(dataset), &[]).raw("}");
    Ok(written(writer.into_bytes()))
}

fn kept_tags(dataset: &EvaluationDataset) -> Json {
    let value = |value: &Option<String>| value.clone().map_or(Json::Null, Json::Text);
    Json::Object(dataset.tags.iter().map(|(key, text)| (key.clone(), value(text))).collect())
}

async fn show(State(traces): State<Traces>, Path(id): Path<String>) -> MlflowResult {
    answer_with(&traces.dataset(&id).await?)
}

async fn remove(State(traces): State<Traces>, Path(id): Path<String>) -> MlflowResult {
    traces.delete_dataset(&id).await?;
    Ok(done())
}

async fn search(State(traces): State<Traces>, call: Call) -> MlflowResult {
    let sent = call.read(
        &SEARCH_DATASETS,
        &[
            ("experiment_ids", &[Rule::Array]),
            ("filter_string", &[Rule::Text]),
            ("max_results", &[Rule::Whole]),
            ("order_by", &[Rule::Array]),
            ("page_token", &[Rule::Text]),
        ],
    )?;
    let found = traces
        .search_datasets(&DatasetSearch {
            experiment_ids: sent.texts("experiment_ids"),
            filter: sent.text("filter_string").to_owned(),
            order_by: sent.texts("order_by"),
            max_results: max_results(&sent)?,
            offset: page::offset(sent.text("page_token"))?,
        })
        .await?;
    let mut writer = Writer::default();
    writer.raw("{");
    if !found.items.is_empty() {
        writer.raw("\"datasets\":[");
        for dataset in &found.items {
            writer.item().dataset(dataset, &kept_tags(dataset), &[]);
        }
        writer.raw("]");
    }
    writer.maybe("next_page_token", found.next_token.as_deref()).raw("}");
    Ok(written(writer.into_bytes()))
}

fn max_results(sent: &Fields) -> MlflowResult<u32> {
    let asked = sent.integer("max_results").unwrap_or(1000);
    let wrong = |shown: &str, rule: &str| {
        let what = "Invalid value ";
        Err(MlflowError::invalid(format!(
            "{what}{shown} for parameter 'max_results' supplied. It must be {rule}"
        )))
    };
    match u32::try_from(asked) {
        // The stock server takes 0 for nothing.
        Ok(0) => wrong("None", "a positive integer"),
        Ok(size) if asked <= MOST => Ok(size),
        Ok(_) => wrong(&asked.to_string(), &format!("at most {MOST}")),
        Err(_) => wrong(&asked.to_string(), "a positive integer"),
    }
}

async fn set_tags(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&DATASET_TAGS, &[("tags", &[Rule::Required, Rule::Text])])?;
    let set = tags(sent.text("tags"))?.into_iter().map(|(key, value)| match value {
        Json::Null => (key, None),
        value => (key, Some(shown(&value))),
    });
    traces.set_dataset_tags(&id, set.collect()).await?;
    Ok(done())
}

async fn delete_tag(State(traces): State<Traces>, Path((id, key)): Path<(String, String)>) -> MlflowResult {
    if key.contains('/') {
        // To the stock server an encoded slash parts a path as any other.
        return Err(MlflowError::missing(format!("There is no tag '{key}'")));
    }
    traces.delete_dataset_tag(&id, &key).await?;
    Ok(done())
}

async fn put_records(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&PUT_RECORDS, &[("records", &[Rule::Required, Rule::Text])])?;
    let records = match parse(sent.text("records")) {
        Some(Json::List(records)) => records.iter().map(NewRecord::read).collect::<Result<Vec<_>, _>>()?,
        // What Python finds nothing in when it goes over it.
        Some(Json::Object(members)) if members.is_empty() => Vec::new(),
        Some(Json::Text(text)) if text.is_empty() => Vec::new(),
        _ => {
            let words = "The parameter 'records' must be a text that is a JSON list of records";
            return Err(MlflowError::invalid(words));
        }
    };
    let (inserted, updated) = traces.put_records(&id, records).await.map_err(|error| {
        // The stock server learns only from its database that the dataset is missing.
        match error.code() {
            Code::NotFound => MlflowError::new(ErrorCode::BadRequest, error.what()),
            _ => error.into(),
        }
    })?;
    Ok(answer(Object::default().set("inserted_count", inserted).set("updated_count", updated)))
}

async fn records(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent =
        call.read(&DATASET_RECORDS, &[("max_results", &[Rule::Whole]), ("page_token", &[Rule::Text])])?;
    let asked = sent.integer("max_results").filter(|size| *size != 0).unwrap_or(RECORDS);
    let limit = u32::try_from(asked).ok().filter(|size| i64::from(*size) <= MOST).ok_or_else(|| {
        MlflowError::invalid(format!(
            "Invalid value {asked} for parameter 'max_results' supplied. It must be between 1 and {MOST}"
        ))
    })?;
    let (found, more) = traces.dataset_records(&id, &from(sent.text("page_token"))?, limit).await?;
    let list = Json::List(found.iter().map(as_json).collect());
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| STANDARD.encode(format!("{}:{}", last.created_time, last.dataset_record_id)));
    let mut writer = Writer::default();
    writer.raw("{").text("records", &dumps(&list, Letters::Escaped));
    writer.maybe("next_page_token", next.as_deref()).raw("}");
    Ok(written(writer.into_bytes()))
}

/// Where a page of records begins, as its token says: after a record, or after so many.
fn from(token: &str) -> MlflowResult<RecordsFrom> {
    if token.is_empty() {
        return Ok(RecordsFrom::Offset(0));
    }
    let record = page::decode(token).ok().and_then(|decoded| {
        let text = String::from_utf8(decoded).ok()?;
        let (time, id) = text.split_once(':')?;
        Some(RecordsFrom::After(time.trim().parse().ok()?, id.to_owned()))
    });
    let offset = || token.trim().parse().ok().filter(|offset| *offset >= 0).map(RecordsFrom::Offset);
    record.or_else(offset).ok_or_else(|| MlflowError::invalid(format!("Invalid page token '{token}'")))
}

fn as_json(record: &DatasetRecord) -> Json {
    let text = |text: &Option<String>| text.clone().map(Json::Text);
    let members = [
        ("dataset_record_id", Some(Json::Text(record.dataset_record_id.clone()))),
        ("dataset_id", Some(Json::Text(record.dataset_id.clone()))),
        ("inputs", Some(record.inputs.clone())),
        ("expectations", record.expectations.clone()),
        ("tags", record.tags.clone()),
        ("source", record.source.clone()),
        ("source_id", text(&record.source_id)),
        ("source_type", text(&record.source_type)),
        ("created_time", Some(Json::Integer(record.created_time))),
        ("last_update_time", Some(Json::Integer(record.last_update_time))),
        ("created_by", text(&record.created_by)),
        ("last_updated_by", text(&record.last_updated_by)),
        ("outputs", record.outputs.clone()),
    ];
    let sent = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Json::Object(sent.collect())
}

async fn delete_records(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&DELETE_RECORDS, &[("dataset_record_ids", &[Rule::Array])])?;
    let deleted = traces.delete_dataset_records(&id, sent.texts("dataset_record_ids")).await?;
    Ok(answer(Object::default().set("deleted_count", deleted)))
}

async fn experiments(State(traces): State<Traces>, Path(id): Path<String>) -> MlflowResult {
    let found = traces.dataset_experiments(&id).await?;
    Ok(answer(Object::default().list("experiment_ids", found.into_iter().map(Into::into).collect())))
}

async fn add(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&DATASET_EXPERIMENTS, &[("experiment_ids", &[Rule::Array])])?;
    answer_with(&traces.add_dataset_to_experiments(&id, sent.texts("experiment_ids")).await?)
}

async fn take_out(State(traces): State<Traces>, Path(id): Path<String>, call: Call) -> MlflowResult {
    let sent = call.read(&DATASET_EXPERIMENTS, &[("experiment_ids", &[Rule::Array])])?;
    answer_with(&traces.remove_dataset_from_experiments(&id, sent.texts("experiment_ids")).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_of_records_begins_where_its_token_says() {
        assert_eq!(from("").unwrap(), RecordsFrom::Offset(0));
        assert_eq!(from("12").unwrap(), RecordsFrom::Offset(12));
        assert_eq!(from(&STANDARD.encode("5:dr-1")).unwrap(), RecordsFrom::After(5, "dr-1".into()));
        assert!(from("x").is_err() && from("-1").is_err() && from(&STANDARD.encode("x:y")).is_err());
    }

    proptest! {
        #[test]
        fn no_token_panics(token in ".*") {
            let _ = from(&token);
        }
    }
}
