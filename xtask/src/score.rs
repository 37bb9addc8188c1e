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
use sha2::{Digest as _, Sha256};

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
#[derive(Debug, Serialize, Deserialize)]
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
    /// The most seconds that one of the tests may take.
    #[serde(default = "Proof::seconds")]
    seconds: u32,
}

/// When a proof is run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Tier {
    /// With every push.
    #[default]
    P,
    /// By hand, at night.
    N,
}

/// The last run of each row in each tier.
type Results = BTreeMap<String, BTreeMap<String, Last>>;

/// What the last run of a row in a tier found.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
struct Last {
    /// SHA-256 of the proofs as they stood: a result does not outlive what it is a result of.
    proofs: String,
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
    let (date, commit) = (today(), commit(root)?);
    let mut ran: Vec<bool> = Vec::new();
    for row in rows {
        let wanted = row.wanted(tier);
        if wanted.is_empty() {
            continue;
        }
        let outcome = prove(&programs, &wanted);
        ran.push(outcome.passed());
        println!("{} {}: {}", row.id, if outcome.passed() { "holds" } else { "FAILED" }, outcome.words());
        let result = Last {
            proofs: row.proofs(tier)?,
            passed: outcome.passed(),
            ran: outcome.ran(),
            why: outcome.why.join("; "),
            date: date.clone(),
            commit: commit.clone(),
        };
        // Read anew each time: a longer run may be under way beside this one.
        let mut results = read_results(root)?;
        results.entry(row.id.clone()).or_default().insert(format!("{tier:?}"), result);
        write(root, &board, &results)?;
    }
    write(root, &board, &read_results(root)?)?;
    println!("{PAGE} is written");
    // The databases that the tests started.
    let stop = ["run", "--quiet", "--package", "testkit", "--bin", "stop-postgres"];
    output(root, &crate::tools::cargo(), stop)?;
    ensure!(!ran.is_empty(), "nothing was run: the row has no proof in this tier");
    Ok(ran.iter().all(|passed| *passed))
}

impl Row {
    /// The proofs of a tier, and of the shorter ones.
    fn wanted(&self, tier: Tier) -> Vec<&Proof> {
        self.proof.iter().filter(|proof| proof.tier <= tier).collect()
    }

    /// What a result of the tier is a result of.
    fn proofs(&self, tier: Tier) -> Result<String> {
        Ok(hex::encode(Sha256::digest(serde_json::to_vec(&self.wanted(tier))?)))
    }

    /// The results that still stand, by tier.
    fn standing<'a>(&self, results: &'a Results) -> Result<Vec<(&'static str, &'a Last)>> {
        let mut found = Vec::new();
        for (tier, word) in [(Tier::P, "P"), (Tier::N, "N")] {
            let last = results.get(&self.id).and_then(|tiers| tiers.get(word));
            let proofs = self.proofs(tier)?;
            found.extend(last.filter(|last| last.proofs == proofs && !self.proof.is_empty()).map(|last| (word, last)));
        }
        Ok(found)
    }
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
    const fn seconds() -> u32 {
        900
    }

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
        whole
            .add(programs.run(proof.package(), proof.program(), &proof.tests, &proof.env, proof.seconds), &proof.count);
    }
    whole
}

fn read_results(root: &Path) -> Result<Results> {
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
    let apart = [RESULTS, PAGE].map(|file| format!(":(exclude){file}"));
    let words = ["status", "--porcelain", "--", "."].into_iter().chain(apart.iter().map(String::as_str));
    let changed = output(root, "git", words)?;
    Ok(format!("{}{}", commit.trim(), if changed.trim().is_empty() { "" } else { "+" }))
}

fn write(root: &Path, board: &Board, results: &Results) -> Result<()> {
    whole(&root.join(RESULTS), &format!("{}\n", serde_json::to_string_pretty(results)?)).context(RESULTS)?;
    whole(&root.join(PAGE), &page(board, results)?).context(PAGE)
}

/// Replaces a file as a whole: whoever is stopped in the middle leaves the old one.
fn whole(path: &Path, text: &str) -> Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)?;
    Ok(fs::rename(&beside, path)?)
}

/// The state of a row in a word or two: as bad as the worst of what stands.
fn state(row: &Row, standing: &[(&'static str, &Last)]) -> &'static str {
    match standing {
        _ if row.proof.is_empty() => "not yet",
        [] => "not run",
        some if some.iter().any(|(_, last)| !last.passed) => "**FAILED**",
        _ if row.missing.is_empty() => "holds",
        _ => "holds in part",
    }
}

fn page(board: &Board, results: &Results) -> Result<String> {
    let mut out = String::from(
        "# Scoreboard\n\nWritten by `cargo xtask score`; what is promised and which tests hold it stands in scoreboard.toml.\n\
         `cargo xtask score --tier P` runs with every push, `--tier N` by hand, `--only R01` one row. \
         A row that was not run keeps its last date. `holds in part`: the last column says what no test covers yet. \
         A commit with + had changes beside it.\n\n\
         | id | promise | state | run | date | commit | not covered |\n|---|---|---|---|---|---|---|\n",
    );
    for row in &board.row {
        let standing = row.standing(results)?;
        let each = |text: &dyn Fn(&'static str, &Last) -> String| {
            standing.iter().map(|(tier, last)| text(tier, last)).collect::<Vec<_>>().join("; ")
        };
        let ran =
            each(&|tier, last| format!("{tier}: {}{}", last.ran, if last.passed { "" } else { " before it failed" }));
        let (date, commit) = (each(&|_, last| last.date.clone()), each(&|_, last| last.commit.clone()));
        let (id, promise, missing) = (&row.id, &row.promise, &row.missing);
        writeln!(out, "| {id} | {promise} | {} | {ran} | {date} | {commit} | {missing} |", state(row, &standing))?;
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
