//! Bodies of our own NDJSON: split, check, parse; what was read is read again from its own form.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut last = 0;
    for line in logwire::lines::split(body) {
        assert!(line.number > last && !line.bytes.is_empty());
        last = line.number;
        let Ok(text) = logwire::lines::check(line.bytes) else { continue };
        let Ok(event) = logwire::native::parse(text) else { continue };
        let written = serde_json::to_string(&event).expect("an event is JSON");
        assert_eq!(logwire::native::parse(&written).ok(), Some(event));
    }
});
