//! What the verbs share: options, programs, the host.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Options of the form `--name value`; only those named are known.
///
/// # Errors
/// An unknown word, or an option without a value.
pub(crate) fn options(words: &[String], known: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").filter(|name| known.contains(name));
        let Some(name) = name else { bail!("unknown word {word}; known: --{}", known.join(", --")) };
        let Some(value) = words.next() else { bail!("--{name} needs a value") };
        found.insert(name.to_owned(), value.clone());
    }
    Ok(found)
}

/// What a program writes to its standard output.
///
/// # Errors
/// It cannot be started or fails; its own words go to standard error.
pub(crate) fn output<A: AsRef<OsStr>>(
    root: &Path,
    program: &str,
    words: impl IntoIterator<Item = A>,
) -> Result<String> {
    let output = Command::new(program)
        .args(words)
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Cargo as it was called, or the one of the path.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The triple of this machine, for example `x86_64-unknown-linux-gnu`.
///
/// # Errors
/// The compiler cannot be asked.
pub(crate) fn host() -> Result<String> {
    let text = output(Path::new("."), "rustc", ["-vV"])?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say its host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_options_with_values() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(options(&words("--a 1"), &["a"]).unwrap()["a"], "1");
        assert!(options(&words("--b 1"), &["a"]).is_err());
        assert!(options(&words("--a"), &["a"]).is_err());
        assert!(options(&words("a 1"), &["a"]).is_err());
    }
}
