//! The point itself: one task that owns replica, guards, memory and engine, and does one thing at a time.

use base::{Coded, Env, PointId, Timestamp};
use edge::replica::{Accepted, Change, Replica};
use edge::wire::{EdgeHeartbeat, Frame, FrameRefusal, SignedConfig, centre_id};
use std::path::PathBuf;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::config::Rhythm;
use crate::desired::Desired;
use crate::engine::Engine;
use crate::error::AgentError;
use crate::floor;
use crate::identity::Identity;
use crate::judge::Judge;
use crate::keep::Keep;
use crate::stream::{Dial, Down, Word};

/// The state of the point.
pub(crate) struct Point {
    pub(crate) env: Env,
    pub(crate) rhythm: Rhythm,
    pub(crate) folder: PathBuf,
    pub(crate) id: PointId,
    pub(crate) replica: Replica,
    pub(crate) judge: Judge,
    pub(crate) desired: Desired,
    pub(crate) engine: Engine,
    pub(crate) up: mpsc::UnboundedSender<Word>,
    /// Changes applied since the point exists.
    pub(crate) generation: u64,
    /// Whether the engine is known to hold what is desired.
    pub(crate) synced: bool,
    /// Whether the kill switch of the centre or the local one is on, and the engine follows it.
    pub(crate) killed: bool,
    /// Why the set is frozen.
    pub(crate) frozen: Option<String>,
    /// The last thing that went wrong, for people.
    pub(crate) trouble: Option<String>,
    pub(crate) due: Due,
    keep: Keep,
    centre: String,
    dial: watch::Sender<Dial>,
    started_at: Timestamp,
}

/// When the agent next looks after itself.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) sample: Instant,
    pub(crate) full: Instant,
    pub(crate) heartbeat: Instant,
    /// Not before then is the engine repaired or compared again because of foreign hands.
    pub(crate) calm: Instant,
}

impl Point {
    /// Reads what was kept; the engine is not touched yet.
    pub(crate) fn open(
        (folder, rhythm): (PathBuf, Rhythm),
        identity: &Identity,
        engine: Engine,
        up: mpsc::UnboundedSender<Word>,
        dial: watch::Sender<Dial>,
        env: Env,
    ) -> Result<Self, AgentError> {
        let (keep, kept) = Keep::open(&folder)?;
        let generation = kept.as_ref().map_or(0, |kept| kept.generation);
        let restored = kept.map(|kept| {
            Replica::restore(identity.id, identity.signing_key, kept.mark, kept.entries, kept.config, kept.last_number)
        });
        let floor = floor::read(&folder, identity)?;
        let replica = match restored {
            Some(Ok(replica)) => replica,
            Some(Err(refusal)) => {
                tracing::warn!(%refusal, "the kept state is not believed; asking the centre for a snapshot");
                Replica::new(identity.id, identity.signing_key)
            }
            None => Replica::new(identity.id, identity.signing_key),
        }
        .above(floor);
        dial.send_modify(|dial| dial.since = replica.mark().sequence);
        let judge = Judge::new(replica.config().map(|signed| &signed.config));
        let (now, started_at) = (Instant::now(), env.now());
        let due = Due { sample: now + rhythm.sample, full: now + rhythm.full, heartbeat: now, calm: now };
        Ok(Self {
            env,
            rhythm,
            folder,
            id: identity.id,
            replica,
            judge,
            desired: Desired::default(),
            engine,
            up,
            generation,
            synced: false,
            killed: false,
            frozen: None,
            trouble: None,
            due,
            keep,
            centre: centre_id(&identity.signing_key),
            dial,
            started_at,
        })
    }

    /// Takes in what came from the centre.
    ///
    /// # Errors
    /// Only when the engine's worker is lost.
    pub(crate) async fn take_down(&mut self, down: Down) -> Result<(), AgentError> {
        match down {
            Down::Opened => self.replica.reconnect(),
            Down::Closed(error) => {
                tracing::info!(%error, "no stream from the centre");
                self.trouble = Some(error.problem().to_string());
            }
            Down::Line(attempt, line) => {
                // Lines of a stream that was left are not judged: they stand on what it delivered.
                if attempt == self.dial.borrow().attempt && !line.trim_ascii().is_empty() {
                    self.take_line(&line).await?;
                }
            }
        }
        Ok(())
    }

    async fn take_line(&mut self, line: &[u8]) -> Result<(), AgentError> {
        let now = self.env.now();
        let accepted = Frame::from_line(line).and_then(|frame| self.replica.accept(&frame, now));
        match accepted {
            Ok(Accepted::Part) => {}
            Ok(Accepted::Fresh) => self.trouble = None,
            Ok(Accepted::Change(change)) => {
                self.trouble = None;
                self.take_change(*change, now).await?;
            }
            Err(refusal) => self.refuse(&refusal),
        }
        Ok(())
    }

