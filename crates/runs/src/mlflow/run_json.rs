//! Runs as JSON, written straight from what is kept of them: a page of a thousand runs has some forty thousand values.

use axum::response::Response;
use ropewalk_core::Result;
use ropewalk_core::page::Paged;
use ropewalk_mlflow::answer::{push_integer, push_number, push_text, written};

use crate::model::{DatasetInput, RunInfo, RunLinks, Tag};
use crate::service::search::{Body, PageRun};
use crate::state::document::{self, Summary, Visitor};
use crate::state::points::Point;

/// What the stock server tells of a run: less of one that it has just made, and less in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// All but what it made, which is nothing yet.
    Created,
    /// All.
    One,
    /// All but the logged models that it read.
    Found,
}

/// The answer to a question for one run.
pub(super) fn one(run: &PageRun) -> Result<Response> {
    answer(run, Telling::One)
}

/// The answer to the making of a run.
pub(super) fn created(run: &PageRun) -> Result<Response> {
    answer(run, Telling::Created)
}

fn answer(run: &PageRun, telling: Telling) -> Result<Response> {
    let mut json = Vec::with_capacity(4096);
    json.extend_from_slice(b"{\"run\":");
    push_run(&mut json, run, telling)?;
    json.push(b'}');
    Ok(written(json))
}

/// The answer to a search.
pub(super) fn page(runs: &Paged<PageRun>) -> Result<Response> {
    let mut json = Vec::with_capacity(64 + 3072 * runs.items.len());
    json.push(b'{');
    if !runs.items.is_empty() {
        json.extend_from_slice(b"\"runs\":[");
        for (index, run) in runs.items.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            push_run(&mut json, run, Telling::Found)?;
        }
        json.push(b']');
    }
    if let Some(token) = &runs.next_token {
        if !runs.items.is_empty() {
            json.push(b',');
        }
        json.extend_from_slice(b"\"next_page_token\":");
        push_text(&mut json, token);
    }
    json.push(b'}');
    Ok(written(json))
}

/// Appends a run.
pub(crate) fn push_run(json: &mut Vec<u8>, run: &PageRun, telling: Telling) -> Result<()> {
    json.extend_from_slice(b"{\"info\":");
    push_info(json, &run.info);
    json.extend_from_slice(b",\"data\":{");
    let mut data = Data { json, group: None };
    match &run.body {
        Body::Packed(bytes) => {
            document::visit(bytes, &mut data)?;
        }
        Body::Whole(document) => document.visit(&mut data),
    }
    if data.group.is_some() {
        json.push(b']');
    }
    json.extend_from_slice(b"},\"inputs\":{");
    push_inputs(json, &run.links, telling == Telling::One);
    if telling == Telling::Created {
        json.extend_from_slice(b"}}");
        return Ok(());
    }
    json.extend_from_slice(b"},\"outputs\":{");
    push_list(json, "model_outputs", &run.links.model_outputs, |json, link| {
        json.extend_from_slice(b"{\"model_id\":");
        push_text(json, &link.model_id);
        json.extend_from_slice(b",\"step\":");
        push_integer(json, link.step);
        json.push(b'}');
    });
    json.extend_from_slice(b"}}");
    Ok(())
}

fn push_member(json: &mut Vec<u8>, name: &str, value: &str) {
    json.extend_from_slice(b",\"");
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
    push_text(json, value);
}

fn push_info(json: &mut Vec<u8>, info: &RunInfo) {
    json.extend_from_slice(b"{\"run_uuid\":");
    push_text(json, &info.run_id);
    push_member(json, "experiment_id", &info.experiment_id);
    push_member(json, "run_name", &info.run_name);
    push_member(json, "user_id", &info.user_id);
    push_member(json, "status", info.status.as_str());
    json.extend_from_slice(b",\"start_time\":");
    push_integer(json, info.start_time);
    // Like the stock server, which takes the beginning of time for none.
    if let Some(end) = info.end_time.filter(|end| *end != 0) {
        json.extend_from_slice(b",\"end_time\":");
        push_integer(json, end);
    }
    push_member(json, "artifact_uri", &info.artifact_uri);
    push_member(json, "lifecycle_stage", info.lifecycle_stage.as_str());
    push_member(json, "run_id", &info.run_id);
    json.push(b'}');
}

/// Writes what a run has logged, a list for each kind that is there.
struct Data<'a> {
    json: &'a mut Vec<u8>,
    group: Option<&'static str>,
}

impl Data<'_> {
    fn enter(&mut self, group: &'static str) {
        if self.group == Some(group) {
            self.json.push(b',');
            return;
        }
        self.json.extend_from_slice(if self.group.is_some() { b"],\"" } else { b"\"" });
        self.json.extend_from_slice(group.as_bytes());
        self.json.extend_from_slice(b"\":[");
        self.group = Some(group);
    }

    fn pair(&mut self, group: &'static str, key: &str, value: &str) {
        self.enter(group);
        push_pair(self.json, key, value);
    }
}

impl Visitor for Data<'_> {
    fn param(&mut self, key: &str, value: &str) {
        self.pair("params", key, value);
    }

    fn tag(&mut self, key: &str, value: &str) {
        self.pair("tags", key, value);
    }

    fn metric(&mut self, key: &str, summary: &Summary) {
        self.enter("metrics");
        push_metric(self.json, key, &summary.last, None);
    }
}

fn push_pair(json: &mut Vec<u8>, key: &str, value: &str) {
    json.extend_from_slice(b"{\"key\":");
    push_text(json, key);
    push_member(json, "value", value);
    json.push(b'}');
}

