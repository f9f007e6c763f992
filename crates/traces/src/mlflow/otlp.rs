//! `POST /v1/traces`: OpenTelemetry's export of spans. Its refusals have the form of the stock server's own framework.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ropewalk_mlflow::{Call, MlflowError};
use serde_json::{Value, json};

use crate::otlp::{self, Unpackable};
use crate::service::{Refused, Traces};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// Bodies above this size keep a thread busy for a while.
const LARGE: usize = 256 << 10;

/// Why an export is refused.
enum Refusal {
    Detail(StatusCode, Value),
    Error(MlflowError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Detail(status, detail) => (status, Answer(json!({ "detail": detail }))).into_response(),
            Self::Error(error) => error.into_response(),
        }
    }
}

fn refuse(status: StatusCode, detail: impl Into<Value>) -> Refusal {
    Refusal::Detail(status, detail.into())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// Takes in spans.
pub(super) async fn export(State(traces): State<Traces>, call: Call) -> Response {
    take_in(&traces, &call).await.unwrap_or_else(Refusal::into_response)
}

async fn take_in(traces: &Traces, call: &Call) -> Result<Response, Refusal> {
    let headers = call.headers();
    let Some(experiment) = text(headers, "x-mlflow-experiment-id") else {
        let missing = json!([{
            "type": "missing", "loc": ["header", "x-mlflow-experiment-id"], "msg": "Field required", "input": null,
        }]);
        return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, missing));
    };
    let sent_kind = text(headers, header::CONTENT_TYPE.as_str());
    let kind = sent_kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let is_json = match kind {
        Some(JSON) => true,
        Some(PROTOBUF) => false,
        _ => {
            let shown = sent_kind.unwrap_or("None");
            let words = format!("Invalid Content-Type: {shown}. Expected: {PROTOBUF} or {JSON}");
            return Err(refuse(StatusCode::BAD_REQUEST, words));
        }
    };
    let encoding = text(headers, header::CONTENT_ENCODING.as_str()).unwrap_or_default().to_lowercase();
    let body = call.body().clone();
    let read = move || {
        let body = if encoding.is_empty() {
            body
        } else {
            otlp::decompress(&body, &encoding).map_err(|why| unpackable(&why, &encoding))?.into()
        };
        let read = if is_json { otlp::read_json(&body) } else { otlp::read_protobuf(&body) };
        let sent = read.map_err(|_| refuse(StatusCode::BAD_REQUEST, "Invalid OpenTelemetry format"))?;
        if sent.is_empty() {
            let words = "Invalid OpenTelemetry format - no spans found";
            return Err(refuse(StatusCode::BAD_REQUEST, words));
        }
        Ok(sent)
    };
    let sent = if call.body().len() > LARGE {
        tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err(unstorable()))?
    } else {
        read()?
    };
    let finished = traces.log_spans(experiment, sent).await.map_err(|refused| match refused {
        Refused::Unconvertible => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, "Cannot convert OpenTelemetry span to MLflow span")
        }
        Refused::Unstorable => unstorable(),
        Refused::Error(error) => Refusal::Error(error.into()),
    })?;
    let run = text(headers, "x-mlflow-run-id").filter(|run| !run.is_empty());
    if let (Some(run), false) = (run, finished.is_empty())
        && let Err(error) = traces.link_to_run(&finished, run).await
    {
        // The spans stand; that the link does not is no reason to send them again.
        tracing::warn!(error = %error, run, "traces could not be linked to their run");
    }
    if is_json {
        return Ok(Answer(json!({})).into_response());
    }
    Ok(([(header::CONTENT_TYPE, PROTOBUF)], Vec::new()).into_response())
}

fn unstorable() -> Refusal {
    refuse(StatusCode::UNPROCESSABLE_ENTITY, "Failed to log OpenTelemetry spans")
}

fn unpackable(why: &Unpackable, encoding: &str) -> Refusal {
    match why {
        Unpackable::Broken(name) => {
            refuse(StatusCode::BAD_REQUEST, format!("Failed to decompress {name} payload"))
        }
        Unpackable::TooLarge => {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "The payload is too large once decompressed")
        }
        Unpackable::Unknown => {
            refuse(StatusCode::BAD_REQUEST, format!("Unsupported Content-Encoding: {encoding}"))
        }
    }
}
