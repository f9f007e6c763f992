//! What a filter asks, as SQL about a row of `trace_trace` called `t`.

use ropewalk_core::database::{Dialect, Sql};
use ropewalk_mlflow::MlflowResult;
use ropewalk_mlflow::filter::{Comparison, Entity, Operator, Value};
use ropewalk_mlflow::sql::push as push_comparison;

use crate::filter::{Amount, Field, Filter, Judged, Sums};
use crate::keys::metadata;
use crate::python::quoted_ascii;
use crate::store::entries::{EntryKind, hash};

/// Whether a column holds numbers.
pub(super) fn is_number(column: &str) -> bool {
    ["t.timestamp_ms", "t.execution_ms", "(t.timestamp_ms + COALESCE(t.execution_ms, 0))", "t.experiment_id"]
        .contains(&column)
}

/// Whether every trace has such a value.
pub(super) fn is_always_there(field: &Field) -> bool {
    let Field::Column(column) = field else { return false };
    ["t.id", "t.state"].contains(column) || (is_number(column) && *column != "t.execution_ms")
}

/// Appends all that the database can tell, each with an `AND` before it.
pub(super) fn push(
    sql: &mut Sql,
    dialect: Dialect,
    filter: &Filter,
    experiments: Option<&[i64]>,
) -> MlflowResult<()> {
    for (field, comparison) in &filter.fields {
        sql.push(" AND ");
        push_field(sql, dialect, field, comparison)?;
    }
    for sums in &filter.sums {
        sql.push(" AND ");
        push_sums(sql, sums);
    }
    for run in &filter.runs {
        sql.push(" AND (EXISTS (SELECT 1 FROM trace_run r WHERE r.run_id = ").bind(run.as_str());
        sql.push(" AND r.trace_id = t.id) OR ");
        push_equal_entry(sql, EntryKind::Metadata, metadata::SOURCE_RUN, run);
        sql.push(")");
    }
    for prompt in &filter.prompts {
        sql.push(" AND EXISTS (SELECT 1 FROM trace_prompt p WHERE p.prompt = ").bind(prompt.as_str());
        sql.push(" AND p.trace_id = t.id)");
    }
    for issue in &filter.issues {
        sql.push(" AND EXISTS (SELECT 1 FROM trace_assessment a WHERE a.trace = t.n AND a.kind = 'issue' AND a.name = ");
        sql.bind(issue.as_str()).push(")");
    }
    for judged in filter.judged.iter().filter(|judged| judged.regular.is_none()) {
        push_judged(sql, dialect, judged, experiments)?;
    }
    Ok(())
}

/// Queries for the numbers of traces that fulfil a condition which few may fulfil.
pub(super) fn lookups(filter: &Filter) -> Vec<Sql> {
    let mut lookups = Vec::new();
    for (field, comparison) in &filter.fields {
        if let (Field::Entry(kind, key), Operator::Equal, Value::Text(value)) =
            (field, comparison.operator, &comparison.value)
        {
            let mut sql = Sql::new("SELECT e.trace FROM trace_entry e WHERE ");
            push_entry(&mut sql, *kind, key, value);
            lookups.push(sql);
        }
    }
    for run in &filter.runs {
        let mut sql =
            Sql::new("SELECT t.n FROM trace_run r JOIN trace_trace t ON t.id = r.trace_id WHERE r.run_id = ");
        sql.bind(run.as_str()).push(" UNION SELECT e.trace FROM trace_entry e WHERE ");
        push_entry(&mut sql, EntryKind::Metadata, metadata::SOURCE_RUN, run);
        lookups.push(sql);
    }
    for prompt in &filter.prompts {
        let mut sql = Sql::new(
            "SELECT t.n FROM trace_prompt p JOIN trace_trace t ON t.id = p.trace_id WHERE p.prompt = ",
        );
        sql.bind(prompt.as_str());
        lookups.push(sql);
    }
    for issue in &filter.issues {
        let mut sql =
            Sql::new("SELECT DISTINCT a.trace FROM trace_assessment a WHERE a.kind = 'issue' AND a.name = ");
        sql.bind(issue.as_str());
        lookups.push(sql);
    }
    lookups
}

/// Appends that an entry `e` has this value.
fn push_entry(sql: &mut Sql, kind: EntryKind, key: &str, value: &str) {
    sql.push(&format!("e.kind = {} AND e.key = ", kind.number())).bind(key);
    sql.push(" AND e.hash = ").bind(hash(value)).push(" AND e.value = ").bind(value);
}

fn push_equal_entry(sql: &mut Sql, kind: EntryKind, key: &str, value: &str) {
    sql.push("EXISTS (SELECT 1 FROM trace_entry e WHERE e.trace = t.n AND ");
    push_entry(sql, kind, key, value);
    sql.push(")");
}

fn push_field(sql: &mut Sql, dialect: Dialect, field: &Field, comparison: &Comparison) -> MlflowResult<()> {
    match field {
        Field::Column(column) => push_comparison(sql, dialect, column, comparison),
        Field::Entry(kind, key) => {
            if let (Operator::Equal, Value::Text(value)) = (comparison.operator, &comparison.value) {
                push_equal_entry(sql, *kind, key, value);
                return Ok(());
            }
            sql.push(if comparison.operator == Operator::IsNull { "NOT EXISTS (" } else { "EXISTS (" });
            sql.push("SELECT 1 FROM trace_entry e WHERE e.trace = t.n AND ");
            sql.push(&format!("e.kind = {} AND e.key = ", kind.number())).bind(key.as_str());
            if !matches!(comparison.operator, Operator::IsNull | Operator::IsNotNull) {
                sql.push(" AND ");
                push_comparison(sql, dialect, "e.value", comparison)?;
            }
            sql.push(")");
            Ok(())
        }
        Field::Pair(kind, key) => {
            // The comparison names its column more than once at times, and an argument has one place.
            sql.push("EXISTS (SELECT 1 FROM (SELECT ");
            push_pair(sql, dialect, *kind, key);
            sql.push(" AS value) v WHERE ");
            push_comparison(sql, dialect, "v.value", comparison)?;
            sql.push(")");
            Ok(())
        }
    }
}

