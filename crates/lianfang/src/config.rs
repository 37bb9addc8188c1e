//! The configuration tree of a centre: each room owns its branch; unknown keys are refused; the default works.

use std::path::{Path, PathBuf};

use runtime::ConfigError;
use runtime::logs::LogConfig;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tree {
    /// Where the portal and the API listen.
    pub(crate) listen: String,
    /// Where sensors and enforcement points report (mutual TLS).
    pub(crate) listen_machines: String,
    /// Further names and addresses for the server certificate; localhost, loopback and the host name are always in it.
    pub(crate) names: Vec<String>,
    /// The address that machines are told; made from the host name and `listen_machines` when empty.
    pub(crate) machine_url: String,
    /// Seconds given to open work at stop.
    pub(crate) stop_seconds: u64,
    /// Log lines.
    pub(crate) log: LogConfig,
    /// State.
    pub(crate) store: StoreBranch,
    /// The durable log of what came in.
    pub(crate) journal: JournalBranch,
    /// Sign-in, sessions, passwords.
    pub(crate) access: access::Settings,
    /// Enforcement.
    pub(crate) edge: edge::Settings,
    /// Attack history: how long it is kept, known benign scanners.
    pub(crate) sensor: sensor::Settings,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8443".to_owned(),
            listen_machines: "127.0.0.1:8444".to_owned(),
            names: Vec::new(),
            machine_url: String::new(),
            stop_seconds: 10,
            log: LogConfig::default(),
            store: StoreBranch::default(),
            journal: JournalBranch::default(),
            access: access::Settings::default(),
            edge: edge::Settings::default(),
            sensor: sensor::Settings::default(),
        }
    }
}

/// Where state is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreBranch {
    /// Empty: SQLite in the data folder. Otherwise PostgreSQL, `postgres://user@host/db`.
    pub(crate) url: String,
}

/// How much the journal may take.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct JournalBranch {
    /// The most it takes on disk, megabytes; senders hear 429 before it is exceeded.
    pub(crate) max_megabytes: u64,
    /// Free space that is never used, megabytes.
    pub(crate) keep_free_megabytes: u64,
}

impl Default for JournalBranch {
    fn default() -> Self {
        Self { max_megabytes: 8_192, keep_free_megabytes: 512 }
    }
}

/// Reads the tree: defaults < file < environment < flags.
pub(crate) fn load(file: Option<&Path>, flags: &[(String, String)]) -> Result<Tree, Failure> {
    let file: Option<PathBuf> = file.map(Path::to_owned);
    runtime::load_config(file.as_deref(), std::env::vars(), flags).map_err(|error: ConfigError| Failure::config(&error))
}

/// The tree as a file that could be read again.
pub(crate) fn text(tree: &Tree) -> String {
    // A tree of plain values always has a text form.
    toml::to_string_pretty(tree).unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_default_is_a_valid_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text(&Tree::default())).unwrap();
        let again: Tree = runtime::load_config(Some(file.path()), [], &[]).unwrap();
        assert_eq!(text(&again), text(&Tree::default()));
    }

    #[test]
    fn a_wrong_key_is_78() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "lisen = 'x'\n").unwrap();
        assert!(format!("{:?}", load(Some(file.path()), &[]).unwrap_err()).contains("status: 78"));
    }
}
