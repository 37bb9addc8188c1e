//! What an installation is like: its files, settings and host examined, and the government baseline answered measure by
//! measure. Needs no running centre and changes nothing: no file is made or written, no lock is taken, no database is
//! opened, no connection is made.
//!
//! **Enters:** a data folder, settings, `/proc`. **Leaves:** [`Check`]s and [`Answer`]s, in zh-TW and English.
//!
//! # Invariants
//! - What cannot be seen is said to be unknown, never taken for sound.
//! - A measure is met only where a test that exists proves it, or a setting that was found.

mod baseline;
mod checks;
mod say;

pub use baseline::{Answer, Aspect, Level, Status, Who, answer, source};
pub use checks::{Check, Word, examine};
pub use say::Say;

use std::path::Path;

use base::Timestamp;

/// What is examined.
#[derive(Debug, Clone, Copy)]
pub struct Installation<'a> {
    /// The data folder; it need not be there.
    pub data: &'a Path,
    /// The configuration file that was named.
    pub config: Option<&'a Path>,
    /// Where the portal and the API listen.
    pub listen: &'a str,
    /// Where machines report.
    pub listen_machines: &'a str,
    /// Empty or `sqlite`: the file in the data folder. Else how PostgreSQL is reached.
    pub store: &'a str,
    /// The most bytes the journal takes.
    pub journal_most: u64,
    /// Bytes of the disk that stay free.
    pub keep_free: u64,
    /// Sign-in, sessions, passwords.
    pub access: &'a access::Settings,
    /// How long attack history is kept.
    pub sensor: &'a sensor::Settings,
    /// When.
    pub now: Timestamp,
}

impl Installation<'_> {
    /// Whether state is in PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> bool {
        !matches!(self.store.trim(), "" | "sqlite")
    }
}
