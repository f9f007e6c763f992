//! A file of a model version, as MLflow's web page downloads it.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use ropewalk_core::Code;
use ropewalk_mlflow::uri::unquote_wholly;
use ropewalk_mlflow::{Call, ErrorCode, MlflowError, MlflowResult};
use ropewalk_runs::proxied_path;

use super::number::Number;
use crate::rules::check_model_name;
use crate::service::Models;

/// Endings of files that are text, and whole names of such files.
const TEXT: [&str; 26] = [
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
    "MLmodel",
    "MLproject",
];

pub(super) fn routes() -> Router<Models> {
    Router::new().route("/model-versions/get-artifact", get(download))
}

async fn download(State(models): State<Models>, call: Call) -> MlflowResult {
    let Some(asked) = call.query("path") else {
        let page =
            Html("<!doctype html>\n<title>400 Bad Request</title>\n<p>The request names no path.</p>\n");
        return Ok((StatusCode::BAD_REQUEST, page).into_response());
    };
    let path = safe(asked)?;
    let name = call.query("name").unwrap_or_default();
    check_model_name(name)?;
    let number = Number::parse(call.query("version").unwrap_or_default())?.known(name)?;
    let version = models.get(name, number).await?;
    let location = version.storage_location.unwrap_or(version.source);
    let folder = folder(&models, &location).await?.ok_or_else(|| {
        MlflowError::invalid(format!(
            "The files of this model version are not kept by this server: {location}"
        ))
    })?;
    if call.query("presigned") == Some("true") {
        return Err(MlflowError::new(
            ErrorCode::NotImplemented,
            "Presigned download is not supported for the current artifact repository",
        ));
    }
    let place = format!("{}/{path}", folder.trim_end_matches('/'));
    let within: Vec<&str> = place.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let plain = within.join("/");
    match models.runs().get_artifact(&plain).await {
        Ok(bytes) => Ok(attachment(within.last().copied().unwrap_or("file"), bytes)),
        Err(error)
            if error.code() == Code::NotFound && !models.runs().list_folder(&plain).await?.is_empty() =>
        {
            Err(MlflowError::invalid(format!("Artifact path refers to a directory, not a file: '{place}'")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a version's files lie under this server's artifacts; none if they do not.
async fn folder(models: &Models, location: &str) -> MlflowResult<Option<String>> {
    let Some(rest) = location.strip_prefix("runs:/") else {
        return Ok(proxied_path(location).map(str::to_owned));
    };
    let (run, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let root = models.runs().run_info(run).await?.artifact_uri;
    Ok(proxied_path(&root).map(|root| format!("{root}/{rest}")))
}

/// An answer with a file. It is always a download: a logged file must not act in the server's name.
fn attachment(name: &str, bytes: bytes::Bytes) -> Response {
    let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
    let kind = match ending {
        text if TEXT.contains(&text) => "text/plain",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    };
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "!#$&+-.^_`|~ ()[]{}@,;=".contains(*c))
        .collect();
    let quoted = plain.contains(|c: char| " ()[]{}@,;=".contains(c)) || plain.is_empty();
    let quote = if quoted { "\"" } else { "" };
    let mut answer = Response::new(Body::from(bytes));
    let head = answer.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename={quote}{plain}{quote}")) {
        head.insert(header::CONTENT_DISPOSITION, value);
    }
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    head.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// A path that stays below where it begins.
fn safe(asked: &str) -> MlflowResult<String> {
    let plain = unquote_wholly(asked);
    let windows = plain.get(1..3).is_some_and(|rest| matches!(rest, ":/" | ":\\"));
    let climbs = plain.starts_with('/') || windows || plain.split('/').any(|part| part == "..");
    if climbs || plain.contains(['#', '\\', '\0']) {
        return Err(MlflowError::invalid("Invalid path"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_stay_below() {
        for wrong in ["/a", "../a", "a/../b", "%2e%2e/a", "%252e%252e/a", "a#b", "a\\b", "C:/a", "a\0"] {
            assert!(safe(wrong).is_err(), "{wrong}");
        }
        for right in ["a", "a/b.txt", "a..b", ".", "", "a:b"] {
            safe(right).unwrap();
        }
    }

    #[test]
    fn a_file_is_a_download() {
        let head = |name: &str| {
            let answer = attachment(name, bytes::Bytes::new());
            let text = |name| answer.headers()[name].to_str().unwrap().to_owned();
            (text(header::CONTENT_TYPE), text(header::CONTENT_DISPOSITION))
        };
        assert_eq!(head("MLmodel"), ("text/plain".into(), "attachment; filename=MLmodel".into()));
        assert_eq!(
            head("a b.html"),
            ("application/octet-stream".into(), "attachment; filename=\"a b.html\"".into())
        );
        assert_eq!(head("é\"\n"), ("application/octet-stream".into(), "attachment; filename=\"\"".into()));
    }
}
