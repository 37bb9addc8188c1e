//! The point's hands: apply, read back, prove, repair what differs, and say so in a receipt.

use base::{Coded, Timestamp};
use drivers::{Change, Difference};
use edge::wire::{Drift, Probe, ReadBack, Receipt};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use crate::engine::{READ_MOST, Seen};
use crate::error::AgentError;
use crate::kill;
use crate::point::Point;
use crate::stream::Word;

/// Elements that did not change and are read back with every change.
const OTHERS: usize = 32;
/// After the engine refused or was disturbed, it is left alone for at least so long.
const CALM: Duration = Duration::from_secs(2);

impl Point {
    /// Puts the engine in order at the start: structure, kill switch, and what was kept. Without anything kept the
    /// engine's elements are left as they are until the centre has spoken.
    ///
    /// # Errors
    /// Only when the engine's worker is lost.
    pub(crate) async fn begin(&mut self) -> Result<(), AgentError> {
        let now = self.env.now();
        self.killed = self.wants_kill();
        if self.killed {
            // Before anything else; a table that is not there yet has nothing to switch.
            let _not_there_yet = self.engine.kill(true).await;
        }
        let settled = match self.engine.install(now).await {
            Ok(()) => self.engine.kill(self.killed).await,
            refused => refused,
        };
        if !self.tell(settled)? || self.replica.mark().sequence == 0 {
            return Ok(());
        }
        let change = self.judged_anew(now);
        self.desired.take(&change);
        // What the engine holds from earlier is compared, so that it can be told, and then made anew in one step.
        let started = Instant::now();
        let compared = self.engine.compare(Arc::new(self.desired.all())).await;
        match self.told(compared)? {
            Some(difference) if !difference.is_empty() => {
                self.repair(Difference { structure: true, ..difference }, started, now).await
            }
            _ => self.enforce(Change::default(), now).await,
        }
    }

    /// Applies a change, reads it back, proves it and sends the receipt; whatever differs is repaired first.
    ///
    /// # Errors
    /// Only when the engine's worker is lost; a refusing engine is told to the centre and tried again.
    pub(crate) async fn enforce(&mut self, change: Change, now: Timestamp) -> Result<(), AgentError> {
        let started = Instant::now();
        self.desired.take(&change);
        let seen = if self.synced {
            let gone = change.del.iter().filter(|place| !self.desired.is_covered(**place)).copied().collect();
            let others = self.desired.sample(OTHERS, self.chance());
            self.engine.apply(Arc::new(change), gone, others, now).await
        } else {
            self.engine.replace(Arc::new(self.desired.all()), now).await
        };
        match seen {
            Ok(seen) if seen.read_back.wrong.is_empty() => {
                self.synced = true;
                if seen.applied.retried {
                    tracing::warn!("the engine held something else than it should before this change");
                }
                let probe = self.engine.probe().await?;
                if probe.is_clean() {
                    self.receipt(seen.read_back, probe, None, started, now);
                    return Ok(());
                }
                tracing::warn!(?probe, "packets do not fare as they must");
            }
            Ok(seen) => tracing::warn!(wrong = ?seen.read_back.wrong, "the engine does not hold what it took"),
            Err(AgentError::EngineLost) => return Err(AgentError::EngineLost),
            Err(error) => tracing::warn!(%error, "the engine refuses a change"),
        }
        self.heal(started, now).await
    }

    /// Finds out what differs, puts it right, and says so.
    async fn heal(&mut self, started: Instant, now: Timestamp) -> Result<(), AgentError> {
        self.due.calm = Instant::now() + CALM;
        let all = Arc::new(self.desired.all());
        let difference = match self.engine.compare(all.clone()).await {
            Err(AgentError::EngineLost) => return Err(AgentError::EngineLost),
            // What cannot be compared is built anew.
            Err(_) => Difference { structure: true, ..Difference::default() },
            Ok(difference) => difference,
        };
        // Packets or single answers said that something is wrong: then all of it is, whatever the dump says.
        let difference = Difference { structure: difference.structure || difference.is_empty(), ..difference };
        self.repair(difference, started, now).await
    }

    /// Repairs a difference and sends the receipt about it.
    async fn repair(&mut self, difference: Difference, started: Instant, now: Timestamp) -> Result<(), AgentError> {
        let (missing, extra) = (difference.missing.len() as u64, difference.extra.len() as u64);
        tracing::warn!(missing, extra, structure = difference.structure, "the engine differs: repairing");
        let all = Arc::new(self.desired.all());
        let seen = self.engine.repair(Arc::new(difference), all, now).await;
        self.synced = seen.as_ref().is_ok_and(|seen| seen.read_back.wrong.is_empty());
        let Some(Seen { read_back, .. }) = self.told(seen)? else {
            self.heartbeat();
            return Ok(());
        };
        let probe = self.engine.probe().await?;
        self.generation += 1;
        let repaired = self.synced && probe.is_clean();
        self.receipt(read_back, probe, Some(Drift { missing, extra, repaired }), started, now);
        Ok(())
    }

