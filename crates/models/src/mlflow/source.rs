//! Where a version's files come from: which sources a client may name, and where they lead.

use ropewalk_core::Code;
use ropewalk_runs::mlflow::{MlflowError, MlflowResult};

use crate::service::Models;

/// A checked source.
#[derive(Debug)]
pub(super) struct Place {
    /// As it is kept.
    pub(super) source: String,
    /// Where the files lie, if that is another place.
    pub(super) storage_location: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) model_id: Option<String>,
}

/// Checks a source and finds where its files lie. A source inside this server must belong to the run or the logged model
/// that the client names, so that nobody registers what he may not read.
pub(super) async fn resolve(
    models: &Models,
    source: &str,
    run_id: Option<String>,
    model_id: Option<String>,
) -> MlflowResult<Place> {
    let (scheme, rest) = split(source);
    let place = Place { source: source.to_owned(), storage_location: None, run_id, model_id };
    match scheme {
        "" | "file" => Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. To use a local path as a model version source, the run_id request parameter \
             has to be specified and the local path has to be contained within the artifact directory of the run specified by the \
             run_id."
        ))),
        _ if climbs(rest) => Err(MlflowError::invalid(format!(
            "Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, objectstore, \
             or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an \
             absolute path."
        ))),
        "models" => from_models(models, rest, place).await,
        "runs" => {
            // The client reads a `runs:` source by itself, so it stays as it is.
            let run = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
            if place.run_id.as_deref() != Some(run) {
                return Err(foreign(source, "run_id"));
            }
            Ok(place)
        }
        "mlflow-artifacts" => {
            let root = match (&place.model_id, &place.run_id) {
                (Some(id), _) => models.runs().get_logged_model(id).await.map(|model| model.artifact_uri),
                (None, Some(id)) => models.runs().run_info(id).await.map(|info| info.artifact_uri),
                (None, None) => return Err(foreign(source, "run_id")),
            };
            let name = if place.model_id.is_some() { "model_id" } else { "run_id" };
            match root {
                Ok(root) if within(source, &root) => Ok(place),
                Ok(_) => Err(foreign(source, name)),
                Err(error) if error.code() == Code::NotFound => Err(foreign(source, name)),
                Err(error) => Err(error.into()),
            }
        }
        _ => Ok(place),
    }
}

/// `models:/m-…` is a logged model; `models:/NAME/VERSION` and `models:/NAME@ALIAS` are other versions.
async fn from_models(models: &Models, rest: &str, mut place: Place) -> MlflowResult<Place> {
    let target = rest.trim_start_matches('/');
    if !target.contains(['/', '@']) {
        if place.model_id.as_deref() != Some(target) {
            return Err(foreign(&place.source, "model_id"));
        }
        let model = models.runs().get_logged_model(target).await?;
        place.storage_location = Some(model.artifact_uri);
        place.run_id = place.run_id.or(model.source_run_id);
        return Ok(place);
    }
    let version = models.resolve(target).await?;
    let differs = |asked: &Option<String>, is: &Option<String>| asked.is_some() && asked != is;
    if differs(&place.run_id, &version.run_id) || differs(&place.model_id, &version.model_id) {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{}'. The run_id and model_id request parameters must match the referenced model version.",
            place.source
        )));
    }
    place.source = format!("models:/{}/{}", version.name, version.version);
    place.storage_location = Some(version.storage_location.unwrap_or(version.source));
    place.run_id = place.run_id.or(version.run_id);
    place.model_id = place.model_id.or(version.model_id);
    Ok(place)
}

fn split(source: &str) -> (&str, &str) {
    match source.split_once(':') {
        Some((scheme, rest))
            if !scheme.is_empty()
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) =>
        {
            (scheme, rest)
        }
        _ => ("", source),
    }
}

/// Whether a path, also one written with percent signs, climbs out of its folder.
fn climbs(path: &str) -> bool {
    let mut plain = path.replace('\\', "/").to_ascii_lowercase();
    // Undone until nothing changes: `%252e` hides `%2e`, which hides a dot.
    loop {
        let next = plain.replace("%25", "%").replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        if next == plain {
            break;
        }
        plain = next;
    }
    plain.split(['/', '?', '#']).any(|part| part == "..")
}

fn within(source: &str, root: &str) -> bool {
    source.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn foreign(source: &str, name: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "Invalid model version source: '{source}'. The {name} request parameter must identify the resource that contains the source."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbing_is_seen_through_percent_signs() {
        for wrong in ["/a/../b", "/a/%2e%2e/b", "/a/%252E%252e/b", "/a\\..\\b", "/a%2f..%2fb", "/.."] {
            assert!(climbs(wrong), "{wrong}");
        }
        for right in ["/a/b", "/a..b/c", "/a/.hidden"] {
            assert!(!climbs(right), "{right}");
        }
    }

    #[test]
    fn a_root_is_a_whole_folder() {
        assert!(within("mlflow-artifacts:/1/r/artifacts/model", "mlflow-artifacts:/1/r/artifacts"));
        assert!(!within("mlflow-artifacts:/1/r/artifacts2", "mlflow-artifacts:/1/r/artifacts"));
    }
}
