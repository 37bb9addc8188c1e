//! The uplink's state on disk: what the centre has acknowledged, and how event numbers map to the wire.
//!
//! Every change goes through [`Ledger::change`], one after the other, and is on disk before anybody sees it. A disk that
//! others have filled does not stop it: a change is written over a spare file of the same size, and the two change names.

use base::Timestamp;
use journal::Position;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::TrapError;

/// The file, in the spool's folder.
pub(super) const FILE: &str = "uplink.json";
/// The state before, whose place the next one takes.
pub(super) const SPARE: &str = "uplink.spare";
/// Both files have so many bytes: the longest state, then blanks.
const BYTES: usize = 256;

/// What the centre has acknowledged, and how event numbers map to the wire.
///
/// A field that a later version wrote is passed over: a sensor that goes back a version must start, and keep its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The epoch that numbers on the wire belong to.
    pub epoch: u64,
    /// Number on the wire = event number - base.
    pub base: u64,
    /// The highest event number that is acknowledged or dropped.
    pub done: u64,
    /// Where the block with the next event begins.
    pub position: u64,
    /// The highest event number that may have been on the wire: whatever damage does to the spool, no other event gets
    /// a number up to it.
    #[serde(default)]
    pub sent: u64,
    /// Numbers of this epoch before the next one are lost, and from there to `sent` the centre may have some: they go out
    /// under the numbers they had, and behind them an epoch begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gap: bool,
}

/// The state in memory and on disk.
#[derive(Debug)]
pub(super) struct Ledger {
    file: PathBuf,
    spare: PathBuf,
    folder: PathBuf,
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
            None => State { epoch: epoch(now), base: 0, done: 0, position: 0, sent: 0, gap: false },
        };
        // A spool that lost its end to damage is written on from there; what was behind it is acknowledged.
        state.position = state.position.min(head.as_u64());
        let spare = folder.join(SPARE);
        let ledger = Self { file, spare, folder: folder.to_owned(), state: Mutex::new(state), turn: Mutex::default() };
        ledger.save(state)?;
        if std::fs::metadata(&ledger.spare).map_or(0, |there| there.len()) != BYTES as u64 {
            link::replace(&ledger.spare, &line(state)?)?;
        }
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
        let text = line(state)?;
        if self.exchange(&text).map_err(|e| TrapError::folder(SPARE, e))? {
            return Ok(());
        }
        Ok(link::replace(&self.file, &text)?)
    }

    /// Writes over the spare file and lets the files change names; false where there is no spare file, or a file system
    /// that cannot do it. A crash leaves the state before or this one.
    fn exchange(&self, text: &[u8]) -> io::Result<bool> {
        let spare = match OpenOptions::new().write(true).open(&self.spare) {
            Ok(spare) => spare,
            Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(other) => return Err(other),
        };
        if spare.metadata()?.len() != text.len() as u64 || !self.file.exists() {
            return Ok(false);
        }
        spare.write_all_at(text, 0)?;
        spare.sync_all()?;
        match renameat_with(CWD, &self.spare, CWD, &self.file, RenameFlags::EXCHANGE) {
            Ok(()) => File::open(&self.folder)?.sync_all().map(|()| true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// The state as text of always the same length.
fn line(state: State) -> Result<Vec<u8>, TrapError> {
    let mut text = serde_json::to_vec(&state).map_err(|e| TrapError::folder(FILE, e.into()))?;
    text.resize(text.len().max(BYTES), b' ');
    Ok(text)
}

fn epoch(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(1)
}

/// An epoch after that of the state.
pub(super) fn fresh_epoch(now: Timestamp, state: State) -> u64 {
    epoch(now).max(state.epoch + 1)
}
