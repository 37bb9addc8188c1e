//! Broken input: a coded refusal of one line, never a panic, and the other lines go on.

use crate::samples::{COWRIE, COWRIE_2018, COWRIE_SILENT, OPENCANARY};
use logwire::{Format, lines, parse};
use proptest::prelude::*;

fn code(format: Format, line: &str) -> &'static str {
    parse(format, line).unwrap_err().code.id
}

#[test]
fn each_fault_has_its_code() {
    let good = COWRIE.lines().next().unwrap();
    assert_eq!(code(Format::Cowrie, "{\"eventid\":"), "LF-ING-0005");
    assert_eq!(code(Format::Cowrie, "[]"), "LF-ING-0006");
    assert_eq!(code(Format::Cowrie, "{}"), "LF-ING-0006");
    assert_eq!(code(Format::Cowrie, OPENCANARY.lines().next().unwrap()), "LF-ING-0006");
    assert_eq!(code(Format::Cowrie, &good.replace("cowrie.", "kippo.")), "LF-ING-0006");
    assert_eq!(code(Format::Cowrie, &good.replace("src_ip", "other")), "LF-ING-0007");
    assert_eq!(code(Format::Cowrie, &good.replace("203.0.113.7", "nonsense")), "LF-ING-0008");
    assert_eq!(code(Format::Cowrie, &good.replace("2026-11-20T", "1970-01-01T")), "LF-ING-0009");
    assert_eq!(code(Format::Cowrie, &good.replace("2026-11-20T01:02:03.000001Z", "soon")), "LF-ING-0009");
    assert_eq!(code(Format::Cowrie, &good.replace("\"session\"", "\"no_session\"")), "LF-ING-0007");
    assert_eq!(code(Format::Opencanary, good), "LF-ING-0006");
    let canary = OPENCANARY.lines().next().unwrap();
    assert_eq!(code(Format::Opencanary, &canary.replace("203.0.113.50", "localhost")), "LF-ING-0008");
}

#[test]
fn a_field_cannot_be_given_twice() {
    // Whoever controls one field of a log must not be able to set another one a second time.
    let good = COWRIE.lines().next().unwrap();
    let twice = good.replace("\"session\"", "\"src_ip\":\"198.51.100.1\",\"session\"");
    assert_eq!(code(Format::Cowrie, &twice), "LF-ING-0006");
}

#[test]
fn one_bad_line_leaves_the_others() {
    let mut body = Vec::new();
    let long = [vec![b'x'; 70_000], b"\n".to_vec()].concat();
    for bad in [&b"\xff\xfe\n"[..], b"{\0}\n", b"{\n", &long, b"\n"] {
        body.extend_from_slice(COWRIE.as_bytes());
        body.extend_from_slice(bad);
    }
    let outcomes: Vec<bool> = lines::split(&body)
        .map(|line| lines::check(line.bytes).and_then(|text| parse(Format::Cowrie, text)).is_ok())
        .collect();
    assert_eq!(outcomes.iter().filter(|good| **good).count(), 5 * COWRIE.lines().count());
    assert_eq!(outcomes.iter().filter(|good| !**good).count(), 4);
}

fn any_line() -> impl Strategy<Value = String> {
    let all: Vec<&'static str> =
        [COWRIE, COWRIE_2018, COWRIE_SILENT, OPENCANARY].iter().flat_map(|t| t.lines()).collect();
    proptest::sample::select(all).prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        for line in lines::split(&body) {
            if let Ok(text) = lines::check(line.bytes) {
                for format in Format::ALL {
                    let _outcome = parse(format, text);
                }
            }
        }
    }

    #[test]
    fn mutated_samples_never_panic(line in any_line(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = line.into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len() * 2).max(1));
        if let Ok(text) = lines::check(&bytes) {
            for format in Format::ALL {
                if let Ok(parsed) = parse(format, text)
                    && let Some(event) = parsed.event
                {
                    prop_assert_eq!(event.clone().check().ok(), Some(event), "checked twice is checked once");
                }
            }
        }
    }
}
