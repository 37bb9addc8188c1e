//! STIX patterns: a value that is read from one is written to a pattern of the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _known = stix::model::check_pattern(text);
    if let Some((kind, value)) = stix::pattern::single(text)
        && let Ok(pattern) = stix::pattern::of(kind, &value)
    {
        assert_eq!(stix::pattern::single(&pattern), Some((kind, value)));
    }
});
