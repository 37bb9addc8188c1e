//! `cargo xtask fuzz`: every parser of foreign bytes under libFuzzer, for a few seconds each, on the stable compiler.
//!
//! The targets stand in `fuzz/`, a workspace of its own with its own lock file and target folder, because everything in
//! it is built with LLVM's coverage counters. Inputs that reach new places are kept in `fuzz/target/found` and used by
//! the next run; the committed seeds in `fuzz/corpus` are only read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::tools::{cargo, host, options};

/// What makes LLVM count edges and show libFuzzer both sides of comparisons.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// Longest input. Longer ones repeat what shorter ones do, more slowly.
const LONGEST: u32 = 4_096;
/// One input may take so many seconds; parsers take microseconds, but a busy machine may stop a process for a while.
const TIMEOUT: u32 = 2;
/// The most memory of a target, megabytes: what a parser makes of a few kilobytes is far below.
const MEMORY: u32 = 512;

/// How a target ended.
struct Outcome {
    target: String,
    runs: String,
    /// The input that fails and what was said about it; none when all is well.
    crash: Option<(PathBuf, String)>,
}

/// Builds the targets and runs them: `[--seconds N] [--target T]`, seconds also by `FUZZ_SECONDS`. Gives whether every
/// input passed.
///
/// # Errors
/// The targets do not build, or a name is unknown.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<bool> {
    let options = options(words, &["seconds", "target"])?;
    let from_environment = std::env::var("FUZZ_SECONDS").ok().filter(|text| !text.is_empty());
    let seconds = options.get("seconds").cloned().or(from_environment).unwrap_or_else(|| "5".to_owned());
    let seconds: u32 = seconds.parse().with_context(|| format!("seconds: {seconds}"))?;
    let folder = root.join("fuzz");
    let targets = targets(&folder, options.get("target").map(String::as_str))?;
    let programs = build(&folder)?;

    let waiting = Mutex::new(targets.iter());
    let outcomes = Mutex::new(BTreeMap::new());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let outcome = attempt(&folder, &programs, target, seconds);
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.insert(target, outcome);
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    Ok(report(&outcomes.into_values().collect::<Result<Vec<_>>>()?))
}

/// The names of the targets: every file in `fuzz/targets`, or the one that was asked for.
fn targets(folder: &Path, only: Option<&str>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    if let Some(only) = only {
        if !names.iter().any(|name| name == only) {
            bail!("no target {only}; there are: {}", names.join(", "));
        }
        names.retain(|name| name == only);
    }
    Ok(names)
}

/// Builds every target; gives the folder of the programs. Naming the host keeps the flags from build scripts.
fn build(folder: &Path) -> Result<PathBuf> {
    let host = host()?;
    let status = Command::new(cargo())
        .args(["build", "--quiet", "--release", "--locked", "--bins", "--target", &host])
        .arg("--target-dir")
        .arg(folder.join("target"))
        .current_dir(folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", FLAGS)
        .status()?;
    if !status.success() {
        bail!(
            "the targets do not build; where fuzz/Cargo.lock is behind: cargo update --workspace --manifest-path fuzz/Cargo.toml"
        );
    }
    Ok(folder.join("target").join(host).join("release"))
}

fn attempt(folder: &Path, programs: &Path, target: &str, seconds: u32) -> Result<Outcome> {
    let found = folder.join("target/found").join(target);
    let crashes = folder.join("target/crashes").join(target);
    // A crash of an earlier run says nothing about this one; whoever wants to keep it makes it a seed.
    if crashes.exists() {
        fs::remove_dir_all(&crashes)?;
    }
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&crashes)?;
    let seeds = folder.join("corpus").join(target);
    if !seeds.is_dir() {
        bail!("{target} has no seeds in {}", seeds.display());
    }
    let output = Command::new(programs.join(target))
        .args([&found, &seeds])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg("-print_final_stats=1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .with_context(|| format!("{target} cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let runs = runs.map_or_else(|| "?".to_owned(), |number| number.trim().to_owned());
    let crash = (!output.status.success()).then(|| {
        let input = fs::read_dir(&crashes).ok().and_then(|mut files| files.next()?.ok()).map(|file| file.path());
        (input.unwrap_or_else(|| PathBuf::from("(no input)")), why(&said))
    });
    Ok(Outcome { target: target.to_owned(), runs, crash })
}

/// What a panic or libFuzzer said: the lines from the first complaint on, without libFuzzer's progress.
fn why(said: &str) -> String {
    let complaint = |line: &&str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
    let lines: Vec<&str> = said.lines().skip_while(|line| !complaint(line)).take(5).collect();
    if lines.is_empty() { said.lines().last().unwrap_or("it said nothing").to_owned() } else { lines.join("\n    ") }
}

fn report(outcomes: &[Outcome]) -> bool {
    println!("{:<20} {:>12}  result", "target", "runs");
    for Outcome { target, runs, crash } in outcomes {
        println!("{target:<20} {runs:>12}  {}", if crash.is_some() { "FAILED" } else { "ok" });
    }
    let mut failed = 0;
    for outcome in outcomes {
        if let Some((input, why)) = &outcome.crash {
            failed += 1;
            println!("{}: {}\n    {why}", outcome.target, input.display());
        }
    }
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    failed == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_declared_and_has_seeds() {
        let folder = crate::root().unwrap().join("fuzz");
        let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
        let declared: Vec<&str> =
            manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
        assert_eq!(targets(&folder, None).unwrap(), declared);
        for name in declared {
            assert!(fs::read_dir(folder.join("corpus").join(name)).unwrap().next().is_some(), "{name}");
        }
        assert!(targets(&folder, Some("no-such")).is_err());
    }

    #[test]
    fn the_complaint_is_found() {
        let said = "#1 INITED\nthread 'x' panicked at a.rs:1:1:\nboom\nstack\n";
        assert!(why(said).starts_with("thread 'x' panicked"));
        assert_eq!(why("a\nb"), "b");
    }

    #[test]
    fn a_crash_is_a_failure() {
        let outcome = |crash| Outcome { target: "t".to_owned(), runs: "1".to_owned(), crash };
        assert!(report(&[outcome(None)]));
        assert!(!report(&[outcome(None), outcome(Some((PathBuf::from("c"), "w".to_owned())))]));
    }
}
