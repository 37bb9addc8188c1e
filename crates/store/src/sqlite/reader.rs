//! The readers: a pool of connections that can only query, used on blocking threads.

use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

use super::{bind, error, value};
use crate::error::StoreError;
use crate::text::{Text, Texts};
use crate::value::{Row, Value};

#[derive(Debug)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    count: u32,
    texts: Arc<Texts>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>, texts: Arc<Texts>) -> Self {
        let free = Arc::new(Semaphore::new(connections.len()));
        let count = u32::try_from(connections.len()).unwrap_or(u32::MAX);
        Self { idle: Arc::new(Mutex::new(connections)), free, count, texts }
    }

    pub(super) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Runs one query. If the caller goes away the thread finishes alone and gives its connection back.
    pub(super) async fn read(&self, text: Arc<Text>, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.with(move |connection| query(connection, &text.sql, &params)).await
    }

    /// Compiles a statement and runs nothing.
    pub(super) async fn prepare(&self, text: Arc<Text>) -> Result<(), StoreError> {
        self.with(move |connection| connection.prepare(&text.sql).map(drop).map_err(|e| error(&e))).await
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let turn = move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = taken.ok_or_else(closed)?;
            let answer = work(&connection);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            answer
        };
        tokio::task::spawn_blocking(turn).await.map_err(|e| StoreError::Database(format!("reader: {e}")))?
    }

    /// Waits for the running queries and closes the connections.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.free.acquire_many(self.count).await {
            self.free.close();
            all.forget();
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

fn closed() -> StoreError {
    StoreError::Database("the store is closed".into())
}

pub(super) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let run = || -> rusqlite::Result<Vec<Row>> {
        let mut statement = connection.prepare_cached(sql)?;
        let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns.len()).map(|i| row.get_ref(i).map(value)).collect::<rusqlite::Result<_>>()?;
            out.push(Row::new(Arc::clone(&columns), values));
        }
        Ok(out)
    };
    run().map_err(|e| error(&e))
}
