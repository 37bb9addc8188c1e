//! A journal as it lies there, looked at from outside: without its lock, without making, cutting or writing anything.

use std::fs::File;
use std::io::{self, Error};
use std::path::Path;

use crate::disk::DiskFile;
use crate::log::{Options, Segment};
use crate::reader::{End, Scan};

/// What lies in the folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Segment files.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Places between two segments, and inside the last one, where records are missing or damaged.
    pub damaged: usize,
    /// Bytes behind the last whole record. While a centre works this is what it writes now; else the next start cuts it.
    pub unfinished: u64,
}

/// Looks at the folder of a journal: all names and lengths, the records of the last segment.
///
/// # Errors
/// Those of the file system: no folder, a file that cannot be read.
pub fn look(folder: &Path) -> io::Result<Looked> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        segments.extend(name.to_str().and_then(Segment::parse));
    }
    segments.sort_by_key(|segment| segment.base);
    let mut looked = Looked { segments: segments.len(), ..Looked::default() };
    let mut ends = segments.iter().skip(1).map(|next| Some(next.base)).chain([None]);
    for segment in &segments {
        let file = File::open(folder.join(segment.name()))?;
        let end = segment.base + file.size()?;
        looked.bytes += end - segment.base;
        match ends.next().flatten() {
            Some(next) => looked.damaged += usize::from(next != end),
            None => last(&file, *segment, end, &mut looked)?,
        }
    }
    Ok(looked)
}

fn last(file: &File, segment: Segment, end: u64, looked: &mut Looked) -> io::Result<()> {
    let mut damaged = Vec::new();
    let scan = Scan { file, segment, end, most: Options::default().max_record };
    let valid = match scan.valid_end(&mut damaged) {
        Ok(End::Valid(valid)) => valid,
        Ok(End::Unknown) => end,
        Err(failure) => return Err(Error::other(failure)),
    };
    looked.damaged += damaged.len();
    looked.unfinished = end - valid;
    Ok(())
}
