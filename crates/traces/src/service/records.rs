//! Records of evaluation datasets. Those with equal inputs are one record.

use std::collections::HashMap;

use ropewalk_core::{Error, Result, now_ms};
use ropewalk_mlflow::Json;
use ropewalk_mlflow::json::parse;

use super::Traces;
use super::datasets::{USER, digest, profile, sha256};
use crate::model::DatasetRecord;
use crate::python::{Letters, dumps, truthy};
use crate::store::datasets as store;

/// Kinds of source, as records name them.
const SOURCES: [&str; 5] = ["UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"];

/// A record that is to be put into a dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewRecord {
    inputs: Json,
    /// None where it is not said.
    outputs: Option<Json>,
    expectations: Option<Json>,
    tags: Option<Json>,
    source: Option<Source>,
}

#[derive(Debug, Clone, PartialEq)]
struct Source {
    json: Json,
    id: Option<String>,
    kind: &'static str,
}

impl NewRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// `invalid` when a part is not what it must be.
    pub(crate) fn read(sent: &Json) -> Result<Self> {
        let Json::Object(_) = sent else { return Err(Error::invalid("A record must be an object")) };
        let object = |name: &str| match sent.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value @ Json::Object(_)) => Ok(Some(value.clone())),
            Some(_) => Err(Error::invalid(format!("A record's '{name}' must be an object"))),
        };
        if sent.get("inputs") == Some(&Json::Null) {
            return Err(Error::invalid("inputs must be provided"));
        }
        Ok(Self {
            inputs: object("inputs")?.unwrap_or(Json::Object(Vec::new())),
            outputs: sent.get("outputs").cloned(),
            expectations: object("expectations")?,
            tags: object("tags")?,
            source: match sent.get("source").filter(|source| truthy(source)) {
                None => None,
                Some(source) => Some(Source::read(source)?),
            },
        })
    }

    fn user(&self) -> Option<Result<String>> {
        let user = self.tags.as_ref()?.get(USER)?;
        Some(match user {
            Json::Text(user) => Ok(user.clone()),
            _ => Err(Error::invalid(format!("The tag '{USER}' must be a text"))),
        })
    }

    fn hash(&self) -> String {
        sha256(&dumps(&sorted(&self.inputs), Letters::Escaped))
    }
}

impl Source {
    fn read(sent: &Json) -> Result<Self> {
        let Json::Object(members) = sent else {
            return Err(Error::invalid("A record's 'source' must be an object"));
        };
        if let Some((name, _)) =
            members.iter().find(|(name, _)| !matches!(name.as_str(), "source_type" | "source_data"))
        {
            return Err(Error::invalid(format!("A record's 'source' has no member '{name}'")));
        }
        let Some(Json::Text(kind)) = sent.get("source_type") else {
            return Err(Error::invalid("A record's 'source' must have a 'source_type'"));
        };
        let upper = kind.to_uppercase();
        let Some(kind) = SOURCES.into_iter().find(|known| *known == upper) else {
            return Err(Error::invalid(format!(
                "Invalid dataset record source type: {upper}. Valid source types: ['UNSPECIFIED', 'TRACE', 'HUMAN', \
                 'DOCUMENT', 'CODE']"
            )));
        };
        let data = match sent.get("source_data") {
            None | Some(Json::Null) => Json::Object(Vec::new()),
            Some(data @ Json::Object(_)) => data.clone(),
            Some(_) => return Err(Error::invalid("A record's 'source_data' must be an object")),
        };
        let id = match data.get(if kind == "TRACE" { "trace_id" } else { "source_id" }) {
            None | Some(Json::Null) => None,
            Some(Json::Text(id)) => Some(id.clone()),
            Some(_) => return Err(Error::invalid("A record's source must be named by a text")),
        };
        let json = Json::Object(vec![
            ("source_type".to_owned(), Json::Text(kind.to_owned())),
            ("source_data".to_owned(), data),
        ]);
        Ok(Self { json, id, kind })
    }
}

/// The same value with its members in alphabetical order.
fn sorted(value: &Json) -> Json {
    match value {
        Json::List(items) => Json::List(items.iter().map(sorted).collect()),
        Json::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Json::Object(members)
        }
        other => other.clone(),
    }
}

