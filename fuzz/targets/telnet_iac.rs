//! Telnet bytes of a client: no more data comes out than went in, and answers stay bounded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trap::telnet::iac::{Event, Iac};

fuzz_target!(|bytes: &[u8]| {
    let mut wire = Iac::default();
    let (mut data, mut answered) = (0, 0);
    for byte in bytes {
        data += wire.byte(*byte).iter().filter(|event| matches!(event, Event::Data(_))).count();
        answered += wire.take_reply().len();
    }
    assert!(data <= bytes.len());
    assert!(answered <= 4096, "{answered} bytes of answers");
});
