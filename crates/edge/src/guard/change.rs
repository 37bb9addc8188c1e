//! The rate of change: a set that changes faster than its limits is frozen at its last good state.

use base::Timestamp;
use std::collections::VecDeque;

use crate::guard::reason::Reason;
use crate::wire::ChangeLimits;

/// What happened to a set within the window, and its size now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Entries now.
    pub size: u64,
    /// Additions in the window.
    pub added: u64,
    /// Removals in the window.
    pub removed: u64,
}

/// Whether so many more additions and removals are within the limits.
///
/// # Errors
/// [`Reason::Surge`] or [`Reason::Shrink`].
pub fn permit(limits: &ChangeLimits, moved: Moved, adds: u64, removes: u64) -> Result<(), Reason> {
    // Shares are of the set as it was when the window began.
    let before = moved.size.saturating_sub(moved.added).saturating_add(moved.removed);
    let share = |percent: u32| before.saturating_mul(u64::from(percent)) / 100;
    let window_secs = limits.window_secs;

    let most = share(limits.percent).min(limits.entries).max(limits.floor);
    let total = moved.added.saturating_add(adds);
    if adds > 0 && total > most {
        return Err(Reason::Surge { adds: total, most, window_secs });
    }
    let most = share(limits.shrink_percent).max(limits.floor);
    let total = moved.removed.saturating_add(removes);
    if removes > 0 && total > most {
        return Err(Reason::Shrink { removes: total, most, window_secs });
    }
    Ok(())
}

/// Watches the additions and removals of one set within a sliding window.
///
/// Renewals are no change. Entries that ended by themselves do not count as removals: sets whose entries end in
/// the same second are ordinary.
#[derive(Debug, Clone, Default)]
pub struct ChangeMeter {
    /// (when, additions, removals), oldest first.
    window: VecDeque<(Timestamp, u64, u64)>,
}

impl ChangeMeter {
    /// Whether `adds` and `removes` may happen to a set that now has `size` entries. Records nothing.
    ///
    /// # Errors
    /// [`Reason::Surge`] or [`Reason::Shrink`].
    pub fn check(
        &mut self,
        limits: &ChangeLimits,
        size: u64,
        adds: u64,
        removes: u64,
        now: Timestamp,
    ) -> Result<(), Reason> {
        self.forget(limits, now);
        let (added, removed) =
            self.window.iter().fold((0_u64, 0_u64), |(a, r), (_, adds, removes)| (a + adds, r + removes));
        permit(limits, Moved { size, added, removed }, adds, removes)
    }

    /// Records what has happened.
    pub fn record(&mut self, adds: u64, removes: u64, now: Timestamp) {
        if adds > 0 || removes > 0 {
            self.window.push_back((now, adds, removes));
        }
    }

    /// Drops what left the window. A clock that was set back keeps changes longer, never shorter.
    fn forget(&mut self, limits: &ChangeLimits, now: Timestamp) {
        let start = now.plus_secs(-i64::from(limits.window_secs));
        while self.window.front().is_some_and(|(at, _, _)| *at <= start) {
            self.window.pop_front();
        }
    }
}
