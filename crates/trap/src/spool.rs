//! The disk spool: every event is durable within a second and stays until the centre has acknowledged it.
//!
//! Events are numbered by the sensor without gaps. They are kept in the journal as blocks: the number of the first
//! event, then NDJSON. When the spool is full the oldest events go first; they are counted, and a new epoch begins, so
//! that the centre never waits for a number that no longer exists.

use base::{Env, Timestamp};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use journal::{Journal, JournalError, Options, Position};
use logwire::attack::AttackEvent;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::config::SpoolConfig;
use crate::{TrapError, files};

/// Events that may wait for the disk; beyond it they are dropped and counted.
const QUEUE: usize = 2_048;
/// Bytes read at once when looking through the spool.
const CHUNK: usize = 1 << 20;
/// The file that holds what the centre has acknowledged.
const STATE: &str = "uplink.json";

/// What the centre has acknowledged, and how event numbers map to the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The epoch that numbers on the wire belong to.
    pub epoch: u64,
    /// Number on the wire = event number - base.
    pub base: u64,
    /// The highest event number that is acknowledged or dropped.
    pub done: u64,
    /// Where the block with the next event begins.
    pub position: u64,
}

/// Numbers for the heartbeat.
#[derive(Debug, Default)]
struct Counters {
    dropped: AtomicU64,
    written: AtomicU64,
}

/// The entrance for events, cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool {
    queue: mpsc::Sender<AttackEvent>,
    counters: Arc<Counters>,
}

impl Spool {
    /// Takes an event; never waits. When the disk cannot keep up the event is dropped and counted.
    pub fn push(&self, event: AttackEvent) {
        if self.queue.try_send(event).is_err() {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.counters.dropped.load(Ordering::Relaxed)
    }
}

/// Events to send: lines with their numbers on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The epoch of the numbers.
    pub epoch: u64,
    /// The number of the first line on the wire.
    pub first: u64,
    /// NDJSON lines.
    pub lines: Vec<Bytes>,
}

/// The disk's side of the spool.
#[derive(Debug, Clone)]
pub struct Store {
    journal: Journal,
    env: Env,
    state_file: PathBuf,
    state: Arc<Mutex<State>>,
    counters: Arc<Counters>,
    segment_bytes: u64,
    written: Arc<watch::Sender<u64>>,
}

impl Store {
    /// Opens the spool in `folder`.
    ///
    /// # Errors
    /// `LF-TRP-0004` when the folder cannot be used.
    pub async fn open(folder: &Path, config: SpoolConfig, env: &Env) -> Result<Self, TrapError> {
        files::private_folder(folder)?;
        let segment_bytes = (config.max_bytes / 16).clamp(64 << 10, 64 << 20);
        let options =
            Options { segment_bytes, max_bytes: config.max_bytes, free_floor: 64 << 20, max_record: 16 << 20 };
        let failed = |e: JournalError| TrapError::folder("spool", std::io::Error::other(e));
        let (journal, _) = Journal::open(&folder.join("log"), options, env).await.map_err(failed)?;
        let state_file = folder.join(STATE);
        let state = match std::fs::read(&state_file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| TrapError::folder(STATE, e.into()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                State { epoch: epoch(env.now()), base: 0, done: 0, position: 0 }
            }
            Err(e) => return Err(TrapError::folder(STATE, e)),
        };
        let store = Self {
            journal,
            env: env.clone(),
            state_file,
            state: Arc::new(Mutex::new(state)),
            counters: Arc::default(),
            segment_bytes,
            written: Arc::new(watch::Sender::new(state.done)),
        };
        store.save(state)?;
        let last = store.last_number(state).await.map_err(failed)?;
        store.written.send_replace(last);
        Ok(store)
    }

