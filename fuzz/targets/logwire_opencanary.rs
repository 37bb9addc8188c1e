//! Lines of OpenCanary: an event that comes out is within the limits of our own form.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Ok(text) = logwire::lines::check(line) else { return };
    let Ok(parsed) = logwire::opencanary::parse(text) else { return };
    if let Some(event) = parsed.event {
        let written = serde_json::to_string(&event).expect("an event is JSON");
        assert_eq!(logwire::native::parse(&written).ok(), Some(event));
    }
});
