//! Exported audit trees from anywhere: checked or refused, never believed twice in two ways.

#![no_main]

use libfuzzer_sys::fuzz_target;
use store::audit::{Expected, Note, verify, verify_with};

fuzz_target!(|bytes: &[u8]| {
    let found = verify(bytes);
    if let Ok(verified) = &found {
        let expected = Expected { key: Some(verified.key), earlier: None, whole: verified.withheld == 0 };
        assert_eq!(verify_with(bytes, &expected).as_ref(), Ok(verified));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(Note::open(text, "fuzz", &[7; 32]).is_err(), "nobody signed with this key");
    }
});
