//! What a sensor and the centre say to each other on the machine listener.
//!
//! A sensor numbers its events from 1 within an epoch. When it had to drop unsent events it begins a new epoch, so that the
//! acknowledged number never waits for an event that no longer exists.

use serde::{Deserialize, Serialize};

/// What a sensor says about itself every 30 seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The program's version.
    pub version: String,
    /// SHA-256 of its configuration, hex.
    pub config_hash: String,
    /// Events waiting in the spool.
    pub spool_depth: u64,
    /// Events dropped because the spool was full, since the sensor started.
    pub spool_dropped: u64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// Open attacker sessions.
    pub sessions_open: u32,
    /// The sensor's clock, microseconds since the Unix epoch.
    pub clock_micros: i64,
    /// What the sensor found when it connected to its own listeners.
    #[serde(default)]
    pub probes: Vec<Probe>,
}

/// One self-probe: a real connection to an own listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The listener: `ssh:2222`.
    pub listener: String,
    /// Whether it answered as it should.
    pub ok: bool,
    /// SHA-256 of the banner, hex.
    pub banner_sha256: String,
    /// How long it took.
    pub took_ms: u32,
}

/// The answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BatchAnswer {
    /// The highest number of the epoch below which nothing is missing; 0 when nothing has arrived.
    pub ack: u64,
    /// Events that are new and durable.
    pub accepted: u64,
    /// Events that had arrived before.
    pub duplicate: u64,
    /// Lines that cannot be used; they count as received.
    pub rejected: Vec<RejectedLine>,
}

/// The answer to lines of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinesAnswer {
    /// Lines that are new and durable.
    pub accepted: u64,
    /// Lines that had arrived before.
    pub duplicate: u64,
    /// Lines that cannot be used.
    pub rejected: u64,
    /// The first of the rejected lines, at most [`MOST_REASONS`].
    pub reasons: Vec<RejectedLine>,
    /// Attack events made from the accepted lines.
    pub events: u64,
    /// Rejected lines kept for inspection.
    pub quarantined: u64,
}

/// How many rejected lines an answer names.
pub const MOST_REASONS: usize = 1_000;

/// Why a line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedLine {
    /// The line's number, from 1.
    pub line: u64,
    /// The stable code.
    pub code: String,
    /// What exactly.
    pub detail: String,
}
