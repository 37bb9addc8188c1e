//! The writer: one thread that writes whatever waits with one write and one fsync.

use base::Env;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

use crate::Position;
use crate::disk::DiskFile;
use crate::error::JournalError;
use crate::frame;
use crate::log::{Segment, Shared, weight};

/// Batches that may wait; the next appender waits at the door.
const QUEUE: usize = 1024;
/// Bytes of one group, so that the first of a large group does not wait for long.
const GROUP_BYTES: u64 = 8 << 20;

type Reply = oneshot::Sender<Result<Position, JournalError>>;

enum Work {
    Append(Vec<Bytes>, Reply),
    Close(oneshot::Sender<()>),
}

#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Work>,
}

impl Writer {
    pub(crate) fn start(shared: Arc<Shared>, file: Box<dyn DiskFile>, env: Env) -> Result<Self, JournalError> {
        let (queue, work) = mpsc::channel(QUEUE);
        let thread = Thread { shared, file, env, buffer: Vec::new() };
        std::thread::Builder::new().name("journal-writer".into()).spawn(move || thread.run(work))?;
        Ok(Self { queue })
    }

    pub(crate) async fn append(&self, batch: Vec<Bytes>) -> Result<Position, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Work::Append(batch, reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Everything that waits is written first.
    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Work::Close(reply)).await.is_ok() {
            // An error means that the thread has ended already.
            let _ended = answer.await;
        }
    }
}

fn closed() -> JournalError {
    JournalError::Failed("the journal is closed".into())
}

struct Thread {
    shared: Arc<Shared>,
    file: Box<dyn DiskFile>,
    env: Env,
    buffer: Vec<u8>,
}

/// A writer that dies of a fault of ours must not look like one that was closed.
impl Drop for Thread {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.poison_with(&std::io::Error::other("the writer panicked"));
        }
    }
}

impl Thread {
    fn run(mut self, mut work: mpsc::Receiver<Work>) {
        while let Some(first) = work.blocking_recv() {
            let mut group = Vec::new();
            let mut bytes = 0;
            let mut next = Some(first);
            let mut close = None;
            while let Some(item) = next.take() {
                match item {
                    Work::Append(batch, reply) => {
                        bytes += weight(&batch);
                        group.push((batch, reply));
                    }
                    Work::Close(reply) => {
                        work.close();
                        close = Some(reply);
                        break;
                    }
                }
                if bytes < GROUP_BYTES {
                    next = work.try_recv().ok();
                }
            }
            self.group(group);
            if let Some(reply) = close {
                drop(self);
                // Nobody waits any more if this fails.
                let _gone = reply.send(());
                return;
            }
        }
    }

    /// Writes a group and answers every batch of it.
    fn group(&mut self, group: Vec<(Vec<Bytes>, Reply)>) {
        if group.is_empty() {
            return;
        }
        let mut taken = Vec::with_capacity(group.len());
        let outcome = self.roll_if_due().and_then(|()| self.room());
        let mut room = match outcome {
            Ok(room) => room,
            Err(refusal) => return answer_all(group.into_iter().map(|(_, reply)| reply), &refusal),
        };
        let start = self.shared.head.borrow().0;
        let segment = self.shared.segments().last().copied();
        let Some(segment) = segment else {
            let refusal = JournalError::Failed("the journal has no segment".into());
            return answer_all(group.into_iter().map(|(_, reply)| reply), &refusal);
        };
        self.buffer.clear();
        for (batch, reply) in group {
            let size = weight(&batch);
            if let Err(refusal) = room.take(size) {
                // The refusal of one sender does not hold up the others; a caller that went away needs no answer.
                let _gone = reply.send(Err(refusal));
                continue;
            }
            for payload in &batch {
                let position = start + self.buffer.len() as u64;
                frame::put(&mut self.buffer, payload, position, segment.salt);
            }
            taken.push((Position(start + self.buffer.len() as u64), reply));
        }
        match self.write(start, start - segment.base) {
            Ok(()) => {
                for (position, reply) in taken {
                    let _gone = reply.send(Ok(position));
                }
            }
            Err(refusal) => answer_all(taken.into_iter().map(|(_, reply)| reply), &refusal),
        }
        // A burst does not hold its memory for ever.
        self.buffer.shrink_to(1 << 20);
    }

    fn write(&self, start: u64, offset: u64) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(failure) = self.file.write_at(&self.buffer, offset) {
            let refusal = JournalError::from(failure);
            if !matches!(refusal, JournalError::DiskFull) {
                return Err(self.shared.poison_with(&std::io::Error::other(refusal)));
            }
            // Half a group may stand behind the head now: nobody was told, so it goes away again.
            self.file.cut(offset).map_err(|cause| self.shared.poison_with(&cause))?;
            return Err(refusal);
        }
        self.file.sync().map_err(|cause| self.shared.poison_with(&cause))?;
        self.shared.head.send_replace(Position(start + self.buffer.len() as u64));
        Ok(())
    }

    /// Begins a new segment when the present one is large enough; its name is durable before anything is written to it.
    fn roll_if_due(&mut self) -> Result<(), JournalError> {
        self.shared.usable()?;
        let head = self.shared.head.borrow().0;
        let last = self.shared.segments().last().copied();
        if last.is_some_and(|segment| head - segment.base < self.shared.options.segment_bytes) {
            return Ok(());
        }
        let segment = Segment { base: head, salt: u32::from_le_bytes(self.env.bytes()) };
        let file = self.shared.disk.create(&segment.name())?;
        self.shared.disk.sync_folder().map_err(|cause| self.shared.poison_with(&cause))?;
        self.file = file;
        self.shared.segments().push(segment);
        Ok(())
    }

    fn room(&self) -> Result<Room, JournalError> {
        let kept = self.shared.head.borrow().0 - self.shared.tail();
        let own = self.shared.options.max_bytes.saturating_sub(kept);
        let disk = self.shared.disk.free()?.saturating_sub(self.shared.options.free_floor);
        Ok(Room { own, disk })
    }
}

/// How many bytes may still be written.
struct Room {
    /// Within the journal's own limit.
    own: u64,
    /// Above the floor of the disk.
    disk: u64,
}

impl Room {
    /// Takes so many bytes of it. A full disk counts first: releasing records does not help against others.
    fn take(&mut self, size: u64) -> Result<(), JournalError> {
        let left = |of: u64, refusal| of.checked_sub(size).ok_or(refusal);
        let disk = left(self.disk, JournalError::DiskFull)?;
        *self = Self { own: left(self.own, JournalError::Full)?, disk };
        Ok(())
    }
}

fn answer_all(replies: impl Iterator<Item = Reply>, refusal: &JournalError) {
    for reply in replies {
        // A caller that went away needs no answer.
        let _gone = reply.send(Err(refusal.clone()));
    }
}
