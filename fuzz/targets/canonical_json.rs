//! Canonical JSON (RFC 8785): one form, which is JSON of the same value.

#![no_main]

use base::canonical_json;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let text = canonical_json(&value);
    let again: Value = serde_json::from_str(&text).expect("canonical text is JSON");
    assert_eq!(canonical_json(&again), text, "the canonical form is a fixed point");
});
