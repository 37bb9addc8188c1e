//! The uplink's side of the spool: what to send next, and what the centre has.

use bytes::Bytes;
use journal::{JournalError, Position};

use super::block::Block;
use super::ledger::{State, fresh_epoch};
use super::{CHUNK, Store};
use crate::TrapError;

/// Events to send: lines with their numbers on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The epoch of the numbers.
    pub epoch: u64,
    /// The number of the first line on the wire.
    pub first: u64,
    /// Whether numbers of the epoch before the first are lost, so that the centre's acknowledgement cannot reach it.
    pub gap: bool,
    /// NDJSON lines.
    pub lines: Vec<Bytes>,
}

impl Outgoing {
    /// The number of the last line on the wire.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.first + self.lines.len() as u64 - 1
    }
}

/// What a look at the spool found.
enum Look {
    Lines(Outgoing),
    /// The next events cannot be read: this one is the first behind them, at this place.
    Gap(u64, Position),
}

impl Store {
    /// The next events to send, at most `lines` and about `bytes`; none when all is acknowledged.
    ///
    /// Events that are not there any more, or are damaged, are counted as dropped; those behind them that were never on
    /// the wire go out in a new epoch.
    ///
    /// # Errors
    /// When the spool cannot be read or its state not be written.
    pub async fn next(&self, lines: usize, bytes: usize) -> Result<Option<Outgoing>, TrapError> {
        loop {
            let state = self.ledger.now();
            if state.gap && state.done >= state.sent {
                // What the centre may have had before the gap was noticed is through.
                self.ledger.change(|now| (now == state).then(|| self.fresh(now)))?;
                continue;
            }
            // Taken before the look: all up to here is durable, so that what is not found then is lost.
            let written = *self.written.borrow();
            if written <= state.done {
                return Ok(None);
            }
            let written = if state.gap { written.min(state.sent) } else { written };
            match self.look(state, written, lines, bytes).await.map_err(unreadable)? {
                Look::Lines(found) => {
                    // On disk before it is on the wire. Everything written is meant, so that the next batches need no
                    // further look at the disk.
                    if state.done + found.lines.len() as u64 > state.sent {
                        self.ledger.change(|now| Some(State { sent: now.sent.max(written), ..now }))?;
                    }
                    return Ok(Some(found));
                }
                // If the state has changed meanwhile the place was released: nothing is lost, the next look tells.
                Look::Gap(next, position) => match self.pass(Some(state), next, position)? {
                    0 => {}
                    lost => tracing::error!(events = lost, "events of the spool are lost; going on behind them"),
                },
            }
        }
    }

    async fn look(&self, state: State, written: u64, lines: usize, bytes: usize) -> Result<Look, JournalError> {
        let mut from = Position::from_u64(state.position);
        loop {
            let batch = self.journal.read(from, bytes).await?;
            let mut out =
                Outgoing { epoch: state.epoch, first: state.done + 1 - state.base, gap: state.gap, lines: Vec::new() };
            let (mut expected, mut left) = (state.done + 1, bytes);
            for (at, data) in &batch.records {
                let Some(block) = Block::read(data) else { continue };
                if block.first > expected && out.lines.is_empty() {
                    return Ok(Look::Gap(block.first, *at));
                }
                for (number, line) in (block.first..=written).zip(block.lines) {
                    // A block may be larger than a batch: it goes out in parts.
                    if number == expected && out.lines.len() < lines.max(1) && (left > 0 || out.lines.is_empty()) {
                        left = left.saturating_sub(line.len() + 1);
                        out.lines.push(line);
                        expected += 1;
                    }
                }
            }
            if !out.lines.is_empty() {
                return Ok(Look::Lines(out));
            }
            if batch.next == from {
                return Ok(Look::Gap(written + 1, from));
            }
            from = batch.next;
        }
    }

    /// The centre has everything of `epoch` up to `ack`; true when that is news.
    ///
    /// # Errors
    /// When the spool cannot be read or the state not be written.
    pub async fn acknowledge(&self, epoch: u64, ack: u64) -> Result<bool, TrapError> {
        let before = self.ledger.now();
        let done = before.base.saturating_add(ack).min(*self.written.borrow());
        if epoch != before.epoch || done <= before.done {
            return Ok(false);
        }
        let mut position = before.position;
        'walk: loop {
            let batch = self.journal.read(Position::from_u64(position), CHUNK).await.map_err(unreadable)?;
            if batch.records.is_empty() {
                break;
            }
            for (at, data) in &batch.records {
                position = at.as_u64();
                if Block::read(data).is_some_and(|b| b.last() > done) {
                    break 'walk;
                }
            }
            position = batch.next.as_u64();
        }
        let moved = self
            .ledger
            .change(|state| (state.epoch == epoch && done > state.done).then_some(State { done, position, ..state }))?;
        if moved.is_none() {
            return Ok(false);
        }
        self.journal.release_before(Position::from_u64(position)).await.map_err(unreadable)?;
        Ok(true)
    }

    /// Numbers what is not acknowledged from 1 again, in a new epoch.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn begin_epoch(&self) -> Result<(), TrapError> {
        self.ledger.change(|state| Some(self.fresh(state))).map(drop)
    }

    /// The state with a new epoch behind what is done.
    pub(super) fn fresh(&self, state: State) -> State {
        State { epoch: fresh_epoch(self.env.now(), state), base: state.done, gap: false, ..state }
    }
}

pub(super) fn unreadable(error: JournalError) -> TrapError {
    TrapError::folder("spool", std::io::Error::other(error))
}
