//! The outside world: wines that ask for a prediction, and tasters who later tell the quality.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use ropewalk_core::{Error, Result};
use ropewalk_data::{Column, Frame};
use serde_json::{Value, json};

use crate::client::{Client, segment};
use crate::commands::endpoint::infer;

/// Wines in one request.
const BATCH: usize = 4;
/// Requests under way at once.
const CONCURRENT: usize = 8;

/// A client program of the endpoint.
#[derive(Clone)]
pub(crate) struct Traffic {
    client: Arc<Client>,
    endpoint: String,
    target: String,
    inputs: Arc<Vec<String>>,
    requests: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
}

/// What came of one wine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tasted {
    /// The row in the frame that was sent.
    pub(crate) row: usize,
    /// The predicted probability.
    pub(crate) score: f64,
    /// The observed quality.
    pub(crate) quality: f64,
}

impl Traffic {
    pub(crate) async fn new(client: Client, endpoint: &str, target: &str) -> Result<Self> {
        let metadata: Value = client.get(&format!("/v2/models/{}", segment(endpoint))).await?;
        let names = metadata["inputs"].as_array().into_iter().flatten();
        let inputs = names.filter_map(|input| input["name"].as_str().map(str::to_owned)).collect();
        Ok(Self {
            client: Arc::new(client),
            endpoint: endpoint.to_owned(),
            target: target.to_owned(),
            inputs: Arc::new(inputs),
            requests: Arc::default(),
            failed: Arc::default(),
        })
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Send all rows and, for each, the observed quality as feedback. What failed is counted and
    /// left out.
    pub(crate) async fn send(&self, frame: &Frame) -> Result<Vec<Tasted>> {
        let rows: Vec<usize> = (0..frame.rows()).collect();
        let batches: Vec<_> = rows.chunks(BATCH).map(|rows| self.batch(frame, rows.to_vec())).collect();
        let answers: Vec<Result<Vec<Tasted>>> =
            futures::stream::iter(batches).buffer_unordered(CONCURRENT).collect().await;
        let mut tasted = Vec::with_capacity(frame.rows());
        for answer in answers {
            tasted.extend(answer?);
        }
        Ok(tasted)
    }

    async fn batch(&self, frame: &Frame, rows: Vec<usize>) -> Result<Vec<Tasted>> {
        let part = frame.select(&rows);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (scores, ids) = match infer(&self.client, &self.endpoint, &part, &self.inputs).await {
            Ok(answer) => answer,
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "a request of the demo failed");
                return Ok(Vec::new());
            }
        };
        let observed = part.number(&self.target)?;
        let feedback: Vec<Value> = ids
            .iter()
            .zip(observed)
            .map(|(id, quality)| json!({"prediction_id": id, "value": quality}))
            .collect();
        let path = format!("/api/v1/endpoints/{}/feedback", segment(&self.endpoint));
        let _: Value = self.client.post(&path, &feedback).await?;
        Ok(rows
            .iter()
            .zip(&scores)
            .zip(observed)
            .filter_map(|((row, score), quality)| {
                Some(Tasted { row: *row, score: score.as_f64()?, quality: *quality })
            })
            .collect())
    }

    /// Keep sending these rows, over and over, until told to stop.
    pub(crate) fn keep_sending(&self, frame: Frame) -> Stream {
        let stop = Arc::new(AtomicBool::new(false));
        let (traffic, stopping) = (self.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let size = BATCH * CONCURRENT;
            let mut place = 0;
            while !stopping.load(Ordering::Relaxed) {
                let rows: Vec<usize> = (0..size).map(|offset| (place + offset) % frame.rows()).collect();
                place = (place + size) % frame.rows();
                traffic.send(&frame.select(&rows)).await?;
                // A steady stream that leaves processor time for the training beside it.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        });
        Stream { stop, task }
    }
}

/// Traffic that flows in the background.
pub(crate) struct Stream {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Result<()>>,
}

impl Stream {
    /// End it and wait until the last answer is in.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.map_err(|source| Error::internal("the demo's traffic broke off").source(source))?
    }
}

/// The rows without those that equal an earlier one.
pub(crate) fn distinct(frame: &Frame) -> Frame {
    let mut seen = std::collections::HashSet::new();
    let rows: Vec<usize> = (0..frame.rows()).filter(|row| seen.insert(frame.row_hash(*row))).collect();
    frame.select(&rows)
}

/// The rows in a seeded order.
pub(crate) fn shuffled(frame: &Frame, seed: u64) -> Frame {
    use rand::SeedableRng;
    use rand::seq::SliceRandom;
    let mut rows: Vec<usize> = (0..frame.rows()).collect();
    rows.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));
    frame.select(&rows)
}

/// One column multiplied by a factor: the same quantity in another unit.
pub(crate) fn rescaled(frame: &Frame, name: &str, factor: f64) -> Result<Frame> {
    let values: Vec<f64> = frame.number(name)?.iter().map(|value| value * factor).collect();
    frame.clone().with_column(name, Column::Number(values))
}
