//! The bill of materials of one program: CycloneDX 1.5 JSON, the same bytes for the same commit.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Release;
use super::graph::{Crate, Key, Shipped};

/// Programs in C that crates bring along: the crate, the name, the licence (SPDX).
const BUNDLED: [(&str, &str, &str); 2] =
    [("libsqlite3-sys", "sqlite", "blessing"), ("zstd-sys", "zstd", "BSD-3-Clause OR GPL-2.0-only")];

/// The bill of a program as text.
///
/// # Errors
/// A source that is needed cannot be read.
pub(super) fn text(release: &Release, program: &str, shipped: &Shipped) -> Result<String> {
    let mut components = Vec::new();
    let mut depends: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let references: BTreeMap<Key, String> =
        shipped.crates.iter().map(|found| (found.key(), reference(found))).collect();
    let of = |key: &Key| references.get(key).cloned().unwrap_or_default();
    let mut root = Value::Null;
    for found in &shipped.crates {
        let below = shipped.uses.get(&found.key()).into_iter().flatten().map(of);
        let mut below: Vec<String> = below.collect();
        if let Some((_, name, license)) = BUNDLED.iter().find(|(brings, ..)| *brings == found.name)
            && let Some(version) = bundled_version(found)?
        {
            let purl = format!("pkg:generic/{name}@{version}");
            components.push(part("library", &purl, name, &version, Some(license)));
            below.push(purl.clone());
            depends.insert(purl, Vec::new());
        }
        if found.name == program && found.source.is_none() {
            root = component(found, "application");
        } else {
            components.push(component(found, "library"));
        }
        if found.name == "assets" && found.source.is_none() {
            below.extend(shipped.scripts.iter().map(|script| format!("pkg:npm/{}@{}", script.name, script.version)));
        }
        depends.insert(of(&found.key()), below);
    }
    for script in &shipped.scripts {
        let purl = format!("pkg:npm/{}@{}", script.name, script.version);
        let mut described = part("library", &purl, &script.name, &script.version, Some(&script.license));
        if let Some(bytes) = script.integrity.strip_prefix("sha512-").and_then(|text| STANDARD.decode(text).ok()) {
            put(&mut described, "hashes", json!([{"alg": "SHA-512", "content": hex::encode(bytes)}]));
        }
        components.push(described);
        depends.insert(purl, Vec::new());
    }
    components.sort_by_key(|component| component.get("bom-ref").map(Value::to_string));
    let depends: Vec<Value> = depends.into_iter().map(|(of, on)| json!({"ref": of, "dependsOn": on})).collect();
    let mut bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": release.time()?,
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "xtask", "version": release.version}]},
            "component": root,
        },
        "components": components,
        "dependencies": depends,
    });
    let serial = serial(&bill.to_string());
    put(&mut bill, "serialNumber", json!(serial));
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// Our own crates have no package URL: namesakes in the registry are something else.
fn reference(found: &Crate) -> String {
    let (name, version) = (&found.name, found.version.replace('+', "%2B"));
    if found.source.is_some() { format!("pkg:cargo/{name}@{version}") } else { format!("lianfang:{name}@{version}") }
}

fn component(found: &Crate, kind: &str) -> Value {
    let mut out = part(kind, &reference(found), &found.name, &found.version, found.license.as_deref());
    if let Some(text) = &found.description {
        put(&mut out, "description", json!(text.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    if let Some(sum) = &found.checksum {
        put(&mut out, "hashes", json!([{"alg": "SHA-256", "content": sum}]));
    }
    if let Some(url) = found.repository.as_ref().filter(|_| found.source.is_some()) {
        put(&mut out, "externalReferences", json!([{"type": "vcs", "url": url}]));
    }
    out
}

fn part(kind: &str, reference: &str, name: &str, version: &str, license: Option<&str>) -> Value {
    let mut out = json!({"type": kind, "bom-ref": reference, "name": name, "version": version});
    if reference.starts_with("pkg:") {
        put(&mut out, "purl", json!(reference));
    }
    if let Some(license) = license {
        // Cargo once wrote `MIT/Apache-2.0` for a choice.
        put(&mut out, "licenses", json!([{"expression": license.replace('/', " OR ")}]));
    }
    out
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// The version of what a crate brings along: behind the `+` of its own version, or in the header of SQLite.
fn bundled_version(found: &Crate) -> Result<Option<String>> {
    if let Some((_, built)) = found.version.split_once('+') {
        return Ok(built.split_once('.').map(|(_, version)| version.to_owned()));
    }
    let header = found.folder().join("sqlite3/sqlite3.h");
    if !header.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(header)?;
    let line = text.lines().find_map(|line| line.strip_prefix("#define SQLITE_VERSION "));
    Ok(line.map(|version| version.trim().trim_matches('"').to_owned()))
}

/// A UUID (RFC 9562, version 8) made of the content: the same bill has the same number.
fn serial(text: &str) -> String {
    let hash = hex::encode(Sha256::digest(text));
    let piece = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-8{}-a{}-{}", piece(0, 8), piece(8, 12), piece(13, 16), piece(17, 20), piece(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_choices_are_expressions_and_only_the_registrys_crates_have_a_url() {
        let theirs = part("library", "pkg:cargo/a@1", "a", "1", Some("MIT/Apache-2.0"));
        assert_eq!(theirs["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(theirs["purl"], "pkg:cargo/a@1");
        assert!(part("library", "lianfang:a@1", "a", "1", None).get("purl").is_none());
    }

    #[test]
    fn the_serial_is_a_uuid_of_the_content() {
        let text = serial("x");
        assert_eq!(text.len(), "urn:uuid:".len() + 36);
        assert_ne!(text, serial("y"));
        assert!(text.trim_start_matches("urn:uuid:").split('-').nth(2).unwrap().starts_with('8'));
    }
}
