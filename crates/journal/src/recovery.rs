//! Opening after any end: the last segment is checked record by record and cut behind its last whole one.

use base::Env;

use crate::Position;
use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::log::{Options, Segment};
use crate::reader::{Damage, Scan};

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
}

pub(crate) struct Found {
    pub(crate) segments: Vec<Segment>,
    pub(crate) head: u64,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) report: Recovery,
}

pub(crate) fn recover(disk: &dyn Disk, options: Options, env: &Env) -> Result<Found, JournalError> {
    let mut segments: Vec<Segment> = disk.list()?.iter().filter_map(|name| Segment::parse(name)).collect();
    segments.sort_by_key(|segment| segment.base);
    let mut report = Recovery::default();
    let (head, file) = match segments.last() {
        None => {
            let segment = Segment { base: 0, salt: u32::from_le_bytes(env.bytes()) };
            let file = disk.create(&segment.name())?;
            segments.push(segment);
            (0, file)
        }
        Some(&segment) => {
            let file = disk.open(&segment.name())?;
            let end = segment.base + file.size()?;
            let scan = Scan { file: &*file, segment, end, most: options.max_record };
            let valid = scan.valid_end(&mut report.damaged)?;
            report.cut = end - valid;
            if report.cut > 0 {
                file.cut(valid - segment.base)?;
                tracing::warn!(bytes = report.cut, "half-written records were cut off the journal");
            }
            (valid, file)
        }
    };
    // Records that a crash left whole but not yet durable are shown to readers from here on: they must stay.
    file.sync()?;
    disk.sync_folder()?;
    report.head = Position(head);
    report.tail = Position(segments.first().map_or(0, |segment| segment.base));
    Ok(Found { segments, head, file, report })
}
