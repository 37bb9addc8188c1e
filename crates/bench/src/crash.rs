//! T25: the crash test, run as it stands among the tests.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::Bench;
use crate::report::{Row, Verdict};

/// The test that kills the centre while lines come in.
const TEST: &str = "kill_nine_loses_and_doubles_nothing";

/// T25.
pub(crate) fn kills(bench: &Bench) -> Result<Row> {
    let kills = bench.pick(40, 8);
    let skips = bench.root.join("target/testkit/skipped.txt");
    let skipped = || std::fs::read_to_string(&skips).unwrap_or_default().lines().count();
    let before = skipped();
    let words = ["900", "cargo", "test", "--package", "lianfang", "--test", "it", TEST, "--", "--nocapture"];
    let mut command = Command::new("timeout");
    let output = command.args(words).env("LIANFANG_KILLS", kills.to_string()).current_dir(&bench.root).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !said.contains("1 passed") {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let last: Vec<&str> = errors.lines().chain(said.lines()).rev().take(6).collect();
        ensure!(output.status.code() != Some(124), "the test did not end within 900 s");
        return Ok(Row::new("T25", false, "the crash test fails".to_owned()).note(last.join(" / ")));
    }
    let seed = said.lines().find(|line| line.starts_with("LIANFANG_KILLS")).unwrap_or_default();
    let without = skipped() > before;
    let databases = if without { "SQLite" } else { "SQLite and on PostgreSQL" };
    let mut row = Row::new("T25", true, format!("0 lost, 0 doubled after {kills} kills on {databases}"))
        .note(format!("`{seed} cargo test -p lianfang --test it {TEST}` (debug build): four senders post parts of 100 lines, SIGKILL falls at random moments (at least half of them meet a part under way), after each restart what was acknowledged since the last kill and some of what was before is sent again, at the end all of it, and every line must be known; every event is there once. The other half of the target, a full disk and a stepping clock, is not in this row; the rooms journal, store and access test them."));
    row.verdict = Verdict::Partly;
    Ok(row)
}
