//! The routes of the Open Inference Protocol. A model of the protocol is an endpoint here, its version a revision.

use crate::protocol::{
    InferenceRequest, InferenceResponse, ModelMetadata, PREDICTION_ID, PROBABILITY, ProtocolError, Ready,
    ServerMetadata, TensorMetadata, error_text,
};
use crate::service::Serve;
use crate::table::Routes;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ropewalk_core::{Code, Error};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest body of an inference request, in bytes.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

type Answer<T> = Result<T, Failure>;

/// An error in the protocol's form.
struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(code = self.0.code().name(), error = %self.0, "inference failed");
        }
        (status, Json(ProtocolError { error: error_text(&self.0) })).into_response()
    }
}

pub(crate) fn routes(serve: &Serve) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(server))
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(model))
        .routes(routes!(model_version))
        .routes(routes!(model_ready))
        .routes(routes!(model_version_ready))
        .routes(routes!(infer))
        .routes(routes!(infer_version))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(serve.clone())
}

/// What this server is.
#[utoipa::path(get, path = "/v2", tag = "inference", responses((status = 200, body = ServerMetadata)))]
async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata {
        name: "ropewalk".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        extensions: Vec::new(),
    })
}

/// Whether the server runs.
#[utoipa::path(get, path = "/v2/health/live", tag = "inference", responses((status = 200, description = "it runs")))]
async fn live() -> Json<serde_json::Value> {
    Json(serde_json::json!({"live": true}))
}

/// Whether every endpoint answers.
#[utoipa::path(get, path = "/v2/health/ready", tag = "inference",
    responses((status = 200, body = Ready), (status = 503, body = Ready, description = "a model with traffic is not loaded")))]
async fn ready(State(serve): State<Serve>) -> Answer<Response> {
    let ready = serve.table().await?.endpoints.values().all(|routes| routes.ready());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(Ready { name: None, ready })).into_response())
}

/// Inputs and outputs of an endpoint.
#[utoipa::path(get, path = "/v2/models/{name}", tag = "inference",
    responses((status = 200, body = ModelMetadata), (status = 404, body = ProtocolError)))]
async fn model(State(serve): State<Serve>, Path(name): Path<String>) -> Answer<Json<ModelMetadata>> {
    let routes = routes_of(&serve, &name).await?;
    Ok(Json(metadata(&routes, None)?))
}

/// Inputs and outputs of one revision.
#[utoipa::path(get, path = "/v2/models/{name}/versions/{version}", tag = "inference",
    responses((status = 200, body = ModelMetadata), (status = 404, body = ProtocolError)))]
async fn model_version(
    State(serve): State<Serve>,
    Path((name, version)): Path<(String, String)>,
) -> Answer<Json<ModelMetadata>> {
    let routes = routes_of(&serve, &name).await?;
    Ok(Json(metadata(&routes, Some(revision_number(&version)?))?))
}

/// Whether an endpoint answers.
#[utoipa::path(get, path = "/v2/models/{name}/ready", tag = "inference",
    responses((status = 200, body = Ready), (status = 404, body = ProtocolError), (status = 503, body = Ready)))]
async fn model_ready(State(serve): State<Serve>, Path(name): Path<String>) -> Answer<Response> {
    let routes = routes_of(&serve, &name).await?;
    Ok(readiness(name, routes.ready()))
}

/// Whether a revision is in memory.
#[utoipa::path(get, path = "/v2/models/{name}/versions/{version}/ready", tag = "inference",
    responses((status = 200, body = Ready), (status = 404, body = ProtocolError), (status = 503, body = Ready)))]
async fn model_version_ready(
    State(serve): State<Serve>,
    Path((name, version)): Path<(String, String)>,
) -> Answer<Response> {
    let routes = routes_of(&serve, &name).await?;
    let ready = routes.choose(Some(revision_number(&version)?))?.model.is_some();
    Ok(readiness(name, ready))
}

/// Predict. Traffic decides which revision answers.
#[utoipa::path(post, path = "/v2/models/{name}/infer", tag = "inference", request_body = InferenceRequest,
    responses((status = 200, body = InferenceResponse), (status = 400, body = ProtocolError), (status = 404, body = ProtocolError),
        (status = 413, body = ProtocolError), (status = 503, body = ProtocolError)))]
async fn infer(
    State(serve): State<Serve>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Json<InferenceResponse>> {
    Ok(Json(serve.predict(&name, read_body(&headers, body)?, Vec::new()).await?))
}

/// Predict with one revision, whatever its share of the traffic.
#[utoipa::path(post, path = "/v2/models/{name}/versions/{version}/infer", tag = "inference", request_body = InferenceRequest,
    responses((status = 200, body = InferenceResponse), (status = 400, body = ProtocolError), (status = 404, body = ProtocolError),
        (status = 413, body = ProtocolError), (status = 503, body = ProtocolError)))]
async fn infer_version(
    State(serve): State<Serve>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Json<InferenceResponse>> {
    let revision = revision_number(&version)?;
    Ok(Json(serve.predict_with(&name, Some(revision), read_body(&headers, body)?, Vec::new()).await?))
}

fn read_body(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<InferenceRequest, Error> {
    if headers.contains_key("inference-header-content-length") {
        return Err(
            Error::invalid("binary tensors are not understood").why("tensors are sent as JSON, in `data`")
        );
    }
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Error::new(
                Code::TooLarge,
                format!("the request is larger than {} MiB", LARGEST_BODY / 1024 / 1024),
            )
            .hint("send the rows in several requests");
        }
        Error::invalid("the request's body cannot be read").why(rejection.body_text())
    })?;
    serde_json::from_slice(&body).map_err(|error| {
        Error::invalid("the request is no inference request")
            .why(error.to_string())
            .hint("numbers are finite; a missing value is null")
    })
}

async fn routes_of(serve: &Serve, name: &str) -> Result<Arc<Routes>, Error> {
    Ok(Arc::clone(serve.table().await?.endpoint(name)?))
}

fn revision_number(text: &str) -> Result<i64, Error> {
    let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    text.parse().map_err(|_| {
        Error::not_found(format!("there is no revision `{shown}`"))
            .why("an endpoint's versions are its revisions: 1, 2, …")
    })
}

fn readiness(name: String, ready: bool) -> Response {
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { name: Some(name), ready })).into_response()
}

fn metadata(routes: &Routes, revision: Option<i64>) -> Result<ModelMetadata, Error> {
    let model = match revision {
        Some(_) => routes.choose(revision)?.model.as_ref(),
        // The revision with most traffic speaks for the endpoint; asking does not use up a turn.
        None => routes
            .routes
            .iter()
            .max_by(|a, b| a.revision.percent.total_cmp(&b.revision.percent))
            .and_then(|route| route.model.as_ref()),
    };
    let model = model.ok_or_else(|| {
        let name = &routes.endpoint.name;
        Error::new(Code::Unavailable, format!("the model of endpoint `{name}` is not loaded"))
            .hint(format!("ropewalk endpoint served {name}"))
    })?;
    let tensor = |name: &str, datatype: &str| TensorMetadata {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape: vec![-1],
    };
    Ok(ModelMetadata {
        name: routes.endpoint.name.clone(),
        versions: routes.routes.iter().map(|route| route.revision.revision.to_string()).collect(),
        platform: model.platform.clone(),
        inputs: model
            .columns
            .iter()
            .map(|column| tensor(&column.name, if column.text { "BYTES" } else { "FP64" }))
            .collect(),
        outputs: vec![tensor(PROBABILITY, "FP32"), tensor(PREDICTION_ID, "BYTES")],
    })
}
