//! PostgreSQL: one writer connection with group commit, a pool of readers.

mod bind;
mod claim;
mod tls;
mod writer;

use base::Env;
use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures::TryStreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use crate::db::{Committed, Engine, Signals};
use crate::error::StoreError;
use crate::text::{Text, Texts};
use crate::unit::Unit;
use crate::value::{Row, Value};
use claim::Claim;
use tls::Tls;
use writer::Writer;

/// Reading connections per process.
const READERS: usize = 8;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Postgres {
    writer: Writer,
    pool: Pool,
    texts: Arc<Texts>,
    door: (Config, Tls),
    claim: Claim,
}

impl Postgres {
    pub(crate) async fn open(url: &str, env: Env, signals: Arc<Signals>) -> Result<Self, StoreError> {
        let (mut config, tls) = tls::parse(url)?;
        config.application_name("lianfang").connect_timeout(Duration::from_secs(10));
        if config.get_tcp_user_timeout().is_none() {
            // A server that is gone without a word is noticed in half a minute, not in the hours of TCP's own patience.
            config.keepalives_idle(Duration::from_secs(15)).keepalives_interval(Duration::from_secs(5));
            config.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(30));
        }
        let texts = Arc::new(Texts::new(Engine::Postgres));
        let pool = pool(with_options(config.clone(), READER), tls.clone())?;
        let door = (config.clone(), tls.clone());
        let config = with_options(config, WRITER);
        let writer = Writer::start(config, tls, Arc::clone(&texts), env, signals);
        let this = Self { writer, pool, texts, door, claim: Claim::default() };
        let rows = this.read(this.texts.plain(ENCODING)?, Vec::new()).await?;
        let encoding: String = rows.first().map(|row| row.get("encoding")).transpose()?.unwrap_or_default();
        if encoding != "UTF8" {
            return Err(StoreError::Schema(format!("the database's encoding is {encoding}, not UTF8")));
        }
        Ok(this)
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    pub(crate) async fn read(&self, text: Arc<Text>, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let client = self.pool.get().await.map_err(|e| StoreError::Database(e.to_string()))?;
        let mut answer = query(&client, &text.sql, &params).await;
        if answer.as_ref().is_err_and(is_stale_plan) {
            client.statement_cache.clear();
            answer = query(&client, &text.sql, &params).await;
        }
        answer.map_err(|e| error(&e))
    }

    pub(crate) async fn prepare(&self, text: &Text) -> Result<(), StoreError> {
        let client = self.pool.get().await.map_err(|e| StoreError::Database(e.to_string()))?;
        // Not kept: a test has hundreds of them.
        let statement = client.prepare(&text.sql).await.map_err(|e| error(&e))?;
        bind::fits(&statement).map_err(StoreError::Shape)
    }

    pub(crate) async fn commit(&self, unit: Unit) -> Result<Committed, StoreError> {
        self.writer.commit(unit).await
    }

    /// Runs schema statements and one recording statement in a transaction of their own.
    pub(crate) async fn apply(
        &self,
        script: String,
        record: &'static str,
        params: Vec<Value>,
    ) -> Result<(), StoreError> {
        let answer = self.writer.apply(script, record, params).await;
        // Plans made before the change may name columns that are no longer what they were.
        self.pool.manager().statement_caches.clear();
        answer
    }

    pub(crate) async fn claim(&self, signals: Arc<Signals>) -> Result<(), StoreError> {
        let (config, tls) = self.door.clone();
        self.claim.take(config, tls, signals).await
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.pool.close();
        self.claim.release().await;
    }
}

async fn query(client: &Client, sql: &str, params: &[Value]) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    let columns: Arc<[String]> = statement.columns().iter().map(|c| c.name().to_owned()).collect();
    let rows: Vec<_> = client.query_raw(&statement, bind::all(params)).await?.try_collect().await?;
    rows.iter().map(|row| bind::row(row, &columns)).collect()
}

/// The encoding of the database: names in every script are stored.
const ENCODING: &str = "SELECT current_setting('server_encoding') AS encoding";

/// Whether another node's migration changed what a prepared `SELECT *` answers with.
fn is_stale_plan(failure: &tokio_postgres::Error) -> bool {
    failure.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
}

/// A reader cannot write, and no question may keep a connection for ever.
const READER: &str = "-c default_transaction_read_only=on -c statement_timeout=60000";
/// A node that stops in the middle of its group must not keep the others in line for ever.
const WRITER: &str = "-c idle_in_transaction_session_timeout=30000";

fn with_options(mut config: Config, more: &str) -> Config {
    let options = format!("{} {more}", config.get_options().unwrap_or_default());
    config.options(options.trim());
    config
}

fn pool(config: Config, tls: Tls) -> Result<Pool, StoreError> {
    let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    Pool::builder(manager)
        .max_size(READERS)
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .wait_timeout(Some(Duration::from_secs(30)))
        .build()
        .map_err(|e| StoreError::Database(e.to_string()))
}

/// What a PostgreSQL error means to the caller.
fn error(failure: &tokio_postgres::Error) -> StoreError {
    let Some(cause) = failure.as_db_error() else {
        let source = std::error::Error::source(failure);
        let text = source.map_or_else(|| failure.to_string(), |why| format!("{failure}: {why}"));
        // What the driver refuses before the server sees it is a value of the wrong shape.
        return match source.and_then(|why| why.downcast_ref::<bind::Misfit>()) {
            Some(misfit) => StoreError::Shape(misfit.to_string()),
            None if failure.to_string().contains("expected") => StoreError::Refused(text),
            None => StoreError::Database(text),
        };
    };
    let code = cause.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        return StoreError::Duplicate(unique_columns(cause));
    }
    if *code == SqlState::DISK_FULL {
        return StoreError::DiskFull;
    }
    // Classes: 08 connection, 53 resources, 57 operator, 58 system, 40 rollback (deadlock, serialisation).
    let class = code.code().get(..2).unwrap_or_default();
    let text = format!("{} ({})", cause.message(), code.code());
    if matches!(class, "08" | "53" | "57" | "58" | "40") {
        StoreError::Database(text)
    } else {
        StoreError::Refused(text)
    }
}

/// `table.column, table.column` as SQLite says it; the columns stand in the first brackets of the detail in every language.
fn unique_columns(cause: &tokio_postgres::error::DbError) -> String {
    let table = cause.table().unwrap_or_default();
    let columns = cause
        .detail()
        .and_then(|detail| detail.split_once('('))
        .and_then(|(_, rest)| rest.split_once(")=("))
        .map(|(columns, _)| columns.split(", ").map(|c| format!("{table}.{c}")).collect::<Vec<_>>().join(", "));
    columns.unwrap_or_else(|| cause.constraint().unwrap_or(table).to_owned())
}