    /// A refused frame changes nothing; the stream is opened anew from what the point has, or from the beginning.
    fn refuse(&mut self, refusal: &FrameRefusal) {
        tracing::warn!(%refusal, "a frame was refused");
        self.trouble = Some(refusal.problem().to_string());
        // Said at once: the next good frame clears it.
        self.heartbeat();
        let since = if refusal.wants_snapshot() { 0 } else { self.replica.mark().sequence };
        self.redial(since);
    }

    fn redial(&self, since: u64) {
        self.dial.send_modify(|dial| *dial = Dial { since, attempt: dial.attempt + 1 });
    }

    async fn take_change(&mut self, change: Change, now: Timestamp) -> Result<(), AgentError> {
        if let Some(signed) = &change.config {
            self.judge.configure(&signed.config);
        }
        // The first state of a new point has no last good one before it.
        let first = self.replica.mark().sequence == 0;
        if !first && let Err(reason) = self.judge.meter(&change, &self.desired, now) {
            return self.freeze(reason.en(), change.config, now).await;
        }
        self.frozen = None;
        self.commit(&change);
        let engine_change = if change.config.is_some() { self.judged_anew(now) } else { self.judged(&change, now) };
        let switched = self.follow_kill_switch().await?;
        self.enforce(engine_change, now).await?;
        if switched {
            tracing::warn!(on = self.killed, "the kill switch was turned");
        }
        Ok(())
    }

    /// The state stays at its last good one; a configuration that came along is taken all the same.
    async fn freeze(&mut self, why: String, config: Option<SignedConfig>, now: Timestamp) -> Result<(), AgentError> {
        tracing::warn!(%why, "the change is beyond its limits: the set is frozen at its last good state");
        self.frozen = Some(why);
        if config.is_some() {
            let mark = self.replica.mark();
            let only_config = Change { mark, snapshot: false, added: vec![], renewed: vec![], removed: vec![], config };
            self.commit(&only_config);
        }
        self.follow_kill_switch().await?;
        let change = self.judged_anew(now);
        self.enforce(change, now).await?;
        self.redial(self.replica.mark().sequence);
        Ok(())
    }

    /// Moves the replica and keeps the change. What cannot be kept is enforced all the same, and said.
    fn commit(&mut self, change: &Change) {
        self.replica.commit(change);
        let since = self.replica.mark().sequence;
        // The present stream goes on; only the next one begins there.
        self.dial.send_if_modified(|dial| {
            dial.since = since;
            false
        });
        self.generation += 1;
        let kept = self.keep.record(&self.replica, change, self.generation);
        let floor = floor::write(&self.folder, (self.id, &self.centre), self.replica.floor());
        if let Err(error) = kept.and(floor) {
            tracing::error!(%error, "the state cannot be kept: a restart would begin from an older one");
            self.trouble = Some(error.problem().to_string());
        }
    }

    /// What the engine must change for a change of entries.
    fn judged(&mut self, change: &Change, now: Timestamp) -> drivers::Change {
        let grace = self.grace(now);
        let removed: Vec<_> = change.removed.iter().map(edge::wire::Entry::place).collect();
        self.judge.forget(&removed);
        let mut gone = removed;
        let mut put = Vec::new();
        for entry in change.added.iter().chain(&change.renewed) {
            match self.judge.admit(entry, now, grace) {
                Some(element) => put.push(element),
                None => gone.push(entry.place()),
            }
        }
        self.desired.change(put, gone)
    }

    /// What the engine must change after every entry was judged again.
    pub(crate) fn judged_anew(&mut self, now: Timestamp) -> drivers::Change {
        let grace = self.grace(now);
        self.judge.forget_all();
        let all: Vec<_> = self.replica.entries().filter_map(|entry| self.judge.admit(&entry, now, grace)).collect();
        self.desired.change_to(&all)
    }

    /// How long entries stay behind their end: only while the centre's last word is stale.
    pub(crate) fn grace(&self, now: Timestamp) -> i64 {
        if self.replica.fresh_until().is_some_and(|until| until >= now) { 0 } else { self.rhythm.grace_secs }
    }

    /// A sign of life.
    pub(crate) fn heartbeat(&self) {
        let word = EdgeHeartbeat {
            point: self.id,
            at: self.env.now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            driver: self.engine.name().to_owned(),
            started_at: self.started_at,
            sequence: self.replica.mark().sequence,
            elements: self.desired.len(),
            fresh_until: self.replica.fresh_until(),
            kill: self.killed,
            trouble: self.trouble.clone(),
        };
        let _stopping = self.up.send(Word::Heartbeat(Box::new(word)));
    }
}
