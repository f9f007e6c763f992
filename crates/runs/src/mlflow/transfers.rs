//! Transfers past the server: uploads in parts and signed URLs, which only a bucket has.

use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ropewalk_core::{Blobs, Code, Error, Result};
use ropewalk_mlflow::{
    Call, ErrorCode, Fields, MlflowError, MlflowResult, Object, Rule, answer, done, media, path,
};
use serde_json::{Value, json};

use super::messages;
use super::send::strict_path_after;
use crate::artifacts::Spot;
use crate::artifacts::place::{Place, file_name, plain};
use crate::service::Runs;
use crate::service::artifacts::no_artifact;

/// For how long the URL of a part is good.
const PART_LIFETIME: Duration = Duration::from_secs(3600);
/// For how long the URL of an upload is good, unless a client asks for another time; in seconds.
const UPLOAD_LIFETIME: i64 = 900;
/// The longest that S3 lets a URL be good, in seconds.
const LONGEST: i64 = 604_800;

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow-artifacts/mpu/create/{*path}", post(begin))
        .route("/2.0/mlflow-artifacts/mpu/complete/{*path}", post(end))
        .route("/2.0/mlflow-artifacts/mpu/abort/{*path}", post(give_up))
        .route("/2.0/mlflow-artifacts/presigned/{*path}", get(download))
        .route("/2.0/mlflow/artifacts/presigned-upload-url", post(upload_url))
        .route("/2.0/mlflow/artifacts/presigned-download-url", post(download_url))
}

fn not_supported(what: &str) -> MlflowError {
    MlflowError::new(
        ErrorCode::NotImplemented,
        format!("{what} is not supported for the current artifact repository"),
    )
}

/// The bucket behind a place.
fn bucket<'a>(place: &'a Place, what: &str) -> MlflowResult<&'a Blobs> {
    match place {
        Place::Bucket(blobs) if blobs.has_transfers() => Ok(blobs),
        _ => Err(not_supported(what)),
    }
}

/// What a step of an upload in parts is about.
struct Step {
    fields: Fields,
    blobs: Blobs,
    path: String,
}

fn step(
    runs: &Runs,
    uri: &Uri,
    call: &Call,
    message: &'static ropewalk_mlflow::Message,
    rules: &[(&str, &[Rule])],
) -> std::result::Result<Step, Box<Response>> {
    let kept = runs.kept().map_err(|error| Box::new(MlflowError::from(error).into_response()))?;
    let action =
        ["/mpu/create/", "/mpu/complete/", "/mpu/abort/"].into_iter().find(|part| uri.path().contains(part));
    let folder = strict_path_after(uri, action.unwrap_or_default())?;
    let read = || -> MlflowResult<Step> {
        let folder = path::safe(&folder)?;
        let fields = call.read(message, rules)?;
        let name = upload_name(fields.text("path"))?;
        let blobs = bucket(&kept.place, "Multipart upload")?.clone();
        let path = kept.below(&path::join(&folder, &name));
        file_name(&path)?;
        Ok(Step { fields, blobs, path: plain(&path) })
    };
    read().map_err(|error| Box::new(error.into_response()))
}

/// The name of the file that a client uploads; older clients send all of its path on their machine.
fn upload_name(given: &str) -> MlflowResult<String> {
    let last = |path: &str| {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        // A drive's letter is no part of a name.
        let drive = name.len() == path.len() && name.get(1..2) == Some(":");
        if drive { name.get(2..).unwrap_or_default().to_owned() } else { name.to_owned() }
    };
    let mut name = last(given);
    if !name.is_empty() {
        name = last(&path::safe(&name)?);
    }
    if matches!(name.as_str(), "" | "." | "..") {
        return Err(MlflowError::invalid("Invalid path"));
    }
    Ok(name)
}

