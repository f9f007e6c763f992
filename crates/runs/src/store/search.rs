//! The search for runs: filter and orders to one statement.

use ropewalk_core::database::Connection;
use ropewalk_core::{Error, Result};

use super::runs::{COLUMNS, info};
use crate::filter::{self, Comparison, Operator, Order};
use crate::model::{RunInfo, ViewType};
use ropewalk_core::database::sql::{Dialect, Sql, text_order};

const NUMERIC: &[Operator] = &[
    Operator::Greater,
    Operator::GreaterOrEqual,
    Operator::NotEqual,
    Operator::Equal,
    Operator::Less,
    Operator::LessOrEqual,
];
const KEYED: &[Operator] = &[
    Operator::NotEqual,
    Operator::Equal,
    Operator::Like,
    Operator::ILike,
    Operator::IsNull,
    Operator::IsNotNull,
];
const TEXT: &[Operator] =
    &[Operator::NotEqual, Operator::Equal, Operator::Like, Operator::ILike, Operator::In, Operator::NotIn];

/// What an identifier is about, once its many spellings are understood.
enum Subject<'a> {
    Metric(&'a str),
    Param(&'a str),
    Tag(&'a str),
    /// A column of numbers.
    Number(&'static str),
    /// A column of text, and whether it may be compared with a list.
    Text(&'static str, bool),
    Dataset(&'a str),
}

fn subject(identifier: &filter::Identifier) -> Result<Subject<'_>> {
    let key = identifier.key.as_str();
    match identifier.entity.as_deref() {
        Some("metric" | "metrics") => Ok(Subject::Metric(key)),
        Some("parameter" | "parameters" | "param" | "params") => Ok(Subject::Param(key)),
        Some("tag" | "tags") => Ok(Subject::Tag(key)),
        Some("dataset" | "datasets") => match key {
            "name" | "digest" | "context" => Ok(Subject::Dataset(key)),
            other => Err(Error::invalid(format!(
                "Invalid dataset key '{other}' specified. Valid keys are '{{'name', 'digest', 'context'}}'"
            ))),
        },
        None | Some("attribute" | "attributes" | "attr" | "run") => attribute(key),
        Some(other) => Err(Error::invalid(format!(
            "Invalid entity type '{other}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']"
        ))),
    }
}

fn attribute(key: &str) -> Result<Subject<'_>> {
    Ok(match key {
        "start_time" | "created" | "Created" => Subject::Number("r.start_ms"),
        "end_time" => Subject::Number("r.end_ms"),
        "run_id" => Subject::Text("r.id", true),
        "run_name" | "run name" | "Run name" | "Run Name" => Subject::Text("r.name", false),
        "status" => Subject::Text("r.status", false),
        "user_id" => Subject::Text("r.user_id", false),
        "artifact_uri" => Subject::Text("r.artifact_uri", false),
        other => {
            return Err(Error::invalid(format!(
                "Invalid attribute key '{other}' specified. Valid keys are '['run_id', 'run_name', 'status', 'user_id', \
                 'artifact_uri', 'start_time', 'end_time', 'created', 'Created', 'run name', 'Run name', 'Run Name']'"
            ))
            .hint("metrics.val_auc DESC, params.recipe, tags.team and start_time are orders"));
        }
    })
}

/// What is searched, read and checked.
pub(crate) struct Query<'a> {
    /// Experiments to look in; none means all.
    pub(crate) experiments: &'a [i64],
    pub(crate) comparisons: &'a [Comparison],
    pub(crate) view: ViewType,
    pub(crate) orders: &'a [Order],
    pub(crate) limit: i64,
    pub(crate) offset: i64,
}

/// The runs that a query finds, in its order.
pub(crate) async fn search(
    connection: &mut Connection,
    dialect: Dialect,
    query: &Query<'_>,
) -> Result<Vec<RunInfo>> {
    statement(dialect, query)?.fetch(connection).await?.iter().map(info).collect()
}

fn statement(dialect: Dialect, query: &Query<'_>) -> Result<Sql> {
    let Query { experiments, comparisons, view, orders, limit, offset } = *query;
    let mut sql = Sql::new(&format!("SELECT {COLUMNS} FROM run_run r"));
    let mut order_by = Vec::new();
    for (index, order) in orders.iter().enumerate() {
        order_by.push(push_order(&mut sql, dialect, index, order)?);
    }
    sql.push(" WHERE ").push(match view {
        ViewType::ActiveOnly => "r.lifecycle = 'active'",
        ViewType::DeletedOnly => "r.lifecycle = 'deleted'",
        ViewType::All => "1 = 1",
    });
    match experiments {
        [] => {}
        [one] => {
            sql.push(" AND r.experiment_id = ").bind(*one);
        }
        many => {
            sql.push(" AND r.experiment_id IN ").bind_list(many.iter().copied());
        }
    }
    for comparison in comparisons {
        sql.push(" AND ");
        push_comparison(&mut sql, dialect, comparison)?;
    }
    sql.push(" ORDER BY ");
    let by_start =
        orders.iter().any(|order| matches!(subject(&order.identifier), Ok(Subject::Number("r.start_ms"))));
    for order in order_by {
        sql.push(&order).push(", ");
    }
    if !by_start {
        sql.push("r.start_ms DESC, ");
    }
    sql.push("r.id LIMIT ").bind(limit).push(" OFFSET ").bind(offset);
    Ok(sql)
}

/// Joins what the order needs and returns its expression. What has no value comes last, either way; NaN just before it.
fn push_order(sql: &mut Sql, dialect: Dialect, index: usize, order: &Order) -> Result<String> {
    let way = if order.ascending { "ASC" } else { "DESC" };
    let mut join = |table: &str, key: &str| {
        sql.push(&format!(" LEFT JOIN {table} o{index} ON o{index}.run_id = r.id AND o{index}.key = "))
            .bind(key);
    };
    Ok(match subject(&order.identifier)? {
        Subject::Metric(key) => {
            join("run_latest_metric", key);
            format!(
                "CASE WHEN o{index}.value IS NULL THEN 2 WHEN o{index}.is_nan = 1 THEN 1 ELSE 0 END, o{index}.value {way}"
            )
        }
        Subject::Param(key) => {
            join("run_param", key);
            text_last(dialect, &format!("o{index}.value"), way)
        }
        Subject::Tag(key) => {
            join("run_tag", key);
            text_last(dialect, &format!("o{index}.value"), way)
        }
        Subject::Number(column) => format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END, {column} {way}"),
        Subject::Text(column, _) => text_last(dialect, column, way),
        Subject::Dataset(_) => return Err(Error::invalid("Invalid identifier type 'dataset'")),
    })
}

fn text_last(dialect: Dialect, column: &str, way: &str) -> String {
    format!("CASE WHEN {column} IS NULL THEN 1 ELSE 0 END, {} {way}", text_order(dialect, column))
}

fn push_comparison(sql: &mut Sql, dialect: Dialect, comparison: &Comparison) -> Result<()> {
    match subject(&comparison.identifier)? {
        Subject::Metric(key) => {
            let number = filter::expect_number(comparison)?;
            filter::expect_operator(comparison, NUMERIC)?;
            sql.push("EXISTS (SELECT 1 FROM run_latest_metric m WHERE m.run_id = r.id AND m.key = ")
                .bind(key);
            sql.push(" AND m.is_nan = 0 AND m.value ")
                .push(comparison.operator.as_str())
                .push(" ")
                .bind(number)
                .push(")");
            Ok(())
        }
        Subject::Param(key) => push_keyed(sql, dialect, "run_param", key, comparison),
        Subject::Tag(key) => push_keyed(sql, dialect, "run_tag", key, comparison),
        Subject::Number(column) => {
            if matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
                return Err(Error::invalid(format!(
                    "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' '{}'",
                    comparison.identifier.key
                )));
            }
            filter::expect_operator(comparison, NUMERIC)?;
            filter::push_number(sql, column, comparison)
        }
        Subject::Text(column, list) => {
            filter::expect_operator(comparison, TEXT)?;
            if !list && matches!(comparison.operator, Operator::In | Operator::NotIn) {
                return Err(Error::invalid(
                    "Only ['run_id'] attributes support comparison with a list of quoted string values.",
                ));
            }
            filter::push_text(sql, dialect, column, comparison)
        }
        Subject::Dataset(key) => push_dataset(sql, dialect, key, comparison),
    }
}

fn push_keyed(
    sql: &mut Sql,
    dialect: Dialect,
    table: &str,
    key: &str,
    comparison: &Comparison,
) -> Result<()> {
    filter::expect_operator(comparison, KEYED)?;
    sql.push(if comparison.operator == Operator::IsNull { "NOT EXISTS (" } else { "EXISTS (" });
    sql.push(&format!("SELECT 1 FROM {table} k WHERE k.run_id = r.id AND k.key = ")).bind(key);
    if !matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
        sql.push(" AND ");
        filter::push_text(sql, dialect, "k.value", comparison)?;
    }
    sql.push(")");
    Ok(())
}

