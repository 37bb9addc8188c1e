//! The writer: one thread that commits whatever waits as one group, a savepoint per unit.

use base::Env;
use rusqlite::{CachedStatement, Connection};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

use super::{bind, error, is_io};
use crate::db::{Committed, Signals};
use crate::error::StoreError;
use crate::record;
use crate::text::{Texts, address};
use crate::unit::{Expect, Unit};
use crate::value::Value;

/// Units that may wait; the next caller waits at the door.
const QUEUE: usize = 1024;
/// Units of one group.
const GROUP_UNITS: usize = 256;
/// Statements of one group, so that the first of a large group does not wait for long.
const GROUP_STATEMENTS: usize = 20_000;
/// Bytes written (as far as parameters tell) after which the log is moved into the file.
const CHECKPOINT_EVERY: usize = 8 << 20;

type Reply = oneshot::Sender<Result<Committed, StoreError>>;

enum Work {
    Unit(Box<Unit>, Reply),
    Apply { script: String, record: &'static str, params: Vec<Value>, reply: oneshot::Sender<Result<(), StoreError>> },
    Close(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Work>,
    signals: Arc<Signals>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        texts: Arc<Texts>,
        env: Env,
        signals: Arc<Signals>,
    ) -> Result<Self, StoreError> {
        let (queue, work) = mpsc::channel(QUEUE);
        let thread = Thread { connection, texts, env, signals: Arc::clone(&signals), written: 0 };
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || thread.run(work))
            .map_err(|e| StoreError::Database(format!("writer thread: {e}")))?;
        Ok(Self { queue, signals })
    }

    pub(super) async fn commit(&self, unit: Unit) -> Result<Committed, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Work::Unit(Box::new(unit), reply)).await?;
        answer.await.map_err(|_| self.signals.gone())?
    }

    pub(super) async fn apply(
        &self,
        script: String,
        record: &'static str,
        params: Vec<Value>,
    ) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Work::Apply { script, record, params, reply }).await?;
        answer.await.map_err(|_| self.signals.gone())?
    }

    /// Everything that waits is committed first.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Work::Close(reply)).await.is_ok() {
            // The thread answers by ending: an error here means it has ended already.
            let _ended = answer.await;
        }
    }

    async fn send(&self, work: Work) -> Result<(), StoreError> {
        self.queue.send(work).await.map_err(|_| self.signals.gone())
    }
}

struct Thread {
    connection: Connection,
    texts: Arc<Texts>,
    env: Env,
    signals: Arc<Signals>,
    written: usize,
}

/// A writer that dies of a fault of ours must not look like a database that is merely away.
impl Drop for Thread {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signals.poison_with("the writer panicked");
        }
    }
}

