//! The routes of training.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ropewalk_core::{Actor, Error, Job, Progress, Reference, Result};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::model::{Sweep, SweepRequest, TrainRequest};
use crate::recipes::RecipeInfo;
use crate::service::Learn;

/// The routes of training, with their state.
pub fn routes(learn: &Learn) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(recipes))
        .routes(routes!(train))
        .routes(routes!(start_sweep))
        .routes(routes!(get_sweep))
        .routes(routes!(reproduce))
        .with_state(learn.clone())
}

type Body<T> = std::result::Result<Json<T>, JsonRejection>;

fn read<T>(body: Body<T>) -> Result<T> {
    body.map(|Json(value)| value)
        .map_err(|rejection| Error::invalid("the request body cannot be read").why(rejection.body_text()))
}

/// The recipes and their parameters.
#[utoipa::path(get, path = "/api/v1/recipes", tag = "learn", responses((status = 200, body = Vec<RecipeInfo>)))]
async fn recipes(State(learn): State<Learn>) -> Result<Json<Vec<RecipeInfo>>> {
    Ok(Json(learn.recipes()))
}

/// Train one model in the background; the job's result is a `TrainedRun`.
#[utoipa::path(
    post, path = "/api/v1/train", tag = "learn", request_body = TrainRequest,
    responses((status = 202, body = Job), (status = 400, description = "a parameter out of range"), (status = 404, description = "unknown recipe or prepared data"))
)]
async fn train(
    State(learn): State<Learn>,
    actor: Actor,
    body: Body<TrainRequest>,
) -> Result<(StatusCode, Json<Job>)> {
    let request = read(body)?;
    learn.check(&request)?;
    let subject = learn.prep.get(&request.prepared_id).await?.journal_reference();
    let (worker, by) = (learn.clone(), actor.clone());
    let work = move |progress: Progress| async move {
        progress.set(0, 1, format!("training {}", request.recipe));
        let run = worker.train(request, &by).await?;
        progress.set(1, 1, format!("run {}", run.run_id));
        Ok(json!(run))
    };
    Ok((StatusCode::ACCEPTED, Json(learn.core.jobs.start("train", Some(subject), &actor, work).await?)))
}

/// Search over recipes and parameters in the background; the job's subject is the sweep, its result a `SweepResult`.
#[utoipa::path(
    post, path = "/api/v1/sweeps", tag = "learn", request_body = SweepRequest,
    responses((status = 202, body = Job), (status = 400, description = "too few or too many trials"), (status = 404, description = "unknown recipe or prepared data"))
)]
async fn start_sweep(
    State(learn): State<Learn>,
    actor: Actor,
    body: Body<SweepRequest>,
) -> Result<(StatusCode, Json<Job>)> {
    Ok((StatusCode::ACCEPTED, Json(learn.start_sweep(read(body)?, &actor).await?)))
}

/// A sweep's state and, when it has ended, what it found.
#[utoipa::path(
    get, path = "/api/v1/sweeps/{id}", tag = "learn", params(("id" = String, Path, description = "the sweep")),
    responses((status = 200, body = Sweep), (status = 404, description = "unknown sweep"))
)]
async fn get_sweep(State(learn): State<Learn>, Path(id): Path<String>) -> Result<Json<Sweep>> {
    Ok(Json(learn.get_sweep(&id).await?))
}

/// Run a run again from its record, in the background; the job's result is a `Reproduction`.
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/reproduce", tag = "learn", params(("id" = String, Path, description = "the run, or the unique beginning of its identifier")),
    responses((status = 202, body = Job), (status = 404, description = "unknown run"))
)]
async fn reproduce(
    State(learn): State<Learn>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Job>)> {
    let id = learn.runs.expand_run_id(&id).await?;
    let (worker, by, run) = (learn.clone(), actor.clone(), id.clone());
    let work = move |progress: Progress| async move {
        progress.set(0, 1, format!("running {run} again"));
        Ok(json!(worker.reproduce(&run, &by).await?))
    };
    Ok((
        StatusCode::ACCEPTED,
        Json(learn.core.jobs.start("reproduce", Some(Reference::new("run", id)), &actor, work).await?),
    ))
}