/// Appends a measurement.
pub(super) fn push_metric(json: &mut Vec<u8>, key: &str, point: &Point, run_id: Option<&str>) {
    json.extend_from_slice(b"{\"key\":");
    push_text(json, key);
    json.extend_from_slice(b",\"value\":");
    push_number(json, point.value);
    json.extend_from_slice(b",\"timestamp\":");
    push_integer(json, point.timestamp);
    json.extend_from_slice(b",\"step\":");
    push_integer(json, point.step);
    if let Some(run_id) = run_id {
        push_member(json, "run_id", run_id);
    }
    json.push(b'}');
}

fn push_list<T>(json: &mut Vec<u8>, name: &str, items: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    json.push(b'"');
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        push(json, item);
    }
    json.push(b']');
}

fn push_inputs(json: &mut Vec<u8>, links: &RunLinks, model_inputs: bool) {
    push_list(json, "dataset_inputs", &links.dataset_inputs, push_dataset);
    if model_inputs && !links.model_inputs.is_empty() {
        if !links.dataset_inputs.is_empty() {
            json.push(b',');
        }
        push_list(json, "model_inputs", &links.model_inputs, |json, link| {
            json.extend_from_slice(b"{\"model_id\":");
            push_text(json, &link.model_id);
            json.push(b'}');
        });
    }
}

fn push_dataset(json: &mut Vec<u8>, input: &DatasetInput) {
    json.push(b'{');
    push_list(json, "tags", &input.tags, |json, tag: &Tag| push_pair(json, &tag.key, &tag.value));
    if !input.tags.is_empty() {
        json.push(b',');
    }
    let dataset = &input.dataset;
    json.extend_from_slice(b"\"dataset\":{\"name\":");
    push_text(json, &dataset.name);
    push_member(json, "digest", &dataset.digest);
    push_member(json, "source_type", &dataset.source_type);
    push_member(json, "source", &dataset.source);
    for (name, value) in [("schema", &dataset.schema), ("profile", &dataset.profile)] {
        if let Some(value) = value {
            push_member(json, name, value);
        }
    }
    json.extend_from_slice(b"}}");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    use crate::model::{DatasetInfo, Lifecycle, Metric, ModelLink, Param, RunStatus};
    use crate::state::change::Change;
    use crate::state::document::Document;

    fn run() -> PageRun {
        let mut document = Document::default();
        document.apply(&Change::new(
            &[Metric::new("a\"b", f64::NAN, 1, 2), Metric::new("é", 0.1, -1, 0)],
            &[Param::new("p", "line\nbreak")],
            &[Tag::new("t", "v")],
        ));
        let input = DatasetInput {
            dataset: DatasetInfo {
                name: "d".into(),
                digest: "x".into(),
                schema: Some("{}".into()),
                ..Default::default()
            },
            tags: vec![Tag::new("k", "v")],
        };
        PageRun {
            info: RunInfo {
                run_id: "r".into(),
                experiment_id: "0".into(),
                run_name: "n".into(),
                user_id: String::new(),
                status: RunStatus::Finished,
                start_time: 5,
                end_time: Some(6),
                artifact_uri: "mlflow-artifacts:/0/r".into(),
                lifecycle_stage: Lifecycle::Active,
            },
            body: Body::Packed(document.pack().into()),
            links: RunLinks {
                dataset_inputs: vec![input.clone(), input],
                model_inputs: vec![ModelLink { model_id: "m-1".into(), step: 0 }],
                model_outputs: vec![ModelLink { model_id: "m-2".into(), step: 3 }],
            },
        }
    }

    fn value(run: &PageRun, telling: Telling) -> serde_json::Value {
        let mut json = Vec::new();
        push_run(&mut json, run, telling).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    #[test]
    fn a_run_is_told_as_the_stock_server_tells_it() {
        let mut run = run();
        let told = value(&run, Telling::One);
        assert_eq!(
            told["data"],
            json!({
                "metrics": [{"key": "a\"b", "value": "NaN", "timestamp": 1, "step": 2}, {"key": "é", "value": 0.1, "timestamp": -1, "step": 0}],
                "params": [{"key": "p", "value": "line\nbreak"}], "tags": [{"key": "t", "value": "v"}],
            })
        );
        let dataset = json!({"tags": [{"key": "k", "value": "v"}],
            "dataset": {"name": "d", "digest": "x", "source_type": "", "source": "", "schema": "{}"}});
        assert_eq!(
            told["inputs"],
            json!({"dataset_inputs": [dataset, dataset], "model_inputs": [{"model_id": "m-1"}]})
        );
        assert_eq!(told["outputs"], json!({"model_outputs": [{"model_id": "m-2", "step": 3}]}));
        assert_eq!(
            told["info"],
            json!({
                "run_uuid": "r", "experiment_id": "0", "run_name": "n", "user_id": "", "status": "FINISHED", "start_time": 5,
                "end_time": 6, "artifact_uri": "mlflow-artifacts:/0/r", "lifecycle_stage": "active", "run_id": "r",
            })
        );
        assert!(value(&run, Telling::Found)["inputs"].get("model_inputs").is_none());
        run.links = RunLinks::default();
        run.body = Body::Whole(Document::default());
        let told = value(&run, Telling::Created);
        assert_eq!((&told["data"], &told["inputs"]), (&json!({}), &json!({})));
        assert!(told.get("outputs").is_none());
    }
}
