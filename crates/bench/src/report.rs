//! Rows, their verdicts, and the page that they become.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Whether a row reached its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// Every part of the target was measured and reached.
    Met,
    /// A part was measured and not reached.
    Missed,
    /// What was measured reached the target; something of it was not measured.
    Partly,
    /// Nothing was measured, and why.
    NotRun(String),
}

/// One row of the table of targets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    id: String,
    /// The figure, in words of the table.
    pub(crate) figure: String,
    pub(crate) verdict: Verdict,
    /// The peer in the same run, or why there is none.
    pub(crate) peer: String,
    /// Where it matters: CPU-seconds.
    pub(crate) cpu: String,
    /// How it was measured and what was found.
    pub(crate) notes: Vec<String>,
    /// A table of its own, in Markdown.
    pub(crate) table: String,
    others: f64,
    quick: bool,
    at: String,
    machine: String,
}

impl Row {
    /// A measured row.
    pub(crate) fn new(id: &str, met: bool, figure: String) -> Self {
        let verdict = if met { Verdict::Met } else { Verdict::Missed };
        Self {
            id: id.to_owned(),
            figure,
            verdict,
            peer: "none".to_owned(),
            cpu: String::new(),
            notes: Vec::new(),
            table: String::new(),
            others: 0.0,
            quick: false,
            at: base::Env::system().now().rfc3339(),
            machine: String::new(),
        }
    }

    /// A row without a figure.
    pub(crate) fn not_run(id: &str, why: &str) -> Self {
        Self { verdict: Verdict::NotRun(why.to_owned()), ..Self::new(id, false, String::new()) }
    }

    /// Adds a sentence on how it was measured.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Marks what the machine did beside the row.
    pub(crate) fn taken(&mut self, others: f64, quick: bool) {
        (self.others, self.quick) = (others, quick);
    }

    /// The row on a terminal.
    pub(crate) fn line(&self) -> String {
        format!("{} {}: {} {}", self.id, self.word(), self.figure, self.marks())
    }

    fn word(&self) -> String {
        match &self.verdict {
            Verdict::Met => "met".to_owned(),
            Verdict::Missed => "**missed**".to_owned(),
            Verdict::Partly => "partly measured".to_owned(),
            Verdict::NotRun(why) => format!("not run: {why}"),
        }
    }

    /// What a reader must know before comparing: other work on the machine, less data.
    fn marks(&self) -> String {
        let mut marks = Vec::new();
        if self.others > 0.1 {
            marks.push(format!("other work used {:.0} % of the machine meanwhile", self.others * 100.0));
        }
        if self.quick {
            marks.push("--quick".to_owned());
        }
        if marks.is_empty() { String::new() } else { format!("({})", marks.join("; ")) }
    }

    fn target(&self) -> (&'static str, &'static str) {
        match self.id.as_str() {
            "T16" => ("directive issued -> enforced and proved by packet", "p99 < 500 ms"),
            "T18" => ("100 k-entry delta to nftables", "< 1 s"),
            "T20" => ("sensor event accepted -> finding visible", "p99 < 1 s"),
            "T21" => ("SSH authentication attempts of the honeypot", ">= 800/s/core; RSS <= 40 MB at 200 sessions"),
            "T22" => ("central sensor ingest, acknowledged", ">= 50 k events/s/core"),
            "T23" => ("idle centre", "RSS <= 150 MB, start <= 1 s, binary <= 150 MB"),
            "T24" => ("lists with 1 M events, 100 k indicators", "p95 <= 100 ms server time"),
            _ => ("kill -9 at any point", "0 acknowledged lost, 0 doubled"),
        }
    }
}

/// The last taking of every row, kept beside the page that is made of them, so that a run of one row keeps the others.
#[derive(Debug)]
pub(crate) struct Book {
    rows: BTreeMap<String, Row>,
    machine: String,
    kept: PathBuf,
    page: PathBuf,
}

