//! The port itself.

use base::{Env, Timestamp};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

use crate::clearance::{Clearance, SystemKey};
use crate::error::StoreError;
use crate::migrate;
use crate::postgres::Postgres;
use crate::sql::{Migration, ScopedSql};
use crate::sqlite::Sqlite;
use crate::text::{self, Text, Texts};
use crate::unit::Unit;
use crate::value::{Row, Value};

/// What a commit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// When it became durable.
    pub at: Timestamp,
    /// Rows each statement touched.
    pub rows: Vec<u64>,
}

/// Which database it is; for reports to people, never for two ways of doing a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, one process.
    Sqlite,
    /// A server, several nodes.
    Postgres,
}

impl Engine {
    /// The name as people write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What the writers tell the rest of the program.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Why the store refuses everything, once it does.
    pub(crate) poison: watch::Sender<Option<String>>,
    /// The last outbox number this process committed.
    pub(crate) outbox: watch::Sender<u64>,
}

impl Signals {
    /// Refuses everything from now on.
    pub(crate) fn poison_with(&self, why: &str) -> StoreError {
        tracing::error!(code = crate::error::POISONED.id, cause = why, "a write could not be made durable");
        self.poison.send_replace(Some(why.to_owned()));
        StoreError::Poisoned(why.to_owned())
    }
}

impl Signals {
    /// Why a writer that has ended answers no more.
    pub(crate) fn gone(&self) -> StoreError {
        self.refusal().unwrap_or_else(|| StoreError::Database("the store is closed".into()))
    }

    /// The refusal of a poisoned store.
    pub(crate) fn refusal(&self) -> Option<StoreError> {
        self.poison.borrow().as_ref().map(|why| StoreError::Poisoned(why.clone()))
    }
}

#[derive(Debug)]
enum Port {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

/// The database, cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    port: Arc<Port>,
    signals: Arc<Signals>,
    env: Env,
}

