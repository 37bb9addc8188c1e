//! `cargo xtask score`: the scoreboard of reliability and security, proved again by the tests it names.
//!
//! The rows stand in `docs/security/scoreboard.toml`: what is promised, and the tests that hold the promise. A run
//! builds those tests, runs each alone, and writes `docs/security/scoreboard.md`. A row that was not run keeps the
//! result and the date of its last run; a test that is not there, was skipped or did not run makes its row red.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::tools::{options, output};

mod run;

use run::{Outcome, Programs};

const TABLE: &str = "docs/security/scoreboard.toml";
const RESULTS: &str = "docs/security/scoreboard.json";
const PAGE: &str = "docs/security/scoreboard.md";

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Board {
    row: Vec<Row>,
}

/// One promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// `R01` to `R18`, `S01` to `S22`.
    id: String,
    promise: String,
    /// What of the promise's target no proof covers yet; nothing when all of it is covered.
    #[serde(default)]
    missing: String,
    #[serde(default)]
    proof: Vec<Proof>,
}

/// A test, or several of one program, that hold a promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// Package and program of the tests: `journal`, `lianfang/it`, `lianfang/bin`.
    of: String,
    /// Names as `--list` gives them.
    tests: Vec<String>,
    /// Only in longer tiers: `N`.
    #[serde(default)]
    tier: Tier,
    /// Environment of the run: how many kills, which seed.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// What that amounts to, in words: `60 kills on each database`.
    #[serde(default)]
    count: String,
}

/// When a proof is run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum Tier {
    /// With every push.
    #[default]
    P,
    /// By hand, at night.
    N,
}

/// What the last run of a row found.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
struct Last {
    tier: String,
    passed: bool,
    /// Tests that ran and passed, with the counts of the table.
    ran: String,
    /// Why it did not pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
    date: String,
    commit: String,
}

/// Runs the rows of a tier: `[--tier P|N] [--only ID]`. Gives whether every row that was run passed.
///
/// # Errors
/// The table is not valid, or the tests do not build.
pub(crate) fn run(root: &Path, words: &[String]) -> Result<bool> {
    let options = options(words, &["tier", "only"])?;
    let tier = match options.get("tier").map_or("P", String::as_str) {
        "P" => Tier::P,
        "N" => Tier::N,
        other => bail!("--tier {other}: P or N"),
    };
    let board = Board::read(root)?;
    let only = options.get("only").map(String::as_str);
    ensure!(only.is_none_or(|id| board.row.iter().any(|row| row.id == id)), "no row {}", only.unwrap_or_default());
    let rows: Vec<&Row> = board.row.iter().filter(|row| only.is_none_or(|id| row.id == id)).collect();
    let packages: BTreeSet<&str> = rows.iter().flat_map(|row| &row.proof).map(Proof::package).collect();
    let programs = Programs::build(root, &packages)?;
    let mut results = read_results(root)?;
    let (date, commit) = (today(), commit(root)?);
    let mut all = true;
    for row in rows {
        let wanted: Vec<&Proof> = row.proof.iter().filter(|proof| proof.tier <= tier).collect();
        if wanted.is_empty() {
            continue;
        }
        let outcome = prove(&programs, &wanted);
        all &= outcome.passed();
        println!("{} {}: {}", row.id, if outcome.passed() { "holds" } else { "FAILED" }, outcome.words());
        let result = Last {
            tier: format!("{tier:?}"),
            passed: outcome.passed(),
            ran: outcome.ran(),
            why: outcome.why.join("; "),
            date: date.clone(),
            commit: commit.clone(),
        };
        results.insert(row.id.clone(), result);
        write(root, &board, &results)?;
    }
    write(root, &board, &results)?;
    println!("{PAGE} is written");
    Ok(all)
}

impl Board {
    fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(TABLE)).context(TABLE)?;
        let board: Self = toml::from_str(&text).context(TABLE)?;
        let ids: BTreeSet<&str> = board.row.iter().map(|row| row.id.as_str()).collect();
        ensure!(ids.len() == board.row.len(), "{TABLE}: a row stands twice");
        for id in (1..=18).map(|n| format!("R{n:02}")).chain((1..=22).map(|n| format!("S{n:02}"))) {
            ensure!(ids.contains(id.as_str()), "{TABLE}: row {id} is not there");
        }
        for row in &board.row {
            ensure!(
                !row.proof.is_empty() || !row.missing.is_empty(),
                "{TABLE}: {} has no proof and says not why",
                row.id
            );
            for proof in &row.proof {
                ensure!(!proof.tests.is_empty(), "{TABLE}: a proof of {} names no test", row.id);
            }
        }
        Ok(board)
    }
}

