//! Pasted values: the canonical form of a canonical form is itself, and its keys find it.

#![no_main]

use intel::value::{canonical, guess, ranges, search_end, search_key, url_host, value_key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _searched = ranges(text);
    let _host = url_host(text);
    let Some((kind, value)) = guess(text) else { return };
    assert_eq!(canonical(kind, &value).ok(), Some(value.clone()));
    assert!(stix::pattern::of(kind, &value).is_ok(), "a value can be written as STIX");
    assert_eq!(value_key(kind, &value), value_key(kind, &value));
    let key = search_key(kind, &value);
    if let Some(end) = search_end(kind, &value) {
        assert!(key <= end);
    }
});
