//! Any text as a filter and as an order of any search: read or refused, the same each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_mlflow::filter::{Search, parse, parse_expression, parse_order};

fuzz_target!(|text: &str| {
    for search in Search::ALL {
        let _ = parse(search, text);
        let _ = parse_order(search, text);
        let _ = parse_expression(search, text);
    }
});
