//! Foreign STIX: bundles and objects keep their bytes, or are refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stix::{Stored, split};

fuzz_target!(|bytes: &[u8]| {
    let found = split(bytes).unwrap_or_default().into_iter().flatten();
    for stored in found.chain(Stored::read(bytes.to_vec())) {
        assert!(bytes.windows(stored.bytes.len()).any(|part| part == stored.bytes), "the bytes are those that came");
        let _valid = stix::model::check(&stored);
        let _marking = stored.header.tlp();
    }
});
