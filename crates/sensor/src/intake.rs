//! Intake: durable before it is acknowledged, never twice.
//!
//! What arrived is known from two places: the database for what history has folded, and memory (rebuilt from the journal at
//! start) for what it has not. Requests of one sensor, or of one organisation's files, go one after the other, so that a
//! duplicate is only called so once the first one is durable.

mod lanes;
mod lines;
mod ranges;

pub use ranges::Ranges;

use access::{Caller, act};
use base::limits::INGEST_LINES;
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
use crate::record::{Batch, Header, Record, Writer};
use crate::wire::{BatchAnswer, LinesAnswer, MOST_REASONS, RejectedLine};
use lanes::Lanes;

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
                    pending.epochs().entry((*sensor, taken.epoch)).or_default().extend(&ranges);
                }
            }
            from = batch.next;
        }
        Ok(Self { db, env, journal, pending, lanes: Arc::default() })
    }

    pub(crate) fn pending(&self) -> Arc<Pending> {
        Arc::clone(&self.pending)
    }

    pub(crate) const fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    /// Takes a sensor's batch: NDJSON, line `i` (from 0) has number `first_seq + i`. Durable when this returns.
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
        if i64::try_from(epoch).is_err() {
            return Err(SensorError::BadSequence("the epoch is beyond 2^63".to_owned()));
        }
        let lane = self.lanes.sensor(from.sensor);
        let mut lane = lane.lock_owned().await;
        let taken = match lane.epochs.entry(epoch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.load_epoch(from.sensor, epoch).await?),
        };
        let mut work =
            BatchWork { answer: BatchAnswer::default(), writer: Writer::new(), refused: Vec::new(), last: None };
        for (count, line) in logwire::lines::split(body).enumerate() {
            if count as u64 >= INGEST_LINES.most {
                return Err(SensorError::TooManyLines);
            }
            if count % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let seq = first_seq.checked_add(line.number - 1).filter(|seq| *seq < u64::MAX);
            let seq = seq.ok_or_else(|| SensorError::BadSequence("the numbers are beyond 2^64".to_owned()))?;
            work.line(line, seq, taken);
        }
        if taken.gaps() > MOST_GAPS {
            return Err(SensorError::BadSequence("the numbers have too many gaps".to_owned()));
        }
        work.answer.ack = taken.contiguous();
        let fresh = work.last.map_or_else(Vec::new, |last| taken.missing(first_seq, last));
        if !fresh.is_empty() {
            let bytes = finish(&work.writer, self.header(from, epoch, fresh.clone()))?;
            let journal = self.journal.clone();
            // A task of its own: when the sender hangs up, what is being written is still remembered as taken.
            let written = tokio::spawn(async move {
                journal.append(vec![bytes.into()]).await.map_err(journal_error)?;
                let taken = lane.epochs.entry(epoch).or_default();
                for (first, last) in fresh {
                    taken.insert(first, last);
                }
                Ok::<_, SensorError>(taken.contiguous())
            });
            work.answer.ack = written.await.map_err(|error| SensorError::Journal(error.to_string()))??;
        }
        let belongs = lines::Belongs { org: from.org, realm: from.realm, tlp: from.tlp };
        lines::quarantine(&self.db, self.env.now(), belongs, Format::Native, &work.refused).await?;
        Ok(work.answer)
    }

    fn header(&self, from: &Admitted, epoch: u64, taken: Vec<(u64, u64)>) -> Header {
        Header {
            v: 1,
            org: from.org,
            realm: from.realm,
            tlp: from.tlp,
            at: self.env.now(),
            sensors: vec![from.sensor],
            batch: Some(Batch { epoch, taken }),
            keys: 0,
        }
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

/// A batch being read.
struct BatchWork<'a> {
    answer: BatchAnswer,
    writer: Writer,
    refused: Vec<lines::Refused<'a>>,
    last: Option<u64>,
}

impl<'a> BatchWork<'a> {
    fn line(&mut self, line: logwire::lines::RawLine<'a>, seq: u64, taken: &Ranges) {
        self.last = Some(seq);
        if taken.contains(seq) {
            self.answer.duplicate += 1;
            return;
        }
        // The event itself is read again from the journal; here it is only asked whether it can be.
        match logwire::lines::check(line.bytes).and_then(logwire::native::parse) {
            Ok(_) => {
                self.answer.accepted += 1;
                self.writer.event(0, line.bytes);
            }
            Err(problem) => {
                if self.answer.rejected.len() < MOST_REASONS {
                    self.answer.rejected.push(rejected(line.number, &problem));
                }
                self.refused.push(lines::Refused { raw: line.bytes, occurrence: 0, problem });
            }
        }
    }
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
        JournalError::Full => SensorError::Full { retry_after: RETRY_SECS },
        other => SensorError::Journal(other.to_string()),
    }
}
