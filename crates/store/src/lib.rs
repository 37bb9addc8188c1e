//! The Db port: state rows in SQLite (default) or PostgreSQL, one portable SQL text, work done in commit units.
//!
//! Only this room knows which database it is. One transaction writes the state row, the outbox event and the audit leaf.
//!
//! **Enters:** [`Unit`]s of work, reads with a [`Clearance`]. **Leaves:** rows, outbox events, audit leaves.
//!
//! # Invariants
//! - A read of scoped rows needs a [`Clearance`]: a [`ScopedSql`] without its visibility clause does not compile.
//! - No transaction is held across an await: a [`Unit`] is decided first and committed as one batch.
//! - A failed fsync is final: the store is poisoned and answers nothing but `LF-STO-0005`.

pub mod audit;
pub mod blobs;
pub mod clearance;
pub mod db;
pub mod error;
pub mod jobs;
pub mod look;
mod migrate;
pub mod outbox;
pub mod page;
mod postgres;
mod record;
mod schema;
pub mod sql;
mod sqlite;
mod text;
pub mod unit;
pub mod value;

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];

pub use clearance::{Area, Clearance, Reach, SystemKey};
pub use db::{Committed, Db, Engine};
pub use error::StoreError;
pub use page::{Cursor, Page, Paged};
pub use schema::MIGRATIONS;
pub use sql::{Migration, ScopedSql};
pub use unit::{Actor, AuditEntry, Expect, Outcome, Unit};
pub use value::{FromValue, Row, Value};