    /// Compares the whole engine; whether it had to be repaired.
    async fn check_whole(&mut self, now: Timestamp) -> Result<bool, AgentError> {
        let started = Instant::now();
        let compared = self.engine.compare(Arc::new(self.desired.all())).await;
        // Where others change the packet filter all the time, comparing takes a twentieth of the time at most.
        self.due.calm = Instant::now() + CALM.max(started.elapsed() * 20);
        match self.told(compared)? {
            Some(difference) if !difference.is_empty() => {
                self.repair(difference, started, now).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// What the agent does by itself, every second.
    ///
    /// # Errors
    /// Only when the engine's worker is lost.
    pub(crate) async fn tick(&mut self) -> Result<(), AgentError> {
        let (at, now) = (Instant::now(), self.env.now());
        if self.follow_kill_switch().await? {
            tracing::warn!(on = self.killed, "the kill switch was turned");
            self.enforce(Change::default(), now).await?;
        }
        let ended = self.desired.due(now.plus_secs(-self.grace(now)));
        if !ended.is_empty() {
            self.generation += 1;
            let change = self.desired.change([], ended);
            self.enforce(change, now).await?;
        }
        if at >= self.due.calm && self.replica.mark().sequence > 0 {
            self.look_after(at, now).await?;
        }
        if at >= self.due.heartbeat {
            self.due.heartbeat = at + self.rhythm.heartbeat;
            self.heartbeat();
        }
        Ok(())
    }

    async fn look_after(&mut self, at: Instant, now: Timestamp) -> Result<(), AgentError> {
        if !self.synced {
            return self.heal(Instant::now(), now).await;
        }
        let disturbed = self.engine.disturbed().await;
        let mut whole = self.told(disturbed)?.unwrap_or(true);
        if at >= self.due.full {
            self.due.full = at + self.rhythm.full;
            whole = true;
        }
        if at >= self.due.sample {
            self.due.sample = at + self.rhythm.sample;
            let sample = self.desired.sample(READ_MOST, self.chance());
            let missing = self.engine.missing(sample).await;
            let clean = self.engine.probe().await?.is_clean();
            if !clean {
                return self.heal(Instant::now(), now).await;
            }
            whole |= self.told(missing)?.is_none_or(|missing| missing > 0);
        }
        if whole {
            self.check_whole(now).await?;
        }
        Ok(())
    }

    /// Brings the engine to what the centre's and the local kill switch say; whether something was switched.
    pub(crate) async fn follow_kill_switch(&mut self) -> Result<bool, AgentError> {
        let wanted = self.wants_kill();
        if wanted == self.killed {
            return Ok(false);
        }
        let switched = self.engine.kill(wanted).await;
        let done = self.tell(switched)?;
        if done {
            self.killed = wanted;
        }
        Ok(done)
    }

    fn wants_kill(&self) -> bool {
        kill::is_on(&self.folder) || self.replica.config().is_some_and(|signed| signed.config.kill)
    }

    /// Notes what went wrong, for the next heartbeat; only a lost engine ends the agent.
    fn told<T>(&mut self, outcome: Result<T, AgentError>) -> Result<Option<T>, AgentError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(AgentError::EngineLost) => Err(AgentError::EngineLost),
            Err(error) => {
                tracing::error!(%error, "the engine refuses");
                self.trouble = Some(error.problem().to_string());
                Ok(None)
            }
        }
    }

    fn tell(&mut self, outcome: Result<(), AgentError>) -> Result<bool, AgentError> {
        self.told(outcome).map(|done| done.is_some())
    }

    fn chance(&self) -> u64 {
        u64::from_be_bytes(self.env.bytes())
    }

    fn receipt(&self, read_back: ReadBack, probe: Probe, drift: Option<Drift>, started: Instant, now: Timestamp) {
        let mark = self.replica.mark();
        let (refused, refused_total) = self.judge.refused();
        let receipt = Receipt {
            point: self.id,
            sequence: mark.sequence,
            generation: self.generation,
            driver: self.engine.name().to_owned(),
            applied_at: now,
            took_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            elements: self.desired.len(),
            digest: mark.digest,
            config_revision: self.replica.config().map_or(0, |signed| signed.revision),
            read_back,
            probe,
            drift,
            refused,
            refused_total,
            frozen: self.frozen.clone(),
            kill: self.killed,
        };
        let _stopping = self.up.send(Word::Receipt(Box::new(receipt)));
    }
}
