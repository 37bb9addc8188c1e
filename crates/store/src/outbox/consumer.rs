//! One consumer of the outbox: reads in order, handles, moves its cursor.

use base::Coded;
use events::Envelope;
use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use super::Stored;
use crate::db::Db;
use crate::error::StoreError;
use crate::params;
use crate::unit::{Actor, Expect, Stmt, Unit};
use crate::value::Row;

const CURSOR: &str = "SELECT seq FROM outbox_cursor WHERE consumer = $1";
const BEGIN: &str = "INSERT INTO outbox_cursor (consumer, seq) VALUES ($1, 0) ON CONFLICT (consumer) DO NOTHING";
const MOVE: &str = "UPDATE outbox_cursor SET seq = $1 WHERE consumer = $2 AND seq = $3";
const NEXT: &str = "SELECT seq, kind, actor, body FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2";
const BURY: &str = "INSERT INTO dead_letter (consumer, seq, event_id, kind, org_id, realm, tlp, at, actor, body, \
     error, attempts, failed_at) \
     SELECT CAST($1 AS TEXT), seq, event_id, kind, org_id, realm, tlp, at, actor, body, \
     CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT) FROM outbox WHERE seq = $2";
const DEAD: &str = "SELECT seq, actor, body FROM dead_letter WHERE consumer = $1 AND seq = $2";
const REVIVE: &str = "DELETE FROM dead_letter WHERE consumer = $1 AND seq = $2";

/// Events fetched at once.
const BATCH: i64 = 256;
/// Other processes' commits are found by asking this often.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A consumer of the outbox; its name is stable, its cursor lives in the store.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: &'static str,
    kinds: &'static [&'static str],
    attempts: u32,
    pause: Duration,
}

/// What one pass over the outbox did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// Events handled.
    pub handled: u64,
    /// Events given up and put among the dead letters.
    pub dead: u64,
}

/// How the handling of one event ended.
enum End {
    Handled,
    Dead,
    /// Another process moved the cursor first.
    Overtaken,
    Stopped,
}