impl Thread {
    fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut left_over = None;
        while let Some(next) = left_over.take().or_else(|| work.blocking_recv()) {
            match next {
                Work::Unit(unit, reply) => {
                    let mut statements = unit.statements.len();
                    let mut group = vec![(unit, reply)];
                    while group.len() < GROUP_UNITS && statements < GROUP_STATEMENTS {
                        match work.try_recv() {
                            Ok(Work::Unit(unit, reply)) => {
                                statements += unit.statements.len();
                                group.push((unit, reply));
                            }
                            Ok(other) => {
                                left_over = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.group(group);
                }
                Work::Apply { script, record, params, reply } => {
                    let answer = self.apply(&script, record, &params);
                    // A caller that went away does not undo what is done.
                    let _gone = reply.send(answer);
                }
                Work::Close(reply) => {
                    // Nothing new comes in; what was sent before the close is in front of it in the queue.
                    work.close();
                    drop(self);
                    let _gone = reply.send(());
                    return;
                }
            }
        }
    }

    /// Commits a group and answers every unit of it.
    fn group(&mut self, group: Vec<(Box<Unit>, Reply)>) {
        if let Some(refusal) = self.signals.refusal() {
            for (_, reply) in group {
                let _gone = reply.send(Err(refusal.clone()));
            }
            return;
        }
        let mut answers = Vec::with_capacity(group.len());
        let mut head = None;
        let done = self.transaction(&group, &mut answers, &mut head);
        let at = self.env.now();
        match done {
            Ok(()) => {
                if let Some(seq) = head {
                    self.signals.outbox.send_replace(seq);
                }
                for ((_, reply), answer) in group.into_iter().zip(answers) {
                    let _gone = reply.send(answer.map(|rows| Committed { at, rows }));
                }
                self.checkpoint_if_due();
            }
            Err(failure) => {
                let refusal = self.give_up(&failure);
                for (_, reply) in group {
                    let _gone = reply.send(Err(refusal.clone()));
                }
            }
        }
    }

    /// After a group that could not be committed: nothing of it is true. An I/O error is final.
    fn give_up(&self, failure: &rusqlite::Error) -> StoreError {
        if !self.connection.is_autocommit() && self.connection.execute_batch("ROLLBACK").is_err() {
            tracing::error!(code = crate::error::POISONED.id, "rollback failed");
        }
        if is_io(failure) {
            return self.signals.poison_with(&failure.to_string());
        }
        error(failure)
    }

    /// An `Err` means that the whole group is undone; an inner one that its unit alone is.
    fn transaction(
        &mut self,
        group: &[(Box<Unit>, Reply)],
        answers: &mut Vec<Result<Vec<u64>, StoreError>>,
        head: &mut Option<u64>,
    ) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        for (unit, _) in group {
            self.connection.prepare_cached("SAVEPOINT unit")?.raw_execute()?;
            let answer = run_unit(&self.connection, &self.texts, &self.env, unit);
            match answer {
                Ok((rows, seq)) => {
                    self.connection.prepare_cached("RELEASE unit")?.raw_execute()?;
                    self.written += weight(unit);
                    *head = seq.or(*head);
                    answers.push(Ok(rows));
                }
                Err(Failure::Store(refusal)) => {
                    self.undo_unit()?;
                    answers.push(Err(refusal));
                }
                Err(Failure::Sqlite(failure)) => {
                    // SQLite undoes the whole transaction by itself when the disk is full or fails.
                    if self.connection.is_autocommit() || is_io(&failure) {
                        return Err(failure);
                    }
                    self.undo_unit()?;
                    answers.push(Err(error(&failure)));
                }
            }
        }
        self.connection.execute_batch("COMMIT")
    }

    fn undo_unit(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("ROLLBACK TO unit; RELEASE unit")
    }

    fn apply(&self, script: &str, record: &'static str, params: &[Value]) -> Result<(), StoreError> {
        if let Some(refusal) = self.signals.refusal() {
            return Err(refusal);
        }
        let text = self.texts.plain(record)?;
        let run = || -> rusqlite::Result<()> {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            self.connection.execute_batch(script)?;
            let mut statement = self.connection.prepare_cached(&text.sql)?;
            bind(&mut statement, params)?;
            statement.raw_execute()?;
            self.connection.execute_batch("COMMIT")
        };
        run().map_err(|failure| self.give_up(&failure))
    }

    fn checkpoint_if_due(&mut self) {
        if self.written < CHECKPOINT_EVERY {
            return;
        }
        self.written = 0;
        let outcome = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0));
        match outcome {
            Ok(_) => {}
            // The log still holds everything, but pages of the file may be lost without notice.
            Err(failure) if is_io(&failure) => {
                self.signals.poison_with(&failure.to_string());
            }
            Err(failure) => tracing::warn!(cause = %failure, "the log could not be moved into the file yet"),
        }
    }
}

