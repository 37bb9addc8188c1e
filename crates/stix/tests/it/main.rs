//! The room against material it did not make: specification examples, OASIS schemas, ATT&CK, patterns.
//!
//! The material lies outside the repository: `LIANFANG_VECTORS`, by default `../shared/vectors` beside it. Without it
//! a test notes that it was skipped, and fails when `STRICT=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test says by panicking what went wrong"
)]

use base::{IndicatorId, OrgId, Timestamp, Tlp};
use events::sensor::ValueKind;
use jsonschema::{Resource, Validator};
use serde_json::Value;
use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use stix::{Bundle, IdentityObject, IndicatorObject, Stored, model};
use uuid::Uuid;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of STIX vectors; none, and counted as skipped, when the material is not on this machine.
fn vectors() -> Option<PathBuf> {
    let root =
        std::env::var_os("LIANFANG_VECTORS").map_or_else(|| repository().join("../shared/vectors"), PathBuf::from);
    let folder = root.join("stix");
    if !folder.is_dir() {
        testkit::skip("the STIX vectors");
        return None;
    }
    Some(folder)
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let decoder = zstd::stream::Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
    base::limits::Bounded::new(decoder, base::limits::INGEST_PLAIN).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn attack_objects_keep_every_byte() {
    let Some(folder) = vectors() else { return };
    for (file, objects, revoked) in [("ics-attack-18.1.json.zst", 1_826, 2), ("mobile-attack-17.1.json.zst", 2_148, 53)]
    {
        let bytes = unpacked(&folder.join(file));
        let all: Vec<Stored> = stix::split(&bytes).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(all.len(), objects, "{file}");
        assert_eq!(all.iter().filter(|object| object.header.revoked).count(), revoked, "{file}");
        assert_eq!(all.iter().map(|object| &object.header.id).collect::<HashSet<_>>().len(), objects, "{file}");
        let mut bundle = Bundle::new(Uuid::nil());
        all.iter().for_each(|object| bundle.push(object));
        let again: Vec<Stored> = stix::split(&bundle.finish()).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(again, all, "{file}");
        let mut rest = std::str::from_utf8(&bytes).unwrap();
        for object in &all {
            let own = std::str::from_utf8(&object.bytes).unwrap();
            let at = rest.find(own).expect("the object's bytes stand in the file as they are, in order");
            rest = &rest[at + own.len()..];
        }
        for object in &all {
            let timed = object.header.modified.iter().chain(&object.header.created);
            assert!(timed.clone().all(|stamp| stamp.text.ends_with('Z') && stamp.at > Timestamp::EPOCH));
        }
    }
}

#[test]
fn specification_examples_are_read_or_refused_for_a_reason() {
    let Some(folder) = vectors() else { return };
    let text = std::fs::read_to_string(folder.join("spec-examples.jsonl")).unwrap();
    let (mut read, mut refused) = (0, Vec::new());
    for line in text.lines() {
        let example: Value = serde_json::from_str(line).unwrap();
        let bytes = example["object"].to_string().into_bytes();
        match Stored::read(bytes.clone()) {
            Ok(stored) => {
                assert_eq!(stored.bytes, bytes);
                assert_eq!(example["object"]["id"], stored.header.id.as_str());
                read += 1;
            }
            Err(error) => refused.push(format!("{}: {error}", example["line"])),
        }
    }
    // One example of the specification lacks a dash in its identifier; everything else is read.
    assert_eq!((read, refused.len()), (165, 1), "{refused:#?}");
}

#[test]
fn specification_patterns_parse() {
    let Some(folder) = vectors() else { return };
    let text = std::fs::read_to_string(folder.join("pattern-examples.txt")).unwrap();
    let mut count = 0;
    for pattern in text.lines().filter(|line| !line.trim().is_empty()) {
        model::check_pattern(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        count += 1;
    }
    assert_eq!(count, 11);
}

/// The OASIS schema of a type, with every schema it refers to.
fn schema(folder: &Path, file: &str) -> Validator {
    let mut options = jsonschema::options();
    for part in ["common", "observables", "sdos", "sros"] {
        for entry in std::fs::read_dir(folder.join("schemas").join(part)).unwrap() {
            let schema: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
            let id = schema["$id"].as_str().unwrap().to_owned();
            options = options.with_resource(id, Resource::from_contents(schema).unwrap());
        }
    }
    let root = std::fs::read(folder.join("schemas").join(file)).unwrap();
    options.build(&serde_json::from_slice(&root).unwrap()).unwrap()
}

fn valid(schema: &Validator, stored: &Stored) {
    let object: Value = serde_json::from_slice(&stored.bytes).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&object).map(|e| format!("{} at {}", e, e.instance_path)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{object:#}");
}

#[test]
fn what_we_write_is_valid_against_the_schemas() {
    let Some(folder) = vectors() else { return };
    let at = testtime();
    let indicators = schema(&folder, "sdos/indicator.json");
    for (kind, value) in [
        (ValueKind::Ipv4, "203.0.113.7"),
        (ValueKind::Ipv4, "198.51.100.0/24"),
        (ValueKind::Ipv6, "2001:db8::/32"),
        (ValueKind::Domain, "evil.example"),
        (ValueKind::Url, "http://evil.example/it's\\here"),
        (ValueKind::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (ValueKind::SshKey, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
    ] {
        for (tlp, revoked) in Tlp::ALL.into_iter().flat_map(|tlp| [(tlp, false), (tlp, true)]) {
            let object = IndicatorObject {
                id: IndicatorId(Uuid::parse_str("8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f").unwrap()),
                created_by: stix::identity::id_of(OrgId(Uuid::from_u128(1))),
                created: at,
                modified: at,
                revoked,
                name: value.into(),
                description: if revoked { String::new() } else { "誘捕系統所見".into() },
                indicator_types: vec!["malicious-activity".into()],
                kind,
                value: value.into(),
                valid_from: at,
                valid_until: at.plus_secs(3_600),
                confidence: 80,
                tlp,
                labels: if revoked { vec![] } else { vec!["download".into()] },
                external_references: vec![],
            };
            let stored = object.write().unwrap();
            valid(&indicators, &stored);
            model::check(&stored).unwrap();
        }
    }
    let identity = IdentityObject { org: OrgId(Uuid::from_u128(1)), name: "能源".into(), created: at, modified: at };
    valid(&schema(&folder, "sdos/identity.json"), &identity.write().unwrap());
    let marking = schema(&folder, "common/marking-definition.json");
    for tlp in Tlp::ALL {
        valid(&marking, &stix::marking::tlp_object(tlp).unwrap());
    }
    // The schemas do refuse: a version 7 UUID is no STIX identifier for them.
    let stored = Stored::read(br#"{"type":"identity","id":"identity--01890a5d-ac96-774b-bcce-b302099a8057","spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"x"}"#.to_vec()).unwrap();
    let object: Value = serde_json::from_slice(&stored.bytes).unwrap();
    assert!(!schema(&folder, "sdos/identity.json").is_valid(&object));
}

fn testtime() -> Timestamp {
    Timestamp::from_micros(1_795_240_800_000_000)
}