    /// The highest number that is on disk: found by walking over the blocks that are not acknowledged.
    async fn last_number(&self, state: State) -> Result<u64, JournalError> {
        let mut last = state.done;
        let mut from = Position::from_u64(state.position);
        loop {
            let batch = self.journal.read(from, CHUNK).await?;
            if batch.records.is_empty() {
                return Ok(last);
            }
            for block in batch.records.iter().filter_map(|(_, data)| Block::read(data)) {
                last = last.max(block.last());
            }
            from = batch.next;
        }
    }

    /// The entrance, and the task that writes what comes in until every entrance is gone or `stop` is cancelled.
    pub fn writer(
        &self,
        config: SpoolConfig,
        stop: CancellationToken,
    ) -> (Spool, impl Future<Output = ()> + Send + 'static) {
        let (queue, incoming) = mpsc::channel(QUEUE);
        let spool = Spool { queue, counters: Arc::clone(&self.counters) };
        (spool, self.clone().write(incoming, config, stop))
    }

    async fn write(self, mut incoming: mpsc::Receiver<AttackEvent>, config: SpoolConfig, stop: CancellationToken) {
        let most = usize::try_from(config.fsync_events).unwrap_or(1_000);
        let patience = Duration::from_millis(config.fsync_ms);
        let mut held = Vec::new();
        loop {
            let first = tokio::select! {
                biased;
                first = incoming.recv() => first,
                () = stop.cancelled(), if !incoming.is_closed() => {
                    // What waits is still received; nothing new gets in.
                    incoming.close();
                    continue;
                }
            };
            let Some(first) = first else { break };
            held.push(first);
            let until = tokio::time::Instant::now() + patience;
            while held.len() < most {
                match tokio::time::timeout_at(until, incoming.recv()).await {
                    Ok(Some(event)) => held.push(event),
                    Ok(None) | Err(_) => break,
                }
            }
            self.append(&held).await;
            held.clear();
        }
        self.journal.close().await;
    }

    /// Writes one block; makes room by dropping the oldest events, and drops the block only if nothing helps.
    async fn append(&self, events: &[AttackEvent]) {
        let first = *self.written.borrow() + 1;
        let block = Block::write(first, events);
        for _ in 0..4 {
            match self.journal.append(vec![block.clone()]).await {
                Ok(_) => {
                    self.counters.written.fetch_add(events.len() as u64, Ordering::Relaxed);
                    self.written.send_replace(first + events.len() as u64 - 1);
                    return;
                }
                Err(JournalError::Full) if self.drop_oldest().await => {}
                Err(error) => {
                    tracing::error!(%error, events = events.len(), "events could not be written to the spool");
                    break;
                }
            }
        }
        self.counters.dropped.fetch_add(events.len() as u64, Ordering::Relaxed);
    }

    /// Drops the oldest segment; false when there is none to drop.
    async fn drop_oldest(&self) -> bool {
        let before = self.journal.tail();
        let mut from = before;
        while from.as_u64() <= before.as_u64() + self.segment_bytes {
            match self.journal.read(from, CHUNK).await {
                Ok(batch) if batch.next > from => from = batch.next,
                _ => break,
            }
        }
        if self.journal.release_before(from).await.unwrap_or(0) == 0 {
            return false;
        }
        let tail = self.journal.tail();
        let next = match self.journal.read(tail, 1).await {
            Ok(batch) => batch.records.first().and_then(|(_, data)| Block::read(data)).map(|b| b.first),
            Err(_) => None,
        };
        let next = next.unwrap_or(*self.written.borrow() + 1);
        let state = {
            let mut state = self.lock();
            let lost = next.saturating_sub(state.done + 1);
            if lost > 0 {
                self.counters.dropped.fetch_add(lost, Ordering::Relaxed);
                tracing::warn!(events = lost, "the spool is full; the oldest events are dropped");
                *state = State {
                    epoch: epoch(self.env.now()).max(state.epoch + 1),
                    base: next - 1,
                    done: next - 1,
                    position: tail.as_u64(),
                };
            }
            *state
        };
        if let Err(error) = self.save(state) {
            tracing::error!(%error, "the uplink's state could not be saved");
        }
        true
    }

