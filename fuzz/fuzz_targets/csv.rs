//! Any bytes as a CSV table: read or refused, and what was read is read again from what it writes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ropewalk_data::Frame;

fuzz_target!(|bytes: &[u8]| {
    let Ok(frame) = Frame::from_csv(bytes) else { return };
    let Ok(text) = frame.to_csv(',') else { return };
    let Ok(again) = Frame::from_csv(&text) else { panic!("a written table cannot be read: {text:?}") };
    assert_eq!(frame.rows(), again.rows());
    assert_eq!(frame.names(), again.names());
});
