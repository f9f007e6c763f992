#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Value, read};

/// A value as JSON, to be compared.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Truth(truth) => json!(truth),
        Value::Whole(number) => json!(number),
        Value::Real(number) if number.is_finite() => json!(number),
        Value::Real(number) => json!(number.to_string()),
        Value::Text(text) => json!(text),
        Value::List(items) => items.iter().map(json_of).collect(),
        Value::Map(members) => members.iter().map(|(name, value)| (name.clone(), json_of(value))).collect(),
    }
}

#[test]
fn what_pyyaml_writes_is_read_as_it_was_meant() {
    let golden = include_str!("../../tests/golden/yaml.jsonl");
    let mut count = 0;
    for line in golden.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let text = case["yaml"].as_str().unwrap();
        let value = read(text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
        assert_eq!(json_of(&value), case["value"], "{text}");
        count += 1;
    }
    assert!(count > 200, "{count}");
}

#[test]
fn a_file_that_somebody_edited_is_read() {
    let text = "# edited\n---\nname: 'a'  # why\nid: 0 # old\nlist:\n  - one\n  -\n    two: 2\n  - three: 3\n    four:\nnote: two\n  words\n\n  and one\n...\n";
    let expected = json!({
        "name": "a", "id": 0, "list": ["one", {"two": 2}, {"three": 3, "four": null}], "note": "two words\nand one"
    });
    assert_eq!(json_of(&read(text).unwrap()), expected);
    assert_eq!(json_of(&read("").unwrap()), Json::Null);
    assert_eq!(json_of(&read("a: b\r\nc: 'd\r\n  e'\r\n").unwrap()), json!({"a": "b", "c": "d e"}));
}

#[test]
fn what_mlflow_does_not_write_is_refused_with_its_line() {
    for (text, line) in [
        ("a: 1\nb: &x 2\n", "line 2"),
        ("a: |\n  text\n", "line 1"),
        ("a: {b: 1}\n", "line 1"),
        ("a: 'open\nb: 1\n", "line 1"),
        ("a: 1\n  b: 2\n", "line 2"),
        ("a: 1\na: 2\n", "line 2"),
        ("a: \"\\q\"\n", "line 1"),
        ("- a\nb: 1\n", "line 2"),
        ("a: !!python/object:os.system x\n", "line 1"),
    ] {
        let fault = read(text).unwrap_err();
        assert!(fault.contains(line), "{text:?}: {fault}");
    }
    let deep: String = (0..500).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(read(&deep).is_err());
    assert!(read(&"- ".repeat(500)).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "[ \\n:'\"#?a\\-\\\\{}\\[\\]&|0.éx\\t]{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn single_quotes_come_back(text in "[ a':#\\-é]{0,40}") {
        let written = format!("k: '{}'\n", text.replace('\'', "''"));
        prop_assert_eq!(read(&written).unwrap().text("k").unwrap(), text);
    }

    #[test]
    fn double_quotes_come_back(text in any::<String>()) {
        let written = format!("k: {}\n", serde_json::to_string(&text).unwrap());
        prop_assert_eq!(read(&written).unwrap().text("k").unwrap(), text);
    }
}
