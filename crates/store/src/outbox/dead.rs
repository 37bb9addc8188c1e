//! Dead letters: events a consumer gave up on, listed for people.

use base::{Coded as _, EventId, OrgId, Problem, Realm, Timestamp, Tlp};
use serde::Serialize;

use crate::clearance::Clearance;
use crate::db::Db;
use crate::page::{Page, Paged};
use crate::params;
use crate::sql::ScopedSql;
use crate::unit::Unit;
use crate::value::{Row, Value};

const LIST: ScopedSql = ScopedSql::new(
    "SELECT d.consumer, d.seq, d.event_id, d.kind, d.org_id, d.realm, d.tlp, d.at, d.error, d.attempts, d.failed_at \
     FROM dead_letter d WHERE {visible:d} AND (d.seq < $1 OR (d.seq = $1 AND d.consumer > $2)) \
     ORDER BY d.seq DESC, d.consumer LIMIT $3",
);
const DISCARD: &str = "DELETE FROM dead_letter WHERE consumer = $1 AND seq = $2";
const NAME: &str = "dead_letter";

/// An event that a consumer gave up on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Who gave up.
    pub consumer: String,
    /// The event's number.
    pub seq: u64,
    /// The event.
    pub event: EventId,
    /// Its kind.
    pub kind: String,
    /// Whose event it is.
    pub org: OrgId,
    /// Its realm.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// When it became true.
    pub at: Timestamp,
    /// Why the last attempt failed.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
}

/// The dead letters a clearance sees, newest first.
///
/// # Errors
/// `LF-STO-0009` for a foreign cursor, and those of [`Db::read`].
pub async fn dead_letters(db: &Db, who: &Clearance, page: &Page) -> Result<Paged<DeadLetter>, Problem> {
    let mut params = page.keys(NAME)?.unwrap_or_else(|| params![i64::MAX, ""]);
    params.push(Value::Int(page.fetch()));
    let rows = db.read(LIST, who, params).await.map_err(|e| e.problem())?;
    let letters = rows.iter().map(letter).collect::<Result<Vec<_>, _>>().map_err(|e| e.problem())?;
    Ok(Paged::cut(letters, page, NAME, |last| params![last.seq, last.consumer.as_str()]))
}

/// Adds to a unit (with its audit leaf) that a dead letter is thrown away.
#[must_use]
pub fn discard(unit: Unit, consumer: &str, seq: u64) -> Unit {
    unit.exec_one(DISCARD, params![consumer, seq])
}

fn letter(row: &Row) -> Result<DeadLetter, crate::StoreError> {
    Ok(DeadLetter {
        consumer: row.get("consumer")?,
        seq: row.get("seq")?,
        event: row.get("event_id")?,
        kind: row.get("kind")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        at: row.get("at")?,
        error: row.get("error")?,
        attempts: row.get("attempts")?,
        failed_at: row.get("failed_at")?,
    })
}