async fn begin(State(runs): State<Runs>, OriginalUri(uri): OriginalUri, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[("path", &[Rule::Required, Rule::Text]), ("num_parts", &[Rule::Whole])];
    let step = match step(&runs, &uri, &call, &messages::BEGIN_PARTS, rules) {
        Ok(step) => step,
        Err(answer) => return Ok(*answer),
    };
    let parts = usize::try_from(step.fields.integer("num_parts").unwrap_or(0).max(0)).unwrap_or(usize::MAX);
    let (upload, urls) = step.blobs.begin_parts(&step.path, parts, PART_LIFETIME).await?;
    let credentials =
        urls.into_iter().zip(1_i64..).map(|(url, number)| json!({"url": url, "part_number": number}));
    Ok(answer(Object::default().set("upload_id", upload).list("credentials", credentials.collect())))
}

async fn end(State(runs): State<Runs>, OriginalUri(uri): OriginalUri, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[
        ("path", &[Rule::Required, Rule::Text]),
        ("upload_id", &[Rule::Text]),
        ("parts", &[Rule::Required]),
    ];
    let step = match step(&runs, &uri, &call, &messages::END_PARTS, rules) {
        Ok(step) => step,
        Err(answer) => return Ok(*answer),
    };
    let parts = step.fields.parts("parts");
    let parts =
        parts.map(|part| (part.integer("part_number").unwrap_or(0), part.text("etag").to_owned())).collect();
    step.blobs.end_parts(&step.path, step.fields.text("upload_id"), parts).await.map_err(no_upload)?;
    Ok(done())
}

async fn give_up(State(runs): State<Runs>, OriginalUri(uri): OriginalUri, call: Call) -> MlflowResult {
    let rules: &[(&str, &[Rule])] = &[("path", &[Rule::Required, Rule::Text]), ("upload_id", &[Rule::Text])];
    let step = match step(&runs, &uri, &call, &messages::DROP_PARTS, rules) {
        Ok(step) => step,
        Err(answer) => return Ok(*answer),
    };
    step.blobs.drop_parts(&step.path, step.fields.text("upload_id")).await.map_err(no_upload)?;
    Ok(done())
}

fn no_upload(error: Error) -> Error {
    if error.code() == Code::NotFound {
        return Error::not_found("The specified multipart upload does not exist");
    }
    error
}

async fn download(State(runs): State<Runs>, OriginalUri(uri): OriginalUri) -> MlflowResult {
    let kept = runs.kept()?;
    let given = match strict_path_after(&uri, "/mlflow-artifacts/presigned/") {
        Ok(path) => path,
        Err(answer) => return Ok(*answer),
    };
    let path = path::safe(&given)?;
    bucket(&kept.place, "Multipart download")?;
    let lifetime = runs.artifacts()?.download_lifetime;
    Ok(answer(signed_download(&kept, &path, lifetime).await?))
}

/// A signed URL for the file at a path below a spot, as clients read it.
pub(super) async fn presigned(runs: &Runs, spot: &Spot, path: &str) -> MlflowResult {
    bucket(&spot.place, "Presigned download")?;
    Ok(answer(signed_download(spot, path, runs.artifacts()?.download_lifetime).await?))
}

async fn signed_download(spot: &Spot, path: &str, lifetime: Duration) -> MlflowResult<Value> {
    let (url, headers, size) = sign(spot, path, lifetime, "Presigned download").await?;
    Ok(json!({"url": url, "headers": headers, "file_size": size}))
}

async fn sign(spot: &Spot, path: &str, lifetime: Duration, what: &str) -> MlflowResult<(String, Value, u64)> {
    let blobs = bucket(&spot.place, what)?;
    let key = plain(&spot.below(path));
    let disposition = media::attachment(path::folder_and_name(&key).1);
    let (signed, info) = blobs
        .signed_download(&key, &disposition, lifetime)
        .await
        .map_err(|error| if error.code() == Code::NotFound { no_artifact(path) } else { error })?;
    Ok((signed.url, json!(signed.headers), info.size))
}

