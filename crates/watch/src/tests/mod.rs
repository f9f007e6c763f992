//! The service on both databases: feedback, evaluation, alerts, reports, settings, routes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alerts;
mod routes;
mod service;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ropewalk_core::{Core, Error, Result, new_id, now_ms};
use ropewalk_data::{Column, Frame};
use ropewalk_models::{ColumnProfile, ReferenceProfile};
use ropewalk_serve::{PredictionBatch, PredictionSink};

use crate::{Alert, AlertSink, Feedback, Reference, ReferenceSource, Watch};

/// A model that scores `x` by itself, trained on 1,000 rows of x, y and z in the unit interval.
struct Models;

#[async_trait]
impl ReferenceSource for Models {
    async fn reference(&self, model: &str, _version: i64) -> Result<Reference> {
        if model != "m" {
            return Err(Error::not_found("no such model"));
        }
        let column = |name: &str, start: usize| ColumnProfile {
            name: name.into(),
            kind: "number".into(),
            sample: spread(1_000, start),
            ..ColumnProfile::default()
        };
        Ok(Reference {
            profile: ReferenceProfile {
                rows: 1_000,
                columns: vec![column("x", 0), column("y", 333), column("z", 777)],
                scores: spread(400, 0),
                auc: Some(0.9),
            },
            target: "quality >= 6".parse().unwrap(),
        })
    }
}

/// Evenly spread numbers of the unit interval in a mixed order.
fn spread(count: usize, start: usize) -> Vec<f64> {
    (start..start + count).map(|i| (i as f64 * 0.618_033_988_749_895).fract()).collect()
}

/// What a batch of traffic looks like.
#[derive(Clone, Copy)]
struct Traffic {
    revision: i64,
    rows: usize,
    /// Added to every input.
    shift: f64,
    /// Every so many-th x is missing; 0 for none.
    missing_every: usize,
}

const USUAL: Traffic = Traffic { revision: 1, rows: 200, shift: 0.0, missing_every: 0 };

/// Sends traffic and returns its ids.
async fn send(watch: &Watch, traffic: Traffic) -> Vec<String> {
    let Traffic { revision, rows, shift, missing_every } = traffic;
    let column = |start: usize| spread(rows, start).iter().map(|value| value + shift).collect::<Vec<_>>();
    let mut x = column(5);
    if missing_every > 0 {
        x.iter_mut().step_by(missing_every).for_each(|value| *value = f64::NAN);
    }
    let scores = x.iter().map(|x| if x.is_nan() { 0.5 } else { (x.clamp(0.0, 1.0)) as f32 }).collect();
    let batch = PredictionBatch {
        endpoint: "wine".into(),
        revision,
        model: "m".into(),
        version: revision,
        time_ms: now_ms(),
        latency_us: 90,
        ids: (0..rows).map(|_| new_id()).collect(),
        inputs: Frame::new(vec![
            ("x".into(), Column::Number(x)),
            ("y".into(), Column::Number(column(338))),
            ("z".into(), Column::Number(column(782))),
        ])
        .unwrap(),
        scores,
        error: None,
    };
    let ids = batch.ids.clone();
    watch.record(batch).await.unwrap();
    ids
}

/// Truths for scores in order: right ones, or wrong in so many of a hundred.
async fn tell(watch: &Watch, ids: &[String], wrong_percent: usize) {
    let captured = watch.captured("wine", crate::CaptureFilter::default()).await.unwrap();
    let score = |id: &String| captured.scores[captured.ids.iter().position(|other| other == id).unwrap()];
    let items = ids
        .iter()
        .enumerate()
        .map(|(position, id)| {
            let right = score(id) >= 0.5;
            let good = if (position * 37) % 100 < wrong_percent { !right } else { right };
            Feedback { prediction_id: id.clone(), value: if good { 7.0 } else { 5.0 }, time_ms: now_ms() }
        })
        .collect();
    watch.feedback("wine", items).await.unwrap();
}

/// Keeps what it is told; refuses while `broken`; asks `back` what it thinks.
#[derive(Default)]
struct Ear {
    back: Mutex<Option<Watch>>,
    heard: Mutex<Vec<Alert>>,
    broken: Mutex<bool>,
}

#[async_trait]
impl AlertSink for Ear {
    async fn alert(&self, alert: Alert) -> Result<()> {
        if *self.broken.lock().unwrap() {
            return Err(Error::internal("not now"));
        }
        let back = self.back.lock().unwrap().clone();
        if let Some(watch) = back {
            watch
                .evaluate(&alert.endpoint, crate::Window::default(), &ropewalk_core::Actor::system("ear"))
                .await?;
        }
        self.heard.lock().unwrap().push(alert);
        Ok(())
    }
}

fn watch_over(core: &Core) -> (Watch, Arc<Ear>) {
    let (watch, ear) = (Watch::with_references(core.clone(), Arc::new(Models)), Arc::new(Ear::default()));
    watch.attach_sink(ear.clone());
    (watch, ear)
}
