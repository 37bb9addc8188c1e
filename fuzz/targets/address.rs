//! Addresses as people type and paste them: what is read is written back to the same value.

#![no_main]

use base::{parse_addr_spec, refang};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let whole = refang(text);
    assert_eq!(refang(&whole), whole, "making whole twice changes nothing");
    for text in [text, whole.as_str()] {
        if let Ok(spec) = parse_addr_spec(text) {
            assert_eq!(parse_addr_spec(&spec.to_string()).ok(), Some(spec));
            assert!(spec.overlaps(spec));
        }
    }
});
