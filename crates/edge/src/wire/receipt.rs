//! What a point says back: receipts for what it applied and verified, and heartbeats in between.

use base::{PointId, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::wire::digest::SetDigest;

/// The most refused or wrong elements a receipt lists; `..._total` numbers go on counting.
pub const MAX_LISTED: usize = 1_000;

/// What a point applied, read back and proved: one per generation, and one whenever drift is found or repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The point; must be the one of the certificate.
    pub point: PointId,
    /// The sequence number that is now in force.
    pub sequence: u64,
    /// The point's own count of applied changes since it started to exist.
    pub generation: u64,
    /// `nft` or `file`.
    pub driver: String,
    /// When the engine took it, by the point's clock.
    pub applied_at: Timestamp,
    /// How long applying, reading back and probing took, in microseconds.
    pub took_us: u64,
    /// Denying and allowing elements the engine holds now.
    pub elements: u64,
    /// The digest of the entries the point stands on: must be the centre's at that sequence.
    pub digest: SetDigest,
    /// The configuration's revision in force.
    pub config_revision: u64,
    /// What was read back from the engine.
    pub read_back: ReadBack,
    /// What packets proved.
    pub probe: Probe,
    /// What differed between engine and desired state before this apply.
    pub drift: Option<Drift>,
    /// Entries the point's own guards refused, at most [`MAX_LISTED`].
    pub refused: Vec<RefusedEntry>,
    /// How many were refused in all.
    pub refused_total: u64,
    /// The set is frozen at its last good state by the limits of change, and why; then `sequence` is the last good one.
    pub frozen: Option<String>,
    /// Whether the kill switch (the centre's or the local one) is on: nothing is denied.
    pub kill: bool,
}

/// Elements read back from the engine after an apply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReadBack {
    /// Changed elements that were each read back.
    pub changed: u64,
    /// Further elements read back by random sample.
    pub sampled: u64,
    /// Keys that the engine answered wrongly, at most [`MAX_LISTED`].
    pub wrong: Vec<String>,
}

/// How far the proof by packet went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Probe {
    /// Packets were sent in the same generation.
    Probed {
        /// Canaries that must be dropped.
        blocked: Vec<CanaryResult>,
        /// Canaries that must come through.
        passed: Vec<CanaryResult>,
    },
    /// The driver has no packets (plain files): the state was read back only.
    ReadBackOnly,
    /// The proof itself could not be made.
    Failed {
        /// Why, for people.
        why: String,
    },
}

impl Probe {
    /// Whether packets proved the state.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        matches!(self, Self::Probed { blocked, passed }
            if !blocked.is_empty() && blocked.iter().chain(passed).all(|canary| canary.ok))
    }

    /// Whether nothing spoke against the state: proved, or read back only.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::ReadBackOnly) || self.is_proof()
    }
}

/// One canary packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryResult {
    /// The canary.
    pub address: IpAddr,
    /// Whether it fared as it must.
    pub ok: bool,
    /// How long until that was certain, in microseconds.
    pub took_us: u64,
}

/// A difference between the engine and the desired state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Elements that should have been in the engine.
    pub missing: u64,
    /// Elements that should not have been there.
    pub extra: u64,
    /// Whether the point put it right.
    pub repaired: bool,
}

/// An entry that the point's own guards refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedEntry {
    /// The address or network.
    pub key: String,
    /// The guard's stable name: `protected`.
    pub guard: String,
    /// Why, for people.
    pub reason: String,
}

/// A sign of life between receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeHeartbeat {
    /// The point; must be the one of the certificate.
    pub point: PointId,
    /// The point's clock when it was sent.
    pub at: Timestamp,
    /// Release of the agent.
    pub version: String,
    /// `nft` or `file`.
    pub driver: String,
    /// When the agent started, by its clock.
    pub started_at: Timestamp,
    /// The sequence number in force.
    pub sequence: u64,
    /// Elements the engine holds.
    pub elements: u64,
    /// The last verified frame is good until then; later the point knows that it may be cut off from news.
    pub fresh_until: Option<Timestamp>,
    /// Whether the kill switch (the centre's or the local one) is on.
    pub kill: bool,
    /// The last thing that went wrong, for people: a refused frame, a failing engine.
    pub trouble: Option<String>,
}