impl Traces {
    /// Puts records into a dataset; how many are new, and how many were there already and were changed.
    ///
    /// # Errors
    /// `not_found` when the dataset does not exist and there are records to put.
    pub(crate) async fn put_records(&self, id: &str, records: Vec<NewRecord>) -> Result<(i64, i64)> {
        let id = id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::hold(tx, &id).await?;
                    let Some(mut dataset) = store::by_id(tx, &id).await? else {
                        if records.is_empty() {
                            return Ok((0, 0));
                        }
                        return Err(Error::not_found(format!("Dataset '{id}' not found")));
                    };
                    let now = now_ms();
                    let hashes: Vec<_> = records.iter().map(NewRecord::hash).collect();
                    let known = store::records_by_inputs(tx, &id, &hashes).await?;
                    let merged = merge(&id, &records, hashes, known, now)?;
                    store::put_records(tx, &merged.records).await?;
                    dataset.last_update_time = now;
                    dataset.last_updated_by = merged.user;
                    dataset.digest = digest(&dataset.name, now);
                    dataset.schema = schema(dataset.schema.as_deref(), &records)?.or(dataset.schema);
                    let count = store::count_records(tx, &id).await?;
                    dataset.profile = profile(count).or(dataset.profile);
                    store::update(tx, &dataset).await?;
                    Ok((merged.inserted, merged.updated))
                })
            })
            .await
    }
}

struct Merged {
    /// Records with their inputs' hashes, each once.
    records: Vec<(String, DatasetRecord)>,
    inserted: i64,
    updated: i64,
    /// Who changed the dataset.
    user: Option<String>,
}

fn merge(
    dataset: &str,
    sent: &[NewRecord],
    hashes: Vec<String>,
    known: HashMap<String, DatasetRecord>,
    now: i64,
) -> Result<Merged> {
    let mut merged = Merged { records: Vec::new(), inserted: 0, updated: 0, user: None };
    let mut places: HashMap<String, usize> = HashMap::new();
    for (new, hash) in sent.iter().zip(hashes) {
        let user = new.user().transpose()?;
        if user.is_some() {
            merged.user.clone_from(&user);
        }
        if let Some(place) = places.get(&hash) {
            over(&mut merged.records[*place].1, new, user, now);
            merged.updated += 1;
            continue;
        }
        let record = match known.get(&hash) {
            Some(known) => {
                let mut record = known.clone();
                over(&mut record, new, user, now);
                merged.updated += 1;
                record
            }
            None => {
                merged.inserted += 1;
                fresh(dataset, new, user, now)
            }
        };
        places.insert(hash.clone(), merged.records.len());
        merged.records.push((hash, record));
    }
    Ok(merged)
}

fn fresh(dataset: &str, new: &NewRecord, user: Option<String>, now: i64) -> DatasetRecord {
    let empty = || Json::Object(Vec::new());
    DatasetRecord {
        dataset_record_id: format!("dr-{}", ropewalk_core::new_id()),
        dataset_id: dataset.to_owned(),
        inputs: new.inputs.clone(),
        outputs: Some(new.outputs.clone().unwrap_or_else(empty)).filter(|outputs| *outputs != Json::Null),
        expectations: new.expectations.clone(),
        tags: Some(new.tags.clone().unwrap_or_else(empty)),
        source: new.source.as_ref().map(|source| source.json.clone()),
        source_id: new.source.as_ref().and_then(|source| source.id.clone()),
        source_type: new.source.as_ref().map(|source| source.kind.to_owned()),
        created_time: now,
        last_update_time: now,
        created_by: user.clone(),
        last_updated_by: user,
    }
}

/// Puts what is new over a record that is there.
fn over(record: &mut DatasetRecord, new: &NewRecord, user: Option<String>, now: i64) {
    if let Some(outputs) = &new.outputs {
        record.outputs = Some(outputs.clone()).filter(|outputs| *outputs != Json::Null);
    }
    for (kept, new) in [(&mut record.expectations, &new.expectations), (&mut record.tags, &new.tags)] {
        let Some(Json::Object(further)) = new else { continue };
        if further.is_empty() {
            continue;
        }
        let mut members = match kept.take() {
            Some(Json::Object(members)) => members,
            _ => Vec::new(),
        };
        for (name, value) in further {
            match members.iter_mut().find(|(known, _)| known == name) {
                Some(member) => member.1 = value.clone(),
                None => members.push((name.clone(), value.clone())),
            }
        }
        *kept = Some(Json::Object(members));
    }
    record.last_update_time = now;
    if user.is_some() {
        record.last_updated_by = user;
    }
}

/// The kind of a field, as a dataset's schema names it.
fn kind(value: &Json) -> Json {
    let word = match value {
        Json::Null => "null",
        Json::Truth(_) => "boolean",
        Json::Integer(_) | Json::Huge(_) => "integer",
        Json::Number(_) => "float",
        Json::Text(_) => "string",
        Json::List(_) => "array",
        Json::Object(_) => "object",
    };
    Json::Text(word.to_owned())
}

