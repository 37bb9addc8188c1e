//! House keeping: `cargo xtask tidy | dist | bench | fuzz | crash`. Logic lives here, not in the Makefile.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool for the terminal that starts cargo and others")]

use anyhow::{Result, bail};

mod tidy;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => tidy::run(&root()?),
        other => bail!("usage: cargo xtask tidy (not {})", other.unwrap_or("nothing")),
    }
}

/// The root of the checkout: the folder above this crate.
fn root() -> Result<std::path::PathBuf> {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(std::path::Path::to_owned).ok_or_else(|| anyhow::anyhow!("no folder above {}", here.display()))
}
