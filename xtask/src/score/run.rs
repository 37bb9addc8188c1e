//! The test programs: built once, each test of a proof run by its exact name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tools::cargo;

/// The programs of some packages.
#[derive(Debug, Default)]
pub(super) struct Programs {
    root: PathBuf,
    /// By package and `lib`, `bin` or the name of the test program.
    found: BTreeMap<(String, String), Vec<PathBuf>>,
}

/// What a proof's tests did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) tests: usize,
    pub(super) counts: Vec<String>,
    /// What went wrong; nothing when all passed.
    pub(super) why: Vec<String>,
}

impl Outcome {
    pub(super) fn passed(&self) -> bool {
        self.why.is_empty() && self.tests > 0
    }

    /// `3 tests, 60 kills`.
    pub(super) fn ran(&self) -> String {
        let tests = if self.tests == 1 { "1 test".to_owned() } else { format!("{} tests", self.tests) };
        std::iter::once(tests).chain(self.counts.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn words(&self) -> String {
        if self.passed() { self.ran() } else { self.why.join("; ") }
    }

    pub(super) fn add(&mut self, other: Self, count: &str) {
        self.tests += other.tests;
        if !count.is_empty() && other.passed() {
            self.counts.push(count.to_owned());
        }
        self.why.extend(other.why);
    }
}

impl Programs {
    /// Builds the test programs of some packages.
    pub(super) fn build(root: &Path, packages: &BTreeSet<&str>) -> Result<Self> {
        let mut command = Command::new(cargo());
        command.args(["test", "--no-run", "--message-format=json-render-diagnostics", "--workspace"]).current_dir(root);
        let output = command.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
        if !output.status.success() {
            bail!("the tests do not build");
        }
        let mut programs = Self { root: root.to_owned(), ..Self::default() };
        for line in String::from_utf8(output.stdout)?.lines() {
            programs.note(&serde_json::from_str(line)?, packages);
        }
        Ok(programs)
    }

    /// Takes one message of cargo in, when it is a test program of the packages.
    fn note(&mut self, message: &Value, packages: &BTreeSet<&str>) {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let (Some(program), Some(id)) = (text("/executable"), text("/package_id")) else { return };
        if message.pointer("/profile/test") != Some(&Value::Bool(true)) {
            return;
        }
        // `path+file:///…/crates/journal#0.1.0` or `…#name@0.1.0`.
        let (path, version) = id.rsplit_once('#').unwrap_or((id, ""));
        let package = version.split_once('@').map_or_else(|| path.rsplit('/').next().unwrap_or(""), |(name, _)| name);
        if !packages.contains(package) {
            return;
        }
        let kind = match text("/target/kind/0") {
            Some("test") => text("/target/name").unwrap_or_default(),
            Some("bin") => "bin",
            _ => "lib",
        };
        self.found.entry((package.to_owned(), kind.to_owned())).or_default().push(PathBuf::from(program));
    }

    /// Runs tests by their exact names, one after the other.
    pub(super) fn run(
        &self,
        package: &str,
        kind: &str,
        tests: &[String],
        env: &BTreeMap<String, String>,
        seconds: u32,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let none = Vec::new();
        let programs = self.found.get(&(package.to_owned(), kind.to_owned())).unwrap_or(&none);
        let folder = self.root.join("crates").join(package);
        for test in tests {
            match programs
                .iter()
                .map(|program| attempt(program, &folder, test, env, seconds))
                .find(|said| *said != Said::Absent)
            {
                Some(Said::Passed) => outcome.tests += 1,
                Some(Said::Failed(why)) => outcome.why.push(format!("{package}/{kind} {test}: {why}")),
                Some(Said::Absent) | None => outcome.why.push(format!("{package}/{kind} has no test {test}")),
            }
        }
        outcome
    }
}

/// What one program said about a test.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Passed,
    Failed(String),
    Absent,
}

fn attempt(program: &Path, folder: &Path, test: &str, env: &BTreeMap<String, String>, seconds: u32) -> Said {
    let mut command = Command::new("timeout");
    command.arg(seconds.to_string()).arg(program).args(["--exact", test, "--nocapture"]).current_dir(folder);
    match command.envs(env).stderr(Stdio::piped()).output() {
        Ok(output) => {
            let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            // What `timeout` ends with when the time is over.
            if output.status.code() == Some(124) {
                return Said::Failed(format!("it did not end within {seconds} s"));
            }
            verdict(output.status.success(), &said, &errors)
        }
        Err(error) => Said::Failed(format!("it cannot be started: {error}")),
    }
}

/// Reads what the test program printed. A test that skipped itself has proved nothing.
fn verdict(success: bool, said: &str, errors: &str) -> Said {
    if success && said.contains("running 0 tests") {
        return Said::Absent;
    }
    if let Some(what) = said.lines().find_map(|line| line.split_once("skipped: ").map(|(_, what)| what)) {
        return Said::Failed(format!("it skipped itself: {what}"));
    }
    if success && said.contains("test result: ok. 1 passed") {
        return Said::Passed;
    }
    let panic = errors.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
    Said::Failed(panic.unwrap_or("it did not pass").trim().chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_test_that_ran_passes() {
        let passed = "\nrunning 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored";
        assert_eq!(verdict(true, passed, ""), Said::Passed);
        assert_eq!(verdict(true, "running 0 tests\n\ntest result: ok. 0 passed", ""), Said::Absent);
        let skipped = "running 1 test\nskipped: PostgreSQL\ntest a ... ok\ntest result: ok. 1 passed";
        assert!(matches!(verdict(true, skipped, ""), Said::Failed(why) if why.contains("PostgreSQL")));
        let ignored = "running 1 test\ntest a ... ignored\ntest result: ok. 0 passed; 0 failed; 1 ignored";
        assert!(matches!(verdict(true, ignored, ""), Said::Failed(_)));
        let errors = "thread 'a' panicked at x.rs:1:\nleft is not right\nnote: more";
        assert_eq!(verdict(false, "running 1 test", errors), Said::Failed("left is not right".to_owned()));
    }

    #[test]
    fn cargo_names_programs_in_two_ways() {
        let mut programs = Programs::default();
        let packages = BTreeSet::from(["journal", "xtask"]);
        for (id, kind, name) in [
            ("path+file:///w/crates/journal#0.1.0", "lib", "journal"),
            ("path+file:///w/other#journal@0.1.0", "test", "it"),
            ("path+file:///w/crates/store#0.1.0", "lib", "store"),
        ] {
            let message = serde_json::json!({"executable": "/x", "package_id": id, "profile": {"test": true},
                "target": {"kind": [kind], "name": name}});
            programs.note(&message, &packages);
        }
        let keys: Vec<String> = programs.found.keys().map(|(package, kind)| format!("{package}/{kind}")).collect();
        assert_eq!(keys, ["journal/it", "journal/lib"]);
        let outcome = programs.run("journal", "bin", &["a".to_owned()], &BTreeMap::new(), 1);
        assert!(!outcome.passed() && outcome.words().contains("no test a"));
    }
}
