//! MLflow's calls about aliases.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use ropewalk_core::Actor;
use ropewalk_mlflow::message::text;
use ropewalk_mlflow::{Call, Message, MlflowResult, answer, done};
use serde_json::json;

use super::{REQUIRED, number, wire};
use crate::service::Models;

static ALIAS: Message = Message(&[text("name"), text("alias")]);
static SET: Message = Message(&[text("name"), text("alias"), text("version")]);

pub(super) fn routes() -> Router<Models> {
    Router::new().route("/2.0/mlflow/registered-models/alias", get(by_alias).post(set).delete(remove))
}

async fn by_alias(State(models): State<Models>, call: Call) -> MlflowResult {
    let fields = call.read(&ALIAS, &[("name", REQUIRED), ("alias", REQUIRED)])?;
    let version = models.version_of_alias(fields.text("name"), fields.text("alias")).await?;
    Ok(answer(json!({"model_version": wire::version(&version)})))
}

async fn set(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&SET, &[("name", REQUIRED), ("alias", REQUIRED), ("version", REQUIRED)])?;
    let (name, alias) = (fields.text("name"), fields.text("alias"));
    crate::rules::check_model_name(name)?;
    crate::rules::check_new_alias(alias)?;
    models.set_alias(name, alias, number::of(&fields)?, &actor).await?;
    Ok(done())
}

async fn remove(State(models): State<Models>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(&ALIAS, &[("name", REQUIRED), ("alias", REQUIRED)])?;
    models.delete_alias(fields.text("name"), fields.text("alias"), &actor).await?;
    Ok(done())
}
