//! The journal as its users see it, and what its parts share.

use base::Env;
use bytes::Bytes;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

use crate::disk::{Disk, Folder};
use crate::error::JournalError;
use crate::reader::{self, Batch};
use crate::recovery::{self, Recovery};
use crate::writer::Writer;
use crate::{Position, frame};

/// Limits of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment is closed once it has so many bytes.
    pub segment_bytes: u64,
    /// More than this is not kept: appending answers [`JournalError::Full`].
    pub max_bytes: u64,
    /// So many bytes of the disk stay free for everybody else.
    pub free_floor: u64,
    /// The largest payload of one record.
    pub max_record: usize,
}

impl Default for Options {
    /// 64 MiB a segment, 8 GiB in all, 1 GiB of the disk free, 16 MiB a record.
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, max_bytes: 8 << 30, free_floor: 1 << 30, max_record: 16 << 20 }
    }
}

/// A segment file: its name carries where it begins and its salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) base: u64,
    pub(crate) salt: u32,
}

impl Segment {
    pub(crate) fn name(self) -> String {
        format!("{:016x}-{:08x}.segment", self.base, self.salt)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (base, salt) = name.strip_suffix(".segment")?.split_once('-')?;
        let segment = Self { base: u64::from_str_radix(base, 16).ok()?, salt: u32::from_str_radix(salt, 16).ok()? };
        (segment.name() == name).then_some(segment)
    }
}

/// What writer, readers and releases share.
pub(crate) struct Shared {
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) options: Options,
    /// Ascending; the last one is written to.
    segments: Mutex<Vec<Segment>>,
    /// Everything before it is durable.
    pub(crate) head: watch::Sender<Position>,
    /// Why nothing is accepted any more.
    pub(crate) poison: watch::Sender<Option<String>>,
}

impl Shared {
    pub(crate) fn segments(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn usable(&self) -> Result<(), JournalError> {
        match self.poison.borrow().as_ref() {
            Some(why) => Err(JournalError::Poisoned(why.clone())),
            None => Ok(()),
        }
    }

    /// Refuses everything from now on.
    pub(crate) fn poison_with(&self, cause: &std::io::Error) -> JournalError {
        tracing::error!(code = crate::error::POISONED.id, %cause, "a write could not be made durable");
        self.poison.send_replace(Some(cause.to_string()));
        JournalError::Poisoned(cause.to_string())
    }

    /// Where the oldest record kept stands.
    pub(crate) fn tail(&self) -> u64 {
        self.segments().first().map_or(0, |segment| segment.base)
    }
}

/// The log, cheap to clone.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    writer: Writer,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("head", &*self.shared.head.borrow()).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens (or makes) the log in a folder; what a crash left half written is cut off and counted.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another process has it, [`JournalError::Failed`] when it cannot be read.
    pub async fn open(folder: &Path, options: Options, env: &Env) -> Result<(Self, Recovery), JournalError> {
        Self::open_behind(folder, options, Position::from_u64(0), env).await
    }

    /// The same for a log whose reader keeps its position elsewhere: nothing is ever appended before `floor`, even if
    /// this folder is another or an older one ([`Recovery::behind`] says so).
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub async fn open_behind(
        folder: &Path,
        options: Options,
        floor: Position,
        env: &Env,
    ) -> Result<(Self, Recovery), JournalError> {
        let path = folder.to_owned();
        let env = env.clone();
        let work = move || {
            let disk = Folder::open(&path).map_err(|refused| match refused.kind() {
                std::io::ErrorKind::WouldBlock => JournalError::Locked,
                _ => refused.into(),
            })?;
            Self::open_on(Box::new(disk), options, floor, env)
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| JournalError::Failed(e.to_string()))?
    }

