//! Filters and orders mean what MLflow's own parsers and stores make of them.
//!
//! The cases stand in `golden/filters.jsonl`. More of them, made with `golden/make_filters.py fuzz`, are checked with
//! `ROPEWALK_FILTER_CASES=FILE cargo test -p ropewalk-mlflow --test filters -- --ignored`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use ropewalk_mlflow::MlflowError;
use ropewalk_mlflow::filter::{
    Comparison, Order, Search, Value, logged_model_order, parse, parse_expression, parse_orders,
};
use serde_json::{Value as Json, json};

fn search(name: &str) -> Search {
    match name {
        "runs" => Search::Runs,
        "experiments" => Search::Experiments,
        "registered_models" => Search::RegisteredModels,
        "model_versions" => Search::ModelVersions,
        "logged_models" => Search::LoggedModels,
        "traces" => Search::Traces,
        "trace_metrics" => Search::TraceMetrics,
        "datasets" => Search::EvaluationDatasets,
        other => panic!("there is no search {other}"),
    }
}

/// A number as the cases have it.
fn number(number: f64) -> Json {
    json!({ "r": number.to_bits() })
}

fn shown(comparison: &Comparison) -> Json {
    let value = match &comparison.value {
        Value::Nothing => Json::Null,
        Value::Text(text) => json!(text),
        Value::Integer(whole) => json!(whole),
        Value::Real(real) => number(*real),
        Value::List(texts) => json!(texts),
    };
    json!([comparison.entity.name(), comparison.key, comparison.operator.as_str(), value])
}

/// Python's form of a number as bits: NaN is equal to itself then.
fn as_bits(expected: &mut Json) {
    for one in expected.as_array_mut().into_iter().flatten() {
        let written = one.get(3).and_then(|value| value.get("r")).and_then(Json::as_str).map(str::to_owned);
        if let Some(written) = written {
            one[3] = number(written.parse().unwrap());
        }
    }
}

/// What this server says, in the form of the cases.
fn answer(case: &Json) -> Result<Json, MlflowError> {
    let name = case["s"].as_str().unwrap();
    if let Some(filter) = case["f"].as_str() {
        return parse(search(name), filter).map(|found| found.iter().map(shown).collect());
    }
    let texts: Vec<String> = serde_json::from_value(case["o"].clone()).unwrap();
    let orders: Vec<Order> = if name == "logged_models" {
        texts.iter().map(|text| logged_model_order(text, true)).collect::<Result<_, _>>()?
    } else {
        parse_orders(search(name), &texts)?
    };
    Ok(orders.iter().map(|order| json!([order.entity.name(), order.key, order.ascending])).collect())
}

/// Where this server knowingly says something else than the stock server; empty if there is no reason to.
fn reason(case: &Json, ours: &Result<Json, MlflowError>) -> &'static str {
    let text = case["f"].as_str().unwrap_or_default();
    let name = case["s"].as_str().unwrap();
    match ours {
        // The stock server fails with an internal error where there is nothing wrong.
        Ok(found) if case.get("x").is_some() => {
            let failed = case["x"].as_str().unwrap();
            let time = |one: &Json| one[1].as_str().is_some_and(|key| key.ends_with("_timestamp_ms"));
            if name == "logged_models"
                && failed.contains("has no attribute")
                && found.as_array().unwrap().iter().any(time)
            {
                return "attributes.creation_timestamp is a logged model's field as creation_timestamp is";
            }
            if failed.contains("recursion depth") {
                return "the stock server's SQL holds some hundred comparisons only";
            }
            if name == "traces" && failed.contains("not supported between instances of") {
                return "a text beside a number counts as the number, also beside another comparison";
            }
            ""
        }
        Err(_) if case.get("c").is_some() => {
            if name == "logged_models" && ["None", "True", "b'x'", "["].iter().any(|word| text.contains(word))
            {
                return "what is no text and no number in parentheses is refused";
            }
            if text.contains("\\N{") {
                return "the names of characters are not known here";
            }
            let expected = case["c"].as_array().unwrap();
            if expected.iter().any(|one| one[2] == "=" && one[3].is_array()) {
                return "a list beside = matches nothing, and is refused";
            }
            if name == "logged_models" && text.contains("metadata") {
                return "metadata belongs to the table's class, and is no field of a logged model";
            }
            ""
        }
        Err(error) if case.get("e").is_some() => {
            let deep = |message: &str| message.contains("on parsing") || message.contains("grouping depth");
            let theirs = case["e"].as_str().unwrap();
            if deep(theirs) != deep(error.message()) && text.matches(['(', '[', 'C']).count() > 40 {
                return "how deep a refused filter may be nested is counted a little otherwise";
            }
            if error.message().ends_with("ill-formed list.") && text.contains("\\N{") {
                return "the names of characters are not known here";
            }
            ""
        }
        _ => "",
    }
}

/// Checks a case; says what differs.
fn check(line: &str, excused: &mut BTreeMap<&'static str, usize>) -> Option<String> {
    let mut case: Json = serde_json::from_str(line).unwrap();
    if let Some(expected) = case.get_mut("c") {
        as_bits(expected);
    }
    let ours = answer(&case);
    let same = match &ours {
        Ok(found) => case.get("c") == Some(found),
        Err(error) => case.get("x").is_some() || case.get("e") == Some(&json!(error.message())),
    };
    if let Err(error) = &ours {
        assert_eq!(error.code().status(), 400, "{line}");
    }
    // Whatever is accepted is accepted in the richer language too.
    if let Some(filter) = case["f"].as_str()
        && ours.is_ok()
    {
        let read = parse_expression(search(case["s"].as_str().unwrap()), filter);
        assert!(read.is_ok(), "{line}");
    }
    if same {
        return None;
    }
    let reason = reason(&case, &ours);
    if !reason.is_empty() {
        *excused.entry(reason).or_default() += 1;
        return None;
    }
    let ours = ours.map_or_else(|error| error.message().to_owned(), |found| found.to_string());
    Some(format!("{line}\n  here: {ours}\n"))
}

fn check_all(lines: impl Iterator<Item = String>) {
    let started = Instant::now();
    let mut excused = BTreeMap::new();
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in lines {
        count += 1;
        wrong.extend(check(&line, &mut excused));
    }
    eprintln!("{count} cases in {:.1} s, {} differ", started.elapsed().as_secs_f64(), wrong.len());
    for (reason, times) in excused {
        eprintln!("{times:>6} excused: {reason}");
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn filters_mean_what_the_stock_server_makes_of_them() {
    check_all(include_str!("golden/filters.jsonl").lines().map(str::to_owned));
}

#[test]
#[ignore = "needs cases, see above"]
fn more_filters_mean_what_the_stock_server_makes_of_them() {
    let path = std::env::var("ROPEWALK_FILTER_CASES").unwrap();
    let file = BufReader::new(std::fs::File::open(path).unwrap());
    check_all(file.lines().map(Result::unwrap));
}