fn push_dataset(sql: &mut Sql, dialect: Dialect, key: &str, comparison: &Comparison) -> Result<()> {
    filter::expect_operator(comparison, TEXT)?;
    if key == "context" {
        sql.push("EXISTS (SELECT 1 FROM run_input_tag d WHERE d.run_id = r.id AND d.key = 'mlflow.data.context' AND ");
        filter::push_text(sql, dialect, "d.value", comparison)?;
    } else {
        sql.push("EXISTS (SELECT 1 FROM run_input i JOIN run_dataset d ON d.id = i.dataset_id WHERE i.run_id = r.id AND ");
        filter::push_text(sql, dialect, if key == "name" { "d.name" } else { "d.digest" }, comparison)?;
    }
    sql.push(")");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::filter::{parse, parse_order};

    fn text(filter: &str, order: &[&str]) -> Result<String> {
        let orders: Vec<_> = order.iter().map(|order| parse_order(order).unwrap()).collect();
        let comparisons = parse(filter).unwrap();
        let query = Query {
            experiments: &[1],
            comparisons: &comparisons,
            view: ViewType::ActiveOnly,
            orders: &orders,
            limit: 10,
            offset: 0,
        };
        Ok(statement(Dialect::Sqlite, &query)?.text().to_owned())
    }

    #[test]
    fn nothing_of_the_filter_becomes_sql_text() {
        let sql = text("params.`k') OR 1=1 --` = 'v'' OR 1=1'", &["tags.`x\" DESC; --`"]).unwrap();
        assert!(!sql.contains("1=1") && !sql.contains("--"), "{sql}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            "metrics.a LIKE '1'",
            "metrics.a = '1'",
            "params.a > 'x'",
            "params.a = 1",
            "tags.a IN ('x')",
            "attributes.status IN ('x')",
            "attributes.nothing = 'x'",
            "start_time = 'x'",
            "start_time LIKE 'x'",
            "dataset.size = 'x'",
            "whatever.a = 'x'",
            "start_time IS NULL",
        ] {
            assert!(text(wrong, &[]).is_err(), "{wrong}");
        }
    }
}
