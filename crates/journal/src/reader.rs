//! Reading from a position: whole records, and the name of what is damaged.

use bytes::{Bytes, BytesMut};
use std::io::ErrorKind;

use crate::disk::DiskFile;
use crate::error::JournalError;
use crate::frame::{self, Found};
use crate::log::{Segment, Shared};
use crate::{Position, frame::HEAD};

/// A place that holds no readable record where one should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// Where it begins.
    pub at: Position,
    /// How many bytes are lost.
    pub bytes: u64,
}

/// What a read found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Records with their positions, in order.
    pub records: Vec<(Position, Bytes)>,
    /// Where the next read begins.
    pub next: Position,
    /// Places that were skipped.
    pub damaged: Vec<Damage>,
}

/// Bytes fetched at once beyond what was asked for.
const SLACK: usize = 64 << 10;

pub(crate) fn read(shared: &Shared, from: Position, max_bytes: usize) -> Result<Batch, JournalError> {
    let head = shared.head.borrow().0;
    let mut batch = Batch { next: from.max(Position(shared.tail())), ..Batch::default() };
    let mut left = max_bytes.max(1);
    while batch.next.0 < head && left > 0 {
        let Some((segment, end)) = segment_of(shared, batch.next.0, head) else { break };
        // The hole before a segment belongs to none: a segment is gone or was shortened.
        if batch.next.0 < segment.base {
            skip(&mut batch, segment.base);
        }
        let file = match shared.disk.open(&segment.name()) {
            Ok(file) => file,
            // Released in the meantime.
            Err(gone) if gone.kind() == ErrorKind::NotFound && shared.tail() > batch.next.0 => {
                batch.next = Position(shared.tail());
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        let scan = Scan { file: &*file, segment, end, most: shared.options.max_record };
        left = scan.read(&mut batch, left)?;
    }
    Ok(batch)
}

/// The segment that holds a position, or the next one; and where it ends.
fn segment_of(shared: &Shared, position: u64, head: u64) -> Option<(Segment, u64)> {
    let segments = shared.segments();
    let mut ends = segments.iter().skip(1).map(|next| next.base).chain([head]);
    segments.iter().find_map(|segment| ends.next().filter(|end| position < *end).map(|end| (*segment, end)))
}

fn skip(batch: &mut Batch, to: u64) {
    let damage = Damage { at: batch.next, bytes: to - batch.next.0 };
    tracing::error!(
        code = crate::error::FAILED.id,
        at = damage.at.0,
        bytes = damage.bytes,
        "damaged place in the journal"
    );
    batch.damaged.push(damage);
    batch.next = Position(to);
}

/// Bytes that the search behind a damaged place may checksum before it gives the segment up.
const SEARCH: usize = if cfg!(test) { 1 << 20 } else { 1 << 32 };

/// What stands behind a damaged place.
enum Next {
    /// A whole record, here.
    At(u64),
    /// No record.
    None,
    /// Nobody knows: the search gave up.
    Unknown,
}

/// Where the valid records of a segment end.
pub(crate) enum End {
    /// Here; damage with a valid record behind it is inside.
    Valid(u64),
    /// Nobody knows: the search behind a damaged place gave up.
    Unknown,
}

/// A pass over one segment.
pub(crate) struct Scan<'a> {
    pub(crate) file: &'a dyn DiskFile,
    pub(crate) segment: Segment,
    /// The position at which the segment ends.
    pub(crate) end: u64,
    pub(crate) most: usize,
}

impl Scan<'_> {
    /// Reads records into the batch until about `left` bytes of payload are there or the segment ends; comes back with
    /// how much may still be read.
    fn read(&self, batch: &mut Batch, mut left: usize) -> Result<usize, JournalError> {
        let mut bytes = self.fetch(batch.next.0, left.saturating_add(SLACK))?;
        let mut at = 0;
        while left > 0 && batch.next.0 < self.end {
            match frame::look(&bytes, at, batch.next.0, self.segment.salt, self.most) {
                Found::Record(payload, whole) => {
                    left = left.saturating_sub(payload.len().max(1));
                    batch.records.push((batch.next, payload));
                    batch.next = Position(batch.next.0 + whole as u64);
                    at += whole;
                }
                Found::Short(whole) if batch.next.0 + whole as u64 <= self.end && bytes.len() - at < whole => {
                    let more = self.fetch(batch.next.0, left.saturating_add(SLACK).max(whole))?;
                    if more.len() < whole {
                        skip(batch, self.end);
                        break;
                    }
                    (bytes, at) = (more, 0);
                }
                Found::Short(_) | Found::Damaged => {
                    let to = match self.next_record(batch.next.0)? {
                        Next::At(to) => to,
                        Next::None | Next::Unknown => self.end,
                    };
                    skip(batch, to);
                    (bytes, at) = (self.fetch(to, left.saturating_add(SLACK))?, 0);
                }
            }
        }
        Ok(left)
    }

    /// Where the next whole record stands behind a damaged one.
    fn next_record(&self, damaged: u64) -> Result<Next, JournalError> {
        // Damage is rare and a segment is small: it is searched in memory.
        let rest = self.fetch(damaged, usize::MAX)?;
        let look = |at: usize| frame::look(&rest, at, damaged + at as u64, self.segment.salt, self.most);
        // Where the damaged record says that it ends. It is believed only where the search gives up: a length that is
        // itself damaged may lead to the beginning of a later record, past whole ones.
        let step = rest.first_chunk().map(|length| u32::from_le_bytes(*length) as usize + HEAD);
        let step = step.filter(|at| *at < rest.len() && matches!(look(*at), Found::Record(..)));
        let mut effort = SEARCH;
        for at in 1..rest.len() {
            match look(at) {
                Found::Record(..) => return Ok(Next::At(damaged + at as u64)),
                // What looks like a head costs a checksum over its payload; bytes made to look so must not cost hours.
                Found::Damaged => effort = effort.saturating_sub(frame::checked(&rest, at, self.most)),
                Found::Short(_) => {}
            }
            if effort == 0 {
                return Ok(step.map_or(Next::Unknown, |at| Next::At(damaged + at as u64)));
            }
        }
        Ok(Next::None)
    }

    /// The bytes from a position to the segment's end, at most so many.
    fn fetch(&self, from: u64, most: usize) -> Result<Bytes, JournalError> {
        let there = usize::try_from(self.end.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut buffer = BytesMut::zeroed(there.min(most));
        let got = self.file.read_at(&mut buffer, from - self.segment.base)?;
        buffer.truncate(got);
        Ok(buffer.freeze())
    }

    /// Where valid records end.
    pub(crate) fn valid_end(&self, damaged: &mut Vec<Damage>) -> Result<End, JournalError> {
        let bytes = self.fetch(self.segment.base, usize::MAX)?;
        let (mut at, mut position) = (0, self.segment.base);
        while position < self.end {
            match frame::look(&bytes, at, position, self.segment.salt, self.most) {
                Found::Record(_, whole) => {
                    at += whole;
                    position += whole as u64;
                }
                Found::Short(_) | Found::Damaged => {
                    let next = match self.next_record(position)? {
                        Next::At(next) => next,
                        Next::None => return Ok(End::Valid(position)),
                        Next::Unknown => {
                            damaged.push(Damage { at: Position(position), bytes: self.end - position });
                            return Ok(End::Unknown);
                        }
                    };
                    damaged.push(Damage { at: Position(position), bytes: next - position });
                    at += usize::try_from(next - position).unwrap_or(HEAD);
                    position = next;
                }
            }
        }
        Ok(End::Valid(position))
    }
}
