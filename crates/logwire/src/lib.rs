//! Foreign and own log lines to typed attack events: Cowrie JSON, OpenCanary JSON, native batches.
//!
//! Pure: bytes in, values out; no I/O, no clock, no tokio. Broken input is data: a line gives an event or a coded refusal, never a panic.
//!
//! **Enters:** raw lines. **Leaves:** [`attack::AttackEvent`]s that need no second check.

pub mod attack;
pub mod code;
pub mod cowrie;
pub mod hassh;
pub mod lines;
pub mod native;
pub mod opencanary;
mod text;

use base::Problem;
use serde::{Deserialize, Serialize};

use attack::AttackEvent;

/// A format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Our own NDJSON of [`AttackEvent`]s.
    Native,
    /// Cowrie's JSON log, 2018 to 3.x.
    Cowrie,
    /// OpenCanary's JSON log.
    Opencanary,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Native, Self::Cowrie, Self::Opencanary];

    /// The stable name, as on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Cowrie => "cowrie",
            Self::Opencanary => "opencanary",
        }
    }

    /// The format of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// What a line said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The name the foreign sensor gives itself, at most 128 bytes.
    pub sensor: Option<String>,
    /// The event; none when the line is valid but says nothing that we keep.
    pub event: Option<AttackEvent>,
}

/// Reads one line (see [`lines::check`] for the raw bytes).
///
/// # Errors
/// A coded refusal of this line alone.
pub fn parse(format: Format, line: &str) -> Result<Parsed, Problem> {
    match format {
        Format::Native => native::parse(line).map(|event| Parsed { sensor: None, event: Some(event) }),
        Format::Cowrie => cowrie::parse(line),
        Format::Opencanary => opencanary::parse(line),
    }
}

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[code::CODES];
