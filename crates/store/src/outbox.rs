//! Reactions to events: consumers with a cursor each, dead letters, retention.
//!
//! A handler turns a stored event into a [`Unit`]; that unit and the consumer's cursor are committed together, so that
//! the effect in the store happens exactly once, however often the handler runs. Effects outside the store need the
//! event's id to be idempotent.

mod consumer;
mod dead;

pub use consumer::{Consumer, Drained};
pub use dead::{DeadLetter, dead_letters, discard};

use base::Timestamp;
use events::Envelope;

use crate::db::Db;
use crate::error::StoreError;
use crate::params;
use crate::unit::{Actor, Unit};

/// An event as the outbox holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<E = Envelope> {
    /// Its number: the order of commits.
    pub seq: u64,
    /// Who caused it, as text (`person:0192...`).
    pub actor: String,
    /// The event.
    pub event: E,
}

/// Rows deleted per commit, so that retention never holds the writer for long.
const STEP: i64 = 5_000;

const PRUNE: &str = "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE at < $1 \
     AND seq <= (SELECT COALESCE(MIN(seq), 0) FROM outbox_cursor) ORDER BY seq LIMIT $2)";

/// Deletes events older than `before` that every consumer has handled; comes back with how many.
///
/// # Errors
/// Those of [`Db::commit`].
pub async fn prune(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let unit = Unit::new(Actor::System("store".into()), db.env().now()).exec(PRUNE, params![before, STEP]);
        let step = db.commit(unit).await?.rows.first().copied().unwrap_or(0);
        deleted += step;
        if step < STEP.unsigned_abs() {
            return Ok(deleted);
        }
    }
}
