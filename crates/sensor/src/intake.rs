//! Intake: durable before it is acknowledged, never twice.
//!
//! What arrived is known from two places: the database for what history has folded, and memory (rebuilt from the journal at
//! start) for what it has not. Requests of one sensor, or of one organisation's files, go one after the other, so that a
//! duplicate is only called so once the first one is durable.

mod batch;
mod lanes;
mod lines;
mod ranges;
mod room;

pub(crate) use lanes::EPOCHS_KEPT;
pub use ranges::Ranges;

use access::{Caller, act};
use base::{Env, OrgId, Problem, SensorId};
use journal::{Journal, JournalError};
use logwire::Format;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Db, params};

use crate::error::SensorError;
use crate::fleet::Admitted;
use crate::history::{KEY, read_cursor};
use crate::record::{Header, Record, Writer};
use crate::wire::{BatchAnswer, LinesAnswer, RejectedLine};
use lanes::Lanes;
use room::Room;

/// After so many lines other tasks get their turn.
const TURN: usize = 2_048;
/// A sensor that leaves more gaps than this in one epoch is broken.
const MOST_GAPS: usize = 4_096;
/// How much of the journal is read at once when what is pending is rebuilt.
const REBUILD_BYTES: usize = 4 << 20;

/// What is in the journal and not in the database yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    keys: Mutex<HashSet<[u8; 32]>>,
    epochs: Mutex<HashMap<(SensorId, u64), Ranges>>,
}

impl Pending {
    pub(crate) fn keys(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers of a record that is being written: before it is durable, since history may fold it, and have them forgotten,
    /// before the writer goes on.
    fn expect(&self, sensor: SensorId, epoch: u64, taken: &Ranges) {
        self.epochs().entry((sensor, epoch)).or_default().extend(taken);
    }

    /// Numbers that are in the database now, or were not written after all.
    pub(crate) fn forget(&self, sensor: SensorId, epoch: u64, taken: &Ranges) {
        let mut epochs = self.epochs();
        if let Entry::Occupied(mut known) = epochs.entry((sensor, epoch)) {
            known.get_mut().subtract(taken);
            if known.get().is_empty() {
                known.remove();
            }
        }
    }

    fn epochs(&self) -> MutexGuard<'_, HashMap<(SensorId, u64), Ranges>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The intake service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    db: Db,
    env: Env,
    journal: Journal,
    pending: Arc<Pending>,
    lanes: Arc<Lanes>,
    room: Arc<Room>,
}

impl Intake {
    /// Opens intake: reads what the journal holds and history has not folded.
    ///
    /// # Errors
    /// [`SensorError::Journal`], [`SensorError::Store`].
    pub async fn open(db: Db, env: Env, journal: Journal) -> Result<Self, SensorError> {
        let pending = Arc::new(Pending::default());
        let mut from = read_cursor(&db).await?;
        loop {
            let batch = journal.read(from, REBUILD_BYTES).await.map_err(journal_error)?;
            if batch.records.is_empty() && batch.next == from {
                break;
            }
            for (_, bytes) in &batch.records {
                let Some(record) = Record::parse(bytes) else { continue };
                pending.keys().extend(record.keys());
                if let (Some(taken), Some(sensor)) = (&record.header.batch, record.header.sensors.first()) {
                    let ranges = Ranges::from(taken.taken.clone());
                    pending.expect(*sensor, taken.epoch, &ranges);
                }
            }
            from = batch.next;
        }
        Ok(Self { db, env, journal, pending, lanes: Arc::default(), room: Arc::default() })
    }

    pub(crate) fn pending(&self) -> Arc<Pending> {
        Arc::clone(&self.pending)
    }

