//! A sensor's batch: its lines become records of the journal, each durable and remembered before the next one is begun.

use base::limits::INGEST_LINES;
use logwire::Format;
use logwire::lines::RawLine;
use tokio::sync::OwnedMutexGuard;

use super::lanes::SensorLane;
use super::lines::{Belongs, MOST_QUARANTINED, Refused, quarantine};
use super::ranges::Ranges;
use super::{Intake, MOST_GAPS, TURN, finish, rejected};
use crate::error::SensorError;
use crate::fleet::Admitted;
use crate::record::{Batch, Header, TARGET_BYTES, Writer};
use crate::wire::{BatchAnswer, MOST_REASONS};

/// A batch being taken.
struct Run<'a> {
    intake: Intake,
    from: &'a Admitted,
    epoch: u64,
    /// Ours but for the moments when a record is being written.
    lane: Option<OwnedMutexGuard<SensorLane>>,
    answer: BatchAnswer,
    writer: Writer,
    refused: Vec<Refused<'a>>,
    /// The first number that no record holds yet.
    next: u64,
}

/// See [`Intake::accept_batch_after`].
pub(super) async fn accept<'a>(
    intake: &Intake,
    from: &'a Admitted,
    acked: u64,
    epoch: u64,
    first: u64,
    body: &'a [u8],
) -> Result<BatchAnswer, SensorError> {
    let mut lane = intake.lanes.sensor(from.sensor).lock_owned().await;
    if !lane.recall(epoch) {
        let known = intake.load_epoch(from.sensor, epoch).await?;
        lane.remember(epoch, known);
    }
    let here = lane.taken(epoch).contiguous();
    if here < acked {
        tracing::warn!(sensor = %from.sensor, epoch, here, acked, "a sensor's acknowledged events are not here; nothing is taken under their numbers");
        return Ok(BatchAnswer { ack: here, ..BatchAnswer::default() });
    }
    let mut run = Run {
        intake: intake.clone(),
        from,
        epoch,
        lane: Some(lane),
        answer: BatchAnswer::default(),
        writer: Writer::new(),
        refused: Vec::new(),
        next: first,
    };
    if run.lane()?.taken(epoch).gaps() > MOST_GAPS {
        return Err(SensorError::BadSequence("the numbers have too many gaps".to_owned()));
    }
    let mut last = None;
    for (count, line) in logwire::lines::split(body).enumerate() {
        if count as u64 >= INGEST_LINES.most {
            return Err(SensorError::TooManyLines);
        }
        if count % TURN == TURN - 1 {
            tokio::task::yield_now().await;
        }
        let seq = first.checked_add(line.number - 1).filter(|seq| *seq < u64::MAX);
        let seq = seq.ok_or_else(|| SensorError::BadSequence("the numbers are beyond 2^64".to_owned()))?;
        run.line(line, seq)?;
        last = Some(seq);
        if run.writer.len() >= TARGET_BYTES {
            run.flush(seq).await?;
        }
    }
    if let Some(last) = last {
        run.flush(last).await?;
    }
    run.answer.ack = run.lane()?.taken(epoch).contiguous();
    let belongs = Belongs { org: from.org, realm: from.realm, tlp: from.tlp };
    quarantine(&intake.db, intake.env.now(), belongs, Format::Native, &run.refused).await?;
    Ok(run.answer)
}

impl<'a> Run<'a> {
    fn lane(&mut self) -> Result<&mut SensorLane, SensorError> {
        self.lane.as_deref_mut().ok_or_else(|| SensorError::Journal("the lane is lost".to_owned()))
    }

    fn line(&mut self, line: RawLine<'a>, seq: u64) -> Result<(), SensorError> {
        let epoch = self.epoch;
        if self.lane()?.taken(epoch).contains(seq) {
            self.answer.duplicate += 1;
            return Ok(());
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
                if self.refused.len() < MOST_QUARANTINED {
                    self.refused.push(Refused { raw: line.bytes, occurrence: 0, problem });
                }
            }
        }
        Ok(())
    }

    /// Makes everything up to a number durable and remembers it as taken.
    async fn flush(&mut self, last: u64) -> Result<(), SensorError> {
        let (first, epoch) = (self.next, self.epoch);
        let fresh = self.lane()?.taken(epoch).missing(first, last);
        self.next = last + 1;
        if fresh.is_empty() {
            return Ok(());
        }
        let writer = std::mem::take(&mut self.writer);
        let bytes = finish(&writer, self.header(fresh.clone()))?;
        let (intake, pending) = (self.intake.clone(), self.intake.pending());
        let (sensor, lane) = (self.from.sensor, self.lane.take());
        let fresh = Ranges::from(fresh);
        // A task of its own, with the lane: when the sender hangs up, what is being written is still remembered as taken.
        let written = tokio::spawn(async move {
            let mut lane = lane;
            pending.expect(sensor, epoch, &fresh);
            let outcome = intake.append(bytes).await;
            match (&outcome, &mut lane) {
                (Ok(()), Some(lane)) => lane.taken(epoch).extend(&fresh),
                (Ok(()), None) => {}
                (Err(_), _) => pending.forget(sensor, epoch, &fresh),
            }
            (outcome, lane)
        });
        let (outcome, lane) = written.await.map_err(|error| SensorError::Journal(error.to_string()))?;
        self.lane = lane;
        outcome
    }

    fn header(&self, taken: Vec<(u64, u64)>) -> Header {
        Header {
            v: 1,
            org: self.from.org,
            realm: self.from.realm,
            tlp: self.from.tlp,
            at: self.intake.env.now(),
            sensors: vec![self.from.sensor],
            batch: Some(Batch { epoch: self.epoch, taken }),
            keys: 0,
        }
    }
}
