//! Facts of the enforcement room.

use base::{DirectiveId, IndicatorId, PointId, Timestamp};
use serde::{Deserialize, Serialize};

/// A directive was issued: from now on points should enforce it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectiveIssued {
    /// The directive.
    pub directive: DirectiveId,
    /// The address or network.
    pub value: String,
    /// `deny` or `allow`.
    pub intent: String,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// The indicator behind it.
    pub indicator: Option<IndicatorId>,
}

/// A directive ended: withdrawn, revoked, expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectiveEnded {
    /// The directive.
    pub directive: DirectiveId,
    /// The address or network.
    pub value: String,
    /// `revoked`, `withdrawn`, `expired`, `guard`.
    pub reason: String,
}

/// An enforcement point joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointEnrolled {
    /// The point.
    pub point: PointId,
    /// Its name.
    pub name: String,
    /// `nft` or `file`.
    pub driver: String,
}

/// A point said what it applied and verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptArrived {
    /// The point.
    pub point: PointId,
    /// The collection's sequence number that is now in force.
    pub sequence: u64,
    /// Elements in force.
    pub elements: u64,
    /// Elements read back from the engine.
    pub read_back: u64,
    /// Whether packets proved it (false: read-back only).
    pub probed: bool,
    /// Whether everything agreed.
    pub ok: bool,
}

/// A point enforces something else than it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftFound {
    /// The point.
    pub point: PointId,
    /// Elements that were missing.
    pub missing: u64,
    /// Elements that should not have been there.
    pub extra: u64,
    /// Whether the agent repaired it.
    pub repaired: bool,
}

/// Somebody froze or released enforcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillSwitched {
    /// The point; none means every point.
    pub point: Option<PointId>,
    /// On: nothing is denied any more.
    pub on: bool,
}
