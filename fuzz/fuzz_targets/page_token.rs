//! Any text as a page token: what is read is what is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_core::page::{decode_offset, encode_offset};

fuzz_target!(|text: &str| {
    if let Ok(offset) = decode_offset(Some(text)) {
        assert_eq!(decode_offset(Some(&encode_offset(offset))).ok(), Some(offset));
    }
});