async fn upload_url(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::UPLOAD_URL,
        &[
            ("run_id", &[Rule::Text]),
            ("model_id", &[Rule::Text]),
            ("path", &[Rule::Required, Rule::Text]),
            ("expiration", &[Rule::Whole]),
        ],
    )?;
    let (run, model) = (fields.text("run_id"), fields.text("model_id"));
    if run.is_empty() == model.is_empty() {
        return Err(MlflowError::invalid("Exactly one of run_id and model_id must be provided."));
    }
    let path = path::safe(fields.text("path"))?;
    let root = if run.is_empty() {
        runs.get_logged_model(model).await?.artifact_uri
    } else {
        runs.run_info(run).await?.artifact_uri
    };
    must_be_direct(
        &root,
        "upload is not supported for proxied artifact storage",
        "a direct cloud storage artifact URI",
    )?;
    let spot = runs.spot(&root).await?;
    let blobs = bucket(&spot.place, "Presigned upload")?;
    let lifetime = lifetime(fields.integer("expiration").unwrap_or(UPLOAD_LIFETIME))?;
    let key = spot.below(&path);
    file_name(&key)?;
    let kind = media::guess(&path).0.unwrap_or("application/octet-stream");
    let signed = blobs.signed_upload(&plain(&key), kind, lifetime).await?;
    Ok(answer(json!({"presigned_url": signed.url, "headers": signed.headers})))
}

async fn download_url(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::DOWNLOAD_URL,
        &[
            ("run_id", &[Rule::Required, Rule::Text]),
            ("path", &[Rule::Required, Rule::Text]),
            ("expiration", &[Rule::Whole]),
        ],
    )?;
    let path = path::safe(fields.text("path"))?;
    let usual = i64::try_from(runs.artifacts()?.download_lifetime.as_secs()).unwrap_or(i64::MAX);
    let lifetime = lifetime(fields.integer("expiration").unwrap_or(usual))?;
    let root = runs.run_info(fields.run_id()).await?.artifact_uri;
    must_be_direct(
        &root,
        "download is not supported for runs with proxied artifact storage",
        "a run with a direct cloud storage artifact URI",
    )?;
    let (url, headers, size) = sign(&runs.spot(&root).await?, &path, lifetime, "Presigned download").await?;
    let headers =
        Some(headers).filter(|headers| headers.as_object().is_some_and(|headers| !headers.is_empty()));
    Ok(answer(Object::default().set("presigned_url", url).maybe("headers", headers).set("file_size", size)))
}

fn lifetime(seconds: i64) -> Result<Duration> {
    match u64::try_from(seconds) {
        Ok(number) if (1..=LONGEST).contains(&seconds) => Ok(Duration::from_secs(number)),
        _ => Err(Error::invalid(format!(
            "expiration must be between 1 and {LONGEST} seconds (got {seconds})."
        ))),
    }
}

/// Refuses artifacts that go through this server.
fn must_be_direct(root: &str, refusal: &str, needed: &str) -> MlflowResult<()> {
    let scheme = root.split_once(':').map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "http" | "https" | "mlflow-artifacts") {
        return Err(MlflowError::invalid(format!(
            "Presigned {refusal} (artifact URI scheme: {scheme}). This endpoint requires {needed}."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_upload_is_named_by_the_last_of_its_path() {
        for (given, name) in [
            ("a.bin", "a.bin"),
            ("/tmp/x/a.bin", "a.bin"),
            ("C:\\x\\a.bin", "a.bin"),
            ("C:a.bin", "a.bin"),
            ("src%5Ca.bin", "a.bin"),
            ("a%2Fb", "b"),
        ] {
            assert_eq!(upload_name(given).unwrap(), name, "{given}");
        }
        for wrong in ["", ".", "..", "/", "a/..", "src%5C..", "C%3A..", "a/", "%2e%2e"] {
            assert!(upload_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_is_good_for_a_week_at_most() {
        assert_eq!(lifetime(60).unwrap(), Duration::from_secs(60));
        for wrong in [0, -1, 604_801, i64::MAX] {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }
}
