//! Where a version's files come from: which sources a client may name, and where they lead. A source inside this server
//! must belong to the run or the logged model that the client names, so that nobody registers what he may not read.

use std::path::{Component, Path, PathBuf};

use ropewalk_core::Code;
use ropewalk_core::journal::Reference;
use ropewalk_mlflow::uri::{Uri, unquote, unquote_wholly};
use ropewalk_mlflow::{Fields, MlflowError, MlflowResult};

use super::model_uri::ModelUri;
use crate::model::ModelVersion;
use crate::service::Models;

/// What prompts have for a source: they have no files.
const PROMPT_SOURCES: [&str; 2] = ["dummy-source", "prompt-template"];

/// A checked source.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// As it is kept.
    pub(super) source: String,
    pub(super) run_id: String,
    /// The logged model that the client names.
    pub(super) model_id: String,
    /// The version of this registry that it is.
    version: Option<ModelVersion>,
}

/// Where a source's files lie, and what it was made from.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) storage_location: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) model_id: Option<String>,
    pub(super) made_from: Option<Reference>,
}

/// Checks the source of a request.
pub(super) async fn check(models: &Models, fields: &Fields, prompt: bool) -> MlflowResult<Source> {
    let named = fields.text("source");
    models.rules.check_pattern(named)?;
    if prompt && !PROMPT_SOURCES.contains(&named) {
        return Err(MlflowError::invalid(format!(
            "Invalid prompt source: '{named}'. Prompt sources must use an MLflow placeholder."
        )));
    }
    let uri = parse(named)?;
    models.rules.hosts.check(&uri, "source")?;
    let mut source = Source {
        source: named.to_owned(),
        run_id: fields.text("run_id").to_owned(),
        model_id: fields.text("model_id").to_owned(),
        version: None,
    };
    if prompt {
        return Ok(source);
    }
    if uri.scheme == "models" {
        follow_version(models, fields, &uri, &mut source).await?;
    }
    if source.model_id.is_empty() {
        belongs_to_run(models, &source).await?;
    } else {
        belongs_to_model(models, &source).await?;
    }
    Ok(source)
}

fn parse(source: &str) -> MlflowResult<Uri> {
    Uri::parse(source)
        .map_err(|why| MlflowError::invalid(format!("Invalid model version source: '{source}'. {why}.")))
}

/// A source that is another version of this registry becomes that version, by number, with its run.
async fn follow_version(
    models: &Models,
    fields: &Fields,
    uri: &Uri,
    source: &mut Source,
) -> MlflowResult<()> {
    if !uri.authority.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{}'. Registered model sources must use the active model registry.",
            source.source
        )));
    }
    let target = model_uri(&source.source)?;
    let (ModelUri::Version { name, .. } | ModelUri::Stage { name, .. } | ModelUri::Alias { name, .. }) =
        &target
    else {
        return Ok(());
    };
    if crate::rules::makes_prompt(&models.model(name).await?.tags) {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{}'. Prompt versions cannot be used as model version sources.",
            source.source
        )));
    }
    let version = target.resolve(models).await?;
    // The registry of MLflow does not tell which logged model a version was made from.
    let run_id = version.run_id.clone().unwrap_or_default();
    if fields.has("run_id") && source.run_id != run_id || !source.model_id.is_empty() {
        return Err(MlflowError::invalid(format!(
            "Invalid model version source: '{}'. The run_id and model_id request parameters must match the referenced model \
             version.",
            source.source
        )));
    }
    source.source = format!("models:/{}/{}", version.name, version.version);
    source.run_id = run_id;
    source.version = Some(version);
    Ok(())
}

fn model_uri(source: &str) -> MlflowResult<ModelUri> {
    ModelUri::parse(source).ok_or_else(|| foreign(source, "model_id"))
}

/// Where the files of a checked source lie.
pub(super) async fn locate(models: &Models, source: &Source) -> MlflowResult<Place> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut place =
        Place { run_id: some(&source.run_id), model_id: some(&source.model_id), ..Place::default() };
    if let Some(version) = &source.version {
        let location = version.storage_location.as_ref().unwrap_or(&version.source);
        place.storage_location = Some(location.clone());
        place.made_from = Some(Reference::new("model", version.id()));
        place.model_id = version.model_id.clone();
        return Ok(place);
    }
    if place.model_id.is_some() {
        let model = models.runs().get_logged_model(&source.model_id).await?;
        if parse(&source.source)?.scheme == "models" {
            place.storage_location = Some(model.artifact_uri);
        }
        place.run_id = place.run_id.or(model.source_run_id.filter(|id| !id.is_empty()));
    }
    Ok(place)
}

