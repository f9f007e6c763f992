//! The route of queries.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json as JsonAnswer, Router};
use http::StatusCode;
use ropewalk_mlflow::access::Rights;
use ropewalk_mlflow::json::{self, Json};
use ropewalk_mlflow::{Call, MlflowError, MlflowResult};
use serde_json::{Map, Value, json};

use crate::backend::Backend;
use crate::execute::{Answer, execute};
use crate::limits::Limits;
use crate::parser::parse;
use crate::validate::validate;

#[derive(Clone)]
struct Queries {
    backend: Backend,
    limits: Limits,
}

/// The route of queries, which are answered from MLflow's own `routes`.
pub fn routes(routes: Router) -> Router {
    let queries = Queries { backend: Backend::new(routes), limits: Limits::of_environment() };
    Router::new().route("/graphql", get(answer).post(answer)).with_state(Arc::new(queries))
}

async fn answer(
    State(queries): State<Arc<Queries>>,
    rights: Option<Extension<Rights>>,
    call: Call,
) -> MlflowResult {
    call.must_be_json()?;
    let sent = std::str::from_utf8(call.body()).ok().and_then(json::parse);
    let Some(sent @ Json::Object(_)) = sent else {
        return Err(MlflowError::invalid("A query is sent as a JSON object with the member `query`."));
    };
    let Some(Json::Text(query)) = sent.get("query") else {
        return Err(MlflowError::invalid("The member `query` must be a text."));
    };
    let variables = match sent.get("variables") {
        None | Some(Json::Null) => Map::new(),
        Some(given) => match given.to_serde() {
            Value::Object(given) => given,
            _ => return Err(MlflowError::invalid("The member `variables` must be an object.")),
        },
    };
    let name = match sent.get("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::Text(name)) => Some(name.clone()),
        Some(other) => Some(json::dumps(other)),
    };
    let document = match parse(query) {
        Ok(document) => document,
        // The stock server breaks off here.
        Err(fault) => {
            let refusal = Answer::refusal(vec![format!("Syntax Error: {fault}")]);
            return Ok((StatusCode::BAD_REQUEST, written(refusal)).into_response());
        }
    };
    if let Err(fault) = queries.limits.check(&document) {
        return Ok(written(Answer::refusal(vec![fault])));
    }
    let faults = validate(&document);
    if !faults.is_empty() {
        return Ok(written(Answer::refusal(faults)));
    }
    let rights = rights.map_or_else(Rights::everything, |Extension(rights)| rights);
    Ok(written(execute(&queries.backend, &rights, &document, name.as_deref(), &variables).await))
}

fn written(answer: Answer) -> Response {
    let faults = if answer.faults.is_empty() { Value::Null } else { json!(answer.faults) };
    JsonAnswer(json!({"data": answer.data, "errors": faults})).into_response()
}
