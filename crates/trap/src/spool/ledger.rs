//! The uplink's state on disk: what the centre has acknowledged, and how event numbers map to the wire.
//!
//! Every change goes through [`Ledger::change`], one after the other, and is on disk before anybody sees it.

use base::Timestamp;
use journal::Position;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::TrapError;

/// The file, in the spool's folder.
pub(super) const FILE: &str = "uplink.json";

/// What the centre has acknowledged, and how event numbers map to the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The epoch that numbers on the wire belong to.
    pub epoch: u64,
    /// Number on the wire = event number - base.
    pub base: u64,
    /// The highest event number that is acknowledged or dropped.
    pub done: u64,
    /// Where the block with the next event begins.
    pub position: u64,
}

/// The state in memory and on disk.
#[derive(Debug)]
pub(super) struct Ledger {
    file: PathBuf,
    /// What is on disk; held for a moment only.
    state: Mutex<State>,
    /// Whose turn it is to change the state; held while the disk works.
    turn: Mutex<()>,
}

impl Ledger {
    /// Reads the state, or begins one; `head` is where the spool ends.
    pub(super) fn open(folder: &Path, now: Timestamp, head: Position) -> Result<(Self, State), TrapError> {
        let file = folder.join(FILE);
        let mut state = match link::read(&file)? {
            Some(text) => serde_json::from_str(&text).map_err(|e| TrapError::folder(FILE, e.into()))?,
            None => State { epoch: epoch(now), base: 0, done: 0, position: 0 },
        };
        // A spool that lost its end to damage is written on from there; what was behind it is acknowledged.
        state.position = state.position.min(head.as_u64());
        let ledger = Self { file, state: Mutex::new(state), turn: Mutex::default() };
        ledger.save(state)?;
        Ok((ledger, state))
    }

    /// The state at this moment.
    pub(super) fn now(&self) -> State {
        *self.state()
    }

    /// Makes the state what `next` says it should be, on disk first; comes back with the state before and after.
    pub(super) fn change(
        &self,
        next: impl FnOnce(State) -> Option<State>,
    ) -> Result<Option<(State, State)>, TrapError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.now();
        let Some(after) = next(before) else { return Ok(None) };
        self.save(after)?;
        *self.state() = after;
        Ok(Some((before, after)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, state: State) -> Result<(), TrapError> {
        let text = serde_json::to_vec(&state).map_err(|e| TrapError::folder(FILE, e.into()))?;
        Ok(link::replace(&self.file, &text)?)
    }
}

fn epoch(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(1)
}

/// An epoch after that of the state.
pub(super) fn fresh_epoch(now: Timestamp, state: State) -> u64 {
    epoch(now).max(state.epoch + 1)
}
