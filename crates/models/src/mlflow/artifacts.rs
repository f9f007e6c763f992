//! A file of a model version, as MLflow's web page downloads it.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use ropewalk_mlflow::python::normal_path;
use ropewalk_mlflow::uri::unquote_wholly;
use ropewalk_mlflow::{Call, ErrorCode, MlflowError, MlflowResult};
use ropewalk_runs::proxied_path;

use super::number::Number;
use crate::rules::check_model_name;
use crate::service::Models;

pub(super) fn routes() -> Router<Models> {
    Router::new().route("/model-versions/get-artifact", get(download))
}

async fn download(State(models): State<Models>, call: Call) -> MlflowResult {
    let Some(asked) = call.query("path") else {
        return Err(MlflowError::new(ErrorCode::BadRequest, "The query has no path"));
    };
    let path = safe(asked)?;
    let name = call.query("name").unwrap_or_default();
    check_model_name(name)?;
    let number = Number::parse(call.query("version").unwrap_or_default())?.known(name)?;
    let version = models.get(name, number).await?;
    let location = version.storage_location.unwrap_or(version.source);
    let folder = match location.strip_prefix("runs:/") {
        Some(rest) => {
            let (run, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let root = models.runs().run_info(run).await?.artifact_uri;
            proxied_path(&root).map(|root| format!("{root}/{rest}"))
        }
        None => proxied_path(&location).map(str::to_owned),
    };
    let folder = folder.ok_or_else(|| {
        MlflowError::invalid(format!(
            "The files of this model version are not kept by this server: {location}"
        ))
    })?;
    let bytes = models.runs().get_artifact(&format!("{}/{path}", folder.trim_end_matches('/'))).await?;
    let mut answer = Response::new(Body::from(bytes));
    let file = path.rsplit('/').next().unwrap_or("file");
    let plain: String = file.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    let head = answer.headers_mut();
    // Always as a download: a logged file must not act in the server's name.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"")) {
        head.insert(header::CONTENT_DISPOSITION, value);
    }
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    head.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}

/// A path that stays below where it begins.
fn safe(asked: &str) -> MlflowResult<String> {
    let plain = unquote_wholly(asked);
    let climbs = plain.starts_with('/')
        || plain.contains(['\\', '\0', ':'])
        || plain.split('/').any(|part| part == "..");
    if climbs || plain.is_empty() {
        return Err(MlflowError::invalid("Invalid path"));
    }
    Ok(normal_path(&plain))
}
