//! `cargo xtask dist`: what is handed out, in `target/dist`: stripped programs, Debian packages, bills of materials, sums.
//!
//! The same commit gives the same bytes: times come from `SOURCE_DATE_EPOCH` or the last commit, and no path of the
//! machine is built in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::tools::{cargo, host, options, output};

mod graph;
mod notices;
mod package;
mod sbom;

/// The programs; each is a package of its own. They are built one after the other: together, the small one would get
/// the features that the large one asks of their common rooms.
const PROGRAMS: [&str; 2] = ["lianfang", "lianfang-node"];

/// What every step needs.
pub(crate) struct Release {
    root: PathBuf,
    out: PathBuf,
    /// The triple of this machine.
    host: String,
    version: String,
    /// Seconds since 1970 that stand in archives.
    epoch: i64,
}

/// Builds everything and prints the sizes.
///
/// # Errors
/// A program is missing or fails; a file cannot be written.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<bool> {
    options(words, &[])?;
    let release = Release::of(root)?;
    if release.out.exists() {
        fs::remove_dir_all(&release.out)?;
    }
    fs::create_dir_all(&release.out)?;
    for program in PROGRAMS {
        build(&release, program)?;
    }
    let metadata = graph::Metadata::read(&release)?;
    for program in PROGRAMS {
        let shipped = metadata.shipped(&release, program)?;
        let bill = release.out.join(format!("{program}.cdx.json"));
        fs::write(&bill, sbom::text(&release, program, &shipped)?)?;
        let notices = notices::text(&release.root, &shipped)?;
        match package::architecture(&release.host) {
            Some(architecture) if package::available() => {
                package::build(&release, program, architecture, &bill, &notices)?;
            }
            _ => println!("no package of {program}: dpkg-deb is not here, or Debian has no name for {}", release.host),
        }
    }
    sums(&release.out)
}

impl Release {
    fn of(root: &Path) -> Result<Self> {
        let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
        let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
        let version = package.and_then(|package| package.get("version")).and_then(toml::Value::as_str);
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) if !text.is_empty() => text,
            _ => output(root, "git", ["log", "-1", "--format=%ct"])?,
        };
        Ok(Self {
            root: root.to_owned(),
            out: root.join("target/dist"),
            host: host()?,
            version: version.context("the workspace has no version")?.to_owned(),
            epoch: epoch.trim().parse().context("SOURCE_DATE_EPOCH is no number of seconds")?,
        })
    }

    /// The time of the release (RFC 3339).
    fn time(&self) -> Result<String> {
        Ok(jiff::Timestamp::from_second(self.epoch)?.to_string())
    }
}

/// Builds one program and puts it, stripped, into the output folder.
fn build(release: &Release, program: &str) -> Result<()> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))?;
    let root = release.root.display().to_string();
    let status = Command::new(cargo())
        .args(["build", "--release", "--locked", "--package", program, "--bin", program])
        .current_dir(&release.root)
        .env_remove("RUSTFLAGS")
        // Its separator lets paths hold spaces.
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            format!("--remap-path-prefix={root}=lianfang\u{1f}--remap-path-prefix={home}=cargo"),
        )
        .env("SOURCE_DATE_EPOCH", release.epoch.to_string())
        .status()?;
    if !status.success() {
        bail!("{program} does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| release.root.join("target"), PathBuf::from);
    let made = target.join("release").join(program);
    let stripped = release.out.join(program);
    let words = ["--strip-all".as_ref(), "-o".as_ref(), stripped.as_os_str(), made.as_os_str()];
    output(&release.root, "strip", words)?;
    let bytes = fs::read(&stripped)?;
    for path in [root, home] {
        // Another build of the same profile with other flags puts its program in the same place.
        if bytes.windows(path.len()).any(|window| window == path.as_bytes()) {
            bail!("{program} holds the path {path}: was it built by another command at the same moment?");
        }
    }
    Ok(())
}

/// Writes the sums and prints names with sizes.
fn sums(out: &Path) -> Result<bool> {
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let mut text = String::new();
    for name in &names {
        let bytes = fs::read(out.join(name))?;
        println!("{:>12}  {name}", bytes.len());
        text.push_str(&format!("{}  {name}\n", hex::encode(Sha256::digest(&bytes))));
    }
    fs::write(out.join("SHA256SUMS"), text)?;
    println!("written to {}", out.display());
    Ok(true)
}