impl Proof {
    fn package(&self) -> &str {
        self.of.split('/').next().unwrap_or_default()
    }

    /// `lib`, `bin` or the name of a test program.
    fn program(&self) -> &str {
        self.of.split_once('/').map_or("lib", |(_, program)| program)
    }
}

fn prove(programs: &Programs, proofs: &[&Proof]) -> Outcome {
    let mut whole = Outcome::default();
    for proof in proofs {
        whole.add(programs.run(proof.package(), proof.program(), &proof.tests, &proof.env), &proof.count);
    }
    whole
}

fn read_results(root: &Path) -> Result<BTreeMap<String, Last>> {
    match fs::read(root.join(RESULTS)) {
        Ok(text) => serde_json::from_slice(&text).context(RESULTS),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).context(RESULTS),
    }
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// The commit that is proved; with a mark when files were changed since.
fn commit(root: &Path) -> Result<String> {
    let commit = output(root, "git", ["rev-parse", "--short=10", "HEAD"])?;
    let changed =
        output(root, "git", ["status", "--porcelain", "--untracked-files=no", "--", "crates", "xtask", "Cargo.lock"])?;
    Ok(format!("{}{}", commit.trim(), if changed.trim().is_empty() { "" } else { "+" }))
}

fn write(root: &Path, board: &Board, results: &BTreeMap<String, Last>) -> Result<()> {
    fs::write(root.join(RESULTS), format!("{}\n", serde_json::to_string_pretty(results)?)).context(RESULTS)?;
    fs::write(root.join(PAGE), page(board, results)?).context(PAGE)
}

/// The state of a row in one word.
fn state(row: &Row, result: Option<&Last>) -> &'static str {
    match result {
        _ if row.proof.is_empty() => "not yet",
        None => "not run",
        Some(result) if !result.passed => "**FAILED**",
        Some(_) if row.missing.is_empty() => "holds",
        Some(_) => "holds in part",
    }
}

fn page(board: &Board, results: &BTreeMap<String, Last>) -> Result<String> {
    let mut out = String::from(
        "# Scoreboard\n\nWritten by `cargo xtask score`; what is promised and which tests hold it stands in scoreboard.toml.\n\
         `cargo xtask score --tier P` runs with every push, `--tier N` by hand, `--only R01` one row. \
         A row that was not run keeps its last date. `holds in part`: the last column says what no test covers yet. \
         A commit with + had changes beside it.\n\n\
         | id | promise | state | run | date | commit | not covered |\n|---|---|---|---|---|---|---|\n",
    );
    for row in &board.row {
        let result = results.get(&row.id).filter(|_| !row.proof.is_empty());
        let (ran, date, commit) = result.map_or(("", "", ""), |r| (r.ran.as_str(), r.date.as_str(), r.commit.as_str()));
        let tier = result.map(|r| format!("{}: ", r.tier)).unwrap_or_default();
        let (id, promise, missing) = (&row.id, &row.promise, &row.missing);
        writeln!(out, "| {id} | {promise} | {} | {tier}{ran} | {date} | {commit} | {missing} |", state(row, result))?;
    }
    out.push_str("\n## The tests\n\n");
    for row in board.row.iter().filter(|row| !row.proof.is_empty()) {
        writeln!(out, "### {} {}\n", row.id, row.promise)?;
        for proof in &row.proof {
            let tier = if proof.tier == Tier::N { " (tier N)" } else { "" };
            let env: String = proof.env.iter().map(|(name, value)| format!("{name}={value} ")).collect();
            for test in &proof.tests {
                let target = match proof.program() {
                    "lib" => "--lib".to_owned(),
                    "bin" => "--bins".to_owned(),
                    test => format!("--test {test}"),
                };
                writeln!(out, "- `{env}cargo test -p {} {target} -- --exact {test}`{tier}", proof.package())?;
            }
        }
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
