//! The writer: one connection that commits whatever waits as one group, a savepoint per unit.
//!
//! Groups of all nodes of a centre stand in line at one advisory lock, held until the commit, so that the order of
//! outbox and audit numbers is the order of commits and no two units can deadlock.

use base::Env;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, Config, Statement};

use super::tls::Tls;
use super::{bind, error};
use crate::db::{Committed, Signals};
use crate::error::StoreError;
use crate::record;
use crate::text::{Texts, address};
use crate::unit::{Expect, Unit};
use crate::value::Value;

/// Units that may wait; the next caller waits at the door.
const QUEUE: usize = 1024;
/// Units of one group; the lock is held for all of them.
const GROUP_UNITS: usize = 64;
/// Statements sent before the first answer is read.
const PIPELINE: usize = 512;
/// The line in which the writers of a centre stand; the number is ours within the database.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(7264121905)";

type Reply = oneshot::Sender<Result<Committed, StoreError>>;

/// A statement on its way: text, parameters, what it must touch.
type Sent<'a> = (&'static str, &'a [Value], Expect);

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
    pub(super) fn start(config: Config, tls: Tls, texts: Arc<Texts>, env: Env, signals: Arc<Signals>) -> Self {
        let (queue, work) = mpsc::channel(QUEUE);
        tokio::spawn(Task { config, tls, texts, env, signals: Arc::clone(&signals), session: None }.run(work));
        Self { queue, signals }
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
            // An error means that the task has ended already.
            let _ended = answer.await;
        }
    }

    async fn send(&self, work: Work) -> Result<(), StoreError> {
        self.queue.send(work).await.map_err(|_| self.signals.gone())
    }
}

struct Task {
    config: Config,
    tls: Tls,
    texts: Arc<Texts>,
    env: Env,
    signals: Arc<Signals>,
    session: Option<Session>,
}

/// A writer that dies of a fault of ours must not look like a database that is merely away.
impl Drop for Task {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signals.poison_with("the writer panicked");
        }
    }
}

impl Task {
    async fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut left_over = None;
        loop {
            let next = match left_over.take() {
                Some(next) => next,
                None => match work.recv().await {
                    Some(next) => next,
                    None => return,
                },
            };
            match next {
                Work::Unit(unit, reply) => {
                    let mut group = vec![(unit, reply)];
                    while group.len() < GROUP_UNITS {
                        match work.try_recv() {
                            Ok(Work::Unit(unit, reply)) => group.push((unit, reply)),
                            Ok(other) => {
                                left_over = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.group(group).await;
                }
                Work::Apply { script, record, params, reply } => {
                    let answer = self.apply(&script, record, &params).await;
                    // A caller that went away does not undo what is done.
                    let _gone = reply.send(answer);
                }
                Work::Close(reply) => {
                    work.close();
                    if let Some(session) = self.session.take() {
                        session.end().await;
                    }
                    let _gone = reply.send(());
                    return;
                }
            }
        }
    }

    async fn group(&mut self, group: Vec<(Box<Unit>, Reply)>) {
        let (units, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match self.transaction(&units).await {
            Ok((answers, head)) => {
                if let Some(seq) = head {
                    self.signals.outbox.send_replace(seq);
                }
                let at = self.env.now();
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _gone = reply.send(answer.map(|rows| Committed { at, rows }));
                }
            }
            Err(failure) => {
                // Nothing of the group is true, or the connection was lost at the commit and nobody knows.
                self.drop_broken_session().await;
                for reply in replies {
                    let _gone = reply.send(Err(failure.clone()));
                }
            }
        }
    }

    #[allow(clippy::type_complexity, reason = "the answers of a group and its last outbox number")]
    async fn transaction(
        &mut self,
        units: &[Box<Unit>],
    ) -> Result<(Vec<Result<Vec<u64>, StoreError>>, Option<u64>), StoreError> {
        let (texts, env) = (Arc::clone(&self.texts), self.env.clone());
        let session = self.session().await?;
        session.batch(BEGIN).await?;
        let mut answers = Vec::with_capacity(units.len());
        let mut head = None;
        for unit in units {
            session.batch("SAVEPOINT unit").await?;
            match session.run_unit(&texts, &env, unit).await {
                Ok((rows, seq)) => {
                    session.batch("RELEASE unit").await?;
                    head = seq.or(head);
                    answers.push(Ok(rows));
                }
                Err(failure) if session.client.is_closed() => return Err(failure),
                Err(failure) => {
                    session.batch("ROLLBACK TO unit; RELEASE unit").await?;
                    answers.push(Err(failure));
                }
            }
        }
        session.batch("COMMIT").await?;
        Ok((answers, head))
    }

    async fn apply(&mut self, script: &str, record: &'static str, params: &[Value]) -> Result<(), StoreError> {
        let texts = Arc::clone(&self.texts);
        let session = self.session().await?;
        let outcome = async {
            session.batch(BEGIN).await?;
            session.batch(script).await?;
            session.one(&texts, record, params).await?;
            session.batch("COMMIT").await
        };
        let answer = outcome.await;
        session.statements.clear();
        if answer.is_err() {
            self.drop_broken_session().await;
        }
        answer
    }

    async fn session(&mut self) -> Result<&mut Session, StoreError> {
        let usable = self.session.take().filter(|session| !session.client.is_closed());
        let session = match usable {
            Some(session) => session,
            None => Session::open(&self.config, self.tls.clone()).await?,
        };
        Ok(self.session.insert(session))
    }

    /// Leaves no half transaction behind; a connection that cannot even roll back is given up.
    async fn drop_broken_session(&mut self) {
        if let Some(session) = self.session.take()
            && session.batch("ROLLBACK").await.is_ok()
        {
            self.session = Some(session);
        }
    }
}

struct Session {
    client: Client,
    driver: tokio::task::JoinHandle<()>,
    statements: HashMap<(usize, usize), Statement>,
}

impl Session {
    async fn open(config: &Config, tls: Tls) -> Result<Self, StoreError> {
        let (client, connection) = config.connect(tls).await.map_err(|e| error(&e))?;
        let driver = tokio::spawn(async move {
            if let Err(cause) = connection.await {
                tracing::warn!(%cause, "the connection to PostgreSQL was lost");
            }
        });
        Ok(Self { client, driver, statements: HashMap::new() })
    }

    async fn end(self) {
        drop(self.client);
        // The driver sends the farewell; if it failed it has said so.
        let _ended = self.driver.await;
    }

    async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).await.map_err(|e| error(&e))
    }