/// Appends a field's value.
pub(super) fn push_value(sql: &mut Sql, dialect: Dialect, field: &Field) {
    match field {
        Field::Column(column) => {
            sql.push(column);
        }
        Field::Entry(kind, key) => {
            sql.push("(SELECT e.value FROM trace_entry e WHERE e.trace = t.n AND ");
            sql.push(&format!("e.kind = {} AND e.key = ", kind.number())).bind(key.as_str()).push(")");
        }
        Field::Pair(kind, key) => push_pair(sql, dialect, *kind, key),
    }
}

/// Appends a value out of the JSON in a trace's row.
pub(super) fn push_pair(sql: &mut Sql, dialect: Dialect, kind: EntryKind, key: &str) {
    let column = match kind {
        EntryKind::Tag => "t.tags",
        EntryKind::Metadata => "t.metadata",
    };
    match dialect {
        Dialect::Sqlite => {
            sql.push("json_extract(").push(column).push(", ").bind(format!("$.\"{key}\"")).push(")")
        }
        Dialect::Postgres => sql.push("(").push(column).push("::json ->> ").bind(key).push(")"),
    };
}

fn push_sums(sql: &mut Sql, sums: &Sums) {
    let there = |sql: &mut Sql, columns: &mut dyn Iterator<Item = &str>| {
        sql.push("COALESCE(").push(&columns.collect::<Vec<_>>().join(", ")).push(")");
    };
    match sums {
        Sums::Nothing => {
            sql.push("1 = 0");
        }
        Sums::There(columns, wanted) => {
            there(sql, &mut columns.iter().copied());
            sql.push(if *wanted { " IS NOT NULL" } else { " IS NULL" });
        }
        Sums::Are(parts, equal) => {
            if !equal {
                there(sql, &mut parts.iter().map(|(column, _)| *column));
                sql.push(" IS NOT NULL AND NOT ");
            }
            sql.push("(");
            for (index, (column, amount)) in parts.iter().enumerate() {
                sql.push(if index > 0 { " AND " } else { "" }).push(column);
                match amount {
                    None => {
                        sql.push(" IS NULL");
                    }
                    Some(amount) => {
                        sql.push(" IS NOT NULL AND ").push(column).push(" = ");
                        match amount {
                            Amount::Tokens(count) => sql.bind(*count),
                            Amount::Dollars(dollars) => sql.bind(*dollars),
                        };
                    }
                }
            }
            sql.push(")");
        }
    }
}

/// Appends what is asked of an assessment, called `a`.
fn push_verdict(sql: &mut Sql, dialect: Dialect, judged: &Judged) -> MlflowResult<()> {
    sql.push("a.kind = ").bind(judged.kind).push(" AND a.name = ").bind(judged.name.as_str());
    sql.push(" AND a.valid = 1");
    let comparison = |operator: Operator, value: Value| Comparison {
        entity: Entity::Feedback,
        key: judged.name.clone(),
        operator,
        value,
    };
    match (judged.operator, &judged.value) {
        (Operator::IsNull | Operator::IsNotNull, _) => {}
        (operator @ (Operator::Equal | Operator::NotEqual), Value::Text(text)) => {
            // A text is kept with quotes, anything else without.
            sql.push(if operator == Operator::Equal { " AND a.value IN " } else { " AND a.value NOT IN " });
            sql.bind_list([text.as_str(), quoted_ascii(text).as_str()]);
        }
        (operator, value) if operator.is_numeric() => {
            sql.push(" AND a.is_numeric = 1 AND ");
            push_comparison(sql, dialect, "a.number", &comparison(operator, value.clone()))?;
        }
        (operator, value) => {
            sql.push(" AND ");
            push_comparison(sql, dialect, "a.value", &comparison(operator, value.clone()))?;
        }
    }
    Ok(())
}

/// Appends that a trace is judged so: itself, or its conversation by an assessment of any of its traces.
fn push_judged(
    sql: &mut Sql,
    dialect: Dialect,
    judged: &Judged,
    experiments: Option<&[i64]>,
) -> MlflowResult<()> {
    let not = if judged.operator == Operator::IsNull { "NOT " } else { "" };
    sql.push(" AND ").push(not).push("(EXISTS (SELECT 1 FROM trace_assessment a WHERE a.trace = t.n AND ");
    push_verdict(sql, dialect, judged)?;
    sql.push(
        ") OR (t.session_id IS NOT NULL AND t.session_id IN (SELECT s.session_id FROM trace_assessment a \
        JOIN trace_trace s ON s.n = a.trace WHERE a.of_session = 1 AND s.session_id IS NOT NULL AND ",
    );
    super::push_experiments(sql, "s", experiments);
    sql.push(" AND ");
    push_verdict(sql, dialect, judged)?;
    sql.push(")))");
    Ok(())
}
