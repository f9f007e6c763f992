//! Datasets over HTTP.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ropewalk_core::{Actor, Error, Page, Paged, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::column::{Cell, ColumnKind};
use crate::model::{Commit, CommitInfo, CommitRequest, Dataset, Diff, FileChange, RefInfo, VerifyReport};
use crate::name::{DEFAULT_BRANCH, DatasetSpec, check_path};
use crate::service::Data;

/// How many rows a sample has unless it is said.
const SAMPLE: usize = 20;

/// How many rows a sample has at most.
const LARGEST_SAMPLE: usize = 1000;

/// Everything under `/api/v1/datasets`.
pub fn routes(data: &Data) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(commit))
        .routes(routes!(show))
        .routes(routes!(log))
        .routes(routes!(diff))
        .routes(routes!(branches, branch))
        .routes(routes!(tags, tag))
        .routes(routes!(merge))
        .routes(routes!(read))
        .routes(routes!(rows))
        .routes(routes!(verify))
        .with_state(data.clone())
}

/// A dataset to be created.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateBody {
    /// The name: letters, digits, `-`, `_` and `.`.
    pub name: String,
}

/// A commit to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CommitBody {
    /// The branch; created if missing. `main` by default.
    #[serde(default = "main_branch")]
    pub branch: String,
    /// What to say about the change.
    #[serde(default)]
    pub message: String,
    /// The files that are put or removed.
    pub files: Vec<FileBody>,
    /// Refuse unless the branch stands at this commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_head: Option<String>,
    /// Where a new branch begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_branch_from: Option<String>,
}

/// A file to be put or removed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FileBody {
    /// The path within the dataset.
    pub path: String,
    /// The content in base64; null or absent removes the file.
    #[serde(default)]
    pub content_base64: Option<String>,
}

/// A branch to be created.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BranchBody {
    /// The new branch's name.
    pub branch: String,
    /// Where it begins. `main` by default.
    #[serde(default = "main_branch")]
    pub from: String,
}

/// A tag to be created.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TagBody {
    /// The tag's name.
    pub tag: String,
    /// What it names. `main` by default.
    #[serde(default = "main_branch")]
    pub reference: String,
}

/// A merge to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MergeBody {
    /// What is merged.
    pub from: String,
    /// The branch that it is merged into. `main` by default.
    #[serde(default = "main_branch")]
    pub into: String,
    /// What to say about it.
    #[serde(default)]
    pub message: String,
}

/// Some rows of a table.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RowsBody {
    /// The columns, in order.
    pub columns: Vec<RowsColumn>,
    /// The rows: numbers, strings, and null where a value is missing.
    #[schema(value_type = Vec<Vec<serde_json::Value>>)]
    pub rows: Vec<Vec<Cell>>,
    /// How many rows the table has.
    pub total: u64,
}

/// A column of a sample.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RowsColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// A branch, tag or commit; `main` by default.
    reference: Option<String>,
    /// How many at most; 100 by default.
    limit: Option<u32>,
    /// Where to go on.
    token: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DiffQuery {
    /// The earlier one.
    from: String,
    /// The later one; `main` by default.
    to: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FileQuery {
    /// The file; may be left out if there is one only.
    path: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RowsQuery {
    /// The table; all of them one after the other if it is left out.
    path: Option<String>,
    /// How many rows; 20 by default, 1000 at most.
    limit: Option<usize>,
    /// How many rows are passed over first.
    offset: Option<usize>,
}

fn main_branch() -> String {
    DEFAULT_BRANCH.to_owned()
}

fn spec(name: String, reference: String, path: Option<String>) -> Result<DatasetSpec> {
    if let Some(path) = &path {
        check_path(path)?;
    }
    Ok(DatasetSpec { name, reference, path })
}

/// All datasets.
#[utoipa::path(get, path = "/api/v1/datasets", tag = "data", responses((status = 200, body = Vec<Dataset>)))]
async fn list(State(data): State<Data>) -> Result<Json<Vec<Dataset>>> {
    Ok(Json(data.list().await?))
}

/// Create a dataset without commits.
#[utoipa::path(post, path = "/api/v1/datasets", tag = "data", request_body = CreateBody,
    responses((status = 201, body = Dataset)))]
async fn create(State(data): State<Data>, actor: Actor, Json(body): Json<CreateBody>) -> Result<Response> {
    Ok((StatusCode::CREATED, Json(data.create(&body.name, &actor).await?)).into_response())
}

/// One dataset with its branches and tags.
#[utoipa::path(get, path = "/api/v1/datasets/{name}", tag = "data", params(("name" = String, Path)),
    responses((status = 200, body = Dataset)))]
async fn get(State(data): State<Data>, Path(name): Path<String>) -> Result<Json<Dataset>> {
    Ok(Json(data.get(&name).await?))
}

/// Commit files to a branch.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/commits", tag = "data", params(("name" = String, Path)),
    request_body = CommitBody, responses((status = 200, body = Commit)))]
async fn commit(
    State(data): State<Data>,
    Path(name): Path<String>,
    actor: Actor,
    Json(body): Json<CommitBody>,
) -> Result<Json<Commit>> {
    let files = body
        .files
        .into_iter()
        .map(|file| {
            let content = file.content_base64.map(|text| STANDARD.decode(text)).transpose();
            let content = content.map_err(|source| {
                Error::invalid(format!("the content of {:?} is not base64", file.path)).source(source)
            })?;
            Ok(FileChange { path: file.path, content: content.map(Into::into) })
        })
        .collect::<Result<Vec<_>>>()?;
    let request = CommitRequest {
        dataset: name,
        branch: body.branch,
        message: body.message,
        files,
        expected_head: body.expected_head,
        create_branch_from: body.create_branch_from,
    };
    Ok(Json(data.commit(request, &actor).await?))
}