    pub(crate) const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Makes a record durable. That there is no room for it is an everyday answer to a sender; the log hears it once.
    async fn append(&self, record: Vec<u8>) -> Result<(), SensorError> {
        let outcome = self.journal.append(vec![record.into()]).await.map(drop);
        self.room.note(outcome.as_ref().copied());
        outcome.map_err(journal_error)
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    /// Takes a sensor's batch: NDJSON, line `i` (from 0) has number `first_seq + i`. Durable when this returns; a large one is
    /// several records, so that some lines may have been taken when it fails: sending all of them again is safe.
    ///
    /// # Errors
    /// [`SensorError::Full`] when nothing more can be taken now, [`SensorError::BadSequence`], [`SensorError::TooManyLines`].
    pub async fn accept_batch(
        &self,
        from: &Admitted,
        epoch: u64,
        first_seq: u64,
        body: &[u8],
    ) -> Result<BatchAnswer, SensorError> {
        self.accept_batch_after(from, 0, epoch, first_seq, body).await
    }

    /// As [`Intake::accept_batch`], from a sensor that was told that everything up to `acked` is here. If it is not (the
    /// centre was restored from a backup, or the sensor enrolled again), nothing is taken and the answer says what is
    /// here: the sensor numbers what it has left in a new epoch, and lines taken under the old numbers would count twice.
    ///
    /// # Errors
    /// As [`Intake::accept_batch`].
    pub async fn accept_batch_after(
        &self,
        from: &Admitted,
        acked: u64,
        epoch: u64,
        first_seq: u64,
        body: &[u8],
    ) -> Result<BatchAnswer, SensorError> {
        if i64::try_from(epoch).is_err() {
            return Err(SensorError::BadSequence("the epoch is beyond 2^63".to_owned()));
        }
        batch::accept(self, from, acked, epoch, first_seq, body).await
    }

    async fn load_epoch(&self, sensor: SensorId, epoch: u64) -> Result<Ranges, SensorError> {
        const LOAD: &str = "SELECT taken FROM sensor_epoch WHERE sensor_id = $1 AND epoch = $2";
        // What is pending is read first: history moves it to the database and never back.
        let mut ranges = self.pending.epochs().get(&(sensor, epoch)).cloned().unwrap_or_default();
        if let Some(row) = self.db.system_read(KEY, LOAD, params![sensor, epoch]).await?.first() {
            let text: String = row.get("taken")?;
            let stored: Ranges =
                serde_json::from_str(&text).map_err(|_| store::StoreError::Shape("sensor_epoch.taken".to_owned()))?;
            ranges.extend(&stored);
        }
        Ok(ranges)
    }

    /// Takes lines of a log, each with its occurrence in the file (how often the same line stood before it, from 0).
    /// Blank lines are skipped; lines are numbered from 1 with them. Durable when this returns.
    ///
    /// # Errors
    /// [`SensorError::Refused`] without the right to send for this organisation, [`SensorError::Full`] when nothing more can
    /// be taken now: some of the lines may have been taken, sending all of them again is safe.
    pub async fn accept_lines<'a>(
        &self,
        caller: &Caller,
        org: OrgId,
        format: Format,
        lines: impl Iterator<Item = (u32, &'a [u8])> + Send,
    ) -> Result<LinesAnswer, SensorError> {
        let _permit = caller.permit_in::<act::Ingest>(org)?;
        let belongs = lines::Belongs { org, realm: caller.realm(), tlp: base::Tlp::default() };
        lines::accept(self, belongs, format, lines).await
    }
}

fn finish(writer: &Writer, header: Header) -> Result<Vec<u8>, SensorError> {
    writer.finish(header).map_err(|error| SensorError::Journal(error.to_string()))
}

fn rejected(line: u64, problem: &Problem) -> RejectedLine {
    let place = problem.place.as_deref().map_or_else(String::new, |place| format!("{place}: "));
    let detail = if problem.detail.is_empty() { problem.code.en } else { &problem.detail };
    RejectedLine { line, code: problem.code.id.to_owned(), detail: format!("{place}{detail}") }
}

/// How long a sender should wait when the journal is full: history folds a segment in about this time.
const RETRY_SECS: u32 = 5;

pub(crate) fn journal_error(error: JournalError) -> SensorError {
    match error {
        JournalError::Full | JournalError::DiskFull => SensorError::Full { retry_after: RETRY_SECS },
        other => SensorError::Journal(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_folded_is_not_pending_any_more() {
        let (pending, sensor) = (Pending::default(), SensorId(uuid::Uuid::from_u128(1)));
        let ranges = |first, last| Ranges::from(vec![(first, last)]);
        pending.expect(sensor, 1, &ranges(1, 10));
        pending.expect(sensor, 1, &ranges(20, 30));
        pending.forget(sensor, 1, &ranges(1, 20));
        assert_eq!(pending.epochs().get(&(sensor, 1)), Some(&ranges(21, 30)));
        pending.forget(sensor, 2, &ranges(1, 20));
        pending.forget(sensor, 1, &ranges(21, 30));
        assert!(pending.epochs().is_empty());
    }
}
