//! The quick way to read a batch. Nearly all are plain: exactly the known fields, each of its own JSON kind. Those are read
//! here without a detour; any other is left to the way that knows all of protobuf's freedoms.

use serde::Deserialize;

use crate::model::{Metric, Param, Tag};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainBatch {
    run_id: String,
    #[serde(default)]
    metrics: Vec<PlainMetric>,
    #[serde(default)]
    params: Vec<PlainPair>,
    #[serde(default)]
    tags: Vec<PlainPair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainMetric {
    key: String,
    value: f64,
    timestamp: i64,
    #[serde(default)]
    step: i64,
    model_id: Option<String>,
    dataset_name: Option<String>,
    dataset_digest: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainPair {
    key: String,
    value: String,
}

/// A batch that was read.
pub(super) struct Batch {
    pub(super) run_id: String,
    pub(super) metrics: Vec<Metric>,
    pub(super) params: Vec<Param>,
    pub(super) tags: Vec<Tag>,
}

impl From<PlainMetric> for Metric {
    fn from(plain: PlainMetric) -> Self {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            key: plain.key,
            value: plain.value,
            timestamp: plain.timestamp,
            step: plain.step,
            model_id: some(plain.model_id),
            dataset_name: some(plain.dataset_name),
            dataset_digest: some(plain.dataset_digest),
            run_id: None,
        }
    }
}

/// Reads a plain batch; none if it is not plain, or lacks what it needs.
pub(super) fn plain(body: &[u8]) -> Option<Batch> {
    let batch: PlainBatch = serde_json::from_slice(body).ok()?;
    let named = !batch.run_id.is_empty()
        && batch.metrics.iter().all(|metric| !metric.key.is_empty())
        && batch.params.iter().chain(&batch.tags).all(|pair| !pair.key.is_empty());
    named.then(|| Batch {
        run_id: batch.run_id,
        metrics: batch.metrics.into_iter().map(Metric::from).collect(),
        params: batch.params.into_iter().map(|pair| Param { key: pair.key, value: pair.value }).collect(),
        tags: batch.tags.into_iter().map(|pair| Tag { key: pair.key, value: pair.value }).collect(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn plain_batches_are_read_and_others_left() {
        let batch = plain(
            br#"{"run_id":"r","metrics":[{"key":"m","value":1,"timestamp":2,"step":3}],"params":[{"key":"p","value":"v"}],"tags":[]}"#,
        )
        .unwrap();
        assert_eq!((batch.run_id.as_str(), batch.metrics.len(), batch.params.len()), ("r", 1, 1));
        assert_eq!(batch.metrics[0], Metric::new("m", 1.0, 2, 3));
        for other in [
            r#"{"runId":"r"}"#,
            r#"{"run_id":""}"#,
            r#"{"run_id":"r","metrics":[{"key":"m","value":"NaN","timestamp":2}]}"#,
            r#"{"run_id":"r","metrics":[{"key":"m","value":1}]}"#,
            r#"{"run_id":"r","metrics":[{"key":"m","value":1,"timestamp":2.0}]}"#,
            r#"{"run_id":"r","params":[{"key":"p"}]}"#,
            r#"{"run_id":"r","metrics":null}"#,
            r#"[]"#,
            "{",
        ] {
            assert!(plain(other.as_bytes()).is_none(), "{other}");
        }
    }
}
