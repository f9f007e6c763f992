//! Tables of runs over HTTP: a window, the columns that there are, groups.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use ropewalk_core::{Error, Result};
use ropewalk_mlflow::answer::{push_integer, push_number, push_text, written};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::column::{Column, Ranking};
use crate::model::ViewType;
use crate::service::Runs;
use crate::service::table::{Group, Shown, TableQuery, Window};

/// Rows of a window at most.
const ROWS: usize = 20_000;

pub(super) fn routes() -> OpenApiRouter<Runs> {
    OpenApiRouter::new().routes(routes!(table)).routes(routes!(columns)).routes(routes!(groups))
}

/// Which runs are meant.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Selection {
    /// Names or numbers of experiments; none means all.
    experiments: Vec<String>,
    /// E.g. `metrics.loss.min < 0.1 AND (params.model = 'trees' OR tags.team IS NULL)`.
    filter: String,
    view: Option<ViewType>,
}

impl Selection {
    pub(super) fn query(self) -> TableQuery {
        TableQuery { experiments: self.experiments, filter: self.filter, view: self.view.unwrap_or_default() }
    }
}

/// Which window of a table is asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TableRequest {
    #[serde(default)]
    experiments: Vec<String>,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    view: Option<ViewType>,
    /// E.g. `metrics.loss.min ASC`; afterwards the newest first.
    #[serde(default)]
    order_by: Vec<String>,
    /// E.g. `attributes.run_name`, `metrics.loss.min`, `params.depth`, `tags.team`.
    columns: Vec<String>,
    #[serde(default)]
    offset: usize,
    /// At most 20,000; 200 by default.
    #[serde(default)]
    limit: Option<usize>,
}

/// A window of a table.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(dead_code)]
struct TableAnswer {
    /// How many runs the filter finds.
    total: usize,
    run_ids: Vec<String>,
    columns: Vec<TableColumn>,
}

/// A column of a window: a value for each run.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(dead_code)]
struct TableColumn {
    column: String,
    /// Numbers, texts, or null where there is none; NaN as the text `NaN`.
    values: Vec<serde_json::Value>,
}

fn columns_of(names: &[String]) -> Result<Vec<Column>> {
    names.iter().map(|name| Column::parse(name)).collect()
}

/// Shows a window of a table of runs, column by column.
#[utoipa::path(post, path = "/api/v1/runs/table", tag = "runs", request_body = TableRequest, responses((status = 200, body = TableAnswer)))]
async fn table(State(runs): State<Runs>, Json(asked): Json<TableRequest>) -> Result<Response> {
    let limit = asked.limit.unwrap_or(200);
    if limit > ROWS {
        return Err(Error::invalid(format!("a window has at most {ROWS} rows"))
            .why(format!("{limit} were asked for"))
            .hint("ask for the rest with a larger offset"));
    }
    let columns = columns_of(&asked.columns)?;
    let orders = asked.order_by.iter().map(|order| Ranking::parse(order)).collect::<Result<Vec<_>>>()?;
    let query = TableQuery {
        experiments: asked.experiments,
        filter: asked.filter,
        view: asked.view.unwrap_or_default(),
    };
    let window = runs.table(query, columns.clone(), orders, asked.offset, limit).await?;
    Ok(written(window_json(&columns, &window)))
}

fn window_json(columns: &[Column], window: &Window) -> Vec<u8> {
    let mut json = Vec::with_capacity(64 + window.run_ids.len() * (40 + 16 * columns.len()));
    json.extend_from_slice(b"{\"total\":");
    push_integer(&mut json, window.total as i64);
    json.extend_from_slice(b",\"run_ids\":[");
    for (index, id) in window.run_ids.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        push_text(&mut json, id);
    }
    json.extend_from_slice(b"],\"columns\":[");
    for (index, (column, values)) in columns.iter().zip(&window.columns).enumerate() {
        json.extend_from_slice(if index > 0 { b",{\"column\":" } else { b"{\"column\":" });
        push_text(&mut json, &column.name());
        json.extend_from_slice(b",\"values\":[");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            push_shown(&mut json, value);
        }
        json.extend_from_slice(b"]}");
    }
    json.extend_from_slice(b"]}");
    json
}

