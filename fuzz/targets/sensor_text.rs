//! What attackers typed, as the history reads it: URLs, planted keys, masked words, known exploits, similarity.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensor::minhash::Signature;
use sensor::{exploit, shell};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        assert!(shell::wanted_urls(line).all(|url| line.contains(url)));
        let _keys = shell::planted_keys(line);
        let _exploits = exploit::find(line).count();
    }
    let words = shell::normal_words(text.lines());
    if let Some(hash) = Signature::of(&words) {
        let again = Signature::from_bytes(&hash.to_bytes()).expect("its own bytes");
        assert!((hash.similarity(&again) - 1.0).abs() < f64::EPSILON);
    }
    let _any = Signature::from_bytes(bytes);
});