    async fn prepare(&mut self, texts: &Texts, sql: &'static str) -> Result<Statement, StoreError> {
        let key = address(sql);
        if let Some(statement) = self.statements.get(&key) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&texts.plain(sql)?.sql).await.map_err(|e| error(&e))?;
        self.statements.insert(key, statement.clone());
        Ok(statement)
    }

    async fn one(&mut self, texts: &Texts, sql: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let rows = self.pipeline(texts, &[(sql, params, Expect::Any)]).await?;
        rows.first().copied().ok_or_else(|| StoreError::Database("no answer".into()))
    }

    async fn take(&mut self, texts: &Texts, name: &str, count: i64) -> Result<i64, StoreError> {
        let statement = self.prepare(texts, record::TAKE).await?;
        let row = self.client.query_one(&statement, &[&count, &name]).await.map_err(|e| error(&e))?;
        row.try_get(0).map_err(|e| error(&e))
    }

    /// Sends many statements before it waits for the first answer; they run in order, and the first that fails
    /// or misses its version check decides.
    async fn pipeline(&mut self, texts: &Texts, all: &[Sent<'_>]) -> Result<Vec<u64>, StoreError> {
        let mut touched = Vec::with_capacity(all.len());
        for part in all.chunks(PIPELINE) {
            let mut prepared = Vec::with_capacity(part.len());
            for (sql, params, _) in part {
                let statement = self.prepare(texts, sql).await?;
                if statement.params().len() != params.len() {
                    let (have, want) = (params.len(), statement.params().len());
                    return Err(StoreError::Refused(format!("{have} parameters for {want}: {sql}")));
                }
                prepared.push(statement);
            }
            let mut answers = Vec::with_capacity(part.len());
            for (statement, (_, params, expect)) in prepared.iter().zip(part) {
                let mut answer: Pin<Box<_>> = Box::pin(self.client.execute_raw(statement, bind::all(params)));
                // The first poll sends it; polling in this order fixes the order of execution.
                let early = match futures::poll!(answer.as_mut()) {
                    Poll::Ready(early) => Some(early),
                    Poll::Pending => None,
                };
                answers.push((answer, early, *expect));
            }
            for (answer, early, expect) in answers {
                let answer = match early {
                    Some(early) => early,
                    None => answer.await,
                };
                let rows = answer.map_err(|e| error(&e))?;
                if matches!(expect, Expect::Rows(wanted) if wanted != rows) {
                    return Err(StoreError::Conflict(touched.len()));
                }
                touched.push(rows);
            }
        }
        Ok(touched)
    }

    /// Runs one unit inside its savepoint; comes back with the rows touched and the last outbox number.
    async fn run_unit(&mut self, texts: &Texts, env: &Env, unit: &Unit) -> Result<(Vec<u64>, Option<u64>), StoreError> {
        let own: Vec<_> = unit.statements.iter().map(|s| (s.sql, s.params.as_slice(), s.expect)).collect();
        let touched = self.pipeline(texts, &own).await?;
        let mut rows = Vec::with_capacity(unit.events.len() + unit.audit.len());
        let mut head = None;
        if !unit.events.is_empty() {
            let count = record::count(unit.events.len());
            let last = self.take(texts, "outbox", count).await?;
            for (seq, event) in (last - count + 1..).zip(&unit.events) {
                rows.push((record::PUT_EVENT, record::event_params(seq, &unit.actor, event)?));
            }
            head = u64::try_from(last).ok();
        }
        if !unit.audit.is_empty() {
            let count = record::count(unit.audit.len());
            let last = self.take(texts, "audit", count).await?;
            for (seq, entry) in (last - count + 1..).zip(&unit.audit) {
                rows.push((record::PUT_LEAF, record::leaf_params(env, seq, unit, entry)));
            }
        }
        let rows: Vec<_> = rows.iter().map(|(sql, params)| (*sql, params.as_slice(), Expect::Rows(1))).collect();
        self.pipeline(texts, &rows).await?;
        Ok((touched, head))
    }
}