/// The rules for a source without a logged model.
async fn belongs_to_run(models: &Models, source: &Source) -> MlflowResult<()> {
    let (named, run_id) = (source.source.as_str(), source.run_id.as_str());
    let uri = parse(named)?;
    if is_local(named, &uri)? {
        if run_id.is_empty() {
            return Err(outside(named, "run_id"));
        }
        let root = run_root(models, named, run_id).await?;
        return if holds_file(&root, named) { Ok(()) } else { Err(outside(&real_path(named), "run_id")) };
    }
    check_path(named)?;
    match uri.scheme.as_str() {
        "runs" => {
            let run = uri.path.trim_start_matches('/').split('/').next().unwrap_or_default();
            let belongs = uri.authority.is_empty() && !run_id.is_empty() && run == run_id;
            return if belongs { Ok(()) } else { Err(foreign(named, "run_id")) };
        }
        "models" => {
            let logged = !uri.authority.is_empty() || matches!(model_uri(named)?, ModelUri::Logged(_));
            if logged {
                return Err(foreign(named, "model_id"));
            }
        }
        _ => {}
    }
    if is_proxied(&uri) {
        let belongs = !run_id.is_empty() && within(&uri, &run_root(models, named, run_id).await?);
        return if belongs { Ok(()) } else { Err(foreign(named, "run_id")) };
    }
    Ok(())
}

/// The rules for a source with a logged model.
async fn belongs_to_model(models: &Models, source: &Source) -> MlflowResult<()> {
    let (named, model_id) = (source.source.as_str(), source.model_id.as_str());
    let uri = parse(named)?;
    if is_local(named, &uri)? {
        let root = model_root(models, named, model_id).await?;
        return if holds_file(&root, named) { Ok(()) } else { Err(outside(&real_path(named), "model_id")) };
    }
    check_path(named)?;
    match uri.scheme.as_str() {
        "models" => {
            if !uri.authority.is_empty() {
                return Err(foreign(named, "model_id"));
            }
            if let ModelUri::Logged(id) = model_uri(named)? {
                return if id == model_id { Ok(()) } else { Err(foreign(named, "model_id")) };
            }
        }
        "runs" => return Err(foreign(named, "model_id")),
        _ => {}
    }
    if is_proxied(&uri) && !within(&uri, &model_root(models, named, model_id).await?) {
        return Err(foreign(named, "model_id"));
    }
    Ok(())
}

/// Where a run's artifacts lie.
async fn run_root(models: &Models, source: &str, run_id: &str) -> MlflowResult<String> {
    match models.runs().run_info(run_id).await {
        Ok(info) => Ok(info.artifact_uri),
        Err(error) if matches!(error.code(), Code::NotFound) => Err(foreign(source, "run_id")),
        Err(error) => Err(error.into()),
    }
}

/// Where a logged model's artifacts lie.
async fn model_root(models: &Models, source: &str, model_id: &str) -> MlflowResult<String> {
    match models.runs().get_logged_model(model_id).await {
        Ok(model) => Ok(model.artifact_uri),
        Err(error) if matches!(error.code(), Code::NotFound) => Err(foreign(source, "model_id")),
        Err(error) => Err(error.into()),
    }
}

/// Whether a source is a path on the server's own disk.
fn is_local(source: &str, uri: &Uri) -> MlflowResult<bool> {
    if source == "databricks" {
        return Ok(false);
    }
    match uri.scheme.as_str() {
        "" => Ok(true),
        "file" => {
            let here =
                |host: &str| host == "." || host.starts_with("localhost") || host.starts_with("127.0.0.1");
            if uri.host().is_none_or(|host| here(&host)) {
                return Ok(true);
            }
            Err(MlflowError::invalid(format!(
                "{source} is not a valid remote uri. For remote access on windows, please consider using a different scheme such \
                 as SMB (e.g. smb://<hostname>/<path>)."
            )))
        }
        _ => Ok(false),
    }
}

/// Refuses a path that is not absolute or that climbs, also one written with percent signs.
fn check_path(source: &str) -> MlflowResult<()> {
    let plain = unquote_wholly(source).replace('+', " ");
    let path = Uri::parse(&plain).map(|uri| uri.path).unwrap_or_default();
    let path = path.trim_end_matches('/');
    let climbs = plain.split('/').any(|part| part == "..") || path.split('/').any(|part| part == ".");
    if path.starts_with('/') && !path.contains('\0') && !climbs {
        return Ok(());
    }
    Err(MlflowError::invalid(format!(
        "Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, objectstore, \
         or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an \
         absolute path."
    )))
}

/// Whether a URI leads to files that this server, or one like it, hands out.
fn is_proxied(uri: &Uri) -> bool {
    const ROUTE: [&str; 4] = ["api", "2.0", "mlflow-artifacts", "artifacts"];
    match uri.scheme.as_str() {
        "mlflow-artifacts" => true,
        "http" | "https" => parts(uri).windows(ROUTE.len()).any(|window| window == ROUTE),
        _ => false,
    }
}

