//! MLflow's calls about tags.

use axum::Router;
use axum::extract::State;
use axum::routing::{delete, post};
use ropewalk_core::Actor;
use ropewalk_mlflow::message::text;
use ropewalk_mlflow::{Call, Message, MlflowResult, Rule, done};

use super::{REQUIRED, TEXT, number};
use crate::rules::check_model_name;
use crate::service::Models;

static MODEL_TAG: Message = Message(&[text("name"), text("key"), text("value")]);
static VERSION_TAG: Message = Message(&[text("name"), text("version"), text("key"), text("value")]);

const MODEL_RULES: &[(&str, &[Rule])] = &[("name", REQUIRED), ("key", REQUIRED), ("value", TEXT)];
const VERSION_RULES: &[(&str, &[Rule])] =
    &[("name", REQUIRED), ("version", REQUIRED), ("key", REQUIRED), ("value", TEXT)];

pub(super) fn routes() -> Router<Models> {
    Router::new()
        .route("/2.0/mlflow/registered-models/set-tag", post(set_of_model))
        .route("/2.0/mlflow/registered-models/delete-tag", delete(delete_of_model))
        .route("/2.0/mlflow/model-versions/set-tag", post(set_of_version))
        .route("/2.0/mlflow/model-versions/delete-tag", delete(delete_of_version))
}

async fn set_of_model(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&MODEL_TAG, MODEL_RULES)?;
    models.set_model_tag(fields.text("name"), fields.text("key"), fields.text("value"), &actor).await?;
    Ok(done())
}

async fn delete_of_model(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&MODEL_TAG, &MODEL_RULES[..2])?;
    models.delete_model_tag(fields.text("name"), fields.text("key"), &actor).await?;
    Ok(done())
}

async fn set_of_version(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&VERSION_TAG, VERSION_RULES)?;
    let name = fields.text("name");
    check_model_name(name)?;
    let version = number::of(&fields)?;
    models.set_version_tag(name, version, fields.text("key"), fields.text("value"), &actor).await?;
    Ok(done())
}

async fn delete_of_version(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&VERSION_TAG, &VERSION_RULES[..3])?;
    let name = fields.text("name");
    check_model_name(name)?;
    models.delete_version_tag(name, number::of(&fields)?, fields.text("key"), &actor).await?;
    Ok(done())
}
