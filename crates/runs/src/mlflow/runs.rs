//! MLflow's run calls.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use ropewalk_core::Actor;
use ropewalk_mlflow::filter::{self, Comparison, Condition, Entity, Expression, Search, Test};
use ropewalk_mlflow::{Call, ErrorCode, Fields, MlflowError, MlflowResult, Rule, answer, done, page};
use serde_json::json;

use super::experiments::{named_twice, page_size, tags, view};
use super::{messages, run_json, wire};
use crate::column::{Aggregate, Attribute, Column, Ranking};
use crate::limits::SEARCH_RESULTS;
use crate::model::{RunStatus, Tag, experiment_number};
use crate::service::search::RunQuery;
use crate::service::{NAME_TAG, Runs};

pub(super) fn routes() -> Router<Runs> {
    Router::new()
        .route("/2.0/mlflow/runs/create", post(create))
        .route("/2.0/mlflow/runs/get", get(get_one))
        .route("/2.0/mlflow/runs/search", post(search))
        .route("/2.0/mlflow/runs/update", post(update))
        .route("/2.0/mlflow/runs/delete", post(delete))
        .route("/2.0/mlflow/runs/restore", post(restore))
}

const BY_ID: &[(&str, &[Rule])] = &[("run_id", &[Rule::Required, Rule::Text])];

async fn create(State(runs): State<Runs>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::CREATE_RUN,
        &[("experiment_id", &[Rule::Text]), ("start_time", &[Rule::Whole]), ("run_name", &[Rule::Text])],
    )?;
    let tags = tags(&fields, "tags");
    if let Some(refused) = unfit(&fields, &tags) {
        return Err(MlflowError::new(ErrorCode::BadRequest, refused));
    }
    let run = runs
        .create_page_run(
            fields.text("experiment_id"),
            fields.some_text("run_name"),
            Some(fields.text("user_id")),
            tags,
            fields.integer("start_time").unwrap_or(0),
            &actor,
        )
        .await?;
    Ok(run_json::created(&run)?)
}

/// Why a run cannot be made, where the stock server lets its database say so.
fn unfit(fields: &Fields, tags: &[Tag]) -> Option<String> {
    if fields.text("experiment_id").is_empty() {
        return Some("a run needs an experiment".to_owned());
    }
    if let Some(twice) = named_twice(tags) {
        return Some(format!("the tag '{twice}' is there twice"));
    }
    let nameless = tags.iter().any(|tag| tag.key == NAME_TAG && tag.value.is_empty());
    nameless.then(|| format!("the tag '{NAME_TAG}' is empty"))
}

async fn get_one(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::RUN, BY_ID)?;
    Ok(run_json::one(&runs.page_run(fields.run_id()).await?)?)
}

async fn search(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::SEARCH_RUNS,
        &[
            ("experiment_ids", &[Rule::Array]),
            ("filter", &[Rule::Text]),
            ("max_results", &[Rule::Whole, Rule::AtMost(SEARCH_RESULTS as i64)]),
            ("order_by", &[Rule::Array, Rule::TextItems]),
        ],
    )?;
    let limit = page_size(fields.integer("max_results").unwrap_or(1000), i64::from(SEARCH_RESULTS))?;
    let comparisons = filter::parse(Search::Runs, fields.text("filter"))?;
    let query = RunQuery {
        expression: Expression::And(comparisons.into_iter().map(condition).collect()),
        orders: filter::parse_orders(Search::Runs, &fields.texts("order_by"))?
            .into_iter()
            .map(ranking)
            .collect(),
        offset: page::offset(fields.text("page_token"))?,
        experiments: fields
            .texts("experiment_ids")
            .iter()
            .map(|id| experiment_number(id))
            .collect::<ropewalk_core::Result<_>>()?,
        view: view(&fields, "run_view_type"),
        limit,
    };
    let found = runs.find_runs(query).await?;
    Ok(run_json::page(&found)?)
}

/// A comparison of MLflow's as a condition of ours.
fn condition(comparison: Comparison) -> Expression {
    let Comparison { entity, key, operator, value } = comparison;
    Expression::Comparison(Condition { entity, key, aggregate: None, test: Test::Compare(operator, value) })
}

/// An order of MLflow's as one of ours.
fn ranking(order: filter::Order) -> Ranking {
    let column = match order.entity {
        Entity::Metric => Column::Metric(order.key, Aggregate::Last),
        Entity::Parameter => Column::Param(order.key),
        Entity::Tag => Column::Tag(order.key),
        _ => Column::Attribute(Attribute::parse(&order.key).unwrap_or(Attribute::RunId)),
    };
    Ranking { column, ascending: order.ascending }
}

async fn update(State(runs): State<Runs>, actor: Actor, call: Call) -> MlflowResult {
    let fields = call.read(
        &messages::UPDATE_RUN,
        &[
            ("run_id", &[Rule::Required, Rule::Text]),
            ("end_time", &[Rule::Whole]),
            ("status", &[Rule::Text]),
            ("run_name", &[Rule::Text]),
        ],
    )?;
    let status = fields.word("status").and_then(RunStatus::parse);
    let info = runs
        .update_as_told(
            fields.run_id(),
            status,
            fields.integer("end_time"),
            fields.some_text("run_name"),
            &actor,
        )
        .await?;
    Ok(answer(json!({"run_info": wire::run_info(&info)})))
}

async fn delete(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::RUN_ONLY, BY_ID)?;
    runs.delete_run(fields.text("run_id")).await?;
    Ok(done())
}

async fn restore(State(runs): State<Runs>, call: Call) -> MlflowResult {
    let fields = call.read(&messages::RUN_ONLY, BY_ID)?;
    runs.restore_run(fields.text("run_id")).await?;
    Ok(done())
}
