//! The first packet of an SSH client, and HASSH of algorithm lists.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trap::ssh::kexinit::{Found, LONGEST, read};

fuzz_target!(|bytes: &[u8]| {
    match read(bytes) {
        Found::Hassh(text) => assert!(text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())),
        Found::More => assert!(bytes.len() < 4 + LONGEST, "a packet cannot stay incomplete for ever"),
        Found::Other => {}
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(logwire::hassh::of_algorithms(text).len(), 32);
    }
});
