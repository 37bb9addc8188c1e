//! What the compiler cannot see: the floors, heads of files, keys of machinery, words that must not be there.
//!
//! Sizes are aims and only shown; everything else fails. The same checks run as a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Which rooms a room may use; a new edge is a commit of its own that says why.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("events", 0),
    ("text", 0),
    ("logwire", 1),
    ("stix", 1),
    ("runtime", 2),
    ("journal", 2),
    ("store", 2),
    ("access", 2),
    ("link", 2),
    ("registry", 3),
    ("sensor", 3),
    ("detect", 3),
    ("intel", 3),
    ("edge", 3),
    ("procedures", 4),
    ("assets", 5),
    ("drivers", 5),
    ("trap", 5),
    ("agent", 5),
    ("api", 5),
    ("portal", 5),
    ("testkit", 6),
    ("bench", 6),
    ("doctor", 6),
    ("lianfang-node", 6),
    ("lianfang", 6),
];

/// Edges inside one floor that are allowed.
const SIDEWAYS: &[(&str, &str)] = &[
    ("events", "base"),
    ("text", "base"),
    ("access", "store"),
    ("access", "runtime"),
    ("store", "runtime"),
    ("journal", "runtime"),
    ("agent", "drivers"),
    ("portal", "assets"),
    ("api", "portal"),
    ("lianfang", "testkit"),
];

/// Files that may mint a clearance.
const MINTERS: &[&str] = &["crates/access/", "crates/testkit/", "crates/store/src/clearance.rs", "crates/store/tests/"];

/// Runs every check and prints the aims; an error lists every finding.
///
/// # Errors
/// One line a finding.
pub(crate) fn run(root: &Path) -> Result<()> {
    let findings = check(root)?;
    for line in sizes(root)? {
        println!("{line}");
    }
    for line in system_keys(root)? {
        println!("{line}");
    }
    if findings.is_empty() {
        println!("tidy: nothing found");
        return Ok(());
    }
    bail!("tidy found {}:\n{}", findings.len(), findings.join("\n"))
}

/// Every finding, one line each.
///
/// # Errors
/// When a file of the checkout cannot be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = edges(root)?;
    for file in sources(root)? {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let name = relative(root, &file);
        findings.extend(source(&name, &text));
    }
    Ok(findings)
}

fn source(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !head.starts_with("//!") && !head.starts_with("#![") {
        findings.push(format!("{name}: the file does not say what it is for (//!)"));
    }
    if name.ends_with("/mod.rs") {
        findings.push(format!("{name}: modules are name.rs beside name/"));
    }
    for (number, line) in text.lines().enumerate() {
        let at = || format!("{name}:{}", number + 1);
        if name != "xtask/src/tidy.rs" {
            for word in ["TODO", "FIXME", "XXX:", "#[ignore", "should_panic"] {
                if line.contains(word) {
                    findings.push(format!("{}: `{word}`", at()));
                }
            }
            if line.contains("Clearance::mint(") && !MINTERS.iter().any(|allowed| name.starts_with(allowed)) {
                findings.push(format!("{}: only the room access mints a clearance", at()));
            }
            if line.contains("process::Command") && !may_spawn(name) {
                findings.push(format!("{}: only the room drivers starts programs", at()));
            }
        }
    }
    findings
}

fn may_spawn(name: &str) -> bool {
    ["crates/drivers/", "crates/testkit/", "crates/bench/", "xtask/"].iter().any(|room| name.starts_with(room))
        || name.contains("/tests/")
}

/// Crates' dependencies against the floors.
fn edges(root: &Path) -> Result<Vec<String>> {
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    let mut findings = Vec::new();
    for entry in fs::read_dir(root.join("crates"))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        let Ok(text) = fs::read_to_string(path.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = text.parse().with_context(|| format!("crates/{name}/Cargo.toml"))?;
        let Some(&floor) = floors.get(name.as_str()) else {
            findings.push(format!("crates/{name}: the room has no floor in xtask/src/tidy.rs"));
            continue;
        };
        let used = manifest.get("dependencies").and_then(toml::Value::as_table);
        for used in used.into_iter().flat_map(toml::Table::keys) {
            let Some(&below) = floors.get(used.as_str()) else { continue };
            let sideways = SIDEWAYS.contains(&(name.as_str(), used.as_str()));
            if below >= floor && !sideways && name != "lianfang" {
                findings.push(format!("crates/{name} (floor {floor}) must not use {used} (floor {below})"));
            }
        }
    }
    Ok(findings)
}

/// The places that make a key of machinery: printed, so that a review sees a new one.
fn system_keys(root: &Path) -> Result<Vec<String>> {
    let mut rooms = BTreeSet::new();
    for file in sources(root)? {
        let text = fs::read_to_string(&file)?;
        for (number, line) in text.lines().enumerate() {
            if line.contains("SystemKey::of(") && !relative(root, &file).starts_with("crates/store/") {
                rooms.insert(format!("system key: {}:{}", relative(root, &file), number + 1));
            }
        }
    }
    rooms.remove("system key: xtask/src/tidy.rs:0");
    Ok(rooms.into_iter().filter(|line| !line.contains("xtask/")).collect())
}

fn sizes(root: &Path) -> Result<Vec<String>> {
    let mut long = Vec::new();
    for file in sources(root)? {
        let lines = fs::read_to_string(&file)?.lines().count();
        if lines > 500 {
            long.push(format!("size: {lines} lines in {} (aim: 400, mark: 500)", relative(root, &file)));
        }
    }
    Ok(long)
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for top in ["crates", "xtask", "fuzz"] {
        walk(&root.join(top), &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let skipped = path.file_name().is_some_and(|name| name == "target" || name == "node_modules");
        if path.is_dir() && !skipped {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn relative(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings = check(&crate::root().unwrap()).unwrap();
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    #[test]
    fn each_check_can_fail() {
        let spawn = concat!("//! x\nuse std::process::", "Command;");
        assert_eq!(source("crates/intel/src/a.rs", spawn).len(), 1);
        assert_eq!(source("crates/drivers/src/a.rs", spawn).len(), 0);
        assert_eq!(source("crates/intel/src/a.rs", "fn x() {}").len(), 1);
        let mint = concat!("//! x\nlet c = Clearance::", "mint(a);");
        assert_eq!(source("crates/portal/src/a.rs", mint).len(), 1);
        assert_eq!(source("crates/access/src/a.rs", mint).len(), 0);
        assert_eq!(source("crates/intel/src/mod.rs", "//! x").len(), 1);
    }
}
