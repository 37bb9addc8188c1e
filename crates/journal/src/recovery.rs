//! Opening after any end: the last segment is checked record by record and cut behind its last whole one.

use base::Env;

use crate::Position;
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::log::{Options, Segment};
use crate::reader::{Damage, End, Scan};

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Where the next record will stand.
    pub head: Position,
    /// Where the oldest record kept stands.
    pub tail: Position,
    /// Bytes of half-written records that were cut off; none of them was acknowledged.
    pub cut: u64,
    /// Damaged places of the last segment; those of earlier ones are named when they are read.
    pub damaged: Vec<Damage>,
    /// The log was behind what its reader has read already and goes on from there.
    pub behind: Option<Behind>,
}

/// A log that ends before its reader's position: another folder, an older copy, or a tail that was damaged after it was
/// read. What is appended next must stand behind that position, or it would count as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Where the log ended.
    pub head: Position,
    /// Where it goes on: the reader's position.
    pub floor: Position,
}

pub(crate) struct Found {
    pub(crate) segments: Vec<Segment>,
    pub(crate) head: u64,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) report: Recovery,
}

pub(crate) fn recover(disk: &dyn Disk, options: Options, floor: Position, env: &Env) -> Result<Found, JournalError> {
    let mut segments: Vec<Segment> = disk.list()?.iter().filter_map(|name| Segment::parse(name)).collect();
    segments.sort_by_key(|segment| segment.base);
    let mut report = Recovery::default();
    let (mut head, mut file) = match segments.last() {
        None => (0, None),
        Some(&segment) => {
            let file = disk.open(&segment.name())?;
            let end = segment.base + file.size()?;
            let scan = Scan { file: &*file, segment, end, most: options.max_record };
            match scan.valid_end(&mut report.damaged)? {
                End::Valid(valid) => {
                    report.cut = end - valid;
                    if report.cut > 0 {
                        file.cut(valid - segment.base)?;
                        tracing::warn!(bytes = report.cut, "half-written records were cut off the journal");
                    }
                    (valid, Some(file))
                }
                // Whole records may stand behind the place: nothing is cut, and nothing is written behind it either.
                End::Unknown => (end, None),
            }
        }
    };
    if head < floor.0 {
        let behind = Behind { head: Position(head), floor };
        tracing::error!(head, floor = floor.0, "the journal ends before what was read of it; it goes on from there");
        report.behind = Some(behind);
        (head, file) = (floor.0, None);
    }
    let file = match file {
        Some(file) => file,
        None => {
            let segment = Segment { base: head, salt: u32::from_le_bytes(env.bytes()) };
            segments.push(segment);
            disk.create(&segment.name())?
        }
    };
    // Records that a crash left whole but not yet durable are shown to readers from here on: they must stay.
    file.sync()?;
    disk.sync_folder()?;
    report.head = Position(head);
    report.tail = Position(segments.first().map_or(0, |segment| segment.base));
    Ok(Found { segments, head, file, report })
}
