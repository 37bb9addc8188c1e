//! Bytes of a damaged journal segment: only what was written is a record.

#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the module is another room's and private there")]

#[path = "../../crates/journal/src/frame.rs"]
mod frame;

use bytes::Bytes;
use frame::{Found, HEAD, look, put};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let segment = Bytes::copy_from_slice(bytes);
    for at in 0..=bytes.len() {
        if let Found::Record(payload, length) = look(&segment, at, at as u64, 9, MOST) {
            assert!(payload.len() + HEAD == length && at + length <= bytes.len());
        }
    }
    let mut buffer = bytes.to_vec();
    put(&mut buffer, bytes, 7, 9);
    let written = Bytes::from(buffer);
    assert_eq!(look(&written, bytes.len(), 7, 9, MOST), Found::Record(segment, bytes.len() + HEAD));
    assert_eq!(look(&written, bytes.len(), 8, 9, MOST), Found::Damaged);
});
