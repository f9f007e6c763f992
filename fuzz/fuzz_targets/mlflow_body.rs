//! Any bytes as the body of an MLflow call: JSON as Python reads it, and what it shows of it can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_mlflow::json::{dumps, parse};
use ropewalk_mlflow::page;

fuzz_target!(|text: &str| {
    let _ = page::offset(text);
    if let Some(value) = parse(text) {
        let shown = dumps(&value);
        let again = parse(&shown).map(|again| dumps(&again));
        assert_eq!(again.as_deref(), Some(shown.as_str()));
    }
});