fn push_shown(json: &mut Vec<u8>, value: &Shown) {
    match value {
        Shown::Absent => json.extend_from_slice(b"null"),
        Shown::Number(number) => push_number(json, *number),
        Shown::Whole(number) => push_integer(json, *number),
        Shown::Text(text) => push_text(json, text),
    }
}

fn shown_json(value: &Shown) -> serde_json::Value {
    match value {
        Shown::Absent => serde_json::Value::Null,
        Shown::Number(number) => crate::number::to_json(*number),
        Shown::Whole(number) => (*number).into(),
        Shown::Text(text) => text.as_str().into(),
    }
}

/// The columns that some runs have.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ColumnsAnswer {
    /// How many runs the filter finds.
    total: usize,
    columns: Vec<ColumnAnswer>,
}

/// A column that some runs have.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ColumnAnswer {
    column: String,
    /// How many of the runs have it.
    runs: usize,
    /// `number` or `text`.
    kind: &'static str,
    /// How many different texts there are, counted up to 1,000.
    distinct: Option<usize>,
    least: Option<f64>,
    most: Option<f64>,
}

/// Lists the columns that some runs have, those of most runs first.
#[utoipa::path(post, path = "/api/v1/runs/columns", tag = "runs", request_body = Selection, responses((status = 200, body = ColumnsAnswer)))]
async fn columns(State(runs): State<Runs>, Json(asked): Json<Selection>) -> Result<Json<ColumnsAnswer>> {
    let (total, facts) = runs.columns(asked.query()).await?;
    let columns = facts
        .into_iter()
        .map(|fact| ColumnAnswer {
            kind: if fact.distinct.is_none() { "number" } else { "text" },
            column: fact.column.name(),
            runs: fact.runs,
            distinct: fact.distinct,
            least: fact.least,
            most: fact.most,
        })
        .collect();
    Ok(Json(ColumnsAnswer { total, columns }))
}

/// Which groups are asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupsRequest {
    #[serde(default)]
    experiments: Vec<String>,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    view: Option<ViewType>,
    /// The columns in which the runs of a group are alike.
    by: Vec<String>,
    /// Columns of numbers that are summed up for each group.
    #[serde(default)]
    measures: Vec<String>,
    /// One of the measures, `ASC` or `DESC`, by its mean; without it the largest groups come first.
    #[serde(default)]
    order_by: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// Groups of runs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct GroupsAnswer {
    total_groups: usize,
    groups: Vec<GroupAnswer>,
}

/// A group of runs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct GroupAnswer {
    /// What the runs have in the columns that they are grouped by.
    values: Vec<serde_json::Value>,
    runs: usize,
    measures: Vec<MeasureAnswer>,
    /// The filter that selects exactly these runs.
    filter: String,
}

/// A measure over a group; null where no run has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MeasureAnswer {
    least: Option<f64>,
    mean: Option<f64>,
    most: Option<f64>,
}

/// Groups runs that are alike in some columns.
#[utoipa::path(post, path = "/api/v1/runs/groups", tag = "runs", request_body = GroupsRequest, responses((status = 200, body = GroupsAnswer)))]
async fn groups(State(runs): State<Runs>, Json(asked): Json<GroupsRequest>) -> Result<Json<GroupsAnswer>> {
    let order = match asked.order_by.as_deref() {
        None | Some("count DESC") => None,
        Some(text) => Some(Ranking::parse(text)?),
    };
    let query = TableQuery {
        experiments: asked.experiments,
        filter: asked.filter,
        view: asked.view.unwrap_or_default(),
    };
    let limit = asked.limit.unwrap_or(200).min(ROWS);
    let (total_groups, groups) =
        runs.groups(query, columns_of(&asked.by)?, columns_of(&asked.measures)?, order, limit).await?;
    Ok(Json(GroupsAnswer { total_groups, groups: groups.into_iter().map(GroupAnswer::from).collect() }))
}

impl From<Group> for GroupAnswer {
    fn from(group: Group) -> Self {
        let measure = |measure: &Option<[f64; 3]>| MeasureAnswer {
            least: measure.map(|measure| measure[0]),
            mean: measure.map(|measure| measure[1]),
            most: measure.map(|measure| measure[2]),
        };
        Self {
            values: group.values.iter().map(shown_json).collect(),
            runs: group.runs,
            measures: group.measures.iter().map(measure).collect(),
            filter: group.filter,
        }
    }
}
