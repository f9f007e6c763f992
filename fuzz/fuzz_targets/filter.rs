//! Any text as a filter and as an order in MLflow's language: read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = ropewalk_runs::filter::parse(text);
    let _ = ropewalk_runs::filter::parse_order(text);
});