impl Db {
    /// Opens (or makes) the SQLite file.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the file cannot be opened, [`StoreError::Schema`] when the SQLite library is too
    /// old, [`StoreError::Corrupt`] when the file is found damaged after an unclean stop.
    pub async fn open_sqlite(path: &Path, env: Env) -> Result<Self, StoreError> {
        let signals = signals();
        let (path, clock, told) = (path.to_owned(), env.clone(), Arc::clone(&signals));
        let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path, clock, told)).await;
        let port = opened.map_err(|e| StoreError::Database(format!("opening: {e}")))??;
        Ok(Self { port: Arc::new(Port::Sqlite(port)), signals, env })
    }

    /// Connects to PostgreSQL (`postgres://user@host/db` or a key-value string). A server on another machine needs
    /// `sslrootcert=FILE`, which turns verified TLS on; `sslmode=disable` says that the network is trusted.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not answer, [`StoreError::Schema`] when its encoding is not UTF-8,
    /// [`StoreError::Refused`] for another machine without TLS.
    pub async fn open_postgres(url: &str, env: Env) -> Result<Self, StoreError> {
        let signals = signals();
        let port = Postgres::open(url, env.clone(), Arc::clone(&signals)).await?;
        Ok(Self { port: Arc::new(Port::Postgres(Box::new(port))), signals, env })
    }

    /// Applies the migrations that are missing, in order of number, each in its transaction; the store's own first.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when an applied one has another checksum, or one is applied that this release does not know.
    pub async fn migrate(&self, rooms: &[&[Migration]]) -> Result<(), StoreError> {
        migrate::run(self, rooms).await
    }

    /// Reads rows that belong to organisations, filtered by the clearance.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not answer, [`StoreError::Refused`] when the statement is wrong.
    pub async fn read(&self, sql: ScopedSql, who: &Clearance, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.usable()?;
        let mut params = params;
        let areas = text::room_for(who);
        let text = self.texts().get(sql.text(), areas)?;
        let wanted = text.params;
        if wanted != params.len() {
            return Err(StoreError::Refused(format!("{} parameters for {wanted}: {}", params.len(), sql.text())));
        }
        params.extend(text::clause_params(who, areas));
        self.ask(text, params).await
    }

    /// Reads any rows: for machinery only.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not answer, [`StoreError::Refused`] when the statement is wrong.
    pub async fn system_read(
        &self,
        key: SystemKey,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.usable()?;
        tracing::trace!(room = key.room(), sql, "read across organisations");
        self.query(sql, params).await
    }

    /// Prepares a portable statement as the engine would before it runs it, and runs nothing: for a test of every
    /// statement, so that none fails for the first time in front of a person.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the engine does not take it, [`StoreError::Shape`] for a parameter or column of a type
    /// that no value fits.
    pub async fn prepare(&self, sql: &'static str) -> Result<(), StoreError> {
        self.usable()?;
        // Two areas: the visibility clause as people with several roles see it.
        let text = self.texts().get(sql, 2)?;
        match &*self.port {
            Port::Sqlite(port) => port.prepare(text).await,
            Port::Postgres(port) => port.prepare(&text).await,
        }
    }

    /// Commits a unit: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] and [`StoreError::Duplicate`] undo this unit only.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, StoreError> {
        self.usable()?;
        match &*self.port {
            Port::Sqlite(port) => port.commit(unit).await,
            Port::Postgres(port) => port.commit(unit).await,
        }
    }

    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &*self.port {
            Port::Sqlite(_) => Engine::Sqlite,
            Port::Postgres(_) => Engine::Postgres,
        }
    }

    /// Where this store takes time and randomness from.
    #[must_use]
    pub const fn env(&self) -> &Env {
        &self.env
    }

    /// Makes this process the only centre on the database until it is closed. SQLite's folder has its own lock.
    ///
    /// Journal, keys and certificates of a centre lie in its folder: a second centre on the same database would pass
    /// over the first one's work. When the connection is lost the claim is renewed; if another centre got it meanwhile
    /// the store is poisoned.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when another centre keeps it for some seconds, [`StoreError::Database`].
    pub async fn claim(&self) -> Result<(), StoreError> {
        match &*self.port {
            Port::Sqlite(_) => Ok(()),
            Port::Postgres(port) => port.claim(Arc::clone(&self.signals)).await,
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.usable()?;
        self.query("SELECT 1 AS one", Vec::new()).await.map(drop)
    }

    /// Whether a write could not be made durable, so that everything is refused until the next start.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.signals.poison.borrow().is_some()
    }

    /// Changes from none to the reason when the store is poisoned; the house ends the program then.
    #[must_use]
    pub fn poison(&self) -> watch::Receiver<Option<String>> {
        self.signals.poison.subscribe()
    }

    /// The number of the last outbox event committed by this process (0: none yet); other processes' are found by asking.
    #[must_use]
    pub fn outbox_head(&self) -> watch::Receiver<u64> {
        self.signals.outbox.subscribe()
    }

    /// Makes a consistent copy of the state as it is at this moment, durable when this returns, while work goes on.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the target exists already, or the state lies in PostgreSQL, whose own tools copy it;
    /// [`StoreError::DiskFull`].
    pub async fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        self.usable()?;
        match &*self.port {
            Port::Sqlite(port) => port.copy_to(target.to_owned()).await,
            Port::Postgres(_) => Err(StoreError::Refused("PostgreSQL is copied with pg_dump or pg_basebackup".into())),
        }
    }

    /// The same of a state file that another process may have open: a backup beside a running centre.
    ///
    /// # Errors
    /// Those of [`Self::copy_to`]; [`StoreError::Refused`] when there is no such file.
    pub async fn copy_sqlite(from: &Path, target: &Path) -> Result<(), StoreError> {
        crate::sqlite::copy_file(from.to_owned(), target.to_owned()).await
    }

    /// Finishes what waits and closes every connection; later calls answer [`StoreError::Database`].
    pub async fn close(&self) {
        match &*self.port {
            Port::Sqlite(port) => port.close().await,
            Port::Postgres(port) => port.close().await,
        }
    }

    pub(crate) async fn query(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.ask(self.texts().plain(sql)?, params).await
    }

    async fn ask(&self, text: Arc<Text>, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match &*self.port {
            Port::Sqlite(port) => port.read(text, params).await,
            Port::Postgres(port) => port.read(text, params).await,
        }
    }

    /// Runs schema statements and one recording statement in a transaction of their own.
    pub(crate) async fn apply(
        &self,
        script: String,
        record: &'static str,
        params: Vec<Value>,
    ) -> Result<(), StoreError> {
        match &*self.port {
            Port::Sqlite(port) => port.apply(script, record, params).await,
            Port::Postgres(port) => port.apply(script, record, params).await,
        }
    }

    /// Poisons the store by hand, for the parts of this room that write files of their own.
    pub(crate) fn refuse_from_now(&self, why: &str) -> StoreError {
        self.signals.poison_with(why)
    }

    fn texts(&self) -> &Texts {
        match &*self.port {
            Port::Sqlite(port) => port.texts(),
            Port::Postgres(port) => port.texts(),
        }
    }

    fn usable(&self) -> Result<(), StoreError> {
        self.signals.refusal().map_or(Ok(()), Err)
    }
}

fn signals() -> Arc<Signals> {
    Arc::new(Signals { poison: watch::Sender::new(None), outbox: watch::Sender::new(0) })
}