impl Consumer {
    /// A consumer of every kind of event that gives up after five attempts.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, kinds: &[], attempts: 5, pause: Duration::from_millis(200) }
    }

    /// Handles these kinds only ([`events::Event::kind`]); the others are passed over.
    #[must_use]
    pub const fn kinds(mut self, kinds: &'static [&'static str]) -> Self {
        self.kinds = kinds;
        self
    }

    /// How often a failing event is tried, and the first pause, which doubles every time.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32, pause: Duration) -> Self {
        self.attempts = attempts;
        self.pause = pause;
        self
    }

    /// Handles events as they come until `stop` is cancelled.
    ///
    /// A handler's error counts as an attempt, unless its code says that waiting helps (HTTP status 503 or 507): then it
    /// is tried again for as long as it takes.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] and other failures that waiting does not cure.
    pub async fn run<H, F, E>(&self, db: &Db, handler: H, stop: CancellationToken) -> Result<(), StoreError>
    where
        H: Fn(Stored) -> F + Send + Sync,
        F: Future<Output = Result<Unit, E>> + Send,
        E: Coded,
    {
        let mut head = db.outbox_head();
        loop {
            head.borrow_and_update();
            match self.pass(db, &handler, &stop).await {
                Ok(_) => {}
                Err(failure) if failure.is_transient() => {
                    tracing::warn!(consumer = self.name, %failure, "the outbox cannot be read, trying again");
                }
                Err(failure) => return Err(failure),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = head.changed() => {}
                () = tokio::time::sleep(ASK_EVERY) => {}
            }
        }
    }

    /// Handles everything that is there now and comes back: for tests, replays and the end of a demo.
    ///
    /// # Errors
    /// Those of [`Db::commit`].
    pub async fn drain<H, F, E>(&self, db: &Db, handler: H) -> Result<Drained, StoreError>
    where
        H: Fn(Stored) -> F + Send + Sync,
        F: Future<Output = Result<Unit, E>> + Send,
        E: Coded,
    {
        self.pass(db, &handler, &CancellationToken::new()).await
    }

    /// Tries a dead letter once more; on success it is no longer one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such letter (any more), the handler's refusal as [`StoreError::Refused`].
    pub async fn redrive<H, F, E>(&self, db: &Db, seq: u64, handler: H) -> Result<(), StoreError>
    where
        H: Fn(Stored) -> F + Send + Sync,
        F: Future<Output = Result<Unit, E>> + Send,
        E: Coded,
    {
        let rows = db.query(DEAD, params![self.name, seq]).await?;
        let stored = stored(rows.first().ok_or(StoreError::Conflict(0))?)?;
        let mut unit = handler(stored).await.map_err(|e| StoreError::Refused(e.problem().to_string()))?;
        put_first(&mut unit, REVIVE, params![self.name, seq]);
        db.commit(unit).await.map(drop)
    }

    /// How many events of the outbox this consumer has not passed yet.
    ///
    /// # Errors
    /// Those of [`Db::system_read`].
    pub async fn backlog(&self, db: &Db) -> Result<u64, StoreError> {
        const BACKLOG: &str = "SELECT COUNT(*) AS n FROM outbox WHERE seq > \
             (SELECT COALESCE(MAX(seq), 0) FROM outbox_cursor WHERE consumer = $1)";
        db.query(BACKLOG, params![self.name]).await?.first().map_or(Ok(0), |row| row.get("n"))
    }

    async fn pass<H, F, E>(&self, db: &Db, handler: &H, stop: &CancellationToken) -> Result<Drained, StoreError>
    where
        H: Fn(Stored) -> F + Send + Sync,
        F: Future<Output = Result<Unit, E>> + Send,
        E: Coded,
    {
        let mut drained = Drained::default();
        let mut cursor = self.cursor(db).await?;
        loop {
            let rows = db.query(NEXT, params![cursor, BATCH]).await?;
            let Some(last) = rows.last() else { return Ok(drained) };
            let last: u64 = last.get("seq")?;
            let mut overtaken = false;
            for row in &rows {
                let (seq, kind): (u64, String) = (row.get("seq")?, row.get("kind")?);
                if !self.kinds.is_empty() && !self.kinds.contains(&kind.as_str()) {
                    continue;
                }
                match self.handle(db, row, cursor, handler, stop).await? {
                    End::Handled => drained.handled += 1,
                    End::Dead => drained.dead += 1,
                    End::Overtaken => {
                        overtaken = true;
                        break;
                    }
                    End::Stopped => return Ok(drained),
                }
                cursor = seq;
            }
            // Passing over the tail of other kinds is remembered once per batch.
            if !overtaken && cursor < last {
                let mut unit = self.unit(db);
                put_first(&mut unit, MOVE, params![last, self.name, cursor]);
                overtaken = matches!(db.commit(unit).await.map(drop), Err(StoreError::Conflict(0)));
                cursor = last;
            }
            if overtaken {
                cursor = self.cursor(db).await?;
            }
        }
    }

    async fn handle<H, F, E>(
        &self,
        db: &Db,
        row: &Row,
        cursor: u64,
        handler: &H,
        stop: &CancellationToken,
    ) -> Result<End, StoreError>
    where
        H: Fn(Stored) -> F + Send + Sync,
        F: Future<Output = Result<Unit, E>> + Send,
        E: Coded,
    {
        let seq: u64 = row.get("seq")?;
        let (mut tried, mut pauses) = (0, 0);
        loop {
            let failure = match stored(row) {
                Err(unreadable) => {
                    tried = self.attempts;
                    unreadable.problem()
                }
                Ok(event) => match handler(event).await {
                    Err(refusal) => refusal.problem(),
                    Ok(mut unit) => {
                        put_first(&mut unit, MOVE, params![seq, self.name, cursor]);
                        match db.commit(unit).await {
                            Ok(_) => return Ok(End::Handled),
                            Err(StoreError::Conflict(0)) => return Ok(End::Overtaken),
                            Err(poisoned @ StoreError::Poisoned(_)) => return Err(poisoned),
                            // The index is the handler's own: ours stands in front of it.
                            Err(StoreError::Conflict(index)) => StoreError::Conflict(index - 1).problem(),
                            Err(failure) => base::Problem { detail: failure.to_string(), ..failure.problem() },
                        }
                    }
                },
            };
            let waiting_helps = matches!(failure.code.http, 503 | 507);
            tried += u32::from(!waiting_helps);
            tracing::warn!(consumer = self.name, seq, tried, %failure, "a reaction failed");
            if tried >= self.attempts {
                return self.bury(db, seq, cursor, &failure.to_string(), tried).await;
            }
            let pause = self.pause.saturating_mul(1 << u32::min(pauses, 16)).min(LONGEST_PAUSE);
            pauses += 1;
            tokio::select! {
                () = stop.cancelled() => return Ok(End::Stopped),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Puts the event among the dead letters, where people see it, and goes on behind it.
    async fn bury(&self, db: &Db, seq: u64, cursor: u64, error: &str, tried: u32) -> Result<End, StoreError> {
        let row = params![self.name, seq, error.replace('\0', "\u{fffd}"), tried, db.env().now()];
        let mut unit = self.unit(db).exec_one(BURY, row);
        put_first(&mut unit, MOVE, params![seq, self.name, cursor]);
        match db.commit(unit).await {
            Ok(_) => Ok(End::Dead),
            Err(StoreError::Conflict(0)) => Ok(End::Overtaken),
            Err(failure) => Err(failure),
        }
    }

    async fn cursor(&self, db: &Db) -> Result<u64, StoreError> {
        if let Some(row) = db.query(CURSOR, params![self.name]).await?.first() {
            return row.get("seq");
        }
        db.commit(self.unit(db).exec(BEGIN, params![self.name])).await?;
        Ok(0)
    }

    fn unit(&self, db: &Db) -> Unit {
        Unit::new(Actor::System(self.name.to_owned()), db.env().now())
    }
}

/// The consumer's own statement comes first, so that losing the race for an event is told apart from the handler's
/// version checks by its index.
fn put_first(unit: &mut Unit, sql: &'static str, params: Vec<crate::Value>) {
    unit.statements.insert(0, Stmt { sql, params, expect: Expect::Rows(1) });
}

fn stored(row: &Row) -> Result<Stored, StoreError> {
    let body: String = row.get("body")?;
    let event: Envelope =
        serde_json::from_str(&body).map_err(|e| StoreError::Shape(format!("an event of the outbox: {e}")))?;
    Ok(Stored { seq: row.get("seq")?, actor: row.get("actor")?, event })
}
