//! The port itself.

use std::path::Path;

use base::{Env, Timestamp};

use crate::clearance::{Clearance, SystemKey};
use crate::error::StoreError;
use crate::sql::{Migration, ScopedSql};
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

/// The database, cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    #[allow(dead_code, reason = "stub")]
    env: Env,
}

impl Db {
    /// Opens (or makes) the SQLite file.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the file cannot be opened.
    #[allow(clippy::unused_async, reason = "stub")]
    pub async fn open_sqlite(_path: &Path, env: Env) -> Result<Self, StoreError> {
        Ok(Self { env })
    }

    /// Connects to PostgreSQL (`postgres://user@host/db` or a key-value string).
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not answer.
    #[allow(clippy::unused_async, reason = "stub")]
    pub async fn open_postgres(_url: &str, env: Env) -> Result<Self, StoreError> {
        Ok(Self { env })
    }

    /// Applies the migrations that are missing, in order of number, each in its transaction.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when an applied one has another checksum.
    #[allow(clippy::unused_async, reason = "stub")]
    pub async fn migrate(&self, _rooms: &[&[Migration]]) -> Result<(), StoreError> {
        Err(StoreError::Schema("stub".into()))
    }

    /// Reads rows that belong to organisations, filtered by the clearance.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    #[allow(clippy::unused_async, reason = "stub")]
    pub async fn read(&self, _sql: ScopedSql, _who: &Clearance, _params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        Err(StoreError::Schema("stub".into()))
    }

    /// Reads any rows: for machinery only.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    #[allow(clippy::unused_async, reason = "stub")]
    pub async fn system_read(
        &self,
        _key: SystemKey,
        _sql: &'static str,
        _params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        Err(StoreError::Schema("stub".into()))
    }

    /// Commits a unit: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] and [`StoreError::Duplicate`] undo this unit only.
    #[allow(clippy::unused_async, reason = "stub")]
    pub async fn commit(&self, _unit: Unit) -> Result<Committed, StoreError> {
        Err(StoreError::Schema("stub".into()))
    }
}
