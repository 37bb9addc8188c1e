//! House keeping: `cargo xtask tidy | fuzz | score | dist`. Logic lives here, not in the Makefile.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool for the terminal that starts cargo and others"
)]

use std::process::ExitCode;

use anyhow::{Result, bail};

mod dist;
mod fuzz;
mod score;
mod tidy;
mod tools;

const USAGE: &str = "usage: cargo xtask tidy | fuzz [--seconds N] [--target T] | score [--tier P|N] [--only ID] | dist";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether what was asked for went well; an error where it could not be done at all.
fn run(words: &[String]) -> Result<bool> {
    let Some((verb, words)) = words.split_first() else { bail!(USAGE) };
    match verb.as_str() {
        "tidy" => tidy::run(&root()?).map(|()| true),
        "fuzz" => fuzz::run(&root()?, words),
        "score" => score::run(&root()?, words),
        "dist" => dist::run(&root()?, words),
        other => bail!("{USAGE} (not {other})"),
    }
}

/// The root of the checkout: the folder above this crate.
fn root() -> Result<std::path::PathBuf> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(std::path::Path::to_owned).ok_or_else(|| anyhow::anyhow!("no folder above {}", here.display()))
}
