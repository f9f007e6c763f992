//! The service and its routes, on models that answer a constant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod change;
mod load;
mod predict;
mod router;

use crate::protocol::InputColumn;
use crate::{
    Candidate, DeployRequest, InferenceRequest, ModelSource, PredictionBatch, PredictionSink, Scorer, Serve,
    ServedModel, TrafficShare,
};
use async_trait::async_trait;
use ropewalk_core::{Actor, Code, Core, Error, Migration, Result};
use ropewalk_data::Frame;
use ropewalk_ledger::Ledger;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a fake model does when asked.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Answers(f32),
    Fails,
    Panics,
    RefusesRows,
    CannotLoad,
}

#[derive(Clone, Debug)]
pub struct Fake {
    pub behaviour: Behaviour,
    pub failed_gates: Vec<String>,
    pub hash: String,
}

struct FakeScorer(Behaviour);

impl Scorer for FakeScorer {
    fn score(&self, inputs: &Frame) -> Result<Vec<f32>> {
        match self.0 {
            Behaviour::Answers(score) => Ok(vec![score; inputs.rows()]),
            Behaviour::Panics => panic!("a model that panics"),
            Behaviour::RefusesRows => Err(Error::invalid("row 0 cannot be scored")),
            _ => Err(Error::internal("the weights are not finite")),
        }
    }
}

/// A registry of fakes. Version N of any model answers N hundredths.
#[derive(Default)]
pub struct FakeSource {
    pub versions: Mutex<BTreeMap<(String, i64), Fake>>,
    pub loads: AtomicUsize,
}

impl FakeSource {
    pub fn put(&self, version: i64, behaviour: Behaviour) {
        let fake = Fake { behaviour, failed_gates: Vec::new(), hash: format!("hash-{version}") };
        self.versions.lock().unwrap().insert(("wine-quality".into(), version), fake);
    }

    pub fn change(&self, version: i64, change: impl FnOnce(&mut Fake)) {
        change(self.versions.lock().unwrap().get_mut(&("wine-quality".into(), version)).unwrap());
    }
}

#[async_trait]
impl ModelSource for FakeSource {
    async fn resolve(&self, spec: &str) -> Result<Candidate> {
        let unknown = || Error::not_found(format!("no model version {spec}"));
        let (model, version) = spec.split_once('/').ok_or_else(unknown)?;
        let version: i64 = version.parse().map_err(|_| unknown())?;
        let versions = self.versions.lock().unwrap();
        let fake = versions.get(&(model.to_owned(), version)).ok_or_else(unknown)?;
        Ok(Candidate { model: model.to_owned(), version, failed_gates: fake.failed_gates.clone() })
    }

    async fn load(&self, model: &str, version: i64) -> Result<Arc<ServedModel>> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let fake = self.versions.lock().unwrap().get(&(model.to_owned(), version)).cloned();
        let fake = fake.ok_or_else(|| Error::not_found(format!("no model version {model}/{version}")))?;
        if matches!(fake.behaviour, Behaviour::CannotLoad) {
            return Err(Error::new(Code::Corrupt, "the weights are cut short"));
        }
        let column = |name: &str| InputColumn { name: name.into(), text: false };
        let columns = vec![column("fixed acidity"), column("pH")];
        Ok(Arc::new(ServedModel::new(
            model,
            version,
            &fake.hash,
            "ropewalk_fake",
            columns,
            Box::new(FakeScorer(fake.behaviour)),
        )))
    }
}

/// Keeps what it is given, or fails.
#[derive(Default)]
pub struct FakeSink {
    pub batches: Mutex<Vec<PredictionBatch>>,
    pub fails: AtomicBool,
}

#[async_trait]
impl PredictionSink for FakeSink {
    async fn record(&self, batch: PredictionBatch) -> Result<()> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::new(Code::DiskFull, "the disk is full"));
        }
        // As a real log would: give the thread away before the answer.
        tokio::task::yield_now().await;
        self.batches.lock().unwrap().push(batch);
        Ok(())
    }
}

#[derive(Clone)]
pub struct House {
    pub core: Core,
    pub source: Arc<FakeSource>,
    pub sink: Arc<FakeSink>,
    pub serve: Serve,
}

impl House {
    /// Three versions that answer 0.01, 0.02 and 0.03; nothing is deployed.
    pub fn new(core: Core) -> Self {
        let (source, sink) = (Arc::new(FakeSource::default()), Arc::new(FakeSink::default()));
        for (version, score) in [(1, 0.01), (2, 0.02), (3, 0.03)] {
            source.put(version, Behaviour::Answers(score));
        }
        let serve = Serve::with_source(core.clone(), Ledger::new(core.clone()), source.clone(), sink.clone());
        Self { core, source, sink, serve }
    }

    /// What another process on the same home would have.
    pub fn another_process(&self) -> Serve {
        Serve::with_source(
            self.core.clone(),
            Ledger::new(self.core.clone()),
            self.source.clone(),
            self.sink.clone(),
        )
    }

    pub async fn deploy(&self, version: i64, weight: Option<f64>) -> i64 {
        let request = DeployRequest {
            endpoint: "wine".into(),
            model: format!("wine-quality/{version}"),
            weight,
            ..DeployRequest::default()
        };
        self.serve.deploy(request, &ann()).await.unwrap().revision
    }
}

pub fn ann() -> Actor {
    Actor::user("ann")
}

pub fn migrations() -> Vec<Migration> {
    crate::MIGRATIONS.iter().chain(ropewalk_ledger::MIGRATIONS).copied().collect()
}

pub fn share(revision: i64, percent: f64) -> TrafficShare {
    TrafficShare::new(revision, percent)
}

pub fn body(rows: usize) -> Value {
    let data: Vec<Value> = (0..rows).map(|row| json!([7.0 + row as f64, 3.2])).collect();
    json!({"inputs": [{"name": "features", "shape": [rows, 2], "datatype": "FP64", "data": data}]})
}

pub fn request(rows: usize) -> InferenceRequest {
    serde_json::from_value(body(rows)).unwrap()
}