    /// The same on any disk; blocks.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub fn open_on(
        disk: Box<dyn Disk>,
        options: Options,
        floor: Position,
        env: Env,
    ) -> Result<(Self, Recovery), JournalError> {
        let found = recovery::recover(&*disk, options, floor, &env)?;
        let shared = Arc::new(Shared {
            disk,
            options,
            segments: Mutex::new(found.segments),
            head: watch::Sender::new(Position(found.head)),
            poison: watch::Sender::new(None),
        });
        let writer = Writer::start(Arc::clone(&shared), found.file, env)?;
        Ok((Self { shared, writer }, found.report))
    }

    /// Appends a batch, durable when this returns; comes back with the position behind it. Appenders at the same moment
    /// share one fsync. A batch is kept as a whole or, if this did not return, possibly in part.
    ///
    /// # Errors
    /// [`JournalError::Full`] when its limit is reached, [`JournalError::DiskFull`] when the disk has no room above its
    /// floor, [`JournalError::TooLarge`] for one record,
    /// [`JournalError::Poisoned`] after a failed fsync.
    pub async fn append(&self, batch: Vec<Bytes>) -> Result<Position, JournalError> {
        if let Some(large) = batch.iter().map(Bytes::len).find(|size| *size > self.shared.options.max_record) {
            return Err(JournalError::TooLarge(large));
        }
        self.shared.usable()?;
        self.writer.append(batch).await
    }

    /// Reads whole records from a position on, about `max_bytes` of payload and at least one record if there is one.
    ///
    /// A position that is released already reads from the oldest record kept.
    ///
    /// # Errors
    /// [`JournalError::Failed`] when the files cannot be read.
    pub async fn read(&self, from: Position, max_bytes: usize) -> Result<Batch, JournalError> {
        let shared = Arc::clone(&self.shared);
        let work = move || reader::read(&shared, from, max_bytes);
        tokio::task::spawn_blocking(work).await.map_err(|e| JournalError::Failed(e.to_string()))?
    }

    /// Changes whenever something became durable: everything before the position can be read.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<Position> {
        self.shared.head.subscribe()
    }

    /// Where the oldest record kept stands.
    #[must_use]
    pub fn tail(&self) -> Position {
        Position(self.shared.tail())
    }

    /// Where the oldest segment ends; none while it is the only one. Releasing before this place deletes one segment.
    #[must_use]
    pub fn oldest_end(&self) -> Option<Position> {
        self.shared.segments().get(1).map(|second| Position(second.base))
    }

    /// Bytes kept at this moment.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.head.borrow().0.saturating_sub(self.shared.tail())
    }

    /// Deletes the segments that lie wholly before a position; comes back with how many.
    ///
    /// # Errors
    /// [`JournalError::Failed`] when a file cannot be deleted.
    pub async fn release_before(&self, position: Position) -> Result<usize, JournalError> {
        let shared = Arc::clone(&self.shared);
        let work = move || release(&shared, position);
        tokio::task::spawn_blocking(work).await.map_err(|e| JournalError::Failed(e.to_string()))?
    }

    /// Whether a write could not be made durable, so that everything is refused until the next start.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.shared.poison.borrow().is_some()
    }

    /// Changes from none to the reason when the journal is poisoned; the house ends the program then.
    #[must_use]
    pub fn poison(&self) -> watch::Receiver<Option<String>> {
        self.shared.poison.subscribe()
    }

    /// Finishes what waits; later appends answer [`JournalError::Failed`].
    pub async fn close(&self) {
        self.writer.close().await;
    }
}

/// Oldest first, so that a crash in between leaves no hole.
fn release(shared: &Shared, position: Position) -> Result<usize, JournalError> {
    let mut released = 0;
    loop {
        let mut segments = shared.segments();
        // The end of a segment is where the next one begins; the last one is never deleted.
        let [first, second, ..] = segments.as_slice() else { break };
        if second.base > position.0 {
            break;
        }
        shared.disk.remove(&first.name())?;
        segments.remove(0);
        released += 1;
    }
    if released > 0 {
        // If this fails the files may be back after a crash, which does no harm: they are released again.
        shared.disk.sync_folder()?;
    }
    Ok(released)
}

/// The bytes a batch takes on disk.
pub(crate) fn weight(batch: &[Bytes]) -> u64 {
    batch.iter().map(|payload| (payload.len() + frame::HEAD) as u64).sum()
}
