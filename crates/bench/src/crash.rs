//! T25: the crash test, run as it stands among the tests.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::Bench;
use crate::report::Row;

/// The test that kills the centre while lines come in.
const TEST: &str = "kill_nine_loses_and_doubles_nothing";

/// T25.
pub(crate) fn kills(bench: &Bench) -> Result<Row> {
    let skips = bench.root.join("target/testkit/skipped.txt");
    let skipped = || std::fs::read_to_string(&skips).unwrap_or_default().lines().count();
    let before = skipped();
    let mut command = Command::new("timeout");
    command.args(["900", "cargo", "test", "--quiet", "--package", "lianfang", "--test", "it", TEST]);
    let output = command.current_dir(&bench.root).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(said.contains("1 passed"), "{said} {}", String::from_utf8_lossy(&output.stderr));
    let databases = if skipped() > before { "SQLite (no PostgreSQL here)" } else { "SQLite and PostgreSQL" };
    Ok(Row::new("T25", true, format!("0 lost, 0 doubled after 8 kills on each of {databases}"))
        .note(format!("`cargo test -p lianfang --test it {TEST}` (debug build): SIGKILL at eight different moments of the work while 48,000 lines come in, restart on the same folder, and at the end the exact union. A full disk and a stepping clock have tests of their own in the rooms journal and store.")))
}
