//! Tests that the machine cannot run: said, counted, and refused when nothing may be skipped.

use anyhow::{Context as _, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

/// Says and counts (in `target/testkit/skipped.txt`) that a test was skipped because `what` is not on this machine.
///
/// # Panics
/// When `STRICT=1` allows no skip.
#[allow(clippy::expect_used, reason = "a skip that cannot be counted would go unseen")]
pub fn skip(what: &str) {
    assert!(std::env::var_os("STRICT").is_none_or(|v| v != "1"), "{what} is missing and STRICT=1 allows no skip");
    println!("skipped: {what}");
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let file = testkit_folder()
        .and_then(|folder| Ok(File::options().append(true).create(true).open(folder.join("skipped.txt"))?));
    writeln!(file.expect("the list of skipped tests"), "{what}: {name}").expect("the list of skipped tests");
}

/// The testkit's folder in the cargo target folder this test was built into.
pub(crate) fn testkit_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // Cargo notes its compiler in every target folder; the tag of a cache only in those it made itself.
    let target = program
        .ancestors()
        .find(|folder| folder.join(".rustc_info.json").exists())
        .context("the test does not lie in a cargo target folder")?;
    let folder = target.join("testkit");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