fn parts(uri: &Uri) -> Vec<String> {
    uri.path.split('/').filter(|part| !part.is_empty()).map(unquote_wholly).collect()
}

/// Whether a URI lies within a root: the same scheme and host, and the root's folders before its own.
fn within(uri: &Uri, root: &str) -> bool {
    let Ok(root) = Uri::parse(root) else { return false };
    let above = parts(&root);
    root.scheme == uri.scheme
        && root.authority.eq_ignore_ascii_case(&uri.authority)
        && !above.is_empty()
        && parts(uri).starts_with(&above)
}

/// Whether a path on the disk lies within a root on the disk, symbolic links followed.
fn holds_file(root: &str, source: &str) -> bool {
    let local = |text: &str| Uri::parse(text).is_ok_and(|uri| matches!(uri.scheme.as_str(), "" | "file"));
    local(root) && resolved(&local_path(source)).starts_with(resolved(&local_path(root)))
}

/// Where a local source really lies, for people.
fn real_path(source: &str) -> String {
    resolved(&local_path(source)).display().to_string()
}

fn local_path(uri: &str) -> PathBuf {
    let path = if uri.starts_with("file:") {
        Uri::parse(uri).map(|uri| uri.path).unwrap_or_default()
    } else {
        uri.to_owned()
    };
    PathBuf::from(unquote(&path))
}

/// A path as the disk has it: what is there with its links followed, the rest taken as it is written.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
        if let Ok(real) = plain.canonicalize() {
            plain = real;
        }
    }
    plain
}

fn foreign(source: &str, name: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "Invalid model version source: '{source}'. The {name} request parameter must identify the resource that contains the \
         source."
    ))
}

fn outside(source: &str, name: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "Invalid model version source: '{source}'. To use a local path as a model version source, the {name} request parameter \
         has to be specified and the local path has to be contained within the artifact directory of the run specified by the \
         {name}."
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn climbing_is_seen_through_percent_signs() {
        for wrong in [
            "s3://b/a/../b",
            "s3://b/%2e%2e/b",
            "s3://b/a/%252E%252e/b",
            "s3://b/a%2f..%2fb",
            "s3://b/..",
            "s3://b/./a",
            "s3://b",
            "s3:a/b",
            "s3://b/a%00",
            "s3://b/x?q=..%2f..%2fy",
            "c:\\x",
            "databricks",
        ] {
            assert!(check_path(wrong).is_err(), "{wrong}");
        }
        for right in [
            "s3://b/a/b",
            "s3://b//a",
            "s3://b/a/",
            "s3://b/a..b/c",
            "s3://b/.hidden",
            "dbfs:/x",
            "runs:/r/m",
        ] {
            check_path(right).unwrap();
        }
    }

    #[test]
    fn a_root_is_a_whole_folder() {
        let root = "mlflow-artifacts:/1/r/artifacts";
        let within = |uri: &str| super::within(&Uri::parse(uri).unwrap(), root);
        assert!(within("mlflow-artifacts:/1/r/artifacts/model"));
        assert!(within("mlflow-artifacts:/1//r/%61rtifacts"));
        assert!(!within("mlflow-artifacts:/1/r/artifacts2"));
        assert!(!within("mlflow-artifacts:/1/r"));
        assert!(!within("mlflow-artifacts://h/1/r/artifacts"));
    }

    #[test]
    fn a_file_lies_within_its_run_after_links_are_followed() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("run/artifacts");
        std::fs::create_dir_all(root.join("model")).unwrap();
        std::fs::create_dir_all(home.path().join("other")).unwrap();
        let text = |path: &Path| path.display().to_string();
        assert!(holds_file(&text(&root), &text(&root.join("model"))));
        assert!(holds_file(&format!("file://{}", text(&root)), &format!("file:{}/to%20come", text(&root))));
        assert!(!holds_file(&text(&root), &text(&root.join("../../other"))));
        assert!(!holds_file("mlflow-artifacts:/1/r/artifacts", &text(&root)));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(home.path().join("other"), root.join("link")).unwrap();
            assert!(!holds_file(&text(&root), &text(&root.join("link/x"))));
        }
    }

    #[test]
    fn what_a_server_hands_out_is_known_by_its_route() {
        let proxied = |uri: &str| is_proxied(&Uri::parse(uri).unwrap());
        assert!(
            proxied("mlflow-artifacts:/1") && proxied("https://h/x/api/2.0/mlflow%2Dartifacts/artifacts/1")
        );
        assert!(
            !proxied("https://h/api/2.0/mlflow-artifacts")
                && !proxied("s3://b/api/2.0/mlflow-artifacts/artifacts")
        );
    }
}
