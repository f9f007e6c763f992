//! Answering a prediction request.

use crate::protocol::{Answerer, Asked, InferenceRequest, InferenceResponse, answer, read_request};
use crate::runtime::ServedModel;
use crate::service::Serve;
use crate::sink::PredictionBatch;
use crate::statistics::Outcome;
use crate::table::{Route, Routes};
use ropewalk_core::{Code, Error, Result, new_id, now_ms};
use ropewalk_data::Frame;
use std::sync::Arc;
use std::time::Instant;

/// Rows from which scoring leaves the threads that talk to clients. Below it, handing over costs more than scoring.
const ROWS_INLINE: usize = 256;

/// When a request came in.
#[derive(Clone, Copy)]
struct Received {
    at: Instant,
    time_ms: i64,
}

impl Received {
    fn elapsed_us(self) -> u64 {
        u64::try_from(self.at.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Serve {
    /// Answers a request with the revision that traffic gives it. `ids` are the prediction ids to log the rows under,
    /// one for each; without any they are made. The answer is given only after the predictions are in the log.
    ///
    /// # Errors
    /// `NotFound` for an unknown endpoint, `Invalid` for a request that does not fit the model, `Unavailable` when
    /// the model is not in memory or the prediction cannot be logged (unless the endpoint's `require_log` is off).
    pub async fn predict(
        &self,
        endpoint: &str,
        request: InferenceRequest,
        ids: Vec<String>,
    ) -> Result<InferenceResponse> {
        self.predict_with(endpoint, None, request, ids).await
    }

    /// Like [`Serve::predict`], with a given revision whatever its share of the traffic.
    ///
    /// # Errors
    /// As [`Serve::predict`]; `NotFound` also for an unknown revision.
    pub async fn predict_with(
        &self,
        endpoint: &str,
        revision: Option<i64>,
        request: InferenceRequest,
        ids: Vec<String>,
    ) -> Result<InferenceResponse> {
        let received = Received { at: Instant::now(), time_ms: now_ms() };
        let mut routes = Arc::clone(self.table().await?.endpoint(endpoint)?);
        if let Some(revision) = revision
            && routes.choose(Some(revision))?.model.is_none()
        {
            self.reload(None, &[(endpoint, revision)]).await?;
            routes = Arc::clone(self.0.live.read().endpoint(endpoint)?);
        }
        let route = routes.choose(revision)?;
        let result = self.answer(&routes, route, request, ids, received).await;
        let (outcome, rows) = match &result {
            Ok((rows, _)) => (Outcome::Answered, *rows),
            Err(error) if error.code().status() < 500 => (Outcome::Refused, 0),
            Err(_) => (Outcome::Failed, 0),
        };
        route.statistics.record(outcome, rows, received.elapsed_us(), now_ms());
        result.map(|(_, response)| response)
    }

    async fn answer(
        &self,
        routes: &Routes,
        route: &Route,
        request: InferenceRequest,
        ids: Vec<String>,
        received: Received,
    ) -> Result<(usize, InferenceResponse)> {
        let name = &routes.endpoint.name;
        let Some(model) = &route.model else {
            let error = Error::new(
                Code::Unavailable,
                format!("revision {} of endpoint `{name}` is not loaded", route.revision.revision),
            );
            return Err(error
                .why(route.problem.as_deref().unwrap_or("it is being loaded"))
                .hint(format!("ropewalk endpoint served {name}")));
        };
        let Asked { frame, rows, id, outputs } = read_request(request, &model.columns)?;
        let ids = ids_for(rows, ids)?;
        let (frame, scored) = score(Arc::clone(model), frame, rows).await?;
        let batch = PredictionBatch {
            endpoint: name.clone(),
            revision: route.revision.revision,
            model: model.model.clone(),
            version: model.version,
            time_ms: received.time_ms,
            latency_us: received.elapsed_us(),
            ids: ids.clone(),
            inputs: frame,
            scores: Vec::new(),
            error: None,
        };
        let scores = match scored {
            Ok(scores) => scores,
            Err(error) => {
                // What the client got wrong is the client's to know; what the model got wrong is evidence.
                if error.code().status() >= 500
                    && let Err(unlogged) =
                        self.0.sink.record(PredictionBatch { error: Some(error.to_string()), ..batch }).await
                {
                    tracing::warn!(endpoint = name, error = %unlogged, "a failed prediction could not be logged");
                }
                return Err(error);
            }
        };
        if let Err(error) = self.0.sink.record(PredictionBatch { scores: scores.clone(), ..batch }).await {
            if routes.endpoint.require_log {
                // A full disk is told as what it is, anything else as a log that is away.
                let code = if error.code() == Code::DiskFull { Code::DiskFull } else { Code::Unavailable };
                return Err(Error::new(code, "the prediction could not be logged, so it is not answered")
                    .why(error.to_string())
                    .hint(format!("ropewalk doctor   # to answer without a log: PUT /api/v1/endpoints/{name}/settings with require_log false")));
            }
            tracing::warn!(endpoint = name, %error, "answered without a log");
            route.statistics.record_log_failure();
        }
        let from = Answerer {
            endpoint: name,
            revision: route.revision.revision,
            model: &model.model,
            version: model.version,
        };
        Ok((rows, answer(from, id, &outputs, scores, ids)))
    }
}

fn ids_for(rows: usize, ids: Vec<String>) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok((0..rows).map(|_| new_id()).collect());
    }
    if ids.len() != rows || ids.iter().any(String::is_empty) {
        return Err(Error::invalid(format!("{} prediction ids for {rows} rows", ids.len()))
            .why("each row has one id, and no id is empty"));
    }
    Ok(ids)
}

/// Scores the rows and hands them back: here if they are few, on a thread of its own if they are many.
async fn score(model: Arc<ServedModel>, frame: Frame, rows: usize) -> Result<(Frame, Result<Vec<f32>>)> {
    if rows <= ROWS_INLINE {
        let scored = model.score(&frame);
        return Ok((frame, scored));
    }
    let computing = tokio::task::spawn_blocking(move || {
        let scored = model.score(&frame);
        (frame, scored)
    });
    computing.await.map_err(|error| Error::internal("the prediction was broken off").why(error.to_string()))
}
