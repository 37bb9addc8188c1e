//! The disk spool: every event is durable within a second and stays until the centre has acknowledged it.
//!
//! Events are numbered by the sensor without gaps. They are kept in the journal as blocks: the number of the first
//! event, then NDJSON. When the spool is full the oldest events go first; they are counted, and a new epoch begins, so
//! that the centre never waits for a number that no longer exists. What may have been on the wire already keeps its
//! number until it is through, so that the centre knows it again. When others have filled the disk, what is kept stays
//! and new events are counted as dropped: deleting makes room for those others, and would lose both.

mod block;
mod ledger;
mod outgoing;

pub use ledger::State;
pub use outgoing::Outgoing;
use outgoing::unreadable;

use base::{Coded as _, Env};
use journal::{Journal, JournalError, Options, Position};
use logwire::attack::AttackEvent;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::TrapError;
use crate::config::SpoolConfig;
use block::{Block, Draft};
use ledger::Ledger;

/// Events that may wait for the disk; beyond it they are dropped and counted.
const QUEUE: usize = 2_048;
/// A block is closed at this size, however few events it holds: far below what the journals here and at the centre take as
/// one record, whatever attackers send.
const BLOCK_BYTES: usize = 2 << 20;
/// Bytes read at once when looking through the spool.
const CHUNK: usize = 1 << 20;

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

/// The disk's side of the spool.
#[derive(Debug, Clone)]
pub struct Store {
    journal: Journal,
    env: Env,
    ledger: Arc<Ledger>,
    counters: Arc<Counters>,
    written: Arc<watch::Sender<u64>>,
    /// Whether the disk was full at the last block: said once, not with every block.
    full: Arc<AtomicBool>,
}

impl Store {
    /// Opens the spool in `folder`.
    ///
    /// # Errors
    /// `LF-TRP-0004` when the folder cannot be used.
    pub async fn open(folder: &Path, config: SpoolConfig, env: &Env) -> Result<Self, TrapError> {
        link::private_folder(folder)?;
        let segment_bytes = (config.max_bytes / 16).clamp(64 << 10, 64 << 20);
        let options =
            Options { segment_bytes, max_bytes: config.max_bytes, free_floor: 64 << 20, max_record: 16 << 20 };
        let (journal, _) = Journal::open(&folder.join("log"), options, env).await.map_err(unreadable)?;
        Self::over(journal, folder, env).await
    }

    /// The spool over a journal, its state in `folder`.
    async fn over(journal: Journal, folder: &Path, env: &Env) -> Result<Self, TrapError> {
        let (ledger, state) = Ledger::open(folder, env.now(), *journal.head().borrow())?;
        let store = Self {
            journal,
            env: env.clone(),
            ledger: Arc::new(ledger),
            counters: Arc::default(),
            written: Arc::new(watch::Sender::new(state.done)),
            full: Arc::default(),
        };
        let last = store.last_number(state).await.map_err(unreadable)?;
        if last < state.sent {
            tracing::error!(last, sent = state.sent, "the end of the spool is lost; its numbers are not used again");
        }
        // The uplink finds nothing under the numbers in between and goes on behind them, in a new epoch.
        store.written.send_replace(last.max(state.sent));
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
        let most = u64::from(config.fsync_events);
        // A small spool has small blocks.
        let full = usize::try_from(config.max_bytes / 16).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        let patience = Duration::from_millis(config.fsync_ms);
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
            let mut draft = Draft::default();
            draft.push(&first);
            let until = tokio::time::Instant::now() + patience;
            while draft.events() < most && draft.bytes() < full {
                match tokio::time::timeout_at(until, incoming.recv()).await {
                    Ok(Some(event)) => draft.push(&event),
                    Ok(None) | Err(_) => break,
                }
            }
            self.append(&draft).await;
        }
        self.journal.close().await;
    }

    /// Writes one block; at the spool's own limit it makes room by dropping the oldest events. The block is dropped if
    /// nothing helps, or if others have filled the disk.
    async fn append(&self, draft: &Draft) {
        let first = *self.written.borrow() + 1;
        let (block, events) = (draft.record(first), draft.events());
        for _ in 0..4 {
            match self.journal.append(vec![block.clone()]).await {
                Ok(_) => {
                    self.counters.written.fetch_add(events, Ordering::Relaxed);
                    self.written.send_replace(first + events - 1);
                    if self.full.swap(false, Ordering::Relaxed) {
                        tracing::info!("the disk has room again; events are kept");
                    }
                    return;
                }
                Err(JournalError::Full) if self.drop_oldest().await => {}
                Err(JournalError::DiskFull) => {
                    if !self.full.swap(true, Ordering::Relaxed) {
                        let problem = TrapError::DiskFull.problem();
                        tracing::error!(%problem, "new events are dropped");
                    }
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, events, "events could not be written to the spool");
                    break;
                }
            }
        }
        self.counters.dropped.fetch_add(events, Ordering::Relaxed);
    }

    /// Drops the oldest segment; false when there is none to drop.
    async fn drop_oldest(&self) -> bool {
        let before = self.journal.tail();
        let Some(edge) = self.journal.oldest_end() else { return false };
        let next = match self.journal.read(edge, 1).await {
            Ok(batch) => batch.records.first().and_then(|(_, data)| Block::read(data)).map(|block| block.first),
            Err(error) => {
                tracing::error!(%error, "the spool cannot be read to make room");
                return false;
            }
        };
        let next = next.unwrap_or(*self.written.borrow() + 1);
        // The state first: after a crash in between, what it says is still there or not needed.
        match self.pass(None, next, edge) {
            Ok(0) => {}
            Ok(lost) => tracing::warn!(events = lost, "the spool is full; the oldest events are dropped"),
            Err(error) => {
                tracing::error!(%error, "the uplink's state could not be saved");
                return false;
            }
        }
        if let Err(error) = self.journal.release_before(edge).await {
            tracing::error!(%error, "the oldest events could not be deleted");
        }
        // The uplink may have released the segment in the meantime.
        self.journal.tail() > before
    }

    /// Goes on with event `next` at `position`, in a new epoch if events before it were not acknowledged, or with its
    /// number as long as the centre may know it; comes back with how many those are, and counts them. Does nothing when the state is not `seen` any more.
    fn pass(&self, seen: Option<State>, next: u64, position: Position) -> Result<u64, TrapError> {
        let moved = self.ledger.change(|state| {
            let same = seen.is_none_or(|seen| seen == state);
            (same && next > state.done + 1).then(|| {
                let passed = State { done: next - 1, position: position.as_u64(), ..state };
                if next <= state.sent { State { gap: true, ..passed } } else { self.fresh(passed) }
            })
        })?;
        let lost = moved.map_or(0, |(from, to)| to.done - from.done);
        self.counters.dropped.fetch_add(lost, Ordering::Relaxed);
        Ok(lost)
    }

    /// Waits until there is something that is not acknowledged.
    pub async fn wait_for_more(&self) {
        let mut written = self.written.subscribe();
        let done = self.ledger.now().done;
        // The sender lives in this store, so that waiting cannot fail.
        let _ = written.wait_for(|last| *last > done).await;
    }

    /// Changes from none to the reason when events cannot be made durable any more; only a new start helps then.
    #[must_use]
    pub fn poison(&self) -> watch::Receiver<Option<String>> {
        self.journal.poison()
    }

    /// Events that wait for the centre.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.written.borrow().saturating_sub(self.ledger.now().done)
    }
}

#[cfg(test)]
mod tests;
