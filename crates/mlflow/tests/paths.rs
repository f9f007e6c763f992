//! Paths are taken for what the stock server takes them for.

#![allow(clippy::unwrap_used)]

use ropewalk_mlflow::path;

/// Made by `golden/make_paths.py`.
const PATHS: &str = include_str!("golden/paths.jsonl");

#[test]
fn paths_are_judged_as_by_the_stock_server() {
    let mut wrong = Vec::new();
    for line in PATHS.lines() {
        let (given, taken): (String, Option<String>) = serde_json::from_str(line).unwrap();
        let ours = path::safe(&given).ok();
        if ours != taken {
            wrong.push(format!("{given:?}: {taken:?}, ours {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