/// Why a unit failed: a refusal of ours, or of SQLite's.
enum Failure {
    Store(StoreError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(failure: rusqlite::Error) -> Self {
        Self::Sqlite(failure)
    }
}

impl From<StoreError> for Failure {
    fn from(failure: StoreError) -> Self {
        Self::Store(failure)
    }
}

/// A run of statements of the same text uses one prepared handle.
struct Runner<'a> {
    connection: &'a Connection,
    texts: &'a Texts,
    last: Option<((usize, usize), CachedStatement<'a>)>,
}

impl<'a> Runner<'a> {
    fn statement(&mut self, sql: &'static str) -> Result<&mut CachedStatement<'a>, Failure> {
        let key = address(sql);
        let statement = match self.last.take() {
            Some((last, statement)) if last == key => statement,
            other => {
                drop(other);
                self.connection.prepare_cached(&self.texts.plain(sql)?.sql)?
            }
        };
        Ok(&mut self.last.insert((key, statement)).1)
    }

    fn exec(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, Failure> {
        let statement = self.statement(sql)?;
        bind(statement, params)?;
        Ok(statement.raw_execute()? as u64)
    }

    fn number(&mut self, sql: &'static str, params: &[Value]) -> Result<i64, Failure> {
        let statement = self.statement(sql)?;
        bind(statement, params)?;
        let mut rows = statement.raw_query();
        let number = rows.next()?.map(|row| row.get(0)).transpose()?;
        // Stepping to the end lets the statement finish before the savepoint is released.
        while rows.next()?.is_some() {}
        number.ok_or_else(|| StoreError::Schema("a counter is missing".into()).into())
    }
}

/// Runs one unit inside its savepoint; comes back with the rows touched and the last outbox number.
fn run_unit(
    connection: &Connection,
    texts: &Texts,
    env: &Env,
    unit: &Unit,
) -> Result<(Vec<u64>, Option<u64>), Failure> {
    let mut runner = Runner { connection, texts, last: None };
    let mut touched = Vec::with_capacity(unit.statements.len());
    for (index, statement) in unit.statements.iter().enumerate() {
        let rows = runner.exec(statement.sql, &statement.params)?;
        if let Expect::Rows(wanted) = statement.expect
            && rows != wanted
        {
            return Err(StoreError::Conflict(index).into());
        }
        touched.push(rows);
    }
    let mut head = None;
    if !unit.events.is_empty() {
        let count = record::count(unit.events.len());
        let last = runner.number(record::TAKE, &[count.into(), "outbox".into()])?;
        for (seq, event) in (last - count + 1..).zip(&unit.events) {
            runner.exec(record::PUT_EVENT, &record::event_params(seq, &unit.actor, event)?)?;
        }
        head = u64::try_from(last).ok();
    }
    if !unit.audit.is_empty() {
        let count = record::count(unit.audit.len());
        let last = runner.number(record::TAKE, &[count.into(), "audit".into()])?;
        for (seq, entry) in (last - count + 1..).zip(&unit.audit) {
            runner.exec(record::PUT_LEAF, &record::leaf_params(env, seq, unit, entry))?;
        }
    }
    Ok((touched, head))
}

/// About how many bytes a unit adds to the log.
fn weight(unit: &Unit) -> usize {
    let params = |values: &[Value]| -> usize {
        values
            .iter()
            .map(|value| match value {
                Value::Text(text) => text.len(),
                Value::Bytes(bytes) => bytes.len(),
                _ => 16,
            })
            .sum()
    };
    4096 + unit.statements.iter().map(|s| 64 + params(&s.params)).sum::<usize>()
        + 1024 * (unit.events.len() + unit.audit.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Engine;
    use base::Timestamp;
    use rusqlite::{Error, ffi};
    use tokio::sync::watch;

    #[test]
    fn an_io_error_is_final_and_a_full_disk_is_not() {
        let signals = Arc::new(Signals { poison: watch::Sender::new(None), outbox: watch::Sender::new(0) });
        let connection = Connection::open_in_memory().unwrap();
        let (env, _) = Env::fixed(Timestamp::EPOCH, 1);
        let texts = Arc::new(Texts::new(Engine::Sqlite));
        let mut thread = Thread { connection, texts, env, signals: Arc::clone(&signals), written: 0 };
        let failure = |code| Error::SqliteFailure(ffi::Error::new(code), None);
        assert!(matches!(thread.give_up(&failure(ffi::SQLITE_FULL)), StoreError::DiskFull));
        assert!(signals.refusal().is_none());
        assert!(matches!(thread.give_up(&failure(ffi::SQLITE_IOERR_FSYNC)), StoreError::Poisoned(_)));
        let unit = Box::new(Unit::new(crate::Actor::Stranger, Timestamp::EPOCH));
        let (reply, mut answer) = oneshot::channel();
        thread.group(vec![(unit, reply)]);
        assert!(matches!(answer.try_recv().unwrap(), Err(StoreError::Poisoned(_))), "nothing is accepted any more");
        assert!(thread.apply("", record::TAKE, &[]).is_err());
    }
}