impl Book {
    /// The rows of earlier runs. A file that is there and cannot be read is an error: the rows would be lost.
    pub(crate) fn open(root: &Path, machine: String) -> Result<Self> {
        let kept = root.join("docs/performance.json");
        let rows = match std::fs::read(&kept) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", kept.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| kept.display().to_string()),
        };
        Ok(Self { rows, machine, kept, page: root.join("docs/performance.md") })
    }

    /// Takes a row in and writes the page.
    pub(crate) fn put(&mut self, mut row: Row) -> Result<()> {
        row.machine.clone_from(&self.machine);
        // What could not be run takes no measurement away.
        let measured = self.rows.get(&row.id).is_some_and(|kept| !matches!(kept.verdict, Verdict::NotRun(_)));
        if !(measured && matches!(row.verdict, Verdict::NotRun(_))) {
            self.rows.insert(row.id.clone(), row);
        }
        for (path, text) in
            [(&self.kept, format!("{}\n", serde_json::to_string_pretty(&self.rows)?)), (&self.page, self.text()?)]
        {
            // As a whole: whoever is stopped in the middle leaves the old one.
            let beside = path.with_extension("new");
            std::fs::write(&beside, text)?;
            std::fs::rename(&beside, path)?;
        }
        Ok(())
    }

    fn text(&self) -> Result<String> {
        let mut out = String::from(
            "# Performance\n\nWritten by `make bench`; every figure is measured from outside against the release build. \
             `house/bench --only T22` repeats one row, `house/bench --quick` all of them with less data. \
             The peer stands in the same run where it can be had.\n\n",
        );
        out.push_str(
            "| id | what | target | figure | result | peer, same run | CPU |\n|---|---|---|---|---|---|---|\n",
        );
        for row in self.rows.values() {
            let (what, target) = row.target();
            let figure = format!("{} {}", row.figure, row.marks());
            let (peer, cpu) = (&row.peer, &row.cpu);
            writeln!(out, "| {} | {what} | {target} | {} | {} | {peer} | {cpu} |", row.id, figure.trim(), row.word())?;
        }
        for row in self.rows.values() {
            write!(out, "\n## {} {}\n\n", row.id, row.target().0)?;
            writeln!(out, "Repeat: `house/bench --only {}`. Taken {}. {}\n", row.id, row.at, row.marks())?;
            writeln!(out, "- Machine: {}.", row.machine)?;
            for note in &row.notes {
                writeln!(out, "- {note}")?;
            }
            if !row.table.is_empty() {
                write!(out, "\n{}", row.table)?;
            }
        }
        Ok(out)
    }
}

/// Durations of one thing, many times.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort_unstable();
    }

    /// How many.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The nearest-rank percentile in milliseconds.
    pub(crate) fn at(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(rank).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }

    /// `p50 3 ms, p99 9 ms, most 12 ms of 50`.
    pub(crate) fn words(&self) -> String {
        let (p50, p99, most) = (self.at(50), self.at(99), self.at(100));
        format!("p50 {p50:.1} ms, p99 {p99:.1} ms, most {most:.1} ms of {}", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut times = Times::default();
        for ms in (1..=200).rev() {
            times.push(Duration::from_millis(ms));
        }
        assert_eq!((times.at(50), times.at(95), times.at(99), times.at(100)), (100.0, 190.0, 198.0, 200.0));
        assert!(Times::default().at(50).is_nan());
    }

    #[test]
    fn other_work_and_missing_rows_are_said() {
        let mut row = Row::new("T22", true, "60,000/s".to_owned());
        assert_eq!(row.line().trim(), "T22 met: 60,000/s");
        row.taken(0.4, true);
        assert!(row.line().contains("40 %") && row.line().contains("--quick"));
        assert!(Row::not_run("T16", "not root").line().contains("not run: not root"));
    }

    #[test]
    fn a_run_of_one_row_keeps_the_others_and_says_where_each_was_taken() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        let take = |id: &str, machine: &str| {
            let mut book = Book::open(root.path(), machine.to_owned()).unwrap();
            book.put(Row::new(id, true, "1 s".to_owned())).unwrap();
            std::fs::read_to_string(root.path().join("docs/performance.md")).unwrap()
        };
        assert!(take("T22", "the old one").contains("| T22 |"));
        let page = take("T23", "the new one");
        assert!(
            page.contains("## T22")
                && page.contains("- Machine: the old one.")
                && page.contains("- Machine: the new one.")
        );
        let mut book = Book::open(root.path(), "m".to_owned()).unwrap();
        book.put(Row::not_run("T22", "not root")).unwrap();
        assert!(!std::fs::read_to_string(root.path().join("docs/performance.md")).unwrap().contains("not root"));
        std::fs::write(root.path().join("docs/performance.json"), "{").unwrap();
        assert!(Book::open(root.path(), String::new()).is_err(), "rows are not lost silently");
    }
}
