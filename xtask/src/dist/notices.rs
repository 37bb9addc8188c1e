//! Licences of everything inside a program: most of them ask that their text goes along.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::graph::Shipped;

/// How files with licences are called.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// Our own licence, then every other text once, headed by those it belongs to.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn text(root: &Path, shipped: &Shipped) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let theirs = shipped.crates.iter().filter(|found| found.source.is_some());
    let crates = theirs.map(|found| (found.key(), found.license.clone().unwrap_or_default(), found.folder()));
    let scripts = shipped.scripts.iter();
    let scripts = scripts.map(|s| ((s.name.clone(), s.version.clone()), s.license.clone(), s.folder.clone()));
    for ((name, version), license, folder) in crates.chain(scripts) {
        let mut found = false;
        for text in licences(&folder)? {
            texts.entry(text).or_default().push(format!("{name} {version}"));
            found = true;
        }
        if !found {
            let text = format!("Its archive holds no text; it names the licence {license}.");
            texts.entry(text).or_default().push(format!("{name} {version}"));
        }
    }
    let mut out = fs::read_to_string(root.join("LICENSE"))?;
    let mut sections: Vec<(Vec<String>, String)> = texts.into_iter().map(|(text, of)| (of, text)).collect();
    sections.sort();
    for (of, text) in sections {
        let _infallible = write!(out, "\n{}\n{}:\n\n{}\n", "=".repeat(100), of.join(", "), text.trim_end());
    }
    Ok(out)
}

fn licences(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        let named = NAMES.iter().any(|start| name.starts_with(start));
        let program = [".rs", ".toml", ".py", ".sh"].iter().any(|end| name.ends_with(end));
        if named && !program && entry.file_type()?.is_file() {
            let bytes = fs::read(entry.path())?;
            texts.push(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
        }
    }
    texts.sort();
    Ok(texts)
}