/// A commit with its files, schemas and column statistics.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/commits/{reference}", tag = "data",
    params(("name" = String, Path), ("reference" = String, Path), FileQuery), responses((status = 200, body = Commit)))]
async fn show(
    State(data): State<Data>,
    Path((name, reference)): Path<(String, String)>,
    Query(query): Query<FileQuery>,
) -> Result<Json<Commit>> {
    Ok(Json(data.show(&spec(name, reference, query.path)?).await?))
}

/// The commits that lead to a reference, newest first.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/log", tag = "data", params(("name" = String, Path), LogQuery),
    responses((status = 200, body = Paged<CommitInfo>)))]
async fn log(
    State(data): State<Data>,
    Path(name): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Json<Paged<CommitInfo>>> {
    let page = Page { limit: query.limit.unwrap_or(100), token: query.token };
    let reference = query.reference.unwrap_or_else(main_branch);
    Ok(Json(data.log_page(&name, &reference, &page).await?))
}

/// How two commits differ: files, rows, columns.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/diff", tag = "data", params(("name" = String, Path), DiffQuery),
    responses((status = 200, body = Diff)))]
async fn diff(
    State(data): State<Data>,
    Path(name): Path<String>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<Diff>> {
    let to = query.to.unwrap_or_else(main_branch);
    Ok(Json(data.diff(&name, &query.from, &to).await?))
}

/// The branches of a dataset.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/branches", tag = "data", params(("name" = String, Path)),
    responses((status = 200, body = Vec<RefInfo>)))]
async fn branches(State(data): State<Data>, Path(name): Path<String>) -> Result<Json<Vec<RefInfo>>> {
    Ok(Json(data.branches(&name).await?))
}

/// Create a branch.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/branches", tag = "data", params(("name" = String, Path)),
    request_body = BranchBody, responses((status = 201, body = RefInfo)))]
async fn branch(
    State(data): State<Data>,
    Path(name): Path<String>,
    Json(body): Json<BranchBody>,
) -> Result<Response> {
    Ok((StatusCode::CREATED, Json(data.branch(&name, &body.branch, &body.from).await?)).into_response())
}

/// The tags of a dataset.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/tags", tag = "data", params(("name" = String, Path)),
    responses((status = 200, body = Vec<RefInfo>)))]
async fn tags(State(data): State<Data>, Path(name): Path<String>) -> Result<Json<Vec<RefInfo>>> {
    Ok(Json(data.tags(&name).await?))
}

/// Give a commit a name that never moves.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/tags", tag = "data", params(("name" = String, Path)),
    request_body = TagBody, responses((status = 201, body = RefInfo)))]
async fn tag(
    State(data): State<Data>,
    Path(name): Path<String>,
    actor: Actor,
    Json(body): Json<TagBody>,
) -> Result<Response> {
    let made = data.tag(&name, &body.tag, &body.reference, &actor).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Merge a branch, tag or commit into a branch.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/merge", tag = "data", params(("name" = String, Path)),
    request_body = MergeBody, responses((status = 200, body = Commit)))]
async fn merge(
    State(data): State<Data>,
    Path(name): Path<String>,
    actor: Actor,
    Json(body): Json<MergeBody>,
) -> Result<Json<Commit>> {
    Ok(Json(data.merge(&name, &body.from, &body.into, &body.message, &actor).await?))
}

/// One file's bytes.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/files/{reference}", tag = "data",
    params(("name" = String, Path), ("reference" = String, Path), FileQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
async fn read(
    State(data): State<Data>,
    Path((name, reference)): Path<(String, String)>,
    Query(query): Query<FileQuery>,
) -> Result<Response> {
    let bytes = data.read(&spec(name, reference, query.path)?).await?;
    // Never a type that a browser would run, whatever was committed.
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, bytes).into_response())
}

/// Some rows of a table.
#[utoipa::path(get, path = "/api/v1/datasets/{name}/rows/{reference}", tag = "data",
    params(("name" = String, Path), ("reference" = String, Path), RowsQuery),
    responses((status = 200, body = RowsBody)))]
async fn rows(
    State(data): State<Data>,
    Path((name, reference)): Path<(String, String)>,
    Query(query): Query<RowsQuery>,
) -> Result<Json<RowsBody>> {
    let frame = data.frame(&spec(name, reference, query.path)?).await?;
    let offset = query.offset.unwrap_or(0).min(frame.rows());
    let limit = query.limit.unwrap_or(SAMPLE).min(LARGEST_SAMPLE).min(frame.rows() - offset);
    let columns = frame
        .iter()
        .map(|(name, column)| RowsColumn { name: name.to_owned(), kind: column.kind() })
        .collect();
    let rows = (offset..offset + limit).map(|row| frame.row(row)).collect();
    Ok(Json(RowsBody { columns, rows, total: frame.rows() as u64 }))
}

/// Read every stored byte of a dataset and check it.
#[utoipa::path(post, path = "/api/v1/datasets/{name}/verify", tag = "data", params(("name" = String, Path)),
    responses((status = 200, body = VerifyReport)))]
async fn verify(State(data): State<Data>, Path(name): Path<String>) -> Result<Json<VerifyReport>> {
    Ok(Json(data.verify(&name).await?))
}