    /// The next events to send, at most `lines` and about `bytes`; none when all is acknowledged.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub async fn next(&self, lines: usize, bytes: usize) -> Result<Option<Outgoing>, JournalError> {
        let state = *self.lock();
        let batch = self.journal.read(Position::from_u64(state.position), bytes).await?;
        let mut out = Outgoing { epoch: state.epoch, first: state.done + 1 - state.base, lines: Vec::new() };
        let mut expected = state.done + 1;
        for (_, data) in &batch.records {
            let Some(block) = Block::read(data) else { continue };
            for (number, line) in (block.first..).zip(block.lines) {
                if number == expected && out.lines.len() < lines {
                    out.lines.push(line);
                    expected += 1;
                }
            }
        }
        Ok((!out.lines.is_empty()).then_some(out))
    }

    /// The centre has everything of `epoch` up to `ack`; true when that is news.
    ///
    /// # Errors
    /// When the spool cannot be read or the state not be written.
    pub async fn acknowledge(&self, epoch: u64, ack: u64) -> Result<bool, TrapError> {
        let before = *self.lock();
        let done = before.base.saturating_add(ack).min(*self.written.borrow());
        if epoch != before.epoch || done <= before.done {
            return Ok(false);
        }
        let failed = |e: JournalError| TrapError::folder("spool", std::io::Error::other(e));
        let mut position = before.position;
        'walk: loop {
            let batch = self.journal.read(Position::from_u64(position), CHUNK).await.map_err(failed)?;
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
        let state = {
            let mut state = self.lock();
            if state.epoch != epoch {
                return Ok(false);
            }
            state.done = done;
            state.position = position;
            *state
        };
        self.save(state)?;
        self.journal.release_before(Position::from_u64(position)).await.map_err(failed)?;
        Ok(true)
    }

    /// Numbers what is not acknowledged from 1 again, in a new epoch.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn begin_epoch(&self) -> Result<(), TrapError> {
        let state = {
            let mut state = self.lock();
            state.epoch = epoch(self.env.now()).max(state.epoch + 1);
            state.base = state.done;
            *state
        };
        self.save(state)
    }

    /// Waits until there is something that is not acknowledged.
    pub async fn wait_for_more(&self) {
        let mut written = self.written.subscribe();
        let done = self.lock().done;
        // The sender lives in this store, so that waiting cannot fail.
        let _ = written.wait_for(|last| *last > done).await;
    }

    /// Events that wait for the centre.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.written.borrow().saturating_sub(self.lock().done)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, state: State) -> Result<(), TrapError> {
        let text = serde_json::to_vec(&state).map_err(|e| TrapError::folder(STATE, e.into()))?;
        files::replace(&self.state_file, &text)
    }
}

fn epoch(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(1)
}

/// A record of the journal: the number of the first event, then lines.
struct Block {
    first: u64,
    lines: Vec<Bytes>,
}

impl Block {
    fn write(first: u64, events: &[AttackEvent]) -> Bytes {
        let mut out = BytesMut::with_capacity(events.len() * 320 + 8);
        out.put_u64(first);
        for event in events {
            // An event is made of plain values; if one cannot be written its line stays, so that numbers stay right.
            out.extend_from_slice(&serde_json::to_vec(event).unwrap_or_else(|_| b"{}".to_vec()));
            out.put_u8(b'\n');
        }
        out.freeze()
    }

    fn read(data: &Bytes) -> Option<Self> {
        let mut rest = data.clone();
        let first = (rest.len() >= 8).then(|| rest.get_u64())?;
        let mut lines = Vec::new();
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            lines.push(rest.split_to(end));
            rest.advance(1);
        }
        Some(Self { first, lines })
    }

    fn last(&self) -> u64 {
        self.first + (self.lines.len() as u64).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests;
