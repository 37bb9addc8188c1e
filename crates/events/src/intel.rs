//! Facts of the intelligence room.

use base::{AddressScope, IndicatorId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sensor::ValueKind;

/// Where an indicator stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorState {
    /// Being written.
    Draft,
    /// Waiting for a reviewer.
    InReview,
    /// Reviewed; waiting for the approver to publish.
    Approved,
    /// In force.
    Published,
    /// Taken back before its time.
    Revoked,
    /// Its time ended.
    Expired,
    /// Returned by a reviewer for good.
    Rejected,
}

impl IndicatorState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Draft, Self::InReview, Self::Approved, Self::Published, Self::Revoked, Self::Expired, Self::Rejected];

    /// The stable name: `in_review`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Published => "published",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }

    /// The state of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// An indicator changed its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndicatorMoved {
    /// The indicator.
    pub indicator: IndicatorId,
    /// Kind of its value.
    pub value_kind: ValueKind,
    /// Its value, canonical.
    pub value: String,
    /// Whose address plan it belongs to.
    pub scope: AddressScope,
    /// Before; none when it was just drafted.
    pub from: Option<IndicatorState>,
    /// After.
    pub to: IndicatorState,
    /// Score at that moment, 0 to 1.
    pub score: f64,
    /// Until when it is in force.
    pub valid_until: Timestamp,
    /// Whether the automatic path moved it.
    pub automatic: bool,
}
