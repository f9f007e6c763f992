//! A file of a model version, as MLflow's web page downloads it.

use axum::Router;
use axum::extract::State;
use axum::http::Method;
use axum::routing::get;
use ropewalk_mlflow::{Call, MlflowResult, path};
use ropewalk_runs::{append_to_uri, no_path, send_file};

use super::number::Number;
use crate::rules::check_model_name;
use crate::service::Models;

pub(super) fn routes() -> Router<Models> {
    Router::new().route("/model-versions/get-artifact", get(download))
}

async fn download(State(models): State<Models>, method: Method, call: Call) -> MlflowResult {
    let Some(asked) = call.query("path") else { return Ok(no_path()) };
    let path = path::safe(asked)?;
    let name = call.query("name").unwrap_or_default();
    check_model_name(name)?;
    let number = Number::parse(call.query("version").unwrap_or_default())?.known(name)?;
    let version = models.get(name, number).await?;
    let location = version.storage_location.unwrap_or(version.source);
    let root = root(&models, location).await?;
    Ok(send_file(models.runs(), &root, &path, &method, &call).await)
}

/// Where a version's files lie: those of a run lie below the run's own artifacts.
async fn root(models: &Models, location: String) -> MlflowResult<String> {
    let Some(rest) = location.strip_prefix("runs:/") else { return Ok(location) };
    let (run, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let root = models.runs().run_info(run).await?.artifact_uri;
    Ok(append_to_uri(&root, &[&path::safe(rest)?]))
}
