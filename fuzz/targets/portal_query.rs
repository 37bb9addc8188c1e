//! Queries that people type or that stand in a link, asked of a row.

#![no_main]
#![allow(dead_code, unreachable_pub, missing_docs, reason = "the module is another room's and private there")]

#[path = "../../crates/portal/src"]
mod portal {
    pub(crate) mod query;
}

use base::Timestamp;
use libfuzzer_sys::fuzz_target;
use portal::query::{Context, Val, parse, quote};

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const FIELDS: &[&str] = &["address", "score", "last", "name"];

fuzz_target!(|text: &str| {
    let context = Context { now: NOW, zone: "Asia/Taipei" };
    let row = [
        ("address", Val::from("203.0.113.7")),
        ("score", Val::Number(61.5)),
        ("last", Val::Time(NOW)),
        ("name", Val::from(text)),
    ];
    if let Ok(asked) = parse(text, FIELDS, &context) {
        let expr = asked.expr;
        let _held = expr.holds(&row);
        let _first = (expr.must_be("name"), expr.bare());
    }
    // A quoted value always finds exactly itself, or is refused for its length.
    if let Ok(asked) = parse(&format!("name:{}", quote(text)), FIELDS, &context) {
        assert!(asked.by.is_none() && asked.expr.holds(&row), "{asked:?}");
    }
});
