//! The one segmented durable log: checksummed records, group fsync, replay.
//!
//! Doors append what they received and acknowledge it once [`Journal::append`] has come back; workers read from their
//! own position, which they commit together with what they made of it, and [`Journal::release_before`] drops the
//! segments that everybody has read.
//!
//! **Enters:** payloads. **Leaves:** the same payloads, in order, with their [`Position`].
//!
//! # Invariants
//! - What was acknowledged is read again after any crash, in order, once.
//! - A failed fsync is final: pages may be gone although the next fsync succeeds, so nothing is accepted any more.
//! - A full disk is a refusal, not a failure: appending goes on when there is space again.
//! - Damage is named and skipped; what lies behind it is read.

mod disk;
mod error;
mod frame;
mod log;
mod look;
mod reader;
mod recovery;
mod writer;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;

pub use disk::{Disk, DiskFile, Folder};
pub use error::JournalError;
pub use log::{Journal, Options};
pub use look::{Looked, look};
pub use reader::{Batch, Damage};
pub use recovery::{Behind, Recovery};

use std::fmt;

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];

/// A place in the log; positions grow with every record and never repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position(u64);

impl Position {
    /// Before the first record ever.
    pub const START: Self = Self(0);

    /// As a number, for a column of the store.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// From the number that [`Self::as_u64`] gave.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
