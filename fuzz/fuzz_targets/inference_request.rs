//! Any bytes as an inference request: refused, or as many rows in every column.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_serve::InferenceRequest;
use ropewalk_serve::protocol::{InputColumn, read_request};

fuzz_target!(|bytes: &[u8]| {
    let Ok(request) = serde_json::from_slice::<InferenceRequest>(bytes) else { return };
    let column = |name: &str, text| InputColumn { name: name.to_owned(), text };
    let columns = [column("a", false), column("b", false), column("c", true)];
    let Ok(asked) = read_request(request, &columns) else { return };
    assert_eq!(asked.frame.rows(), asked.rows);
    assert_eq!(asked.frame.names().len(), columns.len());
});
