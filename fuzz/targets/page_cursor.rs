//! Cursors of lists as they come back in a link.

#![no_main]

use libfuzzer_sys::fuzz_target;
use store::{Cursor, Value};

fuzz_target!(|text: &str| {
    if let Ok(keys) = Cursor::decode("fuzz", text) {
        // The check of a cursor is no secret, a fuzzer may find one; then it must be one that we write.
        assert_eq!(Cursor::decode("fuzz", &Cursor::encode("fuzz", &keys)).ok(), Some(keys));
    }
    let keys = vec![Value::Text(text.to_owned()), Value::Bytes(text.as_bytes().to_vec()), Value::Null];
    let cursor = Cursor::encode("fuzz", &keys);
    assert_eq!(Cursor::decode("fuzz", &cursor).ok(), Some(keys));
    assert!(Cursor::decode("other", &cursor).is_err());
});