/// A dataset's schema with the fields of further records; none if there is nothing to say.
fn schema(known: Option<&str>, records: &[NewRecord]) -> Result<Option<String>> {
    if records.is_empty() && known.is_none() {
        return Ok(None);
    }
    let empty = || Json::Object(Vec::new());
    let mut members = match known.and_then(parse) {
        Some(Json::Object(members)) => members,
        _ => vec![
            ("inputs".to_owned(), empty()),
            ("outputs".to_owned(), empty()),
            ("expectations".to_owned(), empty()),
            ("version".to_owned(), Json::Text("1.0".to_owned())),
        ],
    };
    for record in records {
        let parts = [
            ("inputs", Some(&record.inputs)),
            ("outputs", record.outputs.as_ref()),
            ("expectations", record.expectations.as_ref()),
        ];
        for (part, told) in parts {
            let Some(fields) = members.iter_mut().find(|(name, _)| name == part).map(|(_, fields)| fields)
            else {
                continue;
            };
            match (fields, told) {
                (_, None | Some(Json::Null)) => {}
                (Json::Object(fields), Some(Json::Object(told))) => {
                    for (name, value) in told {
                        if !fields.iter().any(|(known, _)| known == name) {
                            fields.push((name.clone(), kind(value)));
                        }
                    }
                }
                (Json::Object(fields), Some(_)) if !fields.is_empty() => {}
                (fields @ Json::Object(_), Some(other)) => *fields = kind(other),
                (_, Some(Json::Object(told))) if !told.is_empty() => {
                    return Err(Error::invalid(
                        "The outputs of a dataset's records must be all objects, or none of them",
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(Some(dumps(&Json::Object(members), Letters::Escaped)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record(json: &str) -> Result<NewRecord> {
        NewRecord::read(&parse(json).unwrap())
    }

    #[test]
    fn equal_inputs_have_one_hash_whatever_their_order() {
        let hash = |json: &str| record(json).unwrap().hash();
        assert_eq!(
            hash(r#"{"inputs": {"b": [1, {"d": 1, "c": 2}], "a": "é"}}"#),
            hash(r#"{"inputs": {"a": "é", "b": [1, {"c": 2, "d": 1}]}}"#)
        );
        // As Python's hashlib has it for the inputs that the stock server hashes.
        assert_eq!(
            hash(r#"{"inputs": {"a": 1}}"#),
            "f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310"
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for wrong in [
            "5",
            r#"{"inputs": null}"#,
            r#"{"inputs": 5}"#,
            r#"{"inputs": {}, "tags": 5}"#,
            r#"{"inputs": {}, "source": "s"}"#,
            r#"{"inputs": {}, "source": {"source_type": "X"}}"#,
            r#"{"inputs": {}, "source": {"source_type": "HUMAN", "more": 1}}"#,
            r#"{"inputs": {}, "source": {"source_type": "TRACE", "source_data": {"trace_id": 5}}}"#,
        ] {
            assert!(record(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_record_is_merged_and_the_schema_grows() {
        let sent = [
            record(r#"{"inputs": {"q": "a"}, "expectations": {"e": 1}, "tags": {"mlflow.user": "u"}}"#)
                .unwrap(),
            record(r#"{"inputs": {"q": "a"}, "expectations": {"f": 2.5}, "outputs": "out"}"#).unwrap(),
            record(r#"{"inputs": {}}"#).unwrap(),
        ];
        let hashes = sent.iter().map(NewRecord::hash).collect();
        let merged = merge("d", &sent, hashes, HashMap::new(), 5).unwrap();
        assert_eq!((merged.inserted, merged.updated, merged.user.as_deref()), (2, 1, Some("u")));
        let first = &merged.records[0].1;
        assert_eq!(dumps(first.expectations.as_ref().unwrap(), Letters::Kept), r#"{"e": 1, "f": 2.5}"#);
        assert_eq!(first.outputs, Some(Json::Text("out".into())));
        assert_eq!(
            schema(None, &sent).unwrap().unwrap(),
            r#"{"inputs": {"q": "string"}, "outputs": "string", "expectations": {"e": "integer", "f": "float"}, "version": "1.0"}"#
        );
        assert!(
            schema(Some(r#"{"outputs": "string"}"#), &[record(r#"{"outputs": {"x": 1}}"#).unwrap()]).is_err()
        );
    }
}
