//! What is really inside a program: its normal dependencies for this machine, with the features that it asks for.
//!
//! `cargo tree` knows the graph of one program, `cargo metadata` licences and folders, `Cargo.lock` the checksums.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Release;
use crate::tools::{cargo, output};

/// Name and version.
pub(super) type Key = (String, String);

/// A crate as Cargo describes it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
    pub(super) description: Option<String>,
    pub(super) repository: Option<String>,
    /// The registry; none for our own.
    pub(super) source: Option<String>,
    manifest_path: PathBuf,
    /// SHA-256 of the archive, from the lock file.
    #[serde(skip)]
    pub(super) checksum: Option<String>,
}

impl Crate {
    pub(super) fn key(&self) -> Key {
        (self.name.clone(), self.version.clone())
    }

    /// The folder of its sources.
    pub(super) fn folder(&self) -> PathBuf {
        self.manifest_path.parent().map(PathBuf::from).unwrap_or_default()
    }
}

/// The crates of one program and who uses whom.
#[derive(Debug, Default)]
pub(super) struct Shipped {
    pub(super) crates: Vec<Crate>,
    pub(super) uses: BTreeMap<Key, BTreeSet<Key>>,
    /// Packages of the portal's scripts, where they were there to be embedded.
    pub(super) scripts: Vec<Script>,
}

/// An npm package that is embedded.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: String,
    /// `sha512-` and base64.
    pub(super) integrity: String,
    pub(super) folder: PathBuf,
}

/// Everything Cargo knows of the workspace.
pub(super) struct Metadata {
    crates: BTreeMap<Key, Crate>,
}

impl Metadata {
    pub(super) fn read(release: &Release) -> Result<Self> {
        #[derive(Deserialize)]
        struct Answer {
            packages: Vec<Crate>,
        }
        let text = output(&release.root, &cargo(), ["metadata", "--format-version", "1", "--locked"])?;
        let answer: Answer = serde_json::from_str(&text)?;
        let lock: toml::Table = fs::read_to_string(release.root.join("Cargo.lock"))?.parse()?;
        let mut sums = BTreeMap::new();
        for locked in lock.get("package").and_then(toml::Value::as_array).into_iter().flatten() {
            let word = |key: &str| locked.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            if let (Some(name), Some(version), Some(sum)) = (word("name"), word("version"), word("checksum")) {
                sums.insert((name, version), sum);
            }
        }
        let with_sum = |found: Crate| (found.key(), Crate { checksum: sums.get(&found.key()).cloned(), ..found });
        Ok(Self { crates: answer.packages.into_iter().map(with_sum).collect() })
    }

    /// The graph of one program. Macros and build scripts run at build time and are not inside.
    pub(super) fn shipped(&self, release: &Release, program: &str) -> Result<Shipped> {
        let words = ["tree", "--locked", "--package", program, "--target", &release.host];
        let form = ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}"];
        let tree = output(&release.root, &cargo(), words.into_iter().chain(form))?;
        let uses = edges(&tree)?;
        let find = |key: &Key| self.crates.get(key).cloned().with_context(|| format!("{key:?} is not in the metadata"));
        let crates: Vec<Crate> = uses.keys().map(find).collect::<Result<_>>()?;
        let assets = crates.iter().find(|found| found.name == "assets" && found.source.is_none());
        let scripts = assets.map(|assets| scripts(&assets.folder().join("npm"))).transpose()?.unwrap_or_default();
        Ok(Shipped { crates, uses, scripts })
    }
}

/// Lines of `depth name vVERSION ...`, each below the last one that is less deep.
fn edges(tree: &str) -> Result<BTreeMap<Key, BTreeSet<Key>>> {
    let mut uses: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
    let mut above: Vec<Key> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(depth), Some(name), Some(version)) = (words.next(), words.next(), words.next()) else {
            bail!("cargo tree says {line:?}");
        };
        let depth: usize = depth.parse().with_context(|| format!("cargo tree says {line:?}"))?;
        let key = (name.to_owned(), version.trim_start_matches('v').to_owned());
        above.truncate(depth);
        if let Some(user) = above.last() {
            uses.entry(user.clone()).or_default().insert(key.clone());
        }
        uses.entry(key.clone()).or_default();
        above.push(key);
    }
    Ok(uses)
}

/// The npm packages of the lock file that are installed, and so embedded.
fn scripts(folder: &std::path::Path) -> Result<Vec<Script>> {
    let lock: serde_json::Value = serde_json::from_str(&fs::read_to_string(folder.join("package-lock.json"))?)?;
    let mut found = Vec::new();
    for (path, package) in lock.get("packages").and_then(serde_json::Value::as_object).into_iter().flatten() {
        let Some(name) = path.strip_prefix("node_modules/") else { continue };
        let word = |key: &str| package.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let folder = folder.join(path);
        if folder.is_dir() {
            let (version, license, integrity) = (word("version"), word("license"), word("integrity"));
            found.push(Script { name: name.to_owned(), version, license, integrity, folder });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_gives_edges() {
        let tree = "0 a v1.0.0 (/x)\n1 b v2.0.0\n2 c v3.0.0\n1 c v3.0.0 (*)\n1 d v4.0.0+z.1\n";
        let uses = edges(tree).unwrap();
        let key = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(uses.len(), 4);
        assert_eq!(uses[&key("a", "1.0.0")].len(), 3);
        assert!(uses[&key("b", "2.0.0")].contains(&key("c", "3.0.0")));
        assert!(uses[&key("c", "3.0.0")].is_empty());
        assert!(edges("b v2").is_err());
    }
}
